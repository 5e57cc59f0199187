//! Replaces a file, atomically or not at all.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::Change;

/// Why a file was not replaced. The file is then unchanged.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file is no longer readable, or its directory is not writable.
    #[error("cannot be replaced: {0}")]
    Io(#[from] std::io::Error),
    /// The file changed after it was scanned.
    #[error("has changed since it was scanned: nothing was written; run the command again")]
    Changed,
    /// The file is not writable by this user.
    #[error("is read-only: nothing was written")]
    ReadOnly,
}

/// Writes a change's new text to a temporary file in the same directory, with the file's
/// permissions, syncs it to disk, and renames it over the file. A link stays a link; its target is
/// replaced.
///
/// # Errors
///
/// See [`WriteError`].
pub fn write(change: &Change) -> Result<(), WriteError> {
    let path = fs::canonicalize(Path::new(&change.file))?;
    let permissions = fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        return Err(WriteError::ReadOnly);
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut temporary =
        tempfile::Builder::new().prefix(".coaming-").suffix(".tmp").tempfile_in(directory)?;
    temporary.write_all(change.after.as_bytes())?;
    temporary.as_file().set_permissions(permissions)?;
    temporary.as_file().sync_all()?;
    // Checked as late as possible, so that a concurrent edit of the file is not lost. It also fails
    // if the text was decoded from another encoding and differs from the file's bytes.
    if fs::read(&path)? != change.before.as_bytes() {
        return Err(WriteError::Changed);
    }
    temporary.persist(&path).map_err(|error| error.error)?;
    sync_directory(directory);
    Ok(())
}

/// Makes the rename durable. Not every file system can; the file is complete either way.
fn sync_directory(directory: &Path) {
    if let Ok(directory) = fs::File::open(directory) {
        drop(directory.sync_all());
    }
}
