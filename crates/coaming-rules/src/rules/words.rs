//! How messages name things, so that all rules name them alike.

use coaming_kube::{ContainerKind, Object};
use coaming_yaml::edit::{Edit, Value};
use coaming_yaml::{Node, Path};

use crate::ContainerScope;

/// ``container `web` ``, ``init container `setup` `` …
pub(crate) fn container(scope: ContainerScope<'_>) -> String {
    let what = match scope.container.kind() {
        ContainerKind::Init => "init container",
        ContainerKind::Sidecar => "sidecar",
        ContainerKind::Regular => "container",
        ContainerKind::Ephemeral => "ephemeral container",
    };
    match scope.container.name() {
        "" => format!("{what} without a name"),
        name => format!("{what} `{name}`"),
    }
}

/// ``Deployment `web` ``.
pub(crate) fn object(object: Object<'_>) -> String {
    match object.name() {
        "" => object.kind().to_owned(),
        name => format!("{} `{name}`", object.kind()),
    }
}

/// `a`, `b`, and `c`, in backticks.
pub(crate) fn list<T: AsRef<str>>(items: &[T]) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("`{}`", item.as_ref())).collect();
    and(&quoted)
}

/// a, b, and c.
pub(crate) fn and(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [one, two] => format!("{one} and {two}"),
        [first @ .., last] => format!("{}, and {last}", first.join(", ")),
    }
}

/// A sentence from a phrase: with a capital letter.
pub(crate) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// An edit that sets a field below `node`.
pub(crate) fn set(node: Node<'_>, keys: &[&str], value: impl Into<Value>) -> Edit {
    Edit::Set { path: below(node, keys), value: value.into() }
}

/// An edit that removes what is at `node`.
pub(crate) fn remove(node: Node<'_>) -> Edit {
    Edit::Remove { path: node.path() }
}

/// The path of a field below `node`.
pub(crate) fn below(node: Node<'_>, keys: &[&str]) -> Path {
    node.path().join_keys(keys.iter().copied())
}
