//! Phrases that all rules share, so that messages name the same thing in the same way.

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
        "" => format!("an unnamed {what}"),
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
    enumerate(items, "`")
}

/// a, b, and c.
pub(crate) fn and<T: AsRef<str>>(items: &[T]) -> String {
    enumerate(items, "")
}

/// a, b, and c; also "a, and b", as each may contain an "and" of its own.
pub(crate) fn clauses<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [one, two] => format!("{}, and {}", one.as_ref(), two.as_ref()),
        _ => enumerate(items, ""),
    }
}

fn enumerate<T: AsRef<str>>(items: &[T], quote: &str) -> String {
    let length = items.iter().map(|item| item.as_ref().len() + 2 * quote.len() + 2).sum::<usize>();
    let mut text = String::with_capacity(length + "and ".len());
    for (position, item) in items.iter().enumerate() {
        let is_last = position + 1 == items.len();
        match position {
            0 => {}
            1 if is_last => text.push_str(" and "),
            _ if is_last => text.push_str(", and "),
            _ => text.push_str(", "),
        }
        for part in [quote, item.as_ref(), quote] {
            text.push_str(part);
        }
    }
    text
}

/// The form of a noun or verb that fits a number of things.
pub(crate) fn plural<'t>(count: usize, one: &'t str, many: &'t str) -> &'t str {
    if count == 1 { one } else { many }
}

/// The phrase with a capital letter, to begin a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let mut sentence: String = rest.next().into_iter().flat_map(char::to_uppercase).collect();
    sentence.push_str(rest.as_str());
    sentence
}

/// An edit that sets a field below `node`.
pub(crate) fn set(node: Node<'_>, keys: &[&str], value: impl Into<Value>) -> Edit {
    Edit::Set { path: below(node, keys), value: value.into() }
}

/// An edit that removes the field or item at `node`.
pub(crate) fn remove(node: Node<'_>) -> Edit {
    Edit::Remove { path: node.path() }
}

/// The path of a field below `node`.
pub(crate) fn below(node: Node<'_>, keys: &[&str]) -> Path {
    node.path().join_keys(keys.iter().copied())
}
