//! Where images come from: local daemons and registries, for every command that reads them.
//!
//! Invariant: what a path names is a file, a directory or an SBOM, never an image elsewhere.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use coaming_advisory::JavaIndexError;
use coaming_image::{Cache, Image, ImageError, ImageFacts, sbom};
use coaming_oci::{Platform, Reference, ReferenceError};

use crate::daemons::{self, Daemons};
use crate::java_names::JavaNames;

/// The largest SBOM that is read.
const SBOM_LIMIT: u64 = 512 << 20;
/// How much of a file is read to recognize an SBOM.
const SBOM_START: u64 = 64 << 10;
/// A larger SBOM is read in parts.
const SBOM_STREAMED: u64 = 16 << 20;

/// Why an image is not available.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// A file of that name cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is an SBOM that is not understood.
    #[error("{}: {source}", path.display())]
    Sbom {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: coaming_sbom::ReadError,
    },
    /// The archive, directory or stream is not an image that can be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The index that names the image's Java archives cannot be asked.
    #[error(transparent)]
    JavaIndex(#[from] JavaIndexError),
    /// No connection can be made, to daemons or registries.
    #[cfg(any(feature = "daemons", feature = "registry"))]
    #[error(transparent)]
    Connections(#[from] coaming_http::Error),
    /// A local daemon does not answer as expected.
    #[cfg(feature = "daemons")]
    #[error(transparent)]
    Daemon(#[from] coaming_daemon::DaemonError),
    /// containerd names an image by what is not a digest.
    #[cfg(feature = "daemons")]
    #[error("containerd: {0}")]
    Digest(#[from] coaming_oci::DigestError),
    /// The registry does not give it.
    #[cfg(feature = "registry")]
    #[error(transparent)]
    Registry(#[from] coaming_registry::RegistryError),
    /// No local daemon has it, and registries are not asked.
    #[error(
        "no local Docker, Podman or containerd has {name}{}",
        if *.containerd_is_closed {
            "; the containerd socket is not accessible to this user: try again as root"
        } else {
            ""
        }
    )]
    NotLocal {
        /// The image.
        name: String,
        /// Whether containerd runs here, but not for this user.
        containerd_is_closed: bool,
    },
    /// The name has the form of neither.
    #[error("`{name}` is neither a file or directory nor a valid image name: {source}")]
    Name {
        /// What was asked for.
        name: String,
        /// What is wrong with it as an image name.
        source: ReferenceError,
    },
}

impl LocateError {
    /// No local daemon has an image of this name.
    pub(crate) fn not_local(name: &str) -> Self {
        let containerd_is_closed = daemons::containerd_is_closed();
        Self::NotLocal { name: name.to_owned(), containerd_is_closed }
    }
}

/// What a name led to.
pub enum Found {
    /// An image that was read before.
    Known(Box<ImageFacts>),
    /// An image to read.
    Image(Image),
}

impl Found {
    /// What is in it; it is read if it was not read before.
    ///
    /// # Errors
    ///
    /// If the index that names its Java archives is damaged.
    pub fn facts(
        self,
        cache: Option<&Cache>,
        names: &JavaNames,
    ) -> Result<ImageFacts, JavaIndexError> {
        let mut facts = match self {
            Self::Known(facts) => *facts,
            Self::Image(image) => cache.map_or_else(|| image.read(), |cache| cache.read(&image)),
        };
        names.complete(&mut facts)?;
        Ok(facts)
    }
}

/// The image in a file or directory, or the packages of an SBOM.
///
/// # Errors
///
/// If the path cannot be read, or holds neither.
pub fn at_path(path: &Path, platform: Option<&Platform>) -> Result<Found, LocateError> {
    if let Some(facts) = sbom_at(path)? {
        return Ok(Found::Known(Box::new(facts)));
    }
    Ok(Found::Image(Image::open(path, platform)?))
}

/// The packages of an SBOM; `None` if the file is not one.
fn sbom_at(path: &Path) -> Result<Option<ImageFacts>, LocateError> {
    if !path.is_file() {
        return Ok(None);
    }
    let failed = |source| LocateError::File { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut start = Vec::new();
    file.by_ref().take(SBOM_START).read_to_end(&mut start).map_err(failed)?;
    if !sbom::is_sbom(&start) {
        return Ok(None);
    }
    let is_large = file.metadata().map_err(failed)?.len() > SBOM_STREAMED;
    let facts = if is_large {
        sbom::read_stream(start.as_slice().chain(file))
    } else {
        file.take(SBOM_LIMIT).read_to_end(&mut start).map_err(failed)?;
        sbom::read(&start)
    };
    facts.map(Some).map_err(|source| LocateError::Sbom { path: path.to_path_buf(), source })
}

/// Images that are not on this machine, such as those in registries.
pub trait RemoteImages: Send + Sync {
    /// The image of this name.
    ///
    /// # Errors
    ///
    /// If its manifest is not available.
    fn image(
        &self,
        reference: &Reference,
        platform: Option<&Platform>,
    ) -> Result<Image, LocateError>;

    /// The signatures of the image of this name, for its manifest or the index that lists it, and
    /// the digests of both.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    #[cfg(feature = "registry")]
    fn signatures(&self, reference: &Reference) -> Result<FoundSignatures, LocateError>;
}

/// The signatures of an image.
#[cfg(feature = "registry")]
#[derive(Debug, Default)]
pub struct FoundSignatures {
    /// The signatures, which are not verified yet.
    pub signed: Vec<coaming_signature::Signed>,
    /// What they may be for: `sha256:…`.
    pub digests: Vec<String>,
}

/// Where an image name is looked up: local daemons first, then elsewhere.
#[derive(Default)]
pub struct LookUp {
    /// Whether local daemons are asked.
    pub daemons: bool,
    /// Where else to look; `None` is nowhere.
    pub remote: Option<Box<dyn RemoteImages>>,
}

impl LookUp {
    /// The image of this name. What a daemon that does not answer says is added to `warnings`.
    ///
    /// # Errors
    ///
    /// If it is in none of these places, or cannot be read there.
    pub fn find(
        &self,
        name: &str,
        platform: Option<&Platform>,
        cache: Option<&Cache>,
        warnings: &mut Vec<String>,
    ) -> Result<Found, LocateError> {
        if self.daemons
            && let Some(found) = Daemons::all().find(name, platform, cache, warnings)
        {
            return Ok(found);
        }
        let Some(remote) = &self.remote else { return Err(LocateError::not_local(name)) };
        let reference = Reference::parse(name)
            .map_err(|source| LocateError::Name { name: name.to_owned(), source })?;
        remote.image(&reference, platform).map(Found::Image)
    }
}
