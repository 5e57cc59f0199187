//! SPDX: <https://spdx.github.io/spdx-spec/v2.3/>. Written is version 2.3; read is every version 2.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::lenient;
use crate::release::Release;
use crate::sbom::{Collector, Details, reference};
use crate::{OperatingSystem, ReadError, Sbom, SourcePackage};

const NO_ASSERTION: &str = "NOASSERTION";

/// A package of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Package {
    #[serde(rename = "SPDXID", skip_deserializing)]
    id: String,
    #[serde(deserialize_with = "lenient::text")]
    name: String,
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    version_info: Option<String>,
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    primary_package_purpose: Option<String>,
    #[serde(deserialize_with = "about_source", skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    #[serde(deserialize_with = "about_source", skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    license_comments: Option<String>,
    #[serde(deserialize_with = "package_urls", skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalReference>,
    /// Required by the format; nothing is known about these.
    #[serde(skip_deserializing)]
    download_location: &'static str,
    #[serde(skip_deserializing)]
    license_concluded: &'static str,
    #[serde(skip_deserializing)]
    license_declared: &'static str,
    #[serde(skip_deserializing)]
    copyright_text: &'static str,
    #[serde(skip_deserializing)]
    files_analyzed: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ExternalReference {
    #[serde(skip_deserializing)]
    reference_category: &'static str,
    #[serde(deserialize_with = "lenient::text")]
    reference_type: String,
    #[serde(deserialize_with = "lenient::text")]
    reference_locator: String,
}

/// How texts start that name a package's file or source.
const SOURCES: [&str; 4] =
    ["found in ", "acquired package info from ", "built from ", "built package from: "];

/// Whether a text names a package's file or source: others are prose, and most of a document.
fn is_about_source(text: &str) -> bool {
    text.len() <= 4096 && SOURCES.iter().any(|start| text.starts_with(start))
}

fn about_source<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = lenient::optional_text(deserializer)?;
    Ok(text.filter(|text| is_about_source(text)))
}

/// The references that are read: others, such as the names of products, are most of a document.
fn package_urls<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<ExternalReference>, D::Error> {
    lenient::filtered(deserializer, ExternalReference::is_package_url)
}

impl ExternalReference {
    /// Whether it is a package URL. Some tools write the type as the address that defines it.
    fn is_package_url(&self) -> bool {
        self.reference_type == "purl" || self.reference_type.ends_with("/purl")
    }
}

pub(crate) fn into_sbom(packages: Vec<Package>) -> Result<Sbom<'static>, ReadError> {
    let mut collector = Collector::default();
    for package in packages {
        package.collect(&mut collector)?;
    }
    Ok(collector.finish())
}

impl Package {
    /// A package as another form of SPDX describes it; what is empty is not known.
    pub(crate) fn read(
        name: String,
        version: String,
        purpose: String,
        source_info: String,
        comment: String,
        urls: Vec<String>,
    ) -> Self {
        let present = |text: String| (!text.is_empty()).then_some(text);
        let reference = |reference_locator| ExternalReference {
            reference_category: "PACKAGE-MANAGER",
            reference_type: "purl".to_owned(),
            reference_locator,
        };
        Self {
            name,
            version_info: present(version),
            primary_package_purpose: present(purpose),
            source_info: Some(source_info).filter(|text| is_about_source(text)),
            comment: Some(comment).filter(|text| is_about_source(text)),
            external_refs: urls.into_iter().map(reference).collect(),
            ..Self::default()
        }
    }

