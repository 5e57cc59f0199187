//! Splits rendered templates into manifests and puts them into Helm's order.

use std::ops::Range;

use coaming_yaml::{Node, Scalar};

use crate::text::Buffer;

/// The order in which Helm installs kinds.
const ORDER: [&str; 37] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
];

/// A manifest in a rendered template.
#[derive(Debug)]
pub(crate) struct Piece {
    /// Its bytes in the template's output.
    pub(crate) range: Range<usize>,
    pub(crate) kind: String,
    /// Its events, if it is a hook.
    pub(crate) hook: Option<String>,
    /// Why it is not YAML, and at which of its bytes.
    pub(crate) error: Option<(String, usize)>,
}

/// The manifests of one template's output.
pub(crate) fn split(output: &Buffer) -> Vec<Piece> {
    let text = output.text.as_str();
    let start = text.len() - text.trim_start().len();
    let trimmed = text.trim();
    between_separators(trimmed)
        .into_iter()
        .filter_map(|range| {
            let part = trimmed.get(range.clone())?;
            let inner = part.trim();
            if part.is_empty() || inner.is_empty() {
                return None;
            }
            let offset = start + range.start + (part.len() - part.trim_start().len());
            Some(piece(inner, offset..offset + inner.len()))
        })
        .collect()
}

/// What is between the separators `(?:^|\s*\n)---\s*`. Compiling the expression would take longer than
/// all else of a small chart.
fn between_separators(text: &str) -> Vec<Range<usize>> {
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\u{c}' | '\r');
    let mut ranges = Vec::new();
    let mut at = 0;
    for (dashes, _) in text.match_indices("---") {
        let Some(before) = text.get(at..dashes) else { continue };
        if dashes > 0 && !before.ends_with('\n') {
            continue;
        }
        ranges.push(at..at + before.trim_end_matches(is_space).len());
        let after = text.get(dashes + 3..).unwrap_or_default();
        at = text.len() - after.trim_start_matches(is_space).len();
    }
    ranges.push(at..text.len());
    ranges
}

/// What Helm reads of a manifest before it sorts it.
#[derive(Default)]
struct Head {
    kind: String,
    hook: Option<String>,
}

/// Reads a manifest's head; else which field has a type that Helm refuses.
fn head(root: Node<'_>) -> Result<Head, String> {
    if !root.is_mapping() {
        return Err(mismatch(root, "value of type util.SimpleHead"));
    }
    text(root.get("apiVersion"), "SimpleHead.apiVersion")?;
    let kind = text(root.get("kind"), "SimpleHead.kind")?;
    let metadata = object(root.get("metadata"), "SimpleHead.metadata")?;
    let field = |name: &str| metadata.and_then(|metadata| metadata.get(name));
    text(field("name"), "metadata.name")?;
    let mut hook = None;
    if let Some(annotations) = object(field("annotations"), "metadata.annotations")? {
        for entry in annotations.entries() {
            let value = text(Some(entry.value), &format!("metadata.annotations.{}", entry.name()))?;
            if entry.name() == "helm.sh/hook" {
                hook = Some(value);
            }
        }
    }
    Ok(Head { kind, hook })
}

fn text(node: Option<Node<'_>>, field: &str) -> Result<String, String> {
    let Some(node) = node else { return Ok(String::new()) };
    as_text(node).ok_or_else(|| mismatch(node, &format!("struct field {field} of type string")))
}

fn object<'n>(node: Option<Node<'n>>, field: &str) -> Result<Option<Node<'n>>, String> {
    match node {
        Some(node) if !node.is_mapping() && !node.is_null() => {
            Err(mismatch(node, &format!("struct field {field}, which is an object")))
        }
        other => Ok(other),
    }
}

/// The message for a node of another type than Helm expects; it does not show its text, which may
/// be a secret.
fn mismatch(node: Node<'_>, target: &str) -> String {
    let found = if node.is_mapping() {
        "object "
    } else if node.is_sequence() {
        "array "
    } else {
        ""
    };
    format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found}into Go {target}"
    )
}

/// A scalar as Helm reads it where a text belongs: other types become one.
fn as_text(node: Node<'_>) -> Option<String> {
    match node.scalar()? {
        Scalar::Null => Some(String::new()),
        Scalar::Bool(value) => Some(value.to_string()),
        Scalar::Str(value) => Some(value.to_owned()),
        Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_) => Some(node.text().to_owned()),
    }
}

fn piece(text: &str, range: Range<usize>) -> Piece {
    match crate::decode::located_document(text) {
        Ok(document) => {
            let root = document.as_ref().map(coaming_yaml::Document::root);
            let read = root.filter(|root| !root.is_null()).map(head).transpose();
            let (head, error) = match read {
                Ok(head) => (head.unwrap_or_default(), None),
                Err(message) => (Head::default(), Some((message, 0))),
            };
            let Head { kind, hook } = head;
            Piece { range, kind, hook, error }
        }
        Err(error) => Piece { range, kind: String::new(), hook: None, error: Some(error) },
    }
}

/// The place of a kind in the order; unknown kinds come last, by name.
pub(crate) fn rank(kind: &str) -> (usize, &str) {
    match ORDER.iter().position(|known| *known == kind) {
        Some(position) => (position, ""),
        None if kind == "ValidatingWebhookConfiguration" => (ORDER.len(), ""),
        None => (ORDER.len() + 1, kind),
    }
}

/// Whether Helm knows one of a hook's events.
pub(crate) fn is_known_hook(events: &str) -> bool {
    const EVENTS: [&str; 10] = [
        "pre-install",
        "post-install",
        "pre-delete",
        "post-delete",
        "pre-upgrade",
        "post-upgrade",
        "pre-rollback",
        "post-rollback",
        "test",
        "test-success",
    ];
    events.split(',').all(|event| EVENTS.contains(&event.trim().to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn separators_are_those_of_the_expression(text in "(-{1,4}|[ \t\n\r]|a|\u{85})*") {
            let expression = regex::Regex::new(r"(?:^|[\t\n\f\r ]*\n)---[\t\n\f\r ]*").unwrap();
            let mut expected = Vec::new();
            let mut at = 0;
            for found in expression.find_iter(&text) {
                expected.push(at..found.start());
                at = found.end();
            }
            expected.push(at..text.len());
            prop_assert_eq!(between_separators(&text), expected);
        }
    }
}
