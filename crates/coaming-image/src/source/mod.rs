//! Where images come from: archives, layouts, root filesystems, registries.
//!
//! Opening finds the configuration and the layers, and reads none of the layers. Invariant: a digest
//! that names a file is one, and nothing else: no path of an image's choosing is opened outside it.

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

/// The most layers that are read. Docker makes no more than 127.
pub(crate) const LAYER_LIMIT: usize = coaming_oci::MAX_LAYERS;
/// The largest manifest or configuration that is read.
const DOCUMENT_LIMIT: u64 = coaming_oci::MAX_DOCUMENT_BYTES as u64;

/// Why an image can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A file can't be read.
    #[error("can't read {path}: {source}")]
    Io {
        /// The file, or the part of an archive.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is nothing that could be an image.
    #[error(
        "{0} is no image: neither a docker archive, nor an OCI layout, nor the directory of a root \
         filesystem"
    )]
    NoImage(String),
    /// A part of the image is missing or does not keep to its format.
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

/// A layer that was not read yet.
#[derive(Clone)]
pub(crate) enum LayerSource {
    /// An archive, maybe compressed.
    Archive(Blob),
    /// A root filesystem.
    Directory(PathBuf),
}

/// An image that was opened, and not read yet.
pub struct Image {
    /// The manifest's digest, else the configuration's; empty for a root filesystem.
    pub(crate) digest: String,
    /// The configuration, as JSON; empty for a root filesystem.
    pub(crate) config: Vec<u8>,
    /// The layers, from the lowest.
    pub(crate) layers: Vec<LayerSource>,
    /// What tells this image from all others; `None` where nothing does.
    pub(crate) identity: Option<String>,
    /// What is noteworthy about how it was opened.
    pub(crate) notes: Vec<String>,
}

impl Image {
    /// Opens a docker archive, an OCI layout (a directory or an archive), or the directory of a root
    /// filesystem. Of an image for several platforms, `platform` is taken, else this machine's.
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

    /// Reads an archive from a stream, such as standard input or a daemon's answer, by way of a
    /// temporary file that is gone afterwards.
    ///
    /// # Errors
    ///
    /// If it is no archive of an image, or the temporary file can't be written.
    pub fn from_stream(
        name: &str,
        mut stream: impl Read,
        platform: Option<&Platform>,
    ) -> Result<Self, ImageError> {
        let file = outer::spool(&mut stream).map_err(|error| ImageError::io(name, error))?;
        outer::open(file, name, platform).map(|image| Self { identity: None, ..image })
    }

    /// An image whose manifest is at hand, and whose blobs come from `source`, which must verify
    /// their digests.
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

    /// An image in a store of blobs, by the digest of its manifest, or of an index that names it for
    /// this platform; without a wish for this machine's. `source` must verify digests.
    ///
    /// # Errors
    ///
    /// If a part of it is missing or malformed, or there is none for the platform.
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

    /// The same image, told from all others by this: a digest that whoever handed it out vouches
    /// for. [`Cache`](crate::Cache) keeps its facts by that.
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

/// What tells a file's state from all others: which file, how long, and when it was changed.
fn file_identity(file: &File) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = file.metadata().ok()?;
    Some(format!(
        "{}:{}:{}:{}.{}",
        metadata.dev(),
        metadata.ino(),
        metadata.len(),
        metadata.ctime(),
        metadata.ctime_nsec()
    ))
}

#[cfg(test)]
mod tests;
