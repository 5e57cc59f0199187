//! The archives that a user names, by image or alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use coaming_finding::InputError;
use coaming_oci::Reference;

use crate::{ArchiveError, Archives, Found};

/// Archives, with what could not be used of them.
#[derive(Debug, Default)]
pub struct ConfiguredArchives {
    /// The archives.
    pub archives: Archives,
    /// Archives without a digest, which are of use for other commands.
    pub notes: Vec<String>,
    /// Archives that cannot be read.
    pub errors: Vec<InputError>,
}

impl ConfiguredArchives {
    /// Reads the archives of the images that files mention, then all others.
    #[must_use]
    pub fn read(images: &BTreeMap<String, String>, others: &[PathBuf], found: &Found) -> Self {
        let mut read = Self::default();
        for (name, path) in images {
            let image = match Reference::parse(name) {
                Ok(image) if found.names(&image) => image,
                // An archive for an image that no file mentions need not be read.
                _ => continue,
            };
            match read.archives.add_as(Path::new(path), &image) {
                Ok(()) => {}
                // The archive was configured for inspection, which does not need a digest.
                Err(error @ (ArchiveError::NoManifests(_) | ArchiveError::Unknown(_))) => {
                    read.notes.push(format!("no digest for `{name}` from {error}"));
                }
                Err(error) => read.errors.push(InputError::new(path, error.to_string())),
            }
        }
        for path in others {
            if let Err(error) = read.archives.add(path) {
                let file = path.display().to_string();
                read.errors.push(InputError::new(file, error.to_string()));
            }
        }
        read
    }
}
