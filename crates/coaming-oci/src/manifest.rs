//! Manifests and indexes, OCI's and Docker's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::bounded::Bounded;
use crate::quote::quote;
use crate::{Digest, DigestError, Platform};

/// The media types of manifests and of what they refer to.
pub mod media_type {
    /// OCI's manifest of an image or artifact.
    pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// OCI's index of manifests, such as one per platform.
    pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// OCI's configuration of an image.
    pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// OCI's layer, compressed with gzip.
    pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// Docker's manifest of an image.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker's list of manifests.
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// The empty JSON object, where an artifact has no configuration.
    pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";

    /// All kinds of manifests, as the `Accept` header of a request lists them.
    pub const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
        application/vnd.docker.distribution.manifest.list.v2+json, \
        application/vnd.oci.image.manifest.v1+json, \
        application/vnd.docker.distribution.manifest.v2+json";
}

/// The largest manifest or index that is read. Registries accept up to 4 MiB.
pub const MAX_DOCUMENT_BYTES: usize = 8 << 20;
/// The most layers of a manifest. Runtimes allow 127.
pub const MAX_LAYERS: usize = 1000;
/// The most entries of an index.
pub const MAX_MANIFESTS: usize = 10_000;

/// A reference to a blob or a manifest by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "RawDescriptor")]
pub struct Descriptor {
    /// What it is; may be empty.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its length in bytes. 0 where the document does not say, which fits no blob but the empty one.
    pub size: u64,
    /// The platform that it is built for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The kind of artifact, in a list of referrers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A descriptor whose digest was not checked yet.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    media_type: Option<String>,
    digest: String,
    #[serde(default)]
    size: u64,
    platform: Option<Platform>,
    artifact_type: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

impl TryFrom<RawDescriptor> for Descriptor {
    type Error = DigestError;

    fn try_from(raw: RawDescriptor) -> Result<Self, DigestError> {
        Ok(Self {
            media_type: raw.media_type.unwrap_or_default(),
            digest: raw.digest.parse()?,
            size: raw.size,
            platform: raw.platform,
            artifact_type: raw.artifact_type,
            annotations: raw.annotations.unwrap_or_default(),
        })
    }
}

impl Descriptor {
    /// Describes these bytes.
    #[must_use]
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::sha256(bytes),
            size: bytes.len() as u64,
            platform: None,
            artifact_type: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Whether it is an attestation about another entry of its index, and not an image.
    #[must_use]
    pub fn is_attestation(&self) -> bool {
        self.platform.as_ref().is_some_and(Platform::is_unknown)
    }
}

/// The manifest of one image or artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The kind of artifact, where it is not an image.
    pub artifact_type: Option<String>,
    /// The configuration.
    pub config: Option<Descriptor>,
    /// The layers, from the lowest.
    pub layers: Vec<Descriptor>,
}

impl Manifest {
    /// The kind of artifact, if it is not an image: by its own type, or by that of its
    /// configuration, as before version 1.1 of the specification. Attestations that BuildKit adds
    /// to an index have the configuration of an image, and layers that are not archives.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        let own = self.artifact_type.as_deref().filter(|kind| !is_image_type(kind));
        let config = self.config.as_ref().map(|config| config.media_type.as_str());
        let of_config = config.filter(|kind| !is_image_type(kind));
        let of_layers = || {
            let first = self.layers.first()?.media_type.as_str();
            let is_archive =
                |kind: &str| kind.is_empty() || kind.contains("tar") || kind.contains("rootfs");
            let none = self.layers.iter().all(|layer| !is_archive(&layer.media_type));
            none.then_some(first)
        };
        own.or_else(|| of_config.filter(|kind| *kind != media_type::EMPTY))
            .or_else(of_layers)
            .or(of_config)
    }
}

/// Whether this may be a type of an image's configuration or manifest: some tools write none, and
/// some the type of another part of an image.
fn is_image_type(kind: &str) -> bool {
    matches!(kind, "" | "application/json" | "application/octet-stream")
        || kind.starts_with("application/vnd.oci.image.")
        || kind.starts_with("application/vnd.docker.")
}

/// A list of manifests, such as one per platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// The entries, without those whose digest is of an unknown algorithm: nothing could verify them.
    pub manifests: Vec<Descriptor>,
}

/// A manifest or an index: what a reference may lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "it is taken apart where it is read, never kept")]
pub enum AnyManifest {
    /// A list of manifests.
    Index(Index),
    /// One image or artifact.
    Manifest(Manifest),
}

/// Why bytes are not a manifest and not an index.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is larger than [`MAX_DOCUMENT_BYTES`].
    #[error("it is larger than {} MiB", MAX_DOCUMENT_BYTES >> 20)]
    TooLarge,
    /// It is not JSON, a field has the wrong type, or a list is too long.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A digest in it is malformed.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// It has the fields of a manifest and those of an index. Two programs could read two images.
    #[error("it is both a manifest and an index")]
    Ambiguous,
    /// It has neither the fields of a manifest nor those of an index.
    #[error("it is neither a manifest nor an index of images ({0})")]
    Neither(String),
}

