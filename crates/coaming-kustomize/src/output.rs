//! From objects to their YAML.

use std::borrow::Cow;

use coaming_helm::{Shape, Tree, write_yaml};

use crate::Document;
use crate::build::Build;
use crate::failure::Failure;
use crate::resource::Resource;
use crate::scalar::Resolved;
use crate::value::{Entry, Kind, Value};

/// Writes all objects.
pub(crate) fn documents(
    build: &Build<'_>,
    resources: Vec<Resource>,
) -> Result<Vec<Document>, Failure> {
    resources.iter().map(|resource| document(build, resource)).collect()
}

fn document(build: &Build<'_>, resource: &Resource) -> Result<Document, Failure> {
    let source = resource.source();
    let mut root = tree(&resource.root);
    drop_empty_annotations(&mut root);
    if let Some(number) = infinite(&resource.root) {
        let text = number.as_text().unwrap_or_default();
        let message = format!("`{text}` is not a number that JSON has");
        return Err(build.invalid(number.source, message));
    }
    check_keys(build, resource)?;
    let (text, map) = write_yaml(root).map_err(|message| build.invalid(source, message))?;
    let file = source.template.map(|location| location.file);
    Ok(Document { text, map, file })
}

/// Kustomize takes its own notes out of the annotations at the end, and with them empty annotations.
fn drop_empty_annotations(root: &mut Tree<'_>) {
    let Shape::Mapping(entries) = &mut root.shape else { return };
    let metadata = entries.iter_mut().find(|(key, ..)| *key == "metadata");
    if let Some((.., Tree { shape: Shape::Mapping(fields), .. })) = metadata {
        let is_empty = |shape: &Shape<'_>| match shape {
            Shape::Mapping(entries) => entries.is_empty(),
            shape => matches!(shape, Shape::Null),
        };
        fields.retain(|(key, _, value)| *key != "annotations" || !is_empty(&value.shape));
    }
}

/// Refuses keys that are not text, as JSON has no others. Those of the object itself become text.
pub(crate) fn check_keys(build: &Build<'_>, resource: &Resource) -> Result<(), Failure> {
    let inner = resource.root.entries().iter().find_map(|entry| typed_key(&entry.value));
    match inner {
        Some(entry) => {
            let message = format!("the key `{}` is not text: it needs quotes", entry.key);
            Err(build.invalid(entry.source, message))
        }
        None => Ok(()),
    }
}

fn typed_key(value: &Value) -> Option<&Entry> {
    let own = value.entries().iter().find(|entry| entry.has_typed_key());
    own.or_else(|| value.entries().iter().find_map(|entry| typed_key(&entry.value)))
        .or_else(|| value.items().iter().find_map(typed_key))
}

/// The first number that is infinite or not a number.
fn infinite(value: &Value) -> Option<&Value> {
    match &value.kind {
        Kind::List(items) => items.iter().find_map(infinite),
        Kind::Map(entries) => entries.iter().find_map(|entry| infinite(&entry.value)),
        Kind::Scalar(scalar) => match scalar.resolved() {
            Resolved::Float(number) if !number.is_finite() => Some(value),
            _ => None,
        },
    }
}

pub(crate) fn tree(value: &Value) -> Tree<'_> {
    let shape = match &value.kind {
        Kind::List(items) => Shape::Sequence(items.iter().map(tree).collect()),
        Kind::Map(entries) => Shape::Mapping(
            entries.iter().map(|entry| (&*entry.key, entry.source, tree(&entry.value))).collect(),
        ),
        Kind::Scalar(scalar) => match scalar.resolved() {
            Resolved::Null => Shape::Null,
            Resolved::Bool(value) => Shape::Bool(value),
            Resolved::Int(value) => Shape::Int(value),
            Resolved::UInt(value) => Shape::UInt(value),
            Resolved::Float(value) if value.is_finite() => Shape::Float(value),
            Resolved::Float(_) => Shape::Text(Cow::Borrowed(&scalar.text)),
            Resolved::Text(text) => Shape::Text(text),
        },
    };
    Tree { shape, source: value.source }
}
