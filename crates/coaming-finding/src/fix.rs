//! How a finding is repaired: semantic edits on paths, and text edits where there are no paths.

use coaming_yaml::edit::{Edit, TextEdit};

use crate::SourceId;

/// Whether a fix may be applied without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// A working application works as before.
    Safe,
    /// It may break the application: shown, applied only when asked for.
    Unsafe,
    /// Only a person can know: the title and the snippet say what to do; there are no edits.
    Manual,
}

impl Applicability {
    /// As it is written in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
            Self::Manual => "manual",
        }
    }
}

/// Edits that are to be made to one document.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentEdits {
    /// The source that the document is in.
    pub source: SourceId,
    /// The document in that source, counting from 0.
    pub document: u32,
    /// The edits; their paths start at the document's root.
    pub edits: Vec<Edit>,
}

/// Edits that are to be made to a file that has no documents, such as a Dockerfile.
#[derive(Clone, Debug, PartialEq)]
pub struct FileEdits {
    /// The source.
    pub source: SourceId,
    /// The edits, in the order of the text, none overlapping another.
    pub edits: Vec<TextEdit>,
}

/// A repair. What must be done together is one fix, also across documents.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// What it does, in the imperative: ``set `runAsNonRoot: true` ``.
    pub title: String,
    /// Whether it may be applied without asking.
    pub applicability: Applicability,
    /// What changes in documents; empty for a `Manual` fix.
    pub edits: Vec<DocumentEdits>,
    /// What changes in files of other kinds; empty for a `Manual` fix.
    pub file_edits: Vec<FileEdits>,
    /// For a `Manual` fix, the text to paste; otherwise empty.
    pub snippet: String,
}

impl Fix {
    /// A repair that only a person can make, with the text to paste.
    #[must_use]
    pub fn manual(title: impl Into<String>, snippet: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            applicability: Applicability::Manual,
            edits: Vec::new(),
            file_edits: Vec::new(),
            snippet: snippet.into(),
        }
    }
}
