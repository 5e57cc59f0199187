//! Finds what the next commit would change.

use std::collections::HashSet;

use gix::index::entry::Mode;
use gix::{ObjectId, Repository};

use crate::{GitError, Version, blobs};

/// The staged versions that differ from the commit that is checked out, and the versions of that
/// commit that they replace; both sorted by path.
pub(crate) fn versions(repository: &Repository) -> Result<(Vec<Version>, Vec<Version>), GitError> {
    let index = repository.index_or_empty().map_err(GitError::read)?;
    let committed = blobs::in_head(repository)?;
    let staged: HashSet<(String, ObjectId)> = index
        .entries()
        .iter()
        .filter(|entry| matches!(entry.mode, Mode::FILE | Mode::FILE_EXECUTABLE))
        .map(|entry| (entry.path(&index).to_string(), entry.id))
        .collect();
    Ok((difference(&staged, &committed), difference(&committed, &staged)))
}

/// The versions that are in `of` alone.
fn difference(
    of: &HashSet<(String, ObjectId)>,
    other: &HashSet<(String, ObjectId)>,
) -> Vec<Version> {
    let mut versions: Vec<Version> = of
        .difference(other)
        .map(|(path, id)| Version {
            path: path.clone(),
            commit: None,
            is_in_head: false,
            is_in_branch: false,
            id: *id,
        })
        .collect();
    versions.sort_by(|a, b| (&a.path, a.id).cmp(&(&b.path, b.id)));
    versions
}