    /// Adds it, if it is a package with a package URL or the operating system.
    fn collect(self, collector: &mut Collector) -> Result<(), ReadError> {
        let purpose = self.primary_package_purpose.as_deref();
        // The JSON schema has the underscore; the specification's text, and so some tools, the
        // hyphen.
        if matches!(purpose, Some("OPERATING_SYSTEM" | "OPERATING-SYSTEM")) {
            let version = self.version_info.unwrap_or_default();
            collector.sbom.operating_system.get_or_insert_with(|| {
                let Release { id, version } = Release::named(&self.name, &version);
                OperatingSystem { id, version, name: String::new() }
            });
            return Ok(());
        }
        let info = self.source_info.as_deref().unwrap_or_default();
        // The second form is syft's.
        let path = info.strip_prefix("found in ").or_else(|| {
            let (_, path) = info.strip_prefix("acquired package info from ")?.split_once(": ")?;
            Some(path)
        });
        // The second form is trivy's.
        let source = self
            .comment
            .as_deref()
            .and_then(|comment| comment.strip_prefix("built from "))
            .or_else(|| info.strip_prefix("built package from: "))
            .and_then(|source| {
                let (name, version) = source.rsplit_once(' ')?;
                Some(SourcePackage { name: name.to_owned(), version: version.to_owned() })
            });
        // Others describe the image, its files or its layers.
        let is_package = matches!(
            purpose,
            None | Some("LIBRARY" | "APPLICATION" | "FRAMEWORK" | "INSTALL" | "FIRMWARE" | "OTHER")
        );
        let version = self.version_info.filter(|it| !matches!(it.as_str(), NO_ASSERTION | "NONE"));
        if self.external_refs.is_empty() && is_package && version.is_some() {
            collector.leave_out("no package URL");
        }
        for reference in &self.external_refs {
            let details = Details {
                version: version.clone(),
                path: path.map(str::to_owned),
                source: source.clone(),
            };
            collector.add(&reference.reference_locator, details)?;
        }
        Ok(())
    }
}

/// Writes an SBOM.
pub(crate) fn write(sbom: &Sbom<'_>) -> Value {
    let mut packages = vec![Package {
        version_info: (!sbom.digest.is_empty()).then(|| sbom.digest.clone().into_owned()),
        ..unasserted("image".to_owned(), &sbom.name, "CONTAINER")
    }];
    if let Some(system) = &sbom.operating_system {
        packages.push(Package {
            version_info: Some(system.version.clone()),
            summary: Some(system.name.clone()),
            ..unasserted("operating-system".to_owned(), &system.id, "OPERATING_SYSTEM")
        });
    }
    packages.extend(sbom.packages.iter().map(package));
    let mut relationships = vec![relationship("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image")];
    let contained = packages.iter().skip(1);
    relationships.extend(contained.map(|it| relationship("SPDXRef-image", "CONTAINS", &it.id)));
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": sbom.name,
        "documentNamespace": format!("https://coaming.dev/spdx/{}", sbom.identity()),
        // The format requires a time; the same image must give the same document.
        "creationInfo": {
            "created": "1970-01-01T00:00:00Z",
            "creators": [concat!("Tool: coaming-", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": relationships,
    })
}

fn package(package: &crate::Package) -> Package {
    let license = &package.licence;
    let url = ExternalReference {
        reference_category: "PACKAGE-MANAGER",
        reference_type: "purl".to_owned(),
        reference_locator: package.purl.clone(),
    };
    let source = package.source.as_ref();
    Package {
        version_info: Some(package.version.clone()),
        source_info: Some(format!("found in {}", package.path)),
        comment: source.map(|source| format!("built from {} {}", source.name, source.version)),
        // What packages declare is rarely a license expression; it is passed on unchanged.
        license_comments: (!license.is_empty()).then(|| format!("declared as: {license}")),
        external_refs: if package.purl.is_empty() { Vec::new() } else { vec![url] },
        ..unasserted(reference(package), &package.name, "LIBRARY")
    }
}

/// A package of which only the name and the purpose are known.
fn unasserted(reference: String, name: &str, purpose: &str) -> Package {
    Package {
        id: format!("SPDXRef-{reference}"),
        name: name.to_owned(),
        primary_package_purpose: Some(purpose.to_owned()),
        download_location: NO_ASSERTION,
        license_concluded: NO_ASSERTION,
        license_declared: NO_ASSERTION,
        copyright_text: NO_ASSERTION,
        ..Package::default()
    }
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to})
}