/// An index has no image for the wanted platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no image for {wanted}; available: {}", available.join(", "))]
pub struct NoSuchPlatform {
    /// The platform that was asked for.
    pub wanted: String,
    /// The platforms that there are, sorted and without repetition, fit to be shown.
    pub available: Vec<String>,
}

/// The fields of manifests and indexes that are used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Bounded<Descriptor, MAX_LAYERS>>,
    manifests: Option<Bounded<RawDescriptor, MAX_MANIFESTS>>,
}

impl AnyManifest {
    /// Reads a manifest or an index.
    ///
    /// # Errors
    ///
    /// See [`ManifestError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(ManifestError::TooLarge);
        }
        let fields: Fields = serde_json::from_slice(bytes)?;
        let has_layers = fields.layers.as_ref().is_some_and(|layers| !layers.0.is_empty());
        match fields.manifests {
            Some(_) if has_layers || fields.config.is_some() => Err(ManifestError::Ambiguous),
            Some(manifests) => Index::checked(manifests.0).map(Self::Index),
            None if fields.config.is_none() && !has_layers => {
                Err(ManifestError::Neither(fields.media_type.as_deref().map_or_else(
                    || "perhaps Docker's first format, which is no longer supported".to_owned(),
                    quote,
                )))
            }
            None => Ok(Self::Manifest(Manifest {
                artifact_type: fields.artifact_type,
                config: fields.config,
                layers: fields.layers.unwrap_or_default().0,
            })),
        }
    }
}

