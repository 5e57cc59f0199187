//! Walks a pod: the scopes that controls judge, the fields in them, and the violations found.
//!
//! Paths are built only for what is reported, and by position, so that the cost stays linear in
//! the size of the pod.

use std::cell::OnceCell;
use std::fmt::Write as _;

use coaming_kube::{Fields, PodSpec};
use coaming_yaml::edit::{Edit, Value};
use coaming_yaml::{Node, Path};

use super::Violation;
use super::controls::{Control, Revision};

/// A field of a pod, present or missing.
#[derive(Clone, Debug)]
pub struct PodField<'a> {
    /// The value; where it is missing, the innermost node on the way to it.
    pub node: Node<'a>,
    /// The path from the document's root to the value, even if it is missing.
    pub path: Path,
    /// Whether the value is present.
    pub exists: bool,
}

impl<'a> PodField<'a> {
    /// The field of this name below.
    pub(super) fn key(self, name: &str) -> Self {
        let below = if self.exists { self.node.field(name) } else { None };
        let path = self.path.join(name);
        self.step(path, below)
    }

    /// A field further below.
    pub(super) fn keys(self, names: &[&str]) -> Self {
        names.iter().fold(self, |place, name| place.key(name))
    }

    /// The item at this position below.
    pub(super) fn item(self, position: usize) -> Self {
        let below = if self.exists { self.node.items().nth(position) } else { None };
        let path = self.path.join(position);
        self.step(path, below)
    }

    fn step(self, path: Path, below: Option<Node<'a>>) -> Self {
        Self { node: below.unwrap_or(self.node), path, exists: below.is_some() }
    }

    /// The edit that gives it this value.
    pub(super) fn set(&self, value: impl Into<Value>) -> Edit {
        Edit::Set { path: self.path.clone(), value: value.into() }
    }

    /// The edit that removes it.
    pub(super) fn remove(&self) -> Edit {
        Edit::Remove { path: self.path.clone() }
    }

    /// The edits that remove these items of a list, or the list itself if no item is left.
    pub(super) fn remove_items(&self, positions: &[usize]) -> Vec<Edit> {
        if positions.len() == self.node.items().len() {
            return vec![self.remove()];
        }
        positions.iter().map(|&position| self.clone().item(position).remove()).collect()
    }
}

/// What a security context applies to: the pod, or one of its containers.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) node: Node<'a>,
    /// The container's name; `None` for the pod.
    pub(super) container: Option<&'a str>,
    position: Option<(&'static str, usize)>,
}

impl<'a> Scope<'a> {
    /// Its security context.
    pub(super) fn context(self) -> Option<Node<'a>> {
        self.node.mapping("securityContext")
    }

    /// The pod's settings for the container of this name.
    pub(super) fn about(self, container: &'a str) -> Self {
        Self { container: Some(container), ..self }
    }

    /// Its name in a sentence.
    pub(super) fn subject(self) -> String {
        match self.container {
            Some(name) => format!("container {}", quoted([name])),
            None => "the pod".to_owned(),
        }
    }
}

/// The judgement of one pod, in progress.
pub(super) struct Check<'a> {
    pub(super) pod: PodSpec<'a>,
    control: Option<&'static Control>,
    spec_path: OnceCell<Path>,
    found: Vec<Violation<'a>>,
}

impl<'a> Check<'a> {
    pub(super) fn new(pod: PodSpec<'a>) -> Self {
        Self { pod, control: None, spec_path: OnceCell::new(), found: Vec::new() }
    }

    pub(super) fn run(&mut self, control: &'static Control, revision: &'static Revision) {
        self.control = Some(control);
        (revision.judge)(self);
    }

