//! Where images come from: local daemons and registries, for every command that reads them.
//!
//! Invariants: a daemon's image that was read before is not exported again; a daemon that is there and
//! does not answer, or not to us, costs only itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use coaming_daemon::{Containerd, ContainerdImage, Daemon};
use coaming_image::{BlobSource, Cache, Image, ImageFacts, Platform, sbom};
use coaming_kube::ImageReference;
use coaming_registry::{Descriptor, Registry};

use crate::output;

/// The largest bill of materials that is read.
const BILL_LIMIT: u64 = 512 << 20;

/// What a name led to.
pub(crate) enum Found {
    /// An image that was read before.
    Known(Box<ImageFacts>),
    /// An image to read.
    Image(Image),
}

impl Found {
    /// What is in it, read anew if need be.
    pub(crate) fn facts(self, cache: Option<&Cache>) -> ImageFacts {
        match self {
            Self::Known(facts) => *facts,
            Self::Image(image) => cache.map_or_else(|| image.read(), |cache| cache.read(&image)),
        }
    }
}

/// The image in a file or directory, or the packages of a bill of materials.
pub(crate) fn at_path(path: &Path, platform: Option<&Platform>) -> Result<Found, String> {
    if let Some(facts) = bill(path).map_err(|error| format!("{}: {error}", path.display()))? {
        return Ok(Found::Known(Box::new(facts)));
    }
    Image::open(path, platform).map(Found::Image).map_err(|error| error.to_string())
}

/// The packages of a bill of materials; `None` if the file is none.
fn bill(path: &Path) -> Result<Option<ImageFacts>, String> {
    if !path.is_file() {
        return Ok(None);
    }
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let mut start = Vec::new();
    file.by_ref().take(64 << 10).read_to_end(&mut start).map_err(|error| error.to_string())?;
    if !sbom::is_sbom(&start) {
        return Ok(None);
    }
    file.take(BILL_LIMIT).read_to_end(&mut start).map_err(|error| error.to_string())?;
    sbom::read(&start).map(Some).map_err(|error| error.to_string())
}

/// The daemons on this machine.
pub(crate) struct Daemons {
    /// Docker and Podman.
    docker: Vec<Daemon>,
    containerd: Vec<Containerd>,
}

impl Daemons {
    /// All that this user may ask.
    pub(crate) fn all() -> Self {
        Self { docker: Daemon::all(), containerd: Containerd::all() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.docker.is_empty() && self.containerd.is_empty()
    }

    /// The image of this name in the first daemon that has it.
    pub(crate) fn find(
        &self,
        name: &str,
        platform: Option<&Platform>,
        cache: Option<&Cache>,
    ) -> Option<Found> {
        let docker = self.docker.iter().map(|daemon| in_docker(daemon, name, platform, cache));
        let containerd = self.containerd.iter().map(|daemon| in_containerd(daemon, name, platform));
        docker.chain(containerd).find_map(|outcome| {
            outcome.unwrap_or_else(|error| {
                output::warn(&format!("{name}: {error}"));
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
) -> Result<Option<Found>, String> {
    let Some(local) = daemon.find(name).map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    if let Some(facts) = cache.and_then(|cache| cache.find(&local.id)) {
        return Ok(Some(Found::Known(Box::new(facts))));
    }
    let archive = daemon.export(&local).map_err(|error| error.to_string())?;
    let image = Image::from_stream(name, archive, platform).map_err(|error| error.to_string())?;
    Ok(Some(Found::Image(image.identified_by(&local.id))))
}

/// The blobs of one image in containerd.
struct Stored {
    containerd: Containerd,
    image: ContainerdImage,
}

impl BlobSource for Stored {
    fn open(&self, digest: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.containerd.blob(&self.image, digest)?))
    }
}

fn in_containerd(
    containerd: &Containerd,
    name: &str,
    platform: Option<&Platform>,
) -> Result<Option<Found>, String> {
    let Ok(reference) = ImageReference::parse(name) else { return Ok(None) };
    for name in containerd_names(&reference) {
        let Some(image) = containerd.find(&name).map_err(|error| error.to_string())? else {
            continue;
        };
        let digest = image.digest.clone();
        let source: Arc<dyn BlobSource> =
            Arc::new(Stored { containerd: containerd.clone(), image });
        return Image::from_store(&digest, platform, &source)
            .map(|image| Some(Found::Image(image)))
            .map_err(|error| error.to_string());
    }
    Ok(None)
}

/// What containerd calls an image: whoever pulls by digest has it without the tag.
fn containerd_names(reference: &ImageReference) -> Vec<String> {
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
    reference: ImageReference,
    descriptors: BTreeMap<String, Descriptor>,
}

impl BlobSource for Blobs {
    fn open(&self, digest: &str) -> io::Result<Box<dyn Read + Send>> {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, "the manifest has no such blob");
        let descriptor = self.descriptors.get(digest).ok_or_else(unknown)?;
        let blob = self.registry.blob(&self.reference, descriptor).map_err(io::Error::other)?;
        Ok(Box::new(blob))
    }
}

/// The platform to ask registries for: this machine's where none is said.
pub(crate) fn wanted(platform: Option<&Platform>) -> coaming_registry::Platform {
    let platform = platform.cloned().unwrap_or_else(Platform::host);
    coaming_registry::Platform {
        os: platform.os,
        architecture: platform.architecture,
        variant: Some(platform.variant).filter(|variant| !variant.is_empty()),
    }
}

/// The image of this name in its registry.
pub(crate) fn in_registry(
    options: coaming_registry::Options,
    reference: &ImageReference,
    platform: Option<&Platform>,
) -> Result<Found, String> {
    let registry = Registry::new(options).map_err(|error| error.to_string())?;
    let found = registry.image(reference, &wanted(platform)).map_err(|error| error.to_string())?;
    let descriptors = std::iter::once(found.config)
        .chain(found.layers)
        .map(|descriptor| (descriptor.digest.clone(), descriptor))
        .collect();
    let reference = reference.clone();
    let source: Arc<dyn BlobSource> = Arc::new(Blobs { registry, reference, descriptors });
    Image::from_registry(&found.manifest_digest, &found.manifest, &source)
        .map(Found::Image)
        .map_err(|error| error.to_string())
}