impl Index {
    /// Reads the `index.json` of a layout. One that lists nothing is an empty index.
    ///
    /// # Errors
    ///
    /// See [`ManifestError`]; [`ManifestError::Neither`] if it is a manifest.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        match AnyManifest::parse(bytes) {
            Ok(AnyManifest::Index(index)) => Ok(index),
            Ok(AnyManifest::Manifest(_)) => Err(ManifestError::Neither("a manifest".to_owned())),
            Err(error) => Err(error),
        }
    }

    fn checked(raw: Vec<RawDescriptor>) -> Result<Self, ManifestError> {
        let mut manifests = Vec::with_capacity(raw.len());
        for descriptor in raw {
            match Descriptor::try_from(descriptor) {
                Ok(descriptor) => manifests.push(descriptor),
                Err(DigestError::Algorithm(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self { manifests })
    }

    /// The image for a platform. Without a platform: the image for this machine, or else the only
    /// one. An image that does not say its platform is taken where none fits better.
    ///
    /// # Errors
    ///
    /// If there is none for the platform; the error says which there are.
    pub fn choose(&self, platform: Option<&Platform>) -> Result<&Descriptor, NoSuchPlatform> {
        let images: Vec<&Descriptor> =
            self.manifests.iter().filter(|image| !image.is_attestation()).collect();
        let host;
        let wanted = match platform {
            Some(platform) => platform,
            None => {
                host = Platform::host();
                &host
            }
        };
        let accepted = |image: &&&Descriptor| {
            image.platform.as_ref().is_some_and(|offered| wanted.accepts(offered))
        };
        images
            .iter()
            .find(accepted)
            .or_else(|| images.iter().find(|image| image.platform.is_none()))
            .or_else(|| images.first().filter(|_| images.len() == 1 && platform.is_none()))
            .copied()
            .ok_or_else(|| {
                let offered = images.iter().filter_map(|image| image.platform.as_ref());
                let available: BTreeSet<String> =
                    offered.map(|platform| quote(&platform.to_string())).collect();
                NoSuchPlatform {
                    wanted: wanted.to_string(),
                    available: available.into_iter().collect(),
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn entry(os: &str, architecture: &str) -> serde_json::Value {
        let digest = Digest::sha256(architecture.as_bytes());
        json!({
            "digest": digest, "size": 1,
            "platform": {"os": os, "architecture": architecture},
        })
    }

    fn index(entries: &[serde_json::Value]) -> Index {
        Index::parse(json!({"manifests": entries}).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn an_index_knows_the_image_for_a_platform() {
        let images = [entry("unknown", "unknown"), entry("linux", "s390x"), entry("linux", "mips")];
        let wanted = |text: &str| Some(text.parse::<Platform>().unwrap());
        let several = index(&images);
        let chosen = several.choose(wanted("linux/mips").as_ref()).unwrap();
        assert_eq!(chosen.digest, Digest::sha256(b"mips"));
        let error = several.choose(wanted("linux/arm64").as_ref()).unwrap_err();
        assert_eq!(error.available, ["linux/mips", "linux/s390x"]);
        assert!(several.choose(None).is_err(), "neither for this machine nor the only one");
        assert!(index(&images[..2]).choose(None).is_ok(), "the only one");
        assert!(index(&images[..2]).choose(wanted("linux/mips").as_ref()).is_err());
        let unnamed = index(&[json!({"digest": Digest::sha256(b"")})]);
        assert!(unnamed.choose(wanted("linux/mips").as_ref()).is_ok(), "it does not say");
    }

    #[test]
    fn entries_that_nothing_can_verify_are_left_out() {
        let other = json!({"digest": "blake3:af13", "size": 1});
        assert_eq!(index(&[other, entry("linux", "mips")]).manifests.len(), 1);
    }

    #[test]
    fn null_is_an_empty_list() {
        let text = format!(r#"{{"config":{},"layers":null}}"#, entry("", ""));
        assert!(matches!(AnyManifest::parse(text.as_bytes()), Ok(AnyManifest::Manifest(_))));
    }

    #[test]
    fn hostile_documents_are_refused() {
        let digest = Digest::sha256(b"");
        let descriptor = json!({"digest": digest, "size": 1, "annotations": null});
        let many = |key: &str, count| json!({key: vec![&descriptor; count]}).to_string();
        assert!(AnyManifest::parse(many("layers", MAX_LAYERS).as_bytes()).is_ok());
        for (bad, wanted) in [
            (String::new(), "EOF"),
            ("[]".to_owned(), "invalid"),
            ("{}".to_owned(), "neither"),
            (json!({"schemaVersion": 1, "fsLayers": []}).to_string(), "Docker's first format"),
            (json!({"mediaType": "a\u{1b}b"}).to_string(), "(a\u{fffd}b)"),
            (json!({"manifests": [{"digest": "sha256:/3", "size": 1}]}).to_string(), "digest"),
            (json!({"config": {"digest": "md5:1"}}).to_string(), "unknown algorithm"),
            (json!({"config": descriptor, "manifests": []}).to_string(), "both"),
            (json!({"layers": [descriptor], "manifests": []}).to_string(), "both"),
            (many("layers", MAX_LAYERS + 1), "more than 1000"),
            (many("manifests", MAX_MANIFESTS + 1), "more than 10000"),
            (" ".repeat(MAX_DOCUMENT_BYTES + 1), "larger than 8 MiB"),
        ] {
            let error = AnyManifest::parse(bad.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(wanted), "{bad:.80}: {error}");
        }
    }

    proptest! {
        #[test]
        fn descriptors_are_read_as_they_are_written(
            bytes: Vec<u8>,
            kind in "[a-z/+.]{0,20}",
            annotations in prop::collection::btree_map("[a-z]{1,5}", "\\PC{0,10}", 0..3),
            platform in prop::option::of("[a-z]{1,5}/[a-z0-9]{1,5}(/v[0-9])?"),
        ) {
            let descriptor = Descriptor {
                annotations,
                platform: platform.map(|text| text.parse().unwrap()),
                ..Descriptor::of(&kind, &bytes)
            };
            let text = serde_json::to_string(&descriptor).unwrap();
            prop_assert_eq!(serde_json::from_str::<Descriptor>(&text).unwrap(), descriptor);
        }
    }

    #[test]
    fn artifacts_are_not_images() {
        let manifest = |more: &str, layer: &str| {
            let digest = format!("sha256:{:064}", 1);
            let text = format!(
                r#"{{"schemaVersion": 2, {more}
                    "layers": [{{"mediaType": "{layer}", "digest": "{digest}", "size": 1}}]}}"#,
            );
            match AnyManifest::parse(text.replace("DIGEST", &digest).as_bytes()).unwrap() {
                AnyManifest::Manifest(manifest) => manifest.kind().map(str::to_owned),
                AnyManifest::Index(_) => panic!("{text}"),
            }
        };
        let config = |kind: &str| {
            format!(r#""config": {{"mediaType": "{kind}", "digest": "DIGEST", "size": 2}},"#)
        };
        let layer = media_type::OCI_LAYER_GZIP;
        assert_eq!(manifest(&config(media_type::OCI_CONFIG), layer), None);
        assert_eq!(manifest(&config(""), ""), None);
        let docker = "application/vnd.docker.image.rootfs.diff.tar.gzip";
        assert_eq!(manifest(&config("application/json"), docker), None);
        let chart = "application/vnd.cncf.helm.config.v1+json";
        assert_eq!(manifest(&config(chart), layer).as_deref(), Some(chart));
        let typed = format!(r#""artifactType": "a/b", {}"#, config(media_type::EMPTY));
        assert_eq!(manifest(&typed, "c/d").as_deref(), Some("a/b"));
        let attested = manifest(&config(media_type::OCI_CONFIG), "application/vnd.in-toto+json");
        assert_eq!(attested.as_deref(), Some("application/vnd.in-toto+json"));
    }
}
