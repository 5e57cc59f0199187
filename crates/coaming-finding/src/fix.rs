//! How a finding is fixed: semantic edits on paths, and text edits where there are no paths.

use coaming_yaml::edit::{Edit, TextEdit};

use crate::SourceId;

/// Whether a fix may be applied without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// A working application keeps working.
    Safe,
    /// The fix may break the application: it is shown, but applied only on request.
    Unsafe,
    /// Only a person can decide: the title and the snippet say what to do; there are no edits.
    Manual,
}

impl Applicability {
    /// The name in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
            Self::Manual => "manual",
        }
    }
}

/// Edits of one document.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentEdits {
    /// The source that the document is in.
    pub source: SourceId,
    /// The document in that source, counting from 0.
    pub document: u32,
    /// The edits; their paths start at the document's root.
    pub edits: Vec<Edit>,
}

/// Edits of a file without documents, such as a Dockerfile.
#[derive(Clone, Debug, PartialEq)]
pub struct FileEdits {
    /// The source.
    pub source: SourceId,
    /// The edits, in text order, without overlaps.
    pub edits: Vec<TextEdit>,
}

/// A fix. Edits that must be applied together are one fix, even across documents.
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
    /// A fix that only a person can make, with the text to paste.
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
