//! Writes CycloneDX: SBOMs and VEX documents.

use serde_json::{Number, Value, json};

use super::vulnerability::{Affected, Analysis, Rating, Reference, Vulnerability};
use super::{Component, Property};
use crate::sbom::reference;
use crate::vex::AffectedPackage;
use crate::{Package, PackageKind, Sbom, purl};

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
