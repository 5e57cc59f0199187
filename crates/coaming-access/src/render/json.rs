//! JSON, a contract for programs.

use serde_json::{Value, json};

use super::super::who_can::Via;
use crate::{Answer, ContainerUse, How, PodUse, Subject};

/// The answer as JSON.
#[must_use]
pub fn json(answer: &Answer<'_>) -> String {
    let subjects: Vec<Value> = answer
        .subjects
        .iter()
        .map(|access| {
            json!({
                "subject": subject(access.subject),
                "verbs": access.verbs,
                "via": via(&access.via),
                "pods": access.pods,
            })
        })
        .collect();
    let indirect: Vec<Value> = answer
        .indirect
        .iter()
        .map(|access| {
            json!({
                "subject": subject(access.subject),
                "allowed": access.allowed,
                "how": access.how,
                "via": via(&access.via),
            })
        })
        .collect();
    let unknown: Vec<Value> = answer
        .unknown
        .iter()
        .map(|(binding, role, place)| json!({"binding": binding, "role": role, "place": place}))
        .collect();
    let value = json!({
        "version": 1,
        "secret": {"namespace": answer.namespace, "name": answer.name, "place": answer.place},
        "subjects": subjects,
        "indirect": indirect,
        "containers": answer.containers.iter().map(container).collect::<Vec<_>>(),
        "nodes": answer.pods.iter().map(pod).collect::<Vec<_>>(),
        "unknown": unknown,
    });
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}

fn subject(subject: Subject<'_>) -> Value {
    match subject {
        Subject::User(name) | Subject::Group(name) => {
            json!({"kind": subject.kind(), "name": name})
        }
        Subject::ServiceAccount { namespace, name } => {
            json!({"kind": subject.kind(), "namespace": namespace, "name": name})
        }
    }
}

fn via(via: &Via) -> Value {
    json!({
        "binding": via.binding,
        "binding_place": via.binding_place,
        "role": via.role,
        "rule_place": via.rule_place,
    })
}

fn workload(object: coaming_kube::Object<'_>) -> Value {
    json!({
        "kind": object.kind(),
        "namespace": object.namespace_or_default(),
        "name": object.name(),
    })
}

fn container(found: &ContainerUse<'_>) -> Value {
    let how = match &found.how {
        How::Variable { name, key } => json!({"type": "env", "variable": name, "key": key}),
        How::Environment { prefix } => json!({"type": "env_from", "prefix": prefix}),
        How::Files { path, keys } => json!({"type": "files", "path": path, "keys": keys}),
    };
    json!({
        "workload": workload(found.workload),
        "container": found.container,
        "how": how,
        "place": found.place,
    })
}

fn pod(found: &PodUse<'_>) -> Value {
    json!({
        "workload": workload(found.workload),
        "node_only": found.node_only,
        "placement": found.placement,
    })
}
