//! The object of a review as a source that the engine judges.

use std::sync::Arc;

use coaming_kube::{Fields as _, Origin, Source};
use coaming_yaml::{Document, Node};
use serde_json::{Value, json};

use crate::{Request, ReviewError};

/// The annotation by which the author of an object accepts findings about it.
pub(crate) const IGNORE_ANNOTATION: &str = "coaming.dev/ignore";

/// What a source with this object is named. A world that names its sources so knows that an object
/// under review is a newer state of one that it holds. It is not a path: namespaces with names such
/// as `test` are not directories of tests.
#[must_use]
pub fn source_name(kind: &str, namespace: &str, name: &str) -> String {
    format!("{kind}:{namespace}:{name}")
}

/// The object as it will be; `None` for a deletion. `accept_annotations` says whether its own
/// annotations can suppress findings.
pub(crate) fn new_object(
    request: &Request,
    accept_annotations: bool,
) -> Result<Option<Arc<Source>>, ReviewError> {
    let Some(text) = &request.object else { return Ok(None) };
    source(request, text, "object", accept_annotations).map(Some)
}

/// The object as it is; `None` for a creation.
pub(crate) fn old_object(
    request: &Request,
    accept_annotations: bool,
) -> Result<Option<Arc<Source>>, ReviewError> {
    let Some(text) = &request.old_object else { return Ok(None) };
    source(request, text, "oldObject", accept_annotations).map(Some)
}

fn source(
    request: &Request,
    text: &Arc<str>,
    field: &'static str,
    accept_annotations: bool,
) -> Result<Arc<Source>, ReviewError> {
    if is_debuggers(request) {
        let pod = pod_of_debuggers(request, serde_json::from_str(text)?);
        return Ok(from_value(request, &pod));
    }
    let not_an_object = |reason: String| ReviewError::NotAnObject { field, reason };
    let stream = coaming_yaml::parse(Arc::clone(text));
    if let Some(error) = stream.errors.first() {
        return Err(not_an_object(error.message.clone()));
    }
    match stream.documents.as_slice() {
        [document] if document.root().is_mapping() => {}
        _ => return Err(not_an_object("a JSON object is expected".to_owned())),
    }
    if stream.documents.first().is_some_and(|document| document.root().get("kind").is_none()) {
        let mut value = serde_json::from_str(text)?;
        name_kind(request, &mut value);
        if !accept_annotations {
            drop_annotation(&mut value);
        }
        return Ok(from_value(request, &value));
    }
    let source = here(request, stream.source, stream.documents);
    if accept_annotations || !has_annotation(&source) {
        return Ok(Arc::new(source));
    }
    let mut value = serde_json::from_str(text)?;
    drop_annotation(&mut value);
    Ok(from_value(request, &value))
}

/// Adds the kind that the request names to an object that names none itself: it would be judged by no
/// rule.
fn name_kind(request: &Request, value: &mut Value) {
    let version = if request.version.is_empty() { "v1" } else { &request.version };
    let api_version = match request.group.as_str() {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    value["apiVersion"] = api_version.into();
    value["kind"] = request.kind.clone().into();
}

/// Whether the object is the list of a pod's ephemeral containers, as servers before 1.23 ask about it.
pub(crate) fn is_debuggers(request: &Request) -> bool {
    request.group.is_empty() && request.kind == "EphemeralContainers"
}

/// A pod with these ephemeral containers. What the pod itself says is not in the request: it counts as
/// safe, so that only what the containers say is judged.
fn pod_of_debuggers(request: &Request, mut list: Value) -> Value {
    let containers = list.get_mut("ephemeralContainers").map(Value::take);
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": request.name, "namespace": request.namespace},
        "spec": {
            "automountServiceAccountToken": false,
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "ephemeralContainers": containers.unwrap_or_default(),
        },
    })
}

/// A source with this object alone.
pub(crate) fn from_value(request: &Request, value: &Value) -> Arc<Source> {
    Arc::new(here(request, Arc::from(""), vec![coaming_yaml::from_json(value)]))
}

/// A source whose objects are in the namespace of the request: API servers before 1.21 ask before they
/// write it into the pods of controllers, which name none.
fn here(request: &Request, text: Arc<str>, documents: Vec<Document>) -> Source {
    let name = source_name(&request.kind, &request.namespace, &request.name);
    let mut source = Source::new(&name, text, documents).with_origin(Origin::Memory);
    let is_elsewhere = request.namespace.is_empty() || request.kind == "Namespace";
    source.namespace = (!is_elsewhere).then(|| Arc::from(request.namespace.as_str()));
    source
}

/// Whether an object or a pod template of it accepts findings by an annotation.
fn has_annotation(source: &Source) -> bool {
    let is_on = |metadata: Option<Node<'_>>| {
        metadata.mapping("annotations").string(IGNORE_ANNOTATION).is_some()
    };
    let id = coaming_scan::Engine::SUBJECT;
    source.objects(id).any(|object| {
        is_on(object.metadata())
            || source.workloads_of(object).any(|workload| is_on(workload.pod_metadata()))
    })
}

/// Removes the annotation wherever it is. The depth is bounded: the value was read.
pub(crate) fn drop_annotation(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::Object(annotations)) = members.get_mut("annotations") {
                annotations.remove(IGNORE_ANNOTATION);
            }
            members.values_mut().for_each(drop_annotation);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_annotation),
        _ => {}
    }
}
