//! The images in registries.
//!
//! Invariant: a connection is opened only when an image is asked for.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use coaming_http::Runtime;
use coaming_image::{BlobSource, Image};
use coaming_oci::{Descriptor, Digest, Platform, Reference};
use coaming_registry::{Attachments, Image as RemoteImage, Options, Registry, RegistryError};

use crate::image_locator::{FoundSignatures, LocateError, RemoteImages};

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
        let runtime = Runtime::shared()?;
        let registry = Registry::new(self.options.clone(), runtime)?;
        let found = registry.image(reference, platform)?;
        let descriptors = std::iter::once(found.config)
            .chain(found.layers)
            .map(|descriptor| (descriptor.digest, descriptor))
            .collect();
        let reference = reference.clone();
        let source: Arc<dyn BlobSource> = Arc::new(Blobs { registry, reference, descriptors });
        Ok(Image::from_registry(&found.manifest_digest, &found.manifest, &source)?)
    }

    fn signatures(&self, reference: &Reference) -> Result<FoundSignatures, LocateError> {
        let runtime = Runtime::shared()?;
        let registry = Registry::new(self.options.clone(), runtime)?;
        let image = registry.image(reference, None)?;
        let found = attachments(&registry, reference, &image)?;
        if let Some(problem) = found.problems.into_iter().next() {
            return Err(problem.into());
        }
        let digests = vec![image.manifest_digest.to_string(), image.digest.to_string()];
        Ok(FoundSignatures { signed: found.signatures, digests })
    }
}

/// What is attached to an image, and to the index of all platforms that lists it: cosign signs what a
/// tag names.
pub(crate) fn attachments(
    registry: &Registry,
    reference: &Reference,
    image: &RemoteImage,
) -> Result<Attachments, RegistryError> {
    let mut found = registry.attachments(&reference.with_digest(image.manifest_digest))?;
    if image.digest != image.manifest_digest {
        let of_index = registry.attachments(&reference.with_digest(image.digest))?;
        found.documents.extend(of_index.documents);
        found.signatures.extend(of_index.signatures);
        found.problems.extend(of_index.problems);
    }
    Ok(found)
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
