//! What can fail.

use std::error::Error;

/// Why a history could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no git repository at or above the path, or it cannot be opened.
    #[error("no git repository can be read at or above `{path}`: {source}")]
    NoRepository {
        /// The path that the user named.
        path: String,
        /// The reason.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The repository does not have the revision that the user named.
    #[error(
        "`{revision}` is neither a commit of this repository nor a day such as 2026-03-31{hint}"
    )]
    NoRevision {
        /// The revision as the user wrote it.
        revision: String,
        /// Why it may be missing.
        hint: &'static str,
        /// The reason.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An object, a reference or the index is missing or damaged.
    #[error("the git repository cannot be read: {0}")]
    Unreadable(Box<dyn Error + Send + Sync>),
}

impl GitError {
    pub(crate) fn read(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unreadable(source.into())
    }
}
