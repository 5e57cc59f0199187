//! The entries of an image's layers with their bytes, for building another image from them.

use std::io::{self, Read};

use crate::archive::{ArchiveError, Entry, Step, Walk};
use crate::source::{DirectoryWalk, Image, LayerSource, open_regular};

/// Why a layer could not be visited to its end.
#[derive(Debug, thiserror::Error)]
pub enum VisitError {
    /// The archive is broken from some position on.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The layer cannot be opened, or the visitor returned an error.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Image {
    /// The number of layers.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// The configuration, as JSON; empty for a root filesystem.
    #[must_use]
    pub fn configuration(&self) -> &[u8] {
        &self.config
    }

    /// Visits the entries of a layer in their order, each with its bytes. Whiteouts come as the
    /// empty files that they are in the archive: `.wh.NAME` and `.wh..wh..opq`. Entries whose paths
    /// lead out of the image are left out.
    ///
    /// # Errors
    ///
    /// If the layer cannot be read to its end, or with the visitor's own error.
    pub fn visit(
        &self,
        layer: usize,
        visitor: &mut dyn FnMut(&Entry, &mut dyn Read) -> io::Result<()>,
    ) -> Result<(), VisitError> {
        match self.layers.get(layer) {
            None => Ok(()),
            Some(LayerSource::Archive(blob, digest)) => {
                let mut walk = Walk::new(blob.verified_archive(digest.as_ref())?);
                while let Some(step) = walk.next()? {
                    if let Step::Entry(entry) = step {
                        visitor(&entry, &mut (&mut walk.input).take(entry.size))?;
                    }
                }
                Ok(())
            }
            Some(LayerSource::Directory(root)) => {
                for (entry, path) in DirectoryWalk::new(root) {
                    if entry.kind == crate::EntryKind::File {
                        visitor(&entry, &mut open_regular(&path)?.take(entry.size))?;
                    } else {
                        visitor(&entry, &mut io::empty())?;
                    }
                }
                Ok(())
            }
        }
    }
}
