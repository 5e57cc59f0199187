//! syft's own JSON: <https://github.com/anchore/syft/tree/main/schema/json>.

use serde::Deserialize;

use crate::lenient::{self, Lenient};
use crate::release::Release;
use crate::sbom::{Collector, Details};
use crate::{OperatingSystem, ReadError, Sbom, SourcePackage};

/// A parsed document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) artifacts: Vec<Lenient<Artifact>>,
    pub(crate) distro: Distro,
}

/// A package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Artifact {
    #[serde(deserialize_with = "lenient::text")]
    version: String,
    #[serde(deserialize_with = "lenient::text")]
    r#type: String,
    #[serde(deserialize_with = "lenient::text")]
    purl: String,
    #[serde(deserialize_with = "lenient::items")]
    locations: Vec<Location>,
    metadata: Option<Lenient<Metadata>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Location {
    #[serde(deserialize_with = "lenient::text")]
    path: String,
}

/// The source package of a package of Debian's or Alpine's; the URL has that of an rpm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    #[serde(deserialize_with = "lenient::text")]
    source: String,
    #[serde(deserialize_with = "lenient::text")]
    source_version: String,
}

/// The distribution, as `os-release` names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Distro {
    #[serde(deserialize_with = "lenient::text")]
    id: String,
    #[serde(rename = "versionID", deserialize_with = "lenient::text")]
    version: String,
    #[serde(rename = "prettyName", deserialize_with = "lenient::text")]
    name: String,
}

impl Document {
    pub(crate) fn into_sbom(self) -> Result<Sbom<'static>, ReadError> {
        let mut collector = Collector::default();
        if !self.distro.id.is_empty() {
            let Release { id, version } = Release::named(&self.distro.id, &self.distro.version);
            collector.sbom.operating_system =
                Some(OperatingSystem { id, version, name: self.distro.name });
        }
        for Lenient(artifact) in self.artifacts {
            let Some(artifact) = artifact else {
                collector.leave_out("malformed");
                continue;
            };
            if artifact.purl.is_empty() {
                collector.leave_out(&artifact.r#type);
                continue;
            }
            let source = artifact.metadata.and_then(|metadata| metadata.0).filter(|metadata| {
                matches!(artifact.r#type.as_str(), "deb" | "apk") && !metadata.source.is_empty()
            });
            let source = source.map(|Metadata { source, source_version }| SourcePackage {
                name: source,
                version: if source_version.is_empty() {
                    artifact.version.clone()
                } else {
                    source_version
                },
            });
            let path = artifact.locations.into_iter().next().map(|location| location.path);
            let version = Some(artifact.version).filter(|version| !version.is_empty());
            collector.add(&artifact.purl, Details { version, path, source })?;
        }
        Ok(collector.finish())
    }
}
