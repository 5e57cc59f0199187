//! Semantic edits: what shall change in a document, said by path and value.
//!
//! An [`Edit`] says nothing of text. It has two back ends that give the same object: text edits
//! that leave every other byte alone, and JSON Patch.

use crate::path::Path;

/// A value to be written: what JSON can say, with mappings in the order they shall have.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
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

/// One change to a document. Paths start at the document's root.
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
