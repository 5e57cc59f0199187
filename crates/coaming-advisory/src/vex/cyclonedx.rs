//! VEX in CycloneDX: <https://cyclonedx.org/capabilities/vex/>.

use serde_json::{Map, Value, json};

use super::{Statement, Status, Subject, list, text};
use crate::Vulnerability;

/// The package URLs of a document's components, by the references that its statements use.
pub(super) struct Components(Value);

impl Components {
    pub(super) fn new(document: &Value) -> Self {
        let product = document.pointer("/metadata/component");
        let urls: Map<String, Value> = list(document, "components")
            .iter()
            .chain(product)
            .map(|component| (text(component, "bom-ref"), text(component, "purl")))
            .filter(|(reference, url)| !reference.is_empty() && !url.is_empty())
            .map(|(reference, url)| (reference.to_owned(), Value::from(url)))
            .collect();
        Self(Value::Object(urls))
    }

    pub(super) fn as_value(&self) -> &Value {
        &self.0
    }
}

/// Reads a statement; `None` where it can't be understood.
pub(super) fn statement(value: &Value, components: &Value) -> Option<Statement> {
    let analysis = value.get("analysis")?;
    let status = match text(analysis, "state") {
        "not_affected" | "false_positive" => Status::NotAffected,
        "resolved" | "resolved_with_pedigree" => Status::Fixed,
        "exploitable" => Status::Affected,
        "in_triage" => Status::UnderInvestigation,
        _ => return None,
    };
    let references = list(value, "references").iter().map(|reference| text(reference, "id"));
    let names: Vec<String> = std::iter::once(text(value, "id"))
        .chain(references)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    if names.is_empty() {
        return None;
    }
    let subjects = list(value, "affects")
        .iter()
        .map(|affected| {
            let reference = text(affected, "ref");
            // `urn:cdx:…#reference` points into another document.
            let local = reference.rsplit_once('#').map_or(reference, |(_, local)| local);
            let product = components.get(local).and_then(Value::as_str).unwrap_or(local);
            Subject { product: vec![product.to_owned()], part: Vec::new() }
        })
        .collect();
    let detail = text(analysis, "detail");
    let reason = if detail.is_empty() { text(analysis, "justification") } else { detail };
    Some(Statement { names, subjects, status, reason: reason.to_owned() })
}

/// Who wrote a document, as it says itself.
pub(super) fn author(document: &Value) -> &str {
    let manufacturer =
        ["/metadata/supplier/name", "/metadata/manufacturer/name", "/metadata/authors/0/name"];
    let named = manufacturer.into_iter().filter_map(|place| document.pointer(place)?.as_str());
    named.into_iter().find(|name| !name.is_empty()).unwrap_or_default()
}

/// Writes what was found in a product as a document. `product` is the image's package URL or
/// reference, `time` as RFC 3339 writes it.
#[must_use]
pub fn write(vulnerabilities: &[Vulnerability], product: &str, time: &str) -> Value {
    let list: Vec<Value> = vulnerabilities
        .iter()
        .map(|vulnerability| {
            let mut entry = json!({
                "id": vulnerability.id,
                "description": vulnerability.summary,
                "references": vulnerability.aliases.iter().map(|alias| json!({"id": alias, "source": {}}))
                    .collect::<Vec<_>>(),
                "affects": [{"ref": vulnerability.package.purl}],
                "analysis": {"state": "exploitable"},
            });
            if let Some(score) = vulnerability.score {
                let severity = vulnerability.severity.map_or("unknown", |severity| severity.as_str());
                let rating = json!({
                    "score": score, "severity": severity, "vector": vulnerability.vector,
                    "method": method(&vulnerability.vector),
                });
                entry["ratings"] = json!([rating]);
            }
            if let Some(fixed) = &vulnerability.fixed {
                let upgrade = format!("Upgrade {} to {fixed}.", vulnerability.package.name);
                entry["recommendation"] = json!(upgrade);
            }
            entry
        })
        .collect();
    let mut urls: Vec<&str> =
        vulnerabilities.iter().map(|vulnerability| vulnerability.package.purl.as_str()).collect();
    urls.sort_unstable();
    urls.dedup();
    let components: Vec<Value> = urls
        .iter()
        .map(|url| {
            let name = crate::parse_purl(url).map(|named| named.package.name).unwrap_or_default();
            json!({"type": "library", "name": name, "bom-ref": url, "purl": url})
        })
        .collect();
    let mut metadata = json!({"timestamp": time});
    if !product.is_empty() {
        metadata["component"] = json!({"type": "container", "name": product, "bom-ref": product});
    }
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": metadata,
        "components": components,
        "vulnerabilities": list,
    })
}

fn method(vector: &str) -> &'static str {
    match vector.get(..8) {
        Some("CVSS:4.0") => "CVSSv4",
        Some("CVSS:3.1") => "CVSSv31",
        Some("CVSS:3.0") => "CVSSv3",
        _ => "CVSSv2",
    }
}
