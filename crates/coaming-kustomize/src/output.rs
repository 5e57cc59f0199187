//! From objects to their YAML.

use std::borrow::Cow;

use coaming_helm::{Shape, Tree, write_yaml};

use crate::build::Build;
use crate::resource::Resource;
use crate::scalar::Resolved;
use crate::value::{Kind, Value};
use crate::{BuildError, Document};

/// Writes all objects.
pub(crate) fn documents(
    build: &Build<'_>,
    resources: Vec<Resource>,
) -> Result<Vec<Document>, BuildError> {
    resources.iter().map(|resource| document(build, resource)).collect()
}

fn document(build: &Build<'_>, resource: &Resource) -> Result<Document, BuildError> {
    let source = resource.source();
    let (text, map) =
        write_yaml(tree(&resource.root)).map_err(|message| build.invalid(source, message))?;
    let file = source.template.map(|location| location.file);
    Ok(Document { text, map, file })
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
