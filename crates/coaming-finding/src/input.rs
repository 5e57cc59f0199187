//! The other content of a report: inputs that could not be handled, and notes.

/// An input that could not be handled, completely or in part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputError {
    /// The file or directory, or another name of the input, as the user named it.
    pub file: String,
    /// Line and column, from 1, if the problem has a location.
    pub position: Option<(u32, u32)>,
    /// What is wrong and what to do.
    pub message: String,
}

impl InputError {
    /// An error that is about the whole input.
    pub fn new(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), position: None, message: message.into() }
    }
}

/// Something that the reader needs to know to interpret the result, and that is neither a finding
/// nor an error: input that was not evaluated or not read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Note {
    /// What was not evaluated, and why.
    pub message: String,
    /// The number of objects or files affected.
    pub count: usize,
}
