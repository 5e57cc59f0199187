//! The images in registries.
//!
//! Invariant: a connection is opened only when an image is asked for.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use coaming_http::Runtime;
use coaming_image::{BlobSource, Image};
use coaming_oci::{Descriptor, Digest, Platform, Reference};
use coaming_registry::{Options, Registry};

use crate::image_locator::{LocateError, RemoteImages, image_error};

/// The images in registries.
#[derive(Clone, Debug)]
pub struct RegistryImages {
    /// How registries are reached.
    pub options: Options,
}

impl RemoteImages for RegistryImages {
    fn image(
        &self,
        reference: &Reference,
        platform: Option<&Platform>,
    ) -> Result<Image, LocateError> {
        let runtime = Runtime::shared().map_err(registry_error)?;
        let registry = Registry::new(self.options.clone(), runtime).map_err(registry_error)?;
        let found = registry.image(reference, platform).map_err(registry_error)?;
        let descriptors = std::iter::once(found.config)
            .chain(found.layers)
            .map(|descriptor| (descriptor.digest, descriptor))
            .collect();
        let reference = reference.clone();
        let source: Arc<dyn BlobSource> = Arc::new(Blobs { registry, reference, descriptors });
        Image::from_registry(&found.manifest_digest, &found.manifest, &source).map_err(image_error)
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

fn registry_error(error: impl std::fmt::Display) -> LocateError {
    LocateError::Registry(error.to_string())
}
