//! Digests from local files: OCI layouts (a directory, or an archive of one, which may be
//! compressed) and archives of `docker save`.
//!
//! A digest is taken only if the archive or the user names the image in full, and if the archive has
//! a manifest with this digest. Layers are not read.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use coaming_image::{ImageError, Layout};
use coaming_oci::{Descriptor, Digest, Index, Reference};

/// The annotation of containerd and `docker save` with an image's full name.
const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// The annotation of the image specification with a tag or a full name.
const OCI_NAME: &str = "org.opencontainers.image.ref.name";

/// Why a local file gives no digests.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// It is not an archive, or its index or a manifest is missing or damaged.
    #[error("{}: the archive is damaged: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ImageError,
    },
    /// There is an image, but no manifest: Docker before version 25 saved none, and without it only
    /// a registry knows the digest.
    #[error(
        "{}: it has no manifests, because Docker before version 25 saved none: save the image with \
         a newer Docker or with `skopeo copy … oci-archive:FILE:NAME`",
        .0.display()
    )]
    NoManifests(PathBuf),
    /// It is neither an OCI layout nor an archive of `docker save`.
    #[error("{}: it is neither an OCI layout nor an archive of `docker save`", .0.display())]
    Unknown(PathBuf),
    /// The user says which image it is, but it has several images, none with that name.
    #[error("{}: it has {count} images, and none is named {image}", path.display())]
    Ambiguous {
        /// The file.
        path: PathBuf,
        /// The image that is asked for.
        image: String,
        /// The number of images.
        count: usize,
    },
}

/// The digests of images in local files.
#[derive(Clone, Debug, Default)]
pub struct Archives {
    digests: BTreeMap<Reference, Digest>,
}

impl Archives {
    /// Adds the images that a directory or file names in full.
    ///
    /// # Errors
    ///
    /// See [`ArchiveError`]. Then nothing is added.
    pub fn add(&mut self, path: &Path) -> Result<(), ArchiveError> {
        let layout = open(path)?;
        let entries = index(&layout, path)?.manifests.iter();
        let named = entries.filter_map(|entry| Some((full_name(entry)?, entry.digest)));
        self.add_verified(path, &layout, named.collect())
    }

    /// Adds the image of this name in a directory or file. If there is only one image, its name in
    /// there does not matter, because the user says which image it is.
    ///
    /// # Errors
    ///
    /// See [`ArchiveError`]. Then nothing is added.
    pub fn add_as(&mut self, path: &Path, image: &Reference) -> Result<(), ArchiveError> {
        let Ok(image) = image.with_tag(image.tag().unwrap_or("latest")) else { return Ok(()) };
        let layout = open(path)?;
        let images: Vec<&Descriptor> = index(&layout, path)?
            .manifests
            .iter()
            .filter(|entry| !entry.is_attestation())
            .collect();
        let named = images.iter().find(|entry| full_name(entry).as_ref() == Some(&image));
        let Some(entry) = named.or_else(|| images.first().filter(|_| images.len() == 1)) else {
            let (path, image, count) = (path.to_owned(), image.to_string(), images.len());
            return Err(ArchiveError::Ambiguous { path, image, count });
        };
        self.add_verified(path, &layout, vec![(image, entry.digest)])
    }

    /// The digest of an image, by its name and tag.
    #[must_use]
    pub fn digest(&self, image: &Reference) -> Option<Digest> {
        self.digests.get(image).copied()
    }

    /// The tags of a repository.
    pub(crate) fn tags(&self, repository: &Reference) -> Vec<String> {
        self.digests
            .keys()
            .filter(|image| {
                image.registry() == repository.registry()
                    && image.repository() == repository.repository()
            })
            .filter_map(|image| image.tag().map(str::to_owned))
            .collect()
    }

    /// Adds images if all their manifests are there and have the right digests.
    fn add_verified(
        &mut self,
        path: &Path,
        layout: &Layout,
        images: Vec<(Reference, Digest)>,
    ) -> Result<(), ArchiveError> {
        for (_, digest) in &images {
            layout.manifest(digest).map_err(|source| failed(path, source))?;
        }
        self.digests.extend(images);
        Ok(())
    }
}

fn open(path: &Path) -> Result<Layout, ArchiveError> {
    Layout::open(path).map_err(|source| failed(path, source))
}

fn index<'l>(layout: &'l Layout, path: &Path) -> Result<&'l Index, ArchiveError> {
    layout.index().ok_or_else(|| ArchiveError::NoManifests(path.to_owned()))
}

fn failed(path: &Path, source: ImageError) -> ArchiveError {
    match source {
        ImageError::NoImage(_) => ArchiveError::Unknown(path.to_owned()),
        ImageError::Io { path: shown, source } if Path::new(&shown) == path => {
            ArchiveError::Io { path: path.to_owned(), source }
        }
        source => ArchiveError::Damaged { path: path.to_owned(), source },
    }
}

/// The image's name and tag, if both are there: a tag alone does not say of which repository.
fn full_name(entry: &Descriptor) -> Option<Reference> {
    let name = entry
        .annotations
        .get(CONTAINERD_NAME)
        .or_else(|| entry.annotations.get(OCI_NAME).filter(|name| name.contains(['/', ':'])))?;
    let image = Reference::parse(name).ok()?;
    image.with_tag(image.tag()?).ok()
}
