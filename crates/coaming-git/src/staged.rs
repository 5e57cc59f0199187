//! Finds what the next commit would change.

use gix::Repository;
use gix::index::entry::Mode;

use crate::{GitError, Version, blobs};

/// The staged versions that differ from the commit that is checked out, sorted by path.
pub(crate) fn versions(repository: &Repository) -> Result<Vec<Version>, GitError> {
    let index = repository.index_or_empty().map_err(GitError::read)?;
    let committed = blobs::in_head(repository)?;
    let mut versions: Vec<Version> = index
        .entries()
        .iter()
        .filter(|entry| matches!(entry.mode, Mode::FILE | Mode::FILE_EXECUTABLE))
        .map(|entry| (entry.path(&index).to_string(), entry.id))
        .filter(|file| !committed.contains(file))
        .map(|(path, id)| Version { path, commit: None, is_in_head: false, id })
        .collect();
    versions.sort_by(|a, b| a.path.cmp(&b.path));
    versions.dedup_by(|a, b| a.path == b.path && a.id == b.id);
    Ok(versions)
}
