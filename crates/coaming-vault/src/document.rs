//! Configurations as files, in YAML or JSON.

use std::io;
use std::path::Path;

use serde_json::Value;

/// Why a file is not a configuration.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The file cannot be read.
    #[error("{name}: {source}")]
    Read {
        /// The file.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// The text is neither YAML nor JSON.
    #[error("{name}: {message}")]
    Syntax {
        /// The file or the variable.
        name: String,
        /// What is wrong in it.
        message: String,
    },
    /// There is not exactly one document.
    #[error("{0}: it must have one document")]
    Count(String),
}

/// Reads a configuration in YAML or JSON.
///
/// # Errors
///
/// See [`DocumentError`].
pub fn read_document(path: &Path) -> Result<Value, DocumentError> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => parse_document(&name, text),
        Err(source) => Err(DocumentError::Read { name, source }),
    }
}

/// A configuration in YAML or JSON; `name` is where it is from.
///
/// # Errors
///
/// See [`DocumentError`].
pub fn parse_document(name: &str, text: String) -> Result<Value, DocumentError> {
    let stream = coaming_yaml::parse(text.into());
    let name = name.to_owned();
    if let Some(error) = stream.errors.first() {
        return Err(DocumentError::Syntax { name, message: error.message.to_string() });
    }
    match stream.documents.as_slice() {
        [document] => Ok(document.root().to_json()),
        _ => Err(DocumentError::Count(name)),
    }
}
