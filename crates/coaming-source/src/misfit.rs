//! Recognize documents that were intended as Kubernetes objects and are none: without `kind`, or
//! with a misspelt field.
//!
//! A file that belongs to another program must never fail a scan: in a directory, only a document
//! with clear signs of an object is reported.

use coaming_kube::Fields as _;
use coaming_yaml::Node;

/// What every object says.
const REQUIRED: [&str; 2] = ["apiVersion", "kind"];

/// Why a document that is not an object should be one, and where; `None` where it is not ours.
/// `named` says that the user named the file: then everything in it should be an object.
pub(crate) fn problem<'a>(root: Node<'a>, named: bool) -> Option<(Node<'a>, String)> {
    if root.is_null() {
        return None;
    }
    if root.is_mapping() {
        let problem = misspelt(root).or_else(|| incomplete(root));
        return problem.or_else(|| {
            let absent = REQUIRED.iter().filter(|field| root.string(field).is_none());
            let absent: Vec<String> = absent.map(|field| format!("`{field}`")).collect();
            let message =
                format!("is not a Kubernetes object: it has no {}", absent.join(" and no "));
            named.then_some((root, message))
        });
    }
    // Without a space after its colons, JSON below a comment is one text.
    if root.as_str().is_some_and(is_json_with_comments) {
        return Some((root, "is not read: JSON has no comments".to_owned()));
    }
    named.then(|| (root, "does not contain a Kubernetes object".to_owned()))
}

/// Whether a text is a JSON object with comments of JavaScript before it.
fn is_json_with_comments(text: &str) -> bool {
    text.starts_with(['/']) && REQUIRED.iter().all(|field| text.contains(&format!("\"{field}\"")))
}

/// Why items of a list of objects, or of a sequence of them, are not objects, and where they are.
pub(crate) fn in_list(root: Node<'_>, named: bool) -> Vec<(Node<'_>, String)> {
    let kind = root.string("kind").unwrap_or_default();
    // The items of `List` say what they are; those of `PodList` need not.
    let (items, are_objects) = match kind {
        "List" if root.string("apiVersion") == Some("v1") => (root.sequence("items"), true),
        _ => (root.is_sequence().then_some(root), named),
    };
    let items = items.into_iter().flat_map(Node::items);
    items
        .flat_map(|item| {
            if item.is_sequence() || REQUIRED.iter().all(|field| item.string(field).is_some()) {
                return in_list(item, named);
            }
            let other = "is not read: an item of the list is not an object";
            let other = (are_objects && !item.is_mapping()).then(|| (item, other.to_owned()));
            other.or_else(|| problem(item, are_objects)).into_iter().collect()
        })
        .collect()
}

/// A required field under a name that is close to the right one.
fn misspelt<'a>(root: Node<'a>) -> Option<(Node<'a>, String)> {
    REQUIRED.iter().filter(|field| root.get(field).is_none()).find_map(|field| {
        let key = root.entries().find_map(|entry| {
            let is_text = entry.value.as_str().is_some();
            let is_near = entry.name().eq_ignore_ascii_case(field)
                || coaming_text::nearest(entry.name(), [*field]).is_some();
            (is_text && is_near).then_some(entry.key)
        })?;
        // Alone, such a name is in the files of many programs.
        let others = REQUIRED.iter().filter(|other| *other != field);
        let is_object = root.mapping("metadata").is_some()
            || others.clone().any(|other| root.string(other).is_some());
        let name = key.as_str().unwrap_or_default();
        is_object.then(|| {
            (key, format!("is not read: `{name}` is not a field of an object; write `{field}`"))
        })
    })
}

/// One of the required fields, with metadata as only objects have it.
fn incomplete(root: Node<'_>) -> Option<(Node<'_>, String)> {
    let name = root
        .mapping("metadata")
        .and_then(|metadata| metadata.string("name").or_else(|| metadata.string("generateName")))?;
    let missing = match (root.string("apiVersion"), root.string("kind")) {
        (Some(version), None) if is_version(version) => "kind",
        (None, Some(kind)) if kind.starts_with(|first: char| first.is_ascii_uppercase()) => {
            "apiVersion"
        }
        _ => return None,
    };
    Some((root, format!("is not read: object `{name}` has no `{missing}`")))
}

/// Whether a text has the form of an API version: `v1`, `apps/v1beta2`.
fn is_version(text: &str) -> bool {
    let version = text.rsplit('/').next().unwrap_or(text);
    version.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, named: bool) -> Option<String> {
        let stream = coaming_yaml::parse(text.into());
        problem(stream.documents.first()?.root(), named).map(|(_, message)| message)
    }

    #[test]
    fn objects_with_a_misspelt_field_are_reported() {
        for text in [
            "apiVersion: v1\nKind: Pod\n",
            "apiversion: v1\nkind: Pod\n",
            "apiVersoin: v1\nkind: Pod\n",
            "ApiVersion: v1\nKind: Pod\nmetadata: {name: p}\n",
            "apiVersion: v1\nmetadata: {name: p}\n",
            "kind: Pod\nmetadata: {name: p}\n",
            "// a pod\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}\n",
        ] {
            assert!(said(text, false).is_some(), "{text}");
        }
    }

    #[test]
    fn files_of_other_programs_are_left_alone_unless_they_are_named() {
        for text in [
            "version: '3'\nservices: {web: {image: a}}\n",
            "kind: pipeline\nname: default\n",
            "Kind: x\n",
            "apiVersion: 1\nproviders: []\n",
            "- op: add\n  path: /a\n",
            "text",
        ] {
            assert_eq!(said(text, false), None, "{text}");
            assert!(said(text, true).is_some(), "{text}");
        }
        assert_eq!(said("# nothing\n", true), None);
    }
}