    pub(super) fn into_violations(self) -> Vec<Violation<'a>> {
        self.found
    }

    /// The pod itself.
    pub(super) fn pod_scope(&self) -> Scope<'a> {
        Scope { node: self.pod.node(), container: None, position: None }
    }

    /// Its containers: init, regular, ephemeral.
    pub(super) fn containers(&self) -> impl Iterator<Item = Scope<'a>> + use<'a> {
        let spec = self.pod.node();
        ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(move |list| {
            spec.list(list).enumerate().filter(|(_, node)| node.is_mapping()).map(
                move |(position, node)| Scope {
                    node,
                    container: Some(node.string("name").unwrap_or_default()),
                    position: Some((list, position)),
                },
            )
        })
    }

    /// The pod, then its containers.
    pub(super) fn scopes(&self) -> impl Iterator<Item = Scope<'a>> + use<'a> {
        std::iter::once(self.pod_scope()).chain(self.containers())
    }

    /// Its volumes, with their positions.
    pub(super) fn volumes(&self) -> impl Iterator<Item = (usize, Node<'a>)> + use<'a> {
        self.pod.node().list("volumes").enumerate().filter(|(_, node)| node.is_mapping())
    }

    /// Where a scope itself is.
    pub(super) fn place(&self, scope: Scope<'a>) -> PodField<'a> {
        let spec = self.spec_path.get_or_init(|| self.pod.node().path());
        let path = match scope.position {
            Some((list, position)) => spec.join(list).join(position),
            None => spec.clone(),
        };
        PodField { node: scope.node, path, exists: true }
    }

    /// Where the volume at this position is.
    pub(super) fn volume_place(&self, position: usize, node: Node<'a>) -> PodField<'a> {
        let spec = self.place(self.pod_scope());
        PodField { node, path: spec.path.join("volumes").join(position), exists: true }
    }

    /// Where an annotation is.
    pub(super) fn annotation_place(&self, name: &str, value: Node<'a>) -> PodField<'a> {
        let annotations = value.parent().unwrap_or(value);
        PodField { node: value, path: annotations.path().join(name), exists: true }
    }

    /// Records a violation of the current control.
    pub(super) fn report(
        &mut self,
        scope: Scope<'a>,
        reason: String,
        remedy: impl Into<String>,
        places: Vec<PodField<'a>>,
        edits: Vec<Edit>,
    ) {
        let Some(control) = self.control else { return };
        self.found.push(Violation {
            control,
            container: scope.container,
            reason,
            remedy: remedy.into(),
            places,
            edits,
        });
    }
}

/// A text of a sequence's item or a mapping's value: `null` decodes to an empty one.
pub(super) fn text_or_empty(node: Node<'_>) -> Option<&str> {
    if node.is_null() { Some("") } else { node.as_str() }
}

/// The items of a list of texts with their positions, as the API server decodes them.
pub(super) fn texts<'a>(parent: Option<Node<'a>>, name: &str) -> Vec<(usize, &'a str)> {
    parent
        .list(name)
        .enumerate()
        .filter_map(|(position, item)| Some((position, text_or_empty(item)?)))
        .collect()
}

/// How many values a sentence lists, and how much it shows of each.
const MAX_LISTED: usize = 8;
const MAX_SHOWN: usize = 64;

/// `` `a`, `b` `` for a sentence; bounded, and without control characters, because the values are
/// untrusted.
pub(super) fn quoted<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut out = String::new();
    let mut texts = texts.into_iter();
    for (position, text) in texts.by_ref().take(MAX_LISTED).enumerate() {
        if position > 0 {
            out.push_str(", ");
        }
        out.push('`');
        out.extend(text.chars().take(MAX_SHOWN).flat_map(char::escape_debug));
        if text.chars().nth(MAX_SHOWN).is_some() {
            out.push('…');
        }
        out.push('`');
    }
    let rest = texts.count();
    if rest > 0 {
        // Writing to a `String` never fails.
        let _ = write!(out, " and {rest} more");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn lists_are_bounded_and_clean() {
        assert_eq!(quoted(["a", "b"]), "`a`, `b`");
        assert_eq!(quoted(["\u{1b}[31m"]), "`\\u{1b}[31m`");
        assert_eq!(quoted([""; 10]), format!("{} and 2 more", ["``"; 8].join(", ")));
        let long = "x".repeat(100);
        assert_eq!(quoted([long.as_str()]).chars().count(), 64 + 3);
    }
}
