//! Where images come from: local daemons and registries, for every command that reads them.
//!
//! Invariants: a daemon's image that was read before is not exported again; a daemon that does not
//! answer, or denies access, does not affect the others.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coaming_daemon::{Containerd, ContainerdImage, Daemon};
use coaming_http::{BlockingReader, Runtime};
use coaming_image::{BlobSource, Cache, Image, ImageFacts, sbom};
use coaming_oci::{Descriptor, Digest, DigestError, Platform, Reference};
use coaming_registry::Registry;

/// The largest SBOM that is read.
const SBOM_LIMIT: u64 = 512 << 20;

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
    #[error("{}: {message}", path.display())]
    Sbom {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        message: String,
    },
    /// The archive, directory or stream is not an image that can be read.
    #[error("{0}")]
    Image(String),
    /// A local daemon does not answer as expected.
    #[error("{0}")]
    Daemon(String),
    /// The registry does not give it.
    #[error("{0}")]
    Registry(String),
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
    #[must_use]
    pub fn facts(self, cache: Option<&Cache>) -> ImageFacts {
        match self {
            Self::Known(facts) => *facts,
            Self::Image(image) => cache.map_or_else(|| image.read(), |cache| cache.read(&image)),
        }
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
    Image::open(path, platform)
        .map(Found::Image)
        .map_err(|error| LocateError::Image(error.to_string()))
}

/// The packages of an SBOM; `None` if the file is not one.
fn sbom_at(path: &Path) -> Result<Option<ImageFacts>, LocateError> {
    if !path.is_file() {
        return Ok(None);
    }
    let Some(text) =
        sbom_text(path).map_err(|source| LocateError::File { path: path.to_path_buf(), source })?
    else {
        return Ok(None);
    };
    sbom::read(&text)
        .map(Some)
        .map_err(|error| LocateError::Sbom { path: path.to_path_buf(), message: error.to_string() })
}

fn sbom_text(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = File::open(path)?;
    let mut text = Vec::new();
    file.by_ref().take(64 << 10).read_to_end(&mut text)?;
    if !sbom::is_sbom(&text) {
        return Ok(None);
    }
    file.take(SBOM_LIMIT).read_to_end(&mut text)?;
    Ok(Some(text))
}

/// The daemons on this machine.
#[derive(Debug)]
pub struct Daemons {
    /// Docker and Podman.
    docker: Vec<Daemon>,
    containerd: Vec<Containerd>,
}

impl Daemons {
    /// All that this user may ask.
    #[must_use]
    pub fn all() -> Self {
        Self { docker: Daemon::all(), containerd: Containerd::all() }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.docker.is_empty() && self.containerd.is_empty()
    }

    /// The image of this name in the first daemon that has it. What a daemon that does not answer
    /// says is added to `warnings`.
    #[must_use]
    pub fn find(
        &self,
        name: &str,
        platform: Option<&Platform>,
        cache: Option<&Cache>,
        warnings: &mut Vec<String>,
    ) -> Option<Found> {
        let docker = self.docker.iter().map(|daemon| in_docker(daemon, name, platform, cache));
        let containerd = self.containerd.iter().map(|daemon| in_containerd(daemon, name, platform));
        docker.chain(containerd).find_map(|outcome| {
            outcome.unwrap_or_else(|error| {
                warnings.push(format!("{name}: {error}"));
                None
            })
        })
    }
}

fn in_docker(
    daemon: &Daemon,
    name: &str,
    platform: Option<&Platform>,
    cache: Option<&Cache>,
) -> Result<Option<Found>, LocateError> {
    let runtime = Runtime::shared().map_err(daemon_error)?;
    let found = runtime.block_on(daemon.find(name));
    let Some(local) = found.map_err(daemon_error)? else {
        return Ok(None);
    };
    if let Some(facts) = cache.and_then(|cache| cache.find(&local.id)) {
        return Ok(Some(Found::Known(Box::new(facts))));
    }
    let archive = runtime.block_on(daemon.export(&local)).map_err(daemon_error)?;
    let archive = BlockingReader::new(runtime, archive);
    let image = Image::from_stream(name, archive, platform).map_err(image_error)?;
    Ok(Some(Found::Image(image.identified_by(&local.id))))
}

