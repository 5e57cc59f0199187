//! The configuration with which the kubelet of each node runs, asked for through the API server.
//!
//! `configz` answers what the kubelet has made of its file and its flags. It has no secrets, but the
//! right to ask (`get` on `nodes/proxy`) is that of an administrator: a user without it gets a note.

use std::time::Duration;

use coaming_finding::Note;
use coaming_kube::Fields as _;
use coaming_yaml::{Document, from_json};
use futures_util::StreamExt as _;
use futures_util::stream;
use kube::Client;
use serde_json::{Map, Value, json};

use crate::{ClusterObjects, list};

/// How many kubelets are asked at once.
const AT_ONCE: usize = 8;
/// A node that is gone keeps the API server waiting for much longer.
const PATIENCE: Duration = Duration::from_secs(5);
/// An answer has some KiB.
const MAX_BYTES: u64 = 1 << 20;

/// Asks the kubelets of all nodes that were read.
pub(crate) async fn read(client: &Client, objects: &mut ClusterObjects) {
    let nodes: Vec<String> = objects.sources.iter().filter_map(node_name).collect();
    let answers = stream::iter(nodes).map(|node| async move {
        let answer = ask(client, &node).await;
        (node, answer)
    });
    let answers: Vec<_> = answers.buffered(AT_ONCE).collect().await;
    let mut reasons: Vec<String> = Vec::new();
    for (node, answer) in answers {
        match answer {
            Ok(document) => {
                let name = format!("{}/Node/{node}/configz", objects.name);
                objects.sources.push(list::named_source(&name, document));
            }
            Err(reason) => reasons.push(reason),
        }
    }
    let count = reasons.len();
    if let Some(reason) = reasons.into_iter().min() {
        let kubelets = if count == 1 { "1 kubelet is" } else { &format!("{count} kubelets are") };
        let message = format!("the configuration of {kubelets} not read: {reason}");
        objects.notes.push(Note { message, count });
    }
}

/// The name of a node, if the source is one with a name that can be part of a path.
fn node_name(source: &coaming_kube::Source) -> Option<String> {
    let root = source.documents().first()?.root();
    let is_node = root.string("kind") == Some("Node") && root.string("apiVersion") == Some("v1");
    let name = root.mapping("metadata").string("name").filter(|_| is_node)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (name.bytes().all(is_plain) && !name.contains("..")).then(|| name.to_owned())
}

async fn ask(client: &Client, node: &str) -> Result<Document, String> {
    let request = http::Request::get(format!("/api/v1/nodes/{node}/proxy/configz"))
        .body(Vec::new())
        .map_err(|error| error.to_string())?;
    let answer = tokio::time::timeout(PATIENCE, list::read_bounded(client, request, MAX_BYTES));
    match answer.await {
        Err(_) => Err("a kubelet does not answer".to_owned()),
        Ok(Err(kube::Error::Api(status))) => Err(status.message.clone()),
        Ok(Err(_)) => Err("the connection to a kubelet broke".to_owned()),
        Ok(Ok(bytes)) => {
            decode(node, &bytes).ok_or_else(|| "an answer is not a configuration".to_owned())
        }
    }
}

/// The configuration as the object that it is in a file, with the name of its node.
fn decode(node: &str, bytes: &[u8]) -> Option<Document> {
    let mut answer: Map<String, Value> = serde_json::from_slice(bytes).ok()?;
    let Some(Value::Object(configuration)) = answer.remove("kubeletconfig") else { return None };
    let mut object = Map::new();
    object.insert("apiVersion".to_owned(), json!("kubelet.config.k8s.io/v1beta1"));
    object.insert("kind".to_owned(), json!("KubeletConfiguration"));
    object.insert("metadata".to_owned(), json!({"name": node}));
    object.extend(configuration.into_iter().filter(|(name, _)| name != "metadata"));
    Some(from_json(&Value::Object(object)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_an_object_with_the_name_of_its_node() {
        let answer = br#"{"kubeletconfig": {"readOnlyPort": 10255, "metadata": 1}}"#;
        let document = decode("node1", answer).unwrap();
        let root = document.root();
        assert_eq!(root.string("kind"), Some("KubeletConfiguration"));
        assert_eq!(root.mapping("metadata").string("name"), Some("node1"));
        assert_eq!(root.integer("readOnlyPort"), Some(10255));
        for answer in ["", "{}", "[]", "{\"kubeletconfig\": 1}", "<html>"] {
            assert!(decode("node1", answer.as_bytes()).is_none(), "{answer}");
        }
    }
}
