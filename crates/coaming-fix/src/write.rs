//! Replace a file, atomically or not at all.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::Change;

/// Why a file was not replaced. It is then as it was.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file can't be read any more, or its directory can't be written.
    #[error("can't be replaced: {0}")]
    Io(#[from] std::io::Error),
    /// The file is not what it was when it was scanned.
    #[error("has changed since it was scanned: nothing was written, run the command again")]
    Changed,
    /// The file can't be written by this user.
    #[error("is read-only: nothing was written")]
    ReadOnly,
}

/// Writes a change's new text: to a temporary file beside it, synced to disk, with the file's
/// permissions, and then in its place. A link stays a link; what it points to is replaced.
///
/// # Errors
///
/// As [`WriteError`] says.
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
    // As late as can be: whoever edits the file meanwhile must not lose his work. A text that was
    // decoded from another encoding is not the file's bytes either.
    if fs::read(&path)? != change.before.as_bytes() {
        return Err(WriteError::Changed);
    }
    temporary.persist(&path).map_err(|error| error.error)?;
    sync_directory(directory);
    Ok(())
}

/// Makes the rename last. Not every file system can; the file itself is whole either way.
fn sync_directory(directory: &Path) {
    if let Ok(directory) = fs::File::open(directory) {
        drop(directory.sync_all());
    }
}
