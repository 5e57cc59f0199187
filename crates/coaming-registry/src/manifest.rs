//! Manifests and indexes, OCI's and Docker's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest;

/// The media types of what lies in registries.
pub mod media_type {
    /// OCI's manifest of an image or artifact.
    pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// OCI's index of manifests, such as one for each platform.
    pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// Docker's manifest of an image.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker's list of manifests.
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// The empty JSON object, where an artifact has no configuration.
    pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";

    /// All kinds of manifests, as a request names them.
    pub(crate) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
        application/vnd.docker.distribution.manifest.list.v2+json, \
        application/vnd.oci.image.manifest.v1+json, \
        application/vnd.docker.distribution.manifest.v2+json";
}

/// What a manifest says of a blob or of another manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What it is.
    #[serde(default)]
    pub media_type: String,
    /// Its digest, with the algorithm.
    pub digest: String,
    /// Its length in bytes.
    pub size: u64,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The kind of artifact, in a list of referrers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Remarks.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub annotations: std::collections::BTreeMap<String, String>,
}

impl Descriptor {
    /// Describes these bytes.
    #[must_use]
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: digest::sha256(bytes),
            size: bytes.len() as u64,
            platform: None,
            artifact_type: None,
            annotations: std::collections::BTreeMap::new(),
        }
    }
}

/// What an image runs on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`.
    #[serde(default)]
    pub os: String,
    /// `amd64`.
    #[serde(default)]
    pub architecture: String,
    /// `v8`, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Default for Platform {
    fn default() -> Self {
        Self { os: "linux".to_owned(), architecture: "amd64".to_owned(), variant: None }
    }
}

impl Platform {
    /// Whether an image for `offered` runs where this is asked for.
    fn takes(&self, offered: &Self) -> bool {
        self.os == offered.os
            && self.architecture == offered.architecture
            && (self.variant.is_none() || self.variant == offered.variant)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = String;

    /// Reads `os/architecture` or `os/architecture/variant`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split('/').map(str::to_owned);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(os), Some(architecture), variant, None)
                if !os.is_empty() && !architecture.is_empty() =>
            {
                Ok(Self { os, architecture, variant })
            }
            _ => Err(format!("`{text}` is no platform: write it as `linux/arm64`")),
        }
    }
}

/// A manifest or index as the registry has it: the digest is of exactly these bytes.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Its digest.
    pub digest: String,
    /// What it is.
    pub media_type: String,
    /// Its JSON text.
    pub bytes: Vec<u8>,
}

/// An image for one platform.
#[derive(Clone, Debug)]
pub struct Image {
    /// The digest that the reference stands for: the index's where there is one.
    pub digest: String,
    /// The digest of the platform's own manifest.
    pub manifest_digest: String,
    /// The platform's own manifest.
    pub manifest: Vec<u8>,
    /// The image's configuration.
    pub config: Descriptor,
    /// The layers, the lowest first.
    pub layers: Vec<Descriptor>,
}

/// The fields of manifests and indexes that we need.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    manifests: Option<Vec<Descriptor>>,
}

/// What a manifest turned out to be.
pub(crate) enum Contents {
    /// Of several platforms.
    Index(Vec<Descriptor>),
    /// Of one image or artifact.
    Single { config: Option<Descriptor>, layers: Vec<Descriptor>, artifact_type: Option<String> },
}

/// More layers than this no image has: runtimes allow 127.
const MAX_LAYERS: usize = 1000;
/// More manifests than this no index has.
const MAX_MANIFESTS: usize = 10_000;

/// Reads a manifest or index.
pub(crate) fn read(bytes: &[u8]) -> Result<Contents, String> {
    let fields: Fields = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let listed = fields.manifests.iter().flatten();
    for descriptor in listed.chain(&fields.layers).chain(&fields.config) {
        if !digest::is_digest(&descriptor.digest) {
            return Err("a digest in it is malformed".to_owned());
        }
    }
    match fields.manifests {
        Some(manifests) if manifests.len() > MAX_MANIFESTS => {
            Err(format!("the index lists more than {MAX_MANIFESTS} manifests"))
        }
        Some(manifests) => Ok(Contents::Index(manifests)),
        None if fields.layers.len() > MAX_LAYERS => {
            Err(format!("the manifest has more than {MAX_LAYERS} layers"))
        }
        None if fields.config.is_none() && fields.layers.is_empty() => Err(format!(
            "it is neither a manifest nor an index of images ({})",
            fields.media_type.as_deref().map_or_else(
                || "Docker's first format, long given up?".to_owned(),
                coaming_http::clean
            )
        )),
        None => Ok(Contents::Single {
            config: fields.config,
            layers: fields.layers,
            artifact_type: fields.artifact_type,
        }),
    }
}

/// The manifest for a platform, out of an index; else the platforms that there are.
pub(crate) fn choose<'m>(
    manifests: &'m [Descriptor],
    platform: &Platform,
) -> Result<&'m Descriptor, Vec<String>> {
    let offered = |descriptor: &'m Descriptor| descriptor.platform.as_ref();
    manifests
        .iter()
        .find(|descriptor| offered(descriptor).is_some_and(|offer| platform.takes(offer)))
        .ok_or_else(|| {
            let known = manifests.iter().filter_map(offered).filter(|offer| offer.os != "unknown");
            let names: std::collections::BTreeSet<String> =
                known.map(|offer| coaming_http::clean(&offer.to_string())).collect();
            names.into_iter().collect()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms() {
        let arm: Platform = "linux/arm64/v8".parse().unwrap();
        assert_eq!(arm.to_string(), "linux/arm64/v8");
        assert!("linux/arm64".parse::<Platform>().unwrap().takes(&arm));
        assert!(!arm.takes(&"linux/arm64".parse().unwrap()));
        for no in ["", "linux", "/", "a/b/c/d"] {
            assert!(no.parse::<Platform>().is_err(), "{no}");
        }
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        let digest = digest::sha256(b"");
        let good = format!(
            r#"{{"manifests":[{{"digest":"{digest}","size":1,"platform":{{"os":"linux","architecture":"arm64"}}}}]}}"#
        );
        let Ok(Contents::Index(manifests)) = read(good.as_bytes()) else { panic!("no index") };
        assert_eq!(choose(&manifests, &Platform::default()), Err(vec!["linux/arm64".to_owned()]));
        for bad in [
            "".to_owned(),
            "[]".to_owned(),
            "{}".to_owned(),
            good.replace("sha256:e", "sha256:/"),
            r#"{"schemaVersion":1,"fsLayers":[]}"#.to_owned(),
            format!(
                r#"{{"layers":[{}{{"digest":"{digest}","size":1}}]}}"#,
                format!(r#"{{"digest":"{digest}","size":1}},"#).repeat(1000)
            ),
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad:.80}");
        }
    }
}
