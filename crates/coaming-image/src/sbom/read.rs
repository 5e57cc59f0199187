//! Reads the bills that other tools write.
//!
//! A package is what has a package URL of a kind that is known here. Bills know nothing of users,
//! utilities or credentials: those stay empty, and [`ImageFacts::sbom`] says so.

use std::collections::BTreeMap;

use packageurl::PackageUrl;
use serde::Deserialize;

use crate::{Distribution, ImageFacts, Package, PackageKind, SourcePackage};

/// The most packages that are read.
const PACKAGE_LIMIT: usize = 200_000;
/// How deep components may nest; JSON's parser goes no deeper than 128 levels itself.
const DEPTH_LIMIT: usize = 32;

/// Why a bill can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// It is no JSON, or not of the shape.
    #[error("it is no CycloneDX or SPDX document in JSON: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is JSON, but neither format.
    #[error("it is neither CycloneDX (`bomFormat`) nor SPDX 2 (`spdxVersion`)")]
    Unknown,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    bom_format: Option<String>,
    spdx_version: Option<String>,
    #[serde(default)]
    components: Vec<Component>,
    metadata: Option<Metadata>,
    #[serde(default)]
    packages: Vec<SpdxPackage>,
}

#[derive(Deserialize)]
struct Metadata {
    component: Option<Component>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Component {
    r#type: String,
    name: String,
    version: Option<String>,
    purl: Option<String>,
    description: Option<String>,
    components: Vec<Component>,
    properties: Vec<Property>,
}

#[derive(Deserialize)]
struct Property {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SpdxPackage {
    name: String,
    version_info: Option<String>,
    source_info: Option<String>,
    comment: Option<String>,
    primary_package_purpose: Option<String>,
    external_refs: Vec<ExternalReference>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ExternalReference {
    reference_type: String,
    reference_locator: String,
}

/// Whether a file begins as such a document.
#[must_use]
pub fn is_sbom(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start);
    text.trim_start_matches('\u{feff}').trim_start().starts_with('{')
        && (text.contains("\"bomFormat\"") || text.contains("\"spdxVersion\""))
}

/// Reads a bill of either format.
///
/// # Errors
///
/// If it is neither.
pub fn read(json: &[u8]) -> Result<ImageFacts, SbomError> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let document: Document = serde_json::from_slice(json)?;
    let mut facts = ImageFacts { sbom: true, ..Default::default() };
    if document.bom_format.as_deref() == Some("CycloneDX") {
        if let Some(Component { version: Some(version), .. }) =
            document.metadata.and_then(|metadata| metadata.component)
            && version.starts_with("sha256:")
        {
            facts.digest = version;
        }
        components(document.components, &mut facts, 0);
    } else if document.spdx_version.is_some_and(|version| version.starts_with("SPDX-2")) {
        for package in document.packages {
            spdx_package(package, &mut facts);
        }
    } else {
        return Err(SbomError::Unknown);
    }
    if facts.distribution.is_none() {
        facts.distribution = facts.packages.iter().find_map(of_qualifier);
    }
    facts.packages.sort();
    facts.packages.dedup();
    Ok(facts)
}

fn components(components: Vec<Component>, facts: &mut ImageFacts, depth: usize) {
    if depth > DEPTH_LIMIT {
        return;
    }
    for component in components {
        let properties: BTreeMap<&str, &str> = component
            .properties
            .iter()
            .filter_map(|it| Some((it.name.as_str(), it.value.as_deref()?)))
            .collect();
        let property = |names: &[&str]| {
            names.iter().find_map(|name| properties.get(name)).map(|value| (*value).to_owned())
        };
        if component.r#type == "operating-system" {
            facts.distribution.get_or_insert_with(|| Distribution {
                id: component.name.clone(),
                version: component.version.clone().unwrap_or_default(),
                name: component.description.clone().unwrap_or_default(),
                ..Default::default()
            });
        } else if let Some(purl) = &component.purl {
            let path =
                property(&["coaming:path", "syft:location:0:path", "aquasecurity:trivy:FilePath"]);
            let source = SourcePackage {
                name: property(&[
                    "coaming:source:name",
                    "aquasecurity:trivy:SrcName",
                    "syft:metadata:source",
                ])
                .unwrap_or_default(),
                version: property(&[
                    "coaming:source:version",
                    "aquasecurity:trivy:SrcVersion",
                    "syft:metadata:sourceVersion",
                ])
                .or_else(|| component.version.clone())
                .unwrap_or_default(),
            };
            add(facts, purl, component.version.as_deref(), path, Some(source));
        }
        self::components(component.components, facts, depth + 1);
    }
}

