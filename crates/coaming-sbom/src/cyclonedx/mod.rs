//! CycloneDX: <https://cyclonedx.org/specification/overview/>. Written are SBOMs of version 1.6 and
//! VEX documents of version 1.5; read is every version that has package URLs.

mod vulnerability;
mod write;
pub(crate) mod xml;

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

pub(crate) use self::vulnerability::Vulnerability;
pub(crate) use self::write::{write_sbom, write_vex};
use crate::lenient::{self, Lenient};
use crate::release::Release;
use crate::sbom::{Collector, Details};
use crate::vex;
use crate::{OperatingSystem, ReadError, Sbom, SourcePackage};

/// A parsed document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) metadata: Metadata,
    pub(crate) components: Vec<Component>,
    pub(crate) vulnerabilities: Vec<Lenient<Vulnerability>>,
}

/// What the document is about, and who wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Metadata {
    component: Option<Component>,
    supplier: Option<Author>,
    manufacturer: Option<Author>,
    #[serde(deserialize_with = "lenient::list")]
    authors: Vec<Author>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Author {
    #[serde(deserialize_with = "lenient::text")]
    name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Component {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) r#type: String,
    #[serde(
        rename = "bom-ref",
        deserialize_with = "lenient::text",
        skip_serializing_if = "String::is_empty"
    )]
    pub(crate) reference: String,
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "String::is_empty")]
    pub(crate) group: String,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) name: String,
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// Read only: `excluded` is a component of tests or of the build.
    #[serde(deserialize_with = "lenient::text", skip_serializing)]
    pub(crate) scope: String,
    #[serde(deserialize_with = "lenient::short_text", skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub(crate) purl: Option<String>,
    #[serde(skip_deserializing, skip_serializing_if = "Vec::is_empty")]
    pub(crate) licenses: Vec<Value>,
    #[serde(deserialize_with = "known_properties", skip_serializing_if = "Vec::is_empty")]
    pub(crate) properties: Vec<Property>,
    #[serde(deserialize_with = "lenient::counted", skip_serializing_if = "Vec::is_empty")]
    pub(crate) components: Vec<Component>,
}

/// The properties that are read. Others, such as syft's names of products, are most of a document.
const PROPERTIES: [&str; 11] = [
    "coaming:path",
    "coaming:source:name",
    "coaming:source:version",
    "aquasecurity:trivy:SrcName",
    "aquasecurity:trivy:SrcVersion",
    "aquasecurity:trivy:SrcRelease",
    "aquasecurity:trivy:SrcEpoch",
    "aquasecurity:trivy:FilePath",
    "syft:metadata:source",
    "syft:metadata:sourceVersion",
    "syft:location:0:path",
];

fn known_properties<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Property>, D::Error> {
    lenient::filtered(deserializer, |it: &Property| PROPERTIES.contains(&it.name.as_str()))
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Property {
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub(crate) value: Option<String>,
}

/// A vulnerability that a document lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedVulnerability<'a> {
    /// Its name.
    pub id: &'a str,
    /// Its severities, in the words of those who rated it.
    pub severities: Vec<&'a str>,
    /// The components that it affects.
    pub affected: Vec<AffectedComponent<'a>>,
}

/// A component that a vulnerability affects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AffectedComponent<'a> {
    /// Its name; the reference where the document does not list the component.
    pub name: &'a str,
    /// Its version; may be empty.
    pub version: &'a str,
}

