//! CycloneDX 1.6.

use serde_json::{Value, json};

use super::{identity, reference};
use crate::{ImageFacts, Package};

pub(super) fn write(facts: &ImageFacts, name: &str) -> Value {
    let mut components = Vec::new();
    if let Some(distribution) = &facts.distribution {
        let mut system = json!({
            "type": "operating-system",
            "bom-ref": "operating-system",
            "name": distribution.id,
        });
        insert(&mut system, "version", &distribution.version);
        insert(&mut system, "description", &distribution.name);
        components.push(system);
    }
    components.extend(facts.packages.iter().map(component));
    let mut image = json!({"type": "container", "bom-ref": "image", "name": name});
    insert(&mut image, "version", &facts.digest);
    let references: Vec<&Value> = components.iter().map(|it| &it["bom-ref"]).collect();
    let dependencies = json!([{"ref": "image", "dependsOn": references}]);
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial_number(&identity(facts, name)),
        "version": 1,
        "metadata": {
            "tools": {"components": [{
                "type": "application",
                "name": "coaming",
                "version": env!("CARGO_PKG_VERSION"),
            }]},
            "component": image,
        },
        "components": components,
        "dependencies": dependencies,
    })
}

fn component(package: &Package) -> Value {
    let (group, name) = match package.kind {
        crate::PackageKind::Maven => package.name.split_once(':').unwrap_or(("", &package.name)),
        _ => ("", package.name.as_str()),
    };
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(package),
        "name": name,
        "version": package.version,
    });
    insert(&mut component, "group", group);
    insert(&mut component, "purl", &package.purl);
    if !package.licence.is_empty() {
        component["licenses"] = json!([{"license": {"name": package.licence}}]);
    }
    let mut properties = vec![property("coaming:path", &package.path)];
    if let Some(layer) = package.layer {
        properties.push(property("coaming:layer", &layer.to_string()));
    }
    if let Some(source) = &package.source {
        properties.push(property("coaming:source:name", &source.name));
        properties.push(property("coaming:source:version", &source.version));
    }
    component["properties"] = Value::Array(properties);
    component
}

fn property(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

fn insert(object: &mut Value, key: &str, value: &str) {
    if !value.is_empty() {
        object[key] = value.into();
    }
}

/// The digits as a UUID of version 8: one whose meaning is the maker's own.
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
