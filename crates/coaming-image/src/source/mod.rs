//! Where images come from: archives, layouts, root filesystems, registries.
//!
//! Opening finds the configuration and the layers, but reads no layer. Invariant: a digest that
//! names a file has the form of a digest: an image cannot make its reader open a file outside the
//! image.

mod directory;
mod docker;
mod layout;
mod manifest;
mod outer;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coaming_oci::{Digest, NoSuchPlatform, Platform};

use crate::blob::{Blob, BlobSource};

pub(crate) use directory::{DirectoryWalk, open_regular};
pub use layout::Layout;

/// The most layers that are read. Docker creates no more than 127.
pub(crate) const LAYER_LIMIT: usize = coaming_oci::MAX_LAYERS;
/// The largest manifest or configuration that is read.
const DOCUMENT_LIMIT: u64 = coaming_oci::MAX_DOCUMENT_BYTES as u64;

/// Why an image cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file, or the part of an archive.
        path: String,
        /// The error of the system.
        source: std::io::Error,
    },
    /// It does not have the form of an image.
    #[error(
        "{0} is not an image: it is not a docker archive, an OCI layout or the directory of a root \
         filesystem"
    )]
    NoImage(String),
    /// It is an artifact of another kind, such as a chart, a signature or an SBOM.
    #[error("{0} is not an image, but an artifact of the type {1}")]
    Artifact(String, String),
    /// A part of the image is missing or malformed.
    #[error("{path}: {message}")]
    Malformed {
        /// The file, or the part of an archive.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// The image is not made for the platform that was asked for.
    #[error("{0}. Choose one with --platform")]
    Platform(#[from] NoSuchPlatform),
}

impl ImageError {
    fn io(path: impl ToString, source: std::io::Error) -> Self {
        Self::Io { path: path.to_string(), source }
    }

    fn malformed(path: impl ToString, message: impl ToString) -> Self {
        Self::Malformed { path: path.to_string(), message: message.to_string() }
    }
}

/// A layer that is not read yet.
#[derive(Clone)]
pub(crate) enum LayerSource {
    /// An archive, which may be compressed, and its digest as it is stored, if that is known and
    /// was not verified yet.
    Archive(Blob, Option<Digest>),
    /// A root filesystem.
    Directory(PathBuf),
}

/// An image that is open, but not read yet.
pub struct Image {
    /// The manifest's digest, else the configuration's; empty for a root filesystem.
    pub(crate) digest: String,
    /// The configuration, as JSON; empty for a root filesystem.
    pub(crate) config: Vec<u8>,
    /// The layers, from the lowest.
    pub(crate) layers: Vec<LayerSource>,
    /// What identifies the image; `None` if nothing does.
    pub(crate) identity: Option<String>,
    /// Notes about how it was opened.
    pub(crate) notes: Vec<String>,
}

impl Image {
    /// Opens a docker archive, an OCI layout (a directory or an archive), or the directory of a
    /// root filesystem. From a multi-platform image, `platform` is chosen, by default this
    /// machine's.
    ///
    /// # Errors
    ///
    /// If it is none of these, or a part of it is missing.
    pub fn open(path: &Path, platform: Option<&Platform>) -> Result<Self, ImageError> {
        let shown = path.display().to_string();
        let metadata = path.metadata().map_err(|error| ImageError::io(&shown, error))?;
        if metadata.is_dir() {
            return directory::open(path, platform);
        }
        let file = File::open(path).map_err(|error| ImageError::io(&shown, error))?;
        outer::open(file, &shown, platform)
    }

    /// Reads an archive from a stream, such as standard input or a daemon's answer, through a
    /// temporary file that disappears afterwards.
    ///
    /// # Errors
    ///
    /// If it is not an archive of an image, or the temporary file cannot be written.
    pub fn from_stream(
        name: &str,
        mut stream: impl Read,
        platform: Option<&Platform>,
    ) -> Result<Self, ImageError> {
        let file = outer::spool(&mut stream).map_err(|error| ImageError::io(name, error))?;
        outer::open(file, name, platform).map(|image| Self { identity: None, ..image })
    }

    /// An image with this manifest, whose blobs come from `source`, which must verify their
    /// digests.
    ///
    /// # Errors
    ///
    /// If the manifest or the configuration is missing or malformed.
    pub fn from_registry(
        digest: &Digest,
        manifest: &[u8],
        source: &Arc<dyn BlobSource>,
    ) -> Result<Self, ImageError> {
        let lookup =
            |digest: &Digest| Ok(Blob::Remote { source: Arc::clone(source), digest: *digest });
        let image = manifest::from_bytes(digest, manifest, &lookup)?;
        Ok(Self { identity: Some(digest.to_string()), ..image })
    }

    /// An image in a store of blobs, by the digest of its manifest, or of an index that names it
    /// for this platform, by default this machine's. `source` must verify digests.
    ///
    /// # Errors
    ///
    /// If a part of it is missing or malformed, or there is no image for the platform.
    pub fn from_store(
        digest: &Digest,
        platform: Option<&Platform>,
        source: &Arc<dyn BlobSource>,
    ) -> Result<Self, ImageError> {
        let lookup =
            |digest: &Digest| Ok(Blob::Remote { source: Arc::clone(source), digest: *digest });
        let image = manifest::from_digest(*digest, platform, &lookup)?;
        let identity = Some(image.digest.clone());
        Ok(Self { identity, ..image })
    }

    /// The same image with this identity: a digest that its source guarantees.
    /// [`Cache`](crate::Cache) stores its facts under it.
    #[must_use]
    pub fn identified_by(self, identity: &str) -> Self {
        Self { identity: Some(identity.to_owned()), ..self }
    }

    /// The manifest's digest, else the configuration's; empty for a root filesystem.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// `sha256:…` of some bytes.
fn digest_of(bytes: &[u8]) -> String {
    Digest::sha256(bytes).to_string()
}

#[cfg(test)]
mod tests;
