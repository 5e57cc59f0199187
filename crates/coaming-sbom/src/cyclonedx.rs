//! CycloneDX: <https://cyclonedx.org/specification/overview/>. Written are SBOMs of version 1.6 and
//! VEX documents of version 1.5; read is every version that has package URLs.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Number, Value, json};

use crate::lenient::{self, Lenient};
use crate::release::Release;
use crate::sbom::{Collector, Details, reference};
use crate::vex::{self, AffectedPackage, Statement, Status, Subject};
use crate::{OperatingSystem, Package, PackageKind, ReadError, Sbom, SourcePackage, purl};

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
    pub(crate) r#type: String,
    #[serde(rename = "bom-ref", skip_serializing_if = "String::is_empty")]
    pub(crate) reference: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) group: String,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    #[serde(deserialize_with = "lenient::short_text", skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
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
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) value: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Vulnerability {
    #[serde(deserialize_with = "lenient::text")]
    id: String,
    #[serde(deserialize_with = "lenient::text")]
    description: String,
    #[serde(deserialize_with = "lenient::list")]
    references: Vec<Reference>,
    #[serde(deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    ratings: Vec<Rating>,
    #[serde(deserialize_with = "lenient::list")]
    affects: Vec<Affected>,
    #[serde(skip_serializing_if = "Option::is_none")]
    analysis: Option<Analysis>,
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    recommendation: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Reference {
    #[serde(deserialize_with = "lenient::text")]
    id: String,
    /// Required by the schema, where any of its fields may be absent.
    #[serde(skip_deserializing)]
    source: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Rating {
    #[serde(deserialize_with = "lenient::text")]
    severity: String,
    #[serde(skip_deserializing)]
    score: Option<Number>,
    #[serde(skip_deserializing)]
    vector: String,
    #[serde(skip_deserializing)]
    method: &'static str,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Affected {
    #[serde(rename = "ref", deserialize_with = "lenient::text")]
    reference: String,
    #[serde(deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    versions: Vec<AffectedVersion>,
}

/// A version of a component, and whether it is affected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct AffectedVersion {
    #[serde(deserialize_with = "lenient::text")]
    version: String,
    #[serde(deserialize_with = "lenient::text")]
    status: String,
}

impl Affected {
    /// The URLs that a statement with this status is about: those of the versions that the document
    /// names, if it names any. A statement that a component is not affected does not hold for a
    /// version that is not listed as unaffected.
    fn urls(&self, url: &str, status: Status) -> Vec<String> {
        if self.versions.is_empty() {
            return vec![url.to_owned()];
        }
        let dismisses = matches!(status, Status::NotAffected | Status::Fixed);
        let named = self
            .versions
            .iter()
            .filter(|it| !it.version.is_empty() && (it.status == "unaffected") == dismisses);
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (name, own) = match base.rsplit_once('@') {
            Some((name, version)) if !version.contains('/') => (name, Some(version)),
            _ => (base, None),
        };
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        named
            .map(|it| (&it.version, purl::escaped(&it.version)))
            .filter(|(plain, escaped)| {
                own.is_none_or(|own| own == escaped.as_str() || own == plain.as_str())
            })
            .map(|(_, escaped)| format!("{name}@{escaped}{query}"))
            .collect()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Analysis {
    #[serde(deserialize_with = "lenient::text")]
    state: String,
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "String::is_empty")]
    justification: String,
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "String::is_empty")]
    detail: String,
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
        if let Some(Component { version: Some(version), .. }) = self.metadata.component
            && version.starts_with("sha256:")
        {
            collector.sbom.digest = Cow::Owned(version);
        }
        // Nested components follow their parent. The JSON parser bounds how deep they nest.
        let mut waiting: Vec<_> = vec![self.components.into_iter()];
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

impl Vulnerability {
    /// The statement that its analysis makes; `None` if there is none that can be understood.
    fn statement(&self, urls: &HashMap<&str, &str>) -> Option<Statement> {
        let analysis = self.analysis.as_ref()?;
        let status = analysis.status()?;
        let references = self.references.iter().map(|reference| &reference.id);
        let names: Vec<String> = std::iter::once(&self.id)
            .chain(references)
            .filter(|it| !it.is_empty())
            .cloned()
            .collect();
        if names.is_empty() {
            return None;
        }
        let subjects: Vec<Subject> = self
            .affects
            .iter()
            .flat_map(|affected| {
                let reference = affected.reference.as_str();
                // `urn:cdx:…#reference` points into another document.
                let local = reference.rsplit_once('#').map_or(reference, |(_, local)| local);
                let product = urls.get(local).copied().unwrap_or(local);
                affected.urls(product, status).into_iter().map(|url| Subject {
                    label: reference.to_owned(),
                    product: vec![url],
                    part: Vec::new(),
                })
            })
            .collect();
        // Without a subject it would be about everything.
        if subjects.is_empty() && !self.affects.is_empty() {
            return None;
        }
        let reason =
            if analysis.detail.is_empty() { &analysis.justification } else { &analysis.detail };
        Some(Statement {
            names,
            subjects,
            status,
            justification: analysis.justification.clone(),
            reason: reason.clone(),
        })
    }

