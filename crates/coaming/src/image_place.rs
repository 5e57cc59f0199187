//! Where images come from: local daemons and registries, for every command that reads them.
//!
//! Invariant: a daemon's image that was read before is not exported again.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use coaming_daemon::Daemon;
use coaming_image::{BlobSource, Cache, Image, ImageFacts, Platform};
use coaming_kube::ImageReference;
use coaming_registry::{Descriptor, Registry};

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

/// The image of this name in a local daemon; `None` if the daemon does not have it.
pub(crate) fn in_daemon(
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

/// The image of this name in its registry.
pub(crate) fn in_registry(
    options: coaming_registry::Options,
    reference: &ImageReference,
    platform: Option<&Platform>,
) -> Result<Found, String> {
    let registry = Registry::new(options).map_err(|error| error.to_string())?;
    let platform = platform.cloned().unwrap_or_else(Platform::host);
    let wanted = coaming_registry::Platform {
        os: platform.os,
        architecture: platform.architecture,
        variant: Some(platform.variant).filter(|variant| !variant.is_empty()),
    };
    let found = registry.image(reference, &wanted).map_err(|error| error.to_string())?;
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
