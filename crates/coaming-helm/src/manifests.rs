//! Splits rendered templates into manifests and puts them into Helm's order.

use std::ops::Range;

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

fn piece(text: &str, range: Range<usize>) -> Piece {
    match crate::decode::located_document(text) {
        Ok(document) => {
            let root = document.as_ref().map(coaming_yaml::Document::root);
            let field = |name: &str| root.and_then(|root| root.get(name));
            let kind = field("kind").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned();
            let hook = field("metadata")
                .and_then(|metadata| metadata.get("annotations"))
                .and_then(|annotations| annotations.get("helm.sh/hook"))
                .and_then(|hook| hook.as_str())
                .map(str::to_owned);
            let not_an_object = root.is_some_and(|root| !root.is_mapping() && !root.is_null());
            let error = not_an_object.then(|| {
                let message = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal \
                               into Go value of type util.SimpleHead";
                (message.to_owned(), 0)
            });
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
