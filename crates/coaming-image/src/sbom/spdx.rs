//! SPDX 2.3.

use serde_json::{Value, json};

use super::{identity, reference};
use crate::{ImageFacts, Package};

pub(super) fn write(facts: &ImageFacts, name: &str) -> Value {
    let mut image = json!({
        "SPDXID": "SPDXRef-image",
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "CONTAINER",
    });
    if !facts.digest.is_empty() {
        image["versionInfo"] = facts.digest.as_str().into();
    }
    let mut packages = vec![image];
    let mut relationships = vec![relationship("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image")];
    let mut contain = |package: Value| {
        let id = package["SPDXID"].as_str().unwrap_or_default();
        relationships.push(relationship("SPDXRef-image", "CONTAINS", id));
        packages.push(package);
    };
    if let Some(distribution) = &facts.distribution {
        contain(json!({
            "SPDXID": "SPDXRef-operating-system",
            "name": distribution.id,
            "versionInfo": distribution.version,
            "summary": distribution.name,
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": false,
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION",
            "copyrightText": "NOASSERTION",
            "primaryPackagePurpose": "OPERATING-SYSTEM",
        }));
    }
    for entry in facts.packages.iter().map(package) {
        contain(entry);
    }
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": format!("https://coaming.dev/spdx/{}", identity(facts, name)),
        // The format wants a time; the same image shall be the same bill.
        "creationInfo": {
            "created": "1970-01-01T00:00:00Z",
            "creators": [concat!("Tool: coaming-", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": relationships,
    })
}

fn package(package: &Package) -> Value {
    let mut entry = json!({
        "SPDXID": format!("SPDXRef-{}", reference(package)),
        "name": package.name,
        "versionInfo": package.version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "LIBRARY",
        "sourceInfo": format!("found in {}", package.path),
    });
    if !package.licence.is_empty() {
        // What packages write is rarely a licence expression; it is passed on as it is.
        entry["licenseComments"] = format!("declared as: {}", package.licence).into();
    }
    if !package.purl.is_empty() {
        entry["externalRefs"] = json!([{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": package.purl,
        }]);
    }
    if let Some(source) = &package.source {
        entry["comment"] = format!("built from {} {}", source.name, source.version).into();
    }
    entry
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to})
}
