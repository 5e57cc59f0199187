//! Fixes that a person has to make: the edits as manual steps, and the source line of each.
//!
//! A chart's template or an overlay's base is not what was scanned, so nothing is changed there;
//! but the line of the field, or the template's line that writes it, can usually be found.

mod template;

use coaming_finding::{Fix, ObjectRef, Position};
use coaming_kube::Fields as _;
use coaming_yaml::edit::{Edit, Value};
use coaming_yaml::{Node, Path, Step};

/// One edit for a person to make.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ManualStep {
    /// The field.
    pub path: Path,
    /// What to do, in YAML's notation: `set spec.replicas: 2`.
    pub text: String,
    /// The file and the line (from 1) that made the field, if its object was rendered.
    pub place: Option<(String, u32)>,
}

/// The edits of a fix as manual steps.
#[must_use]
pub fn orders(fix: &Fix) -> Vec<ManualStep> {
    let edits = fix.edits.iter().flat_map(|document| &document.edits);
    let mut orders: Vec<ManualStep> = edits
        .map(|edit| {
            let (path, text) = match edit {
                Edit::Set { path, value } => (path, format!("set {path}: {}", shown(value))),
                Edit::Remove { path } => (path, format!("remove {path}")),
                Edit::Rename { path, key } => (path, format!("rename {path} to {key}")),
                Edit::Append { path, value } => (path, format!("add to {path}: {}", shown(value))),
            };
            ManualStep { path: path.clone(), text, place: None }
        })
        .collect();
    // Several overlays of one base need the same edit.
    orders.dedup();
    orders
}

fn shown(value: &Value) -> String {
    match value {
        Value::Str(text) => text.clone(),
        other => serde_json::Value::from(other).to_string(),
    }
}

/// The line (from 1) in an object's source to change for a manual step, and the text of the line if
/// the source is a template. `None` if no line is certain.
#[must_use]
pub fn source_line(source: &str, object: &ObjectRef, path: &Path) -> Option<(u32, Option<String>)> {
    let stream = coaming_yaml::parse(source.into());
    let is_template = source.contains("{{");
    if stream.errors.is_empty() && !is_template {
        let root = stream.documents.iter().map(coaming_yaml::Document::root).find(|root| {
            let name = root.mapping("metadata").string("name").unwrap_or_default();
            // An overlay may add a prefix or suffix to a name.
            root.string("kind") == Some(object.kind.as_str())
                && !name.is_empty()
                && object.name.contains(name)
        })?;
        let span = nearest(root, path).span()?;
        return Some((Position::of(source, span.start).line, None));
    }
    template::line(source, object, path)
}

/// The field at a path, or the innermost existing one on the way to it.
pub(crate) fn nearest<'a>(root: Node<'a>, path: &Path) -> Node<'a> {
    let mut node = root;
    for step in path.steps() {
        let below = match step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.items().nth(*index),
        };
        match below {
            Some(below) => node = below,
            None => break,
        }
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, name: &str) -> ObjectRef {
        ObjectRef {
            api_version: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            namespace: String::new(),
            name: name.to_owned(),
        }
    }

    fn path() -> Path {
        Path::root()
            .join_keys(["spec", "template", "spec"])
            .join("containers")
            .join(0)
            .join_keys(["securityContext", "runAsNonRoot"])
    }

    #[test]
    fn a_base_is_read_and_a_template_searched() {
        let base = "kind: Service\nmetadata: {name: web}\n---\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n      containers:\n        - name: web\n          image: a\n";
        let found = source_line(base, &object("Deployment", "dev-web"), &path());
        assert_eq!(found, Some((11, None)));
        assert_eq!(source_line(base, &object("Deployment", "other"), &path()), None);
        let template = "kind: Deployment\nspec:\n  containers:\n    - name: {{ .Chart.Name }}\n      securityContext: {{- toYaml .Values.securityContext | nindent 8 }}\n";
        let found = source_line(template, &object("Deployment", "x"), &path()).unwrap();
        assert_eq!(found.0, 5);
        assert!(found.1.unwrap().contains(".Values.securityContext"));
    }

    #[test]
    fn a_template_is_searched_in_the_part_and_place_that_the_field_has() {
        let part = |name: &str| {
            format!(
                "kind: Deployment\nmetadata:\n  labels: {{}}\n  name: {name}\nspec:\n  template:\n    spec:\n      securityContext:\n        {{{{- if .Values.x }}}}\n        seccompProfile:\n          type: {{{{ .Values.y }}}}\n        {{{{- end }}}}\n      containers:\n      - name: init\n      - name: server\n        securityContext:\n          privileged: false\n"
            )
        };
        let service = "kind: Service\nmetadata:\n  name: web\n";
        let two = [service, &part("web"), &part("{{ .Values.db }}")].join("---\n");
        let at = |source: &str, name: &str, index: usize| {
            let path = Path::root().join_keys(["spec", "template", "spec"]).join("containers");
            let path = path.join(index).join_keys(["securityContext", "seccompProfile"]);
            source_line(source, &object("Deployment", name), &path)
                .map(|(line, text)| (line, text.unwrap()))
        };
        assert_eq!(at(&two, "web", 1), Some((20, "securityContext:".to_owned())));
        assert_eq!(at(&two, "web", 0), Some((18, "- name: init".to_owned())));
        assert_eq!(at(&two, "db", 1), Some((38, "securityContext:".to_owned())));
        // Both of them may have made the object.
        let open = [part("{{ .Values.a }}"), part("{{ .Values.b }}")].join("---\n");
        assert_eq!(at(&open, "db", 1), None);
    }
}