impl Document {
    pub(crate) fn into_sbom(self) -> Result<Sbom<'static>, ReadError> {
        let mut collector = Collector::default();
        let subject = self.metadata.component.unwrap_or_default();
        if let Some(version) = subject.version.filter(|version| version.starts_with("sha256:")) {
            collector.sbom.digest = Cow::Owned(version);
        }
        // Nested components follow their parent. The JSON parser bounds how deep they nest.
        let mut waiting: Vec<_> = vec![self.components.into_iter(), subject.components.into_iter()];
        while let Some(list) = waiting.last_mut() {
            match list.next() {
                Some(mut component) => {
                    let nested = std::mem::take(&mut component.components);
                    component.collect(&mut collector)?;
                    waiting.push(nested.into_iter());
                }
                None => {
                    waiting.pop();
                }
            }
        }
        Ok(collector.finish())
    }

    pub(crate) fn to_vex(&self) -> Result<vex::Document, ReadError> {
        let urls: HashMap<&str, &str> = self
            .all_components()
            .filter_map(|component| {
                Some((component.reference.as_str(), component.purl.as_deref()?))
            })
            .filter(|(reference, url)| !reference.is_empty() && !url.is_empty())
            .collect();
        let read = |each: &Lenient<Vulnerability>| each.0.as_ref()?.statement(&urls);
        vex::Document::of(&self.vulnerabilities, read, self.author())
    }

    /// All components, also those in others, and what the document is about.
    fn all_components(&self) -> impl Iterator<Item = &Component> {
        let mut waiting: Vec<&Component> =
            self.metadata.component.iter().chain(self.components.iter().rev()).collect();
        std::iter::from_fn(move || {
            let component = waiting.pop()?;
            waiting.extend(component.components.iter().rev());
            Some(component)
        })
    }

    /// Who wrote it, as it claims.
    fn author(&self) -> &str {
        let metadata = &self.metadata;
        let authors = metadata.supplier.iter().chain(&metadata.manufacturer);
        authors
            .chain(metadata.authors.first())
            .map(|author| author.name.as_str())
            .find(|name| !name.is_empty())
            .unwrap_or_default()
    }

    pub(crate) fn listed_vulnerabilities(&self) -> Vec<ListedVulnerability<'_>> {
        let components: HashMap<&str, &Component> = self
            .all_components()
            .filter(|component| !component.reference.is_empty())
            .map(|component| (component.reference.as_str(), component))
            .collect();
        let known = self.vulnerabilities.iter().filter_map(|each| each.0.as_ref());
        known
            .filter(|vulnerability| !vulnerability.is_dismissed())
            .map(|vulnerability| ListedVulnerability {
                id: &vulnerability.id,
                severities: vulnerability.ratings.iter().map(|it| it.severity.as_str()).collect(),
                affected: vulnerability
                    .affects
                    .iter()
                    .map(|affected| match components.get(affected.reference.as_str()) {
                        Some(component) => AffectedComponent {
                            name: &component.name,
                            version: component.version.as_deref().unwrap_or_default(),
                        },
                        None => AffectedComponent { name: &affected.reference, version: "" },
                    })
                    .collect(),
            })
            .collect()
    }
}

impl Component {
    /// Adds it, if it is a package or the operating system.
    fn collect(self, collector: &mut Collector) -> Result<(), ReadError> {
        if self.r#type == "operating-system" {
            let version = self.version.unwrap_or_default();
            collector.sbom.operating_system.get_or_insert_with(|| {
                let Release { id, version } = Release::named(&self.name, &version);
                OperatingSystem { id, version, name: self.description }
            });
            return Ok(());
        }
        if self.scope == "excluded" {
            collector.leave_out("scope `excluded`");
            return Ok(());
        }
        let Some(url) = self.purl.as_ref().filter(|url| !url.is_empty()) else {
            let of_code = matches!(self.r#type.as_str(), "library" | "framework" | "application");
            if of_code && self.version.as_ref().is_some_and(|version| !version.is_empty()) {
                collector.leave_out("no package URL");
            }
            return Ok(());
        };
        let property = |names: [&str; 3]| {
            names.iter().find_map(|name| {
                // Of two properties of one name the last one counts.
                let found =
                    self.properties.iter().rev().find(|it| it.name == *name && it.value.is_some());
                found.and_then(|it| it.value.clone())
            })
        };
        let source_name =
            property(["coaming:source:name", "aquasecurity:trivy:SrcName", "syft:metadata:source"]);
        let source_version = property([
            "coaming:source:version",
            "aquasecurity:trivy:SrcVersion",
            "syft:metadata:sourceVersion",
        ]);
        // trivy splits the version of a source package.
        let of_trivy = |part: &str| {
            let name = format!("aquasecurity:trivy:Src{part}");
            property([&name, "", ""]).filter(|text| !text.is_empty())
        };
        let source = source_name.map(|name| {
            let mut version = source_version.or_else(|| self.version.clone()).unwrap_or_default();
            if let Some(release) = of_trivy("Release") {
                version = format!("{version}-{release}");
            }
            match of_trivy("Epoch") {
                Some(epoch) if epoch != "0" => version = format!("{epoch}:{version}"),
                _ => {}
            }
            SourcePackage { name, version }
        });
        let path =
            property(["coaming:path", "syft:location:0:path", "aquasecurity:trivy:FilePath"]);
        collector.add(url, Details { version: self.version.clone(), path, source })
    }
}
