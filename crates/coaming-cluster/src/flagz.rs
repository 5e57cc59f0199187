//! The flags with which the API server runs, as it says itself (`/flagz`, which servers of version 1.35
//! and later answer in JSON).
//!
//! Where its static pod can be seen, or where k3s notes its arguments on a node, nobody asks: two
//! sources would be two findings.

use coaming_finding::Note;
use coaming_kube::{Fields as _, Source};
use coaming_yaml::{Document, from_json};
use kube::Client;
use serde_json::Value;

use crate::{ClusterObjects, list};

/// The first version that answers in JSON.
const SINCE_MINOR: u32 = 35;
/// The newest form that the server has.
const ACCEPT: &str = "application/json;v=v1beta1;g=config.k8s.io;as=Flagz, \
                      application/json;v=v1alpha1;g=config.k8s.io;as=Flagz";
/// An answer has some KiB.
const MAX_BYTES: u64 = 1 << 20;
/// The program whose flags these are.
const API_SERVER: &str = "kube-apiserver";

/// Asks the API server for its flags, if nothing that was read has them. Returns whether they are known.
pub(crate) async fn read(client: &Client, objects: &mut ClusterObjects) -> bool {
    if objects.sources.iter().any(has_flags) {
        return true;
    }
    if objects.minor.is_none_or(|minor| minor < SINCE_MINOR) {
        return false;
    }
    match ask(client).await {
        Ok(Some(document)) => {
            let name = format!("{}/{API_SERVER}/flagz", objects.name);
            objects.sources.push(list::named_source(&name, document));
            return true;
        }
        // Not served, or in a form that is not known: then a note says that its flags are not seen.
        Ok(None) => {}
        Err(reason) => {
            let message = format!("the flags of {API_SERVER} are not read: {reason}");
            objects.notes.push(Note { message, count: 1 });
        }
    }
    false
}

/// Whether a source has the flags of an API server.
fn has_flags(source: &Source) -> bool {
    let Some(root) = source.documents().first().map(Document::root) else { return false };
    let metadata = root.mapping("metadata");
    let name = metadata.string("name").unwrap_or_default();
    match root.string("kind") {
        Some("Pod") => {
            metadata.string("namespace") == Some("kube-system") && name.starts_with(API_SERVER)
        }
        Some("Node") => metadata.mapping("annotations").field("k3s.io/node-args").is_some(),
        _ => false,
    }
}

async fn ask(client: &Client) -> Result<Option<Document>, String> {
    let request = http::Request::get("/flagz").header(http::header::ACCEPT, ACCEPT);
    let request = request.body(Vec::new()).map_err(|error| error.to_string())?;
    match list::read_bounded(client, request, MAX_BYTES).await {
        Ok(bytes) => Ok(decode(&bytes)),
        Err(kube::Error::Api(status)) if status.code == 403 => Err(status.message.clone()),
        Err(kube::Error::Api(_)) => Ok(None),
        Err(_) => Err("the connection broke".to_owned()),
    }
}

/// The answer, if it is the flags of an API server.
fn decode(bytes: &[u8]) -> Option<Document> {
    let answer: Value = serde_json::from_slice(bytes).ok()?;
    let is_flagz = answer["kind"] == "Flagz" && answer["flags"].is_object();
    (is_flagz && answer["metadata"]["name"] == API_SERVER).then(|| from_json(&answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"kind": "Flagz", "apiVersion": "config.k8s.io/v1beta1",
        "metadata": {"name": "kube-apiserver"}, "flags": {"profiling": "true"}}"#;

    #[test]
    fn an_answer_is_the_flags_of_the_api_server() {
        let document = decode(ANSWER.as_bytes()).unwrap();
        assert_eq!(document.root().mapping("flags").string("profiling"), Some("true"));
        for answer in ["", "\nkube-apiserver flagz\n", "{}", "[]", &ANSWER.replace("-api", "-x")] {
            assert!(decode(answer.as_bytes()).is_none(), "{answer}");
        }
    }

    #[test]
    fn flags_that_were_read_are_not_asked_for() {
        let source =
            |object: &str| list::source("c", from_json(&serde_json::from_str(object).unwrap()));
        for (object, has) in [
            (
                r#"{"kind": "Pod", "metadata": {"namespace": "kube-system", "name": "kube-apiserver-a"}}"#,
                true,
            ),
            (
                r#"{"kind": "Pod", "metadata": {"namespace": "shop", "name": "kube-apiserver-a"}}"#,
                false,
            ),
            (r#"{"kind": "Node", "metadata": {"annotations": {"k3s.io/node-args": "[]"}}}"#, true),
            (r#"{"kind": "Node", "metadata": {"name": "a"}}"#, false),
        ] {
            assert_eq!(has_flags(&source(object)), has, "{object}");
        }
    }
}
