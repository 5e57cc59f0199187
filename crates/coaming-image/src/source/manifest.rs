//! OCI and Docker manifests and indexes, and which of an index's images is meant.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use super::{DOCUMENT_LIMIT, Image, ImageError, LAYER_LIMIT, LayerSource, digest_of};
use crate::blob::Blob;

/// How deep indexes may nest.
const DEPTH_LIMIT: usize = 4;

/// For which machines an image is made: `linux/arm64`, `linux/arm/v7`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// `amd64`.
    pub architecture: String,
    /// `v7`; empty where it does not matter.
    #[serde(default)]
    pub variant: String,
}

impl Platform {
    /// Linux on this machine's processor.
    #[must_use]
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        };
        Self { os: "linux".into(), architecture: architecture.into(), variant: String::new() }
    }

    fn takes(&self, other: &Self) -> bool {
        self.os == other.os
            && self.architecture == other.architecture
            && (self.variant.is_empty() || self.variant == other.variant)
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('/');
        let (os, architecture) = (parts.next().unwrap_or_default(), parts.next());
        let (variant, rest) = (parts.next().unwrap_or_default(), parts.next());
        match architecture {
            Some(architecture) if !os.is_empty() && !architecture.is_empty() && rest.is_none() => {
                Ok(Self {
                    os: os.into(),
                    architecture: architecture.into(),
                    variant: variant.into(),
                })
            }
            _ => Err("a platform is OS/ARCHITECTURE[/VARIANT]: linux/arm64".into()),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.os, self.architecture)?;
        if !self.variant.is_empty() {
            write!(formatter, "/{}", self.variant)?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    #[serde(default)]
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Manifest {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

/// Where the blob with a digest is.
pub(super) type Lookup<'a> = dyn Fn(&str) -> Result<Blob, ImageError> + 'a;

/// Whether it is `sha256:` and 64 hexadecimal digits, or the like for SHA-512.
pub(super) fn is_digest(text: &str) -> bool {
    let (length, hex) = match text.split_once(':') {
        Some(("sha256", hex)) => (64, hex),
        Some(("sha512", hex)) => (128, hex),
        _ => return false,
    };
    hex.len() == length && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The image that an index names, for this platform.
pub(super) fn from_index(
    index: &[u8],
    platform: Option<&Platform>,
    lookup: &Lookup<'_>,
) -> Result<Image, ImageError> {
    let index: Index = parse("index.json", index)?;
    from_digest(choose(&index, platform)?, platform, lookup)
}

/// The image of the manifest with this digest, or that an index with it names for this platform.
pub(super) fn from_digest(
    mut digest: String,
    platform: Option<&Platform>,
    lookup: &Lookup<'_>,
) -> Result<Image, ImageError> {
    for _ in 0..DEPTH_LIMIT {
        let document = verified(&digest, lookup)?;
        if serde_json::from_slice::<Manifest>(&document).is_ok() {
            return image(&digest, &document, lookup);
        }
        let index: Index = parse(&digest, &document)?;
        digest = choose(&index, platform)?;
    }
    Err(ImageError::malformed(&digest, "its indexes nest too deep"))
}

/// The one that is asked for; without a wish this machine's, or the only one.
fn choose(index: &Index, platform: Option<&Platform>) -> Result<String, ImageError> {
    // Attestations stand beside the images that they are about, for the platform `unknown`.
    let images: Vec<&Descriptor> = index
        .manifests
        .iter()
        .filter(|image| image.platform.as_ref().is_none_or(|platform| platform.os != "unknown"))
        .collect();
    let wanted = platform.cloned().unwrap_or_else(Platform::host);
    let found = images
        .iter()
        .find(|image| image.platform.as_ref().is_some_and(|is| wanted.takes(is)))
        .or_else(|| images.iter().find(|image| image.platform.is_none()))
        .or_else(|| images.first().filter(|_| images.len() == 1 && platform.is_none()));
    found.map(|image| image.digest.clone()).ok_or_else(|| ImageError::Platform {
        wanted: wanted.to_string(),
        available: images
            .iter()
            .filter_map(|image| Some(image.platform.as_ref()?.to_string()))
            .collect::<Vec<_>>()
            .join(", "),
    })
}

/// The image of a manifest.
pub(super) fn image(
    digest: &str,
    manifest: &[u8],
    lookup: &Lookup<'_>,
) -> Result<Image, ImageError> {
    let manifest: Manifest = parse("the manifest", manifest)?;
    if manifest.layers.len() > LAYER_LIMIT {
        return Err(ImageError::malformed(
            "the manifest",
            format!("it has more than {LAYER_LIMIT} layers"),
        ));
    }
    let layers = manifest
        .layers
        .iter()
        .map(|layer| Ok(LayerSource::Archive(find(&layer.digest, lookup)?)))
        .collect::<Result<_, ImageError>>()?;
    Ok(Image {
        digest: digest.to_owned(),
        config: verified(&manifest.config.digest, lookup)?,
        layers,
        identity: None,
        notes: Vec::new(),
    })
}

fn find(digest: &str, lookup: &Lookup<'_>) -> Result<Blob, ImageError> {
    if !is_digest(digest) {
        // What stands there is a stranger's: shown, but escaped and short.
        let shown: String = digest.chars().take(80).flat_map(char::escape_default).collect();
        return Err(ImageError::malformed("the manifest", format!("{shown} is no digest")));
    }
    lookup(digest)
}

/// A small blob, which must have its digest.
fn verified(digest: &str, lookup: &Lookup<'_>) -> Result<Vec<u8>, ImageError> {
    let bytes = find(digest, lookup)?
        .whole(DOCUMENT_LIMIT)
        .map_err(|source| ImageError::io(digest, source))?;
    if digest.starts_with("sha256:") && digest_of(&bytes) != digest {
        return Err(ImageError::malformed(digest, "its bytes have another digest"));
    }
    Ok(bytes)
}

pub(super) fn parse<'a, T: Deserialize<'a>>(path: &str, bytes: &'a [u8]) -> Result<T, ImageError> {
    serde_json::from_slice(bytes).map_err(|error| ImageError::malformed(path, error))
}