fn spdx_package(package: SpdxPackage, facts: &mut ImageFacts) {
    if package.primary_package_purpose.as_deref() == Some("OPERATING-SYSTEM") {
        facts.distribution.get_or_insert_with(|| Distribution {
            id: package.name.clone(),
            version: package.version_info.clone().unwrap_or_default(),
            ..Default::default()
        });
        return;
    }
    let path = package
        .source_info
        .as_deref()
        .and_then(|info| info.strip_prefix("found in ").map(str::to_owned));
    let source = package.comment.as_deref().and_then(|comment| {
        let (name, version) = comment.strip_prefix("built from ")?.rsplit_once(' ')?;
        Some(SourcePackage { name: name.to_owned(), version: version.to_owned() })
    });
    for reference in &package.external_refs {
        if reference.reference_type == "purl" {
            add(
                facts,
                &reference.reference_locator,
                package.version_info.as_deref(),
                path.clone(),
                source.clone(),
            );
        }
    }
}

/// Adds the package of a package URL; URLs that are broken or of other kinds are passed over.
fn add(
    facts: &mut ImageFacts,
    purl: &str,
    version: Option<&str>,
    path: Option<String>,
    source: Option<SourcePackage>,
) {
    let Ok(url) = purl.parse::<PackageUrl<'_>>() else { return };
    let Some(kind) = kind(url.ty()) else { return };
    if facts.packages.len() >= PACKAGE_LIMIT {
        return;
    }
    let name = match (kind, url.namespace()) {
        (PackageKind::Maven, Some(group)) => format!("{group}:{}", url.name()),
        (PackageKind::Npm | PackageKind::Golang | PackageKind::Composer, Some(scope)) => {
            format!("{scope}/{}", url.name())
        }
        _ => url.name().to_owned(),
    };
    let qualifier = |name: &str| {
        url.qualifiers().iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string())
    };
    // `upstream=glibc` or `upstream=gcc-12@12.2.0-14`, as syft writes it.
    let upstream = qualifier("upstream").map(|upstream| match upstream.split_once('@') {
        Some((name, version)) => {
            SourcePackage { name: name.to_owned(), version: version.to_owned() }
        }
        None => SourcePackage {
            name: upstream,
            version: version.or(url.version()).unwrap_or_default().to_owned(),
        },
    });
    facts.packages.push(Package {
        kind,
        name,
        version: version.or(url.version()).unwrap_or_default().to_owned(),
        architecture: qualifier("arch"),
        source: source.filter(|source| !source.name.is_empty()).or(upstream),
        path: path.unwrap_or_default(),
        layer: None,
        licence: String::new(),
        purl: purl.to_owned(),
    });
}

fn kind(name: &str) -> Option<PackageKind> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

/// `distro=debian-12` of a distribution's package.
fn of_qualifier(package: &Package) -> Option<Distribution> {
    if !package.kind.is_distribution() {
        return None;
    }
    let url = package.purl.parse::<PackageUrl<'_>>().ok()?;
    let (_, distro) = url.qualifiers().iter().find(|(key, _)| *key == "distro")?;
    let (id, version) = distro.split_once('-')?;
    Some(Distribution { id: id.to_owned(), version: version.to_owned(), ..Default::default() })
}
