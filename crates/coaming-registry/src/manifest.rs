//! Manifests and images as a registry serves them.

use coaming_oci::{Descriptor, Digest};

/// A manifest or index exactly as the registry serves it: the digest is of these bytes.
#[derive(Clone, Debug)]
pub struct RawManifest {
    /// Its digest.
    pub digest: Digest,
    /// The media type that the registry declares.
    pub media_type: String,
    /// Its JSON text.
    pub bytes: Vec<u8>,
}

/// An image for one platform.
#[derive(Clone, Debug)]
pub struct Image {
    /// The digest that the reference resolves to: the index's where there is one.
    pub digest: Digest,
    /// The digest of the platform's own manifest.
    pub manifest_digest: Digest,
    /// The platform's own manifest.
    pub manifest: Vec<u8>,
    /// The image's configuration.
    pub config: Descriptor,
    /// The layers, from the lowest.
    pub layers: Vec<Descriptor>,
}
