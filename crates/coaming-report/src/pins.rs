//! What `coaming pin` did: the digests that were added, and the images without one.

use std::io::{self, Write};

use coaming_fix::Change;
use coaming_pin::{Outcome, Unpinned};

/// The images that were pinned, by file. `written` are the changes that could be written.
///
/// # Errors
///
/// If writing fails.
pub fn pinned_text(written: &[&Change], pinned: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    for change in written {
        writeln!(out, "{}", change.file)?;
        for made in &change.made {
            writeln!(out, "  {}: {}", made.subject, made.title)?;
        }
    }
    let count: usize = written.iter().map(|change| change.made.len()).sum();
    match (written.len(), count) {
        (0, _) => write!(out, "Nothing was pinned.")?,
        (1, 1) => write!(out, "Pinned 1 image in 1 file.")?,
        (1, _) => write!(out, "Pinned {count} images in 1 file.")?,
        (files, _) => write!(out, "Pinned {count} images in {files} files.")?,
    }
    if pinned.pinned_before > 0 {
        write!(out, " {} already had a digest.", pinned.pinned_before)?;
    }
    if !pinned.unpinned.is_empty() {
        write!(out, " {} could not be pinned.", pinned.unpinned.len())?;
    }
    writeln!(out)
}

/// An image that was not pinned, and why.
#[must_use]
pub fn unpinned_line(unpinned: &Unpinned) -> String {
    let Unpinned { file, subject, image, reason, .. } = unpinned;
    let image = if image.is_empty() { String::new() } else { format!(" `{image}`") };
    format!("not pinned: {file}: {subject}:{image}: {reason}")
}