    /// Whether it is listed only to state that it does not matter.
    fn is_dismissed(&self) -> bool {
        let status = self.analysis.as_ref().and_then(Analysis::status);
        matches!(status, Some(Status::NotAffected | Status::Fixed))
    }
}

impl Analysis {
    fn status(&self) -> Option<Status> {
        Some(match self.state.as_str() {
            "not_affected" | "false_positive" => Status::NotAffected,
            "resolved" | "resolved_with_pedigree" => Status::Fixed,
            "exploitable" => Status::Affected,
            "in_triage" => Status::UnderInvestigation,
            _ => return None,
        })
    }
}

/// Writes an SBOM.
pub(crate) fn write_sbom(sbom: &Sbom<'_>) -> Value {
    let mut components = Vec::new();
    if let Some(system) = &sbom.operating_system {
        components.push(Component {
            r#type: "operating-system".to_owned(),
            reference: "operating-system".to_owned(),
            name: system.id.clone(),
            version: present(&system.version),
            description: system.name.clone(),
            ..Component::default()
        });
    }
    components.extend(sbom.packages.iter().map(component));
    let image = Component {
        r#type: "container".to_owned(),
        reference: "image".to_owned(),
        name: sbom.name.clone().into_owned(),
        version: present(&sbom.digest),
        ..Component::default()
    };
    let references: Vec<&str> = components.iter().map(|it| it.reference.as_str()).collect();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial_number(&sbom.identity()),
        "version": 1,
        "metadata": {
            "tools": {"components": [{
                "type": "application",
                "name": "coaming",
                "version": env!("CARGO_PKG_VERSION"),
            }]},
            "component": image,
        },
        "dependencies": [{"ref": "image", "dependsOn": references}],
        "components": components,
    })
}

fn component(package: &Package) -> Component {
    let (group, name) = match package.kind {
        PackageKind::Maven => package.name.split_once(':').unwrap_or(("", &package.name)),
        _ => ("", package.name.as_str()),
    };
    let property =
        |name: &str, value: &str| Property { name: name.to_owned(), value: Some(value.to_owned()) };
    let mut properties = vec![property("coaming:path", &package.path)];
    if let Some(layer) = package.layer {
        properties.push(property("coaming:layer", &layer.to_string()));
    }
    if let Some(source) = &package.source {
        properties.push(property("coaming:source:name", &source.name));
        properties.push(property("coaming:source:version", &source.version));
    }
    let license = present(&package.licence);
    Component {
        r#type: "library".to_owned(),
        reference: reference(package),
        group: group.to_owned(),
        name: name.to_owned(),
        version: Some(package.version.clone()),
        purl: present(&package.purl),
        licenses: license.map(|name| json!({"license": {"name": name}})).into_iter().collect(),
        properties,
        ..Component::default()
    }
}

fn present(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The digits as a UUID of version 8, which leaves the meaning to its maker.
fn serial_number(digits: &str) -> String {
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    format!(
        "urn:uuid:{}-{}-8{}-a{}-{}",
        part(0..8),
        part(8..12),
        part(13..16),
        part(17..20),
        part(20..32)
    )
}

/// Writes what affects a product as a VEX document.
pub(crate) fn write_vex(affected: &[AffectedPackage<'_>], product: &str, time: &str) -> Value {
    let vulnerabilities: Vec<Vulnerability> = affected.iter().map(vulnerability).collect();
    let mut urls: Vec<&str> = affected.iter().map(|each| each.purl).collect();
    urls.sort_unstable();
    urls.dedup();
    let components = urls.into_iter().map(|url| {
        let name = purl::parse(url).map(|named| named.package.name).unwrap_or_default();
        // Unlike other components, these keep an empty reference and URL.
        json!({"type": "library", "name": name, "bom-ref": url, "purl": url})
    });
    let mut metadata = json!({"timestamp": time});
    if !product.is_empty() {
        metadata["component"] = json!({"type": "container", "name": product, "bom-ref": product});
    }
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": metadata,
        "components": components.collect::<Vec<_>>(),
        "vulnerabilities": vulnerabilities,
    })
}

fn vulnerability(affected: &AffectedPackage<'_>) -> Vulnerability {
    let rating = affected.score.map(|score| Rating {
        severity: affected.severity.unwrap_or("unknown").to_owned(),
        score: Number::from_f64(score),
        vector: affected.vector.to_owned(),
        method: method(affected.vector),
    });
    let aliases = affected.aliases.iter();
    Vulnerability {
        id: affected.id.to_owned(),
        description: affected.summary.to_owned(),
        references: aliases
            .map(|id| Reference { id: id.clone(), ..Reference::default() })
            .collect(),
        ratings: rating.into_iter().collect(),
        affects: vec![Affected { reference: affected.purl.to_owned(), versions: Vec::new() }],
        analysis: Some(Analysis { state: "exploitable".to_owned(), ..Analysis::default() }),
        recommendation: affected.upgrade(),
    }
}

fn method(vector: &str) -> &'static str {
    match vector.get(..8) {
        Some("CVSS:4.0") => "CVSSv4",
        Some("CVSS:3.1") => "CVSSv31",
        Some("CVSS:3.0") => "CVSSv3",
        _ => "CVSSv2",
    }
}