/// The blobs of one image in containerd.
struct Stored {
    containerd: Containerd,
    image: ContainerdImage,
}

impl BlobSource for Stored {
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        let runtime = Runtime::shared().map_err(io::Error::other)?;
        let blob = runtime.block_on(self.containerd.blob(&self.image, &digest.to_string()))?;
        Ok(Box::new(BlockingReader::new(runtime, blob)))
    }
}

fn in_containerd(
    containerd: &Containerd,
    name: &str,
    platform: Option<&Platform>,
) -> Result<Option<Found>, LocateError> {
    let Ok(reference) = Reference::parse(name) else { return Ok(None) };
    let runtime = Runtime::shared().map_err(daemon_error)?;
    for name in containerd_names(&reference) {
        let found = runtime.block_on(containerd.find(&name));
        let Some(image) = found.map_err(daemon_error)? else { continue };
        let digest: Digest = image
            .digest
            .parse()
            .map_err(|error: DigestError| LocateError::Daemon(error.to_string()))?;
        let source: Arc<dyn BlobSource> =
            Arc::new(Stored { containerd: containerd.clone(), image });
        return Image::from_store(&digest, platform, &source)
            .map(|image| Some(Found::Image(image)))
            .map_err(image_error);
    }
    Ok(None)
}

/// The names of an image in containerd: an image that was pulled by digest has no tag.
fn containerd_names(reference: &Reference) -> Vec<String> {
    match (reference.digest(), reference.tag()) {
        (None, None) => vec![format!("{reference}:latest")],
        (None, Some(_)) => vec![reference.to_string()],
        (Some(digest), tag) => {
            let pulled = format!("{}/{}@{digest}", reference.registry(), reference.repository());
            tag.map(|_| reference.to_string()).into_iter().chain([pulled]).collect()
        }
    }
}

/// The blobs of one image in a registry.
struct Blobs {
    registry: Registry,
    reference: Reference,
    descriptors: BTreeMap<Digest, Descriptor>,
}

impl BlobSource for Blobs {
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, "the manifest has no such blob");
        let descriptor = self.descriptors.get(digest).ok_or_else(unknown)?;
        let blob = self.registry.blob(&self.reference, descriptor).map_err(io::Error::other)?;
        Ok(Box::new(blob))
    }
}

/// The image of this name in its registry.
///
/// # Errors
///
/// If the registry does not give its manifest.
pub fn in_registry(
    options: coaming_registry::Options,
    reference: &Reference,
    platform: Option<&Platform>,
) -> Result<Found, LocateError> {
    let runtime = Runtime::shared().map_err(registry_error)?;
    let registry = Registry::new(options, runtime).map_err(registry_error)?;
    let found = registry.image(reference, platform).map_err(registry_error)?;
    let descriptors = std::iter::once(found.config)
        .chain(found.layers)
        .map(|descriptor| (descriptor.digest, descriptor))
        .collect();
    let reference = reference.clone();
    let source: Arc<dyn BlobSource> = Arc::new(Blobs { registry, reference, descriptors });
    Image::from_registry(&found.manifest_digest, &found.manifest, &source)
        .map(Found::Image)
        .map_err(image_error)
}

fn image_error(error: impl std::fmt::Display) -> LocateError {
    LocateError::Image(error.to_string())
}

fn daemon_error(error: impl std::fmt::Display) -> LocateError {
    LocateError::Daemon(error.to_string())
}

fn registry_error(error: impl std::fmt::Display) -> LocateError {
    LocateError::Registry(error.to_string())
}
