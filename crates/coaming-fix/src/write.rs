//! Replaces a file, atomically or not at all.

use std::borrow::Cow;
use std::fs;
use std::io::{Read as _, Write as _};
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
    let encoding = Encoding::of(&path)?;
    temporary.write_all(&encoding.bytes(&change.after))?;
    temporary.as_file().set_permissions(permissions)?;
    temporary.as_file().sync_all()?;
    // Checked as late as possible, so that a concurrent edit of the file is not lost.
    if fs::read(&path)? != *encoding.bytes(&change.before) {
        return Err(WriteError::Changed);
    }
    temporary.persist(&path).map_err(|error| error.error)?;
    sync_directory(directory);
    Ok(())
}

/// How a file's text is written as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16LittleEndian,
    Utf16BigEndian,
}

impl Encoding {
    /// By the byte order mark, as files are read.
    fn of(path: &Path) -> std::io::Result<Self> {
        let mut start = Vec::with_capacity(2);
        fs::File::open(path)?.take(2).read_to_end(&mut start)?;
        Ok(match start.as_slice() {
            [0xFF, 0xFE] => Self::Utf16LittleEndian,
            [0xFE, 0xFF] => Self::Utf16BigEndian,
            _ => Self::Utf8,
        })
    }

    fn bytes(self, text: &str) -> Cow<'_, [u8]> {
        let units = || std::iter::once(0xFEFF).chain(text.encode_utf16());
        match self {
            Self::Utf8 => Cow::Borrowed(text.as_bytes()),
            Self::Utf16LittleEndian => units().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16BigEndian => units().flat_map(u16::to_be_bytes).collect(),
        }
    }
}

/// Whether `git apply` can apply a diff of a file: a diff is UTF-8, and a file in UTF-16 is not.
#[must_use]
pub fn is_patchable(change: &Change) -> bool {
    let encoding = Encoding::of(Path::new(&change.file));
    encoding.map_or(true, |encoding| encoding == Encoding::Utf8)
}

/// Makes the rename durable. Not every file system can; the file is complete either way.
fn sync_directory(directory: &Path) {
    if let Ok(directory) = fs::File::open(directory) {
        drop(directory.sync_all());
    }
}
