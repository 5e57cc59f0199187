//! Semantic edits: changes to a document, in terms of paths and values.
//!
//! An [`Edit`] is independent of the text. Three back ends produce the same object: text edits that
//! leave every other byte unchanged ([`apply`]), JSON Patch ([`to_json_patch`]), and JSON values
//! ([`apply_to_value`]).
//!
//! Edits that are applied together form one change: all paths refer to the document before the
//! change, and edits that contradict each other are rejected. `apply` parses its own output; if the
//! output is not exactly the intended object, it returns an error instead.

use crate::path::Path;
use crate::tree::{Entry, Kind, Node, Scalar};

mod block;
mod flow;
mod model;
mod plan;
mod render;
mod shared;
mod text;

pub use model::{apply_to_value, to_json_patch};
pub use text::{TextEdit, apply, apply_to_text};

/// A value to write: a JSON value whose mappings are ordered.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text. It is written in quotes if it would mean something else without them.
    Str(String),
    /// A list.
    Sequence(Vec<Value>),
    /// Keys and values.
    Mapping(Vec<(String, Value)>),
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Str(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Str(value)
    }
}

impl Value {
    /// The value as a YAML document in block style, without a leading `---`.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let layout = render::Layout { step: 2, sequence_step: 0, newline: "\n", literals: true };
        let mut text = match self {
            Self::Str(text) if layout.fits_literal(text) => layout.literal(text, 2),
            value => layout.block(value, 0),
        };
        text.push('\n');
        text
    }
}

impl From<Node<'_>> for Value {
    /// The value of a node. If a key occurs more than once, the last one wins. An integer above
    /// `i64::MAX` becomes a float.
    fn from(node: Node<'_>) -> Self {
        match node.kind() {
            Kind::Sequence => Self::Sequence(node.items().map(Self::from).collect()),
            Kind::Mapping => {
                let is_last = |entry: &Entry<'_>| node.get(entry.name()) == Some(entry.value);
                let entries = node.entries().filter(is_last);
                Self::Mapping(
                    entries.map(|entry| (entry.name().to_owned(), entry.value.into())).collect(),
                )
            }
            Kind::Scalar => match node.scalar() {
                None | Some(Scalar::Null) => Self::Null,
                Some(Scalar::Bool(value)) => Self::Bool(value),
                Some(Scalar::Int(value)) => Self::Int(value),
                #[expect(clippy::cast_precision_loss, reason = "documented")]
                Some(Scalar::UInt(value)) => Self::Float(value as f64),
                Some(Scalar::Float(value)) => Self::Float(value),
                Some(Scalar::Str(text)) => Self::Str(text.to_owned()),
            },
        }
    }
}

impl From<&Value> for serde_json::Value {
    /// A float that JSON has no notation for becomes its YAML notation as text.
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::from(*value),
            Value::Float(value) => crate::json::float(*value),
            Value::Str(text) => Self::from(text.as_str()),
            Value::Sequence(items) => items.iter().map(Self::from).collect(),
            Value::Mapping(entries) => entries
                .iter()
                .map(|(key, value)| (key.clone(), Self::from(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

/// Why edits were not applied. The document is then unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Two edits cannot both be applied, such as two values for one field.
    #[error(
        "two edits contradict each other at `{path}`: apply one of them first, then scan again"
    )]
    Conflict {
        /// The path of the second edit.
        path: Path,
    },
    /// An edit sets a field of a value that is neither a mapping nor null.
    #[error("`{path}` is not a mapping: correct it first")]
    NotAMapping {
        /// The value that is not a mapping.
        path: Path,
    },
    /// An edit sets or appends an item of a value that is neither a sequence nor null.
    #[error("`{path}` is not a list: correct it first")]
    NotASequence {
        /// The value that is not a sequence.
        path: Path,
    },
    /// An edit sets an item that does not exist.
    #[error("`{path}` does not exist")]
    NoSuchItem {
        /// The item.
        path: Path,
    },
    /// An edit removes the whole document.
    #[error("a whole document cannot be removed: delete it from the file")]
    Root,
    /// The text has an anchor (`&name`) and aliases elsewhere refer to it: they would change too,
    /// or lose what they refer to.
    #[error(
        "`{path}` is part of an anchor that {} uses too: change it by hand, or write it out \
         where it is used",
        if *.users == 1 { "another place".to_owned() } else { format!("{} other places", .users) }
    )]
    SharedAnchor {
        /// The value to change.
        path: Path,
        /// How many aliases refer to the anchor.
        users: usize,
    },
    /// An edit removes a field that comes from a merge key (`<<`).
    #[error("`{path}` comes from a merge key (`<<`): write out what is merged, without it")]
    Merged {
        /// The field.
        path: Path,
    },
    /// The text is not the one that the document was read from.
    #[error("the text has changed since it was read: read it again")]
    OtherText,
    /// The document was built without text, so there is none to edit.
    #[error("the document has no text of its own")]
    NoText,
    /// The notation of the text does not allow the change without changing other parts.
    #[error("this file is written in a way that cannot be edited safely here: change it by hand")]
    Unwritable,
}

/// One change to a document. Paths start at the document's root, and their indexes refer to the
/// document before any other edit.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Sets the field at `path` to this value and creates parent mappings that are absent or null.
    /// A value that is a mapping replaces the whole field.
    Set {
        /// The field.
        path: Path,
        /// Its new value.
        value: Value,
    },
    /// Removes the field or item at `path`. Does nothing if it is absent.
    Remove {
        /// The field or item.
        path: Path,
    },
    /// Gives the field at `path` another name, and leaves its value, place and comments alone. Does
    /// nothing if it is absent.
    Rename {
        /// The field.
        path: Path,
        /// Its new name.
        key: String,
    },
    /// Appends an item to the sequence at `path`. A sequence that is absent or null is created,
    /// together with its parent mappings.
    Append {
        /// The sequence.
        path: Path,
        /// The new item.
        value: Value,
    },
}

impl Edit {
    /// The field, item or sequence that it changes.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Set { path, .. }
            | Self::Remove { path }
            | Self::Rename { path, .. }
            | Self::Append { path, .. } => path,
        }
    }
}

#[cfg(test)]
mod tests;
