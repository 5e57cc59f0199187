//! From an index or a manifest to the image that it describes.

use coaming_oci::{AnyManifest, Digest, Index, Manifest, Platform};

use super::{DOCUMENT_LIMIT, Image, ImageError, LayerSource};
use crate::blob::Blob;

/// How deep indexes may nest.
const DEPTH_LIMIT: usize = 4;

/// Finds the blob with a digest.
pub(super) type Lookup<'a> = dyn Fn(&Digest) -> Result<Blob, ImageError> + 'a;

/// The image of an index for this platform.
pub(super) fn from_index(
    index: &Index,
    platform: Option<&Platform>,
    lookup: &Lookup<'_>,
) -> Result<Image, ImageError> {
    // An index may list artifacts next to the image, before it or after it.
    let is_image = |digest: &Digest| {
        let manifest = verified(digest, lookup).ok().and_then(|bytes| parse(digest, &bytes).ok());
        !matches!(manifest, Some(AnyManifest::Manifest(manifest)) if manifest.kind().is_some())
    };
    let mut images = index.clone();
    if images.manifests.len() > 1 && images.manifests.len() <= MOST_SEARCHED {
        images.manifests.retain(|descriptor| is_image(&descriptor.digest));
    }
    let index = if images.manifests.is_empty() { index } else { &images };
    from_digest(index.choose(platform)?.digest, platform, lookup)
}

/// An index with more entries is not searched for artifacts.
const MOST_SEARCHED: usize = 100;

/// The image of the manifest with this digest, or of the index with this digest for this platform.
pub(super) fn from_digest(
    mut digest: Digest,
    platform: Option<&Platform>,
    lookup: &Lookup<'_>,
) -> Result<Image, ImageError> {
    for _ in 0..DEPTH_LIMIT {
        match parse(&digest, &verified(&digest, lookup)?)? {
            AnyManifest::Manifest(manifest) => return from_manifest(&digest, &manifest, lookup),
            AnyManifest::Index(index) => digest = index.choose(platform)?.digest,
        }
    }
    Err(ImageError::malformed(digest, "its indexes nest too deep"))
}

/// The image of a manifest, as JSON.
pub(super) fn from_bytes(
    digest: &Digest,
    manifest: &[u8],
    lookup: &Lookup<'_>,
) -> Result<Image, ImageError> {
    match parse(digest, manifest)? {
        AnyManifest::Manifest(manifest) => from_manifest(digest, &manifest, lookup),
        AnyManifest::Index(_) => Err(ImageError::malformed(digest, "it is an index of images")),
    }
}

fn parse(digest: &Digest, document: &[u8]) -> Result<AnyManifest, ImageError> {
    AnyManifest::parse(document).map_err(|error| ImageError::malformed(digest, error))
}

fn from_manifest(
    digest: &Digest,
    manifest: &Manifest,
    lookup: &Lookup<'_>,
) -> Result<Image, ImageError> {
    if let Some(kind) = manifest.kind() {
        return Err(ImageError::Artifact(digest.to_string(), coaming_oci::quote(kind)));
    }
    let Some(config) = &manifest.config else {
        return Err(ImageError::malformed(digest, "the manifest has no configuration"));
    };
    let layers = manifest
        .layers
        .iter()
        .map(|layer| {
            let blob = lookup(&layer.digest)?;
            // Other sources verify what they send.
            let digest = matches!(blob, Blob::File { .. }).then_some(layer.digest);
            Ok(LayerSource::Archive(blob, digest))
        })
        .collect::<Result<_, ImageError>>()?;
    Ok(Image {
        digest: digest.to_string(),
        config: verified(&config.digest, lookup)?,
        layers,
        identity: None,
        notes: Vec::new(),
    })
}

/// A small blob, which must have its digest.
pub(super) fn verified(digest: &Digest, lookup: &Lookup<'_>) -> Result<Vec<u8>, ImageError> {
    let bytes =
        lookup(digest)?.whole(DOCUMENT_LIMIT).map_err(|source| ImageError::io(digest, source))?;
    if !digest.matches(&bytes) {
        return Err(ImageError::malformed(digest, "its bytes have another digest"));
    }
    Ok(bytes)
}
