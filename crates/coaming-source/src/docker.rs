//! The output of `docker inspect`: what a container was started with, as objects.
//!
//! Docker's own names are kept, so that a path in a finding is one in the file. What says nothing
//! about the container's rights and secrets (its state, its addresses, its disk) is left out.

use coaming_kube::Fields as _;
use coaming_yaml::{Document, Node, from_json};
use serde_json::{Map, Value, json};

/// The API version of these objects: Docker has none.
const API_VERSION: &str = "docker.com/v1";
/// The parts that are kept.
const PARTS: &[&str] = &["Config", "HostConfig", "Mounts"];

/// The containers in a document that Docker or Podman wrote, as objects; `None` for any other
/// document.
pub(crate) fn containers(document: &Document) -> Option<Vec<Document>> {
    let root = document.root();
    if is_container(root) {
        return Some(vec![object(root)]);
    }
    let all = root.is_sequence() && root.items().len() > 0 && root.items().all(is_container);
    all.then(|| root.items().map(object).collect())
}

fn is_container(node: Node<'_>) -> bool {
    let is_id = |id: &str| id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    node.string("Id").is_some_and(is_id)
        && node.string("Name").is_some()
        && PARTS[..2].iter().all(|part| node.mapping(part).is_some())
}

fn object(container: Node<'_>) -> Document {
    let name = container.string("Name").unwrap_or_default().trim_start_matches('/');
    let mut object = Map::new();
    object.insert("apiVersion".to_owned(), json!(API_VERSION));
    object.insert("kind".to_owned(), json!("Container"));
    object.insert("metadata".to_owned(), json!({"name": name}));
    for part in PARTS {
        if let Some(node) = container.field(part) {
            object.insert((*part).to_owned(), node.to_json());
        }
    }
    from_json(&Value::Object(object))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Option<Vec<String>> {
        let stream = coaming_yaml::parse(text.into());
        let found = containers(stream.documents.first()?)?;
        let name = |document: &Document| {
            let metadata = document.root().mapping("metadata");
            metadata.string("name").unwrap_or_default().to_owned()
        };
        Some(found.iter().map(name).collect())
    }

    #[test]
    fn containers_alone_and_in_a_list() {
        let id = "0".repeat(64);
        let one = format!(
            r#"{{"Id": "{id}", "Name": "/web", "State": {{}}, "Config": {{"Env": ["A=b"]}}, "HostConfig": {{}}}}"#
        );
        assert_eq!(names(&one), Some(vec!["web".to_owned()]));
        assert_eq!(names(&format!("[{one}, {one}]")), Some(vec!["web".to_owned(); 2]));
        for other in ["[]", "{}", "text", &format!("[{one}, {{}}]"), "{\"Id\": 1}"] {
            assert_eq!(names(other), None, "{other}");
        }
    }
}
