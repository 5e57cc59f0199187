//! Semantic edits: what shall change in a document, said by path and value.
//!
//! An [`Edit`] says nothing of text. It has three back ends that give the same object: text edits
//! that leave every other byte alone ([`apply`]), JSON Patch ([`to_json_patch`]), and JSON values
//! ([`apply_to_value`]).
//!
//! Edits that are given together are one change: all their paths mean the document as it is before
//! any of them, and those that contradict each other are refused. `apply` reads what it wrote: if
//! that is not exactly the wanted object, it writes nothing.

use crate::path::Path;
use crate::tree::{Entry, Kind, Node, Scalar};

mod block;
mod flow;
mod model;
mod plan;
mod render;
mod text;

pub use model::{apply_to_value, to_json_patch};
pub use text::{TextEdit, apply, apply_to_text};

/// A value to be written: what JSON can say, with mappings in the order they shall have.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text; quoted when written if it would mean something else without.
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
    /// As a YAML document in block style, without a marker before it.
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
    /// What a node says. Of duplicate keys the last one counts; a whole number above `i64::MAX`
    /// becomes a float.
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
                #[expect(clippy::cast_precision_loss, reason = "said in the documentation")]
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

/// Why edits were not made. Nothing is changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Two edits that cannot both be made, such as two values for one field.
    #[error("two edits contradict each other at `{path}`: make one of them first, then scan again")]
    Conflict {
        /// Where the second one is.
        path: Path,
    },
    /// A field shall be set in what is neither a mapping nor null.
    #[error("`{path}` is no mapping: correct it first")]
    NotAMapping {
        /// What is no mapping.
        path: Path,
    },
    /// An item shall be set or appended in what is neither a sequence nor null.
    #[error("`{path}` is no list: correct it first")]
    NotASequence {
        /// What is no sequence.
        path: Path,
    },
    /// An item shall be set that is not there.
    #[error("there is no `{path}`")]
    NoSuchItem {
        /// The item.
        path: Path,
    },
    /// The whole document shall be removed.
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
        /// What shall change.
        path: Path,
        /// How many aliases refer to the anchor.
        users: usize,
    },
    /// A field shall be removed that a merge key (`<<`) brings in.
    #[error("`{path}` comes from a merge key (`<<`): write out what is merged, without it")]
    Merged {
        /// The field.
        path: Path,
    },
    /// The text is not the one that the document was read from.
    #[error("the text has changed since it was read: read it again")]
    OtherText,
    /// The document came without text, so there is none to edit.
    #[error("the document has no text of its own")]
    NoText,
    /// The text is written in a way that the change cannot be expressed in without touching more.
    #[error("this file is written in a way that cannot be edited safely here: change it by hand")]
    Unwritable,
}

/// One change to a document. Paths start at the document's root, and item positions in them count
/// as they are before any other edit.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// The field at `path` gets this value, whatever it was; mappings on the way that are absent
    /// or null are created. With a mapping for a value, the whole field is replaced.
    Set {
        /// The field.
        path: Path,
        /// Its new value.
        value: Value,
    },
    /// The field or item at `path` goes away. Nothing happens where it is absent.
    Remove {
        /// The field or item.
        path: Path,
    },
    /// The sequence at `path` gets one more item at its end; it is created where it is absent or
    /// null, with the mappings on the way to it.
    Append {
        /// The sequence.
        path: Path,
        /// The new item.
        value: Value,
    },
}

#[cfg(test)]
mod tests;
