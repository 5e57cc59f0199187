//! OpenVEX: <https://github.com/openvex/spec>.

use serde_json::{Value, json};

use super::{Statement, Status, Subject, list, text};
use crate::Vulnerability;

/// Reads a statement; `None` where it can't be understood.
pub(super) fn statement(value: &Value, _document: &Value) -> Option<Statement> {
    let status = match text(value, "status") {
        "not_affected" => Status::NotAffected,
        "fixed" => Status::Fixed,
        "affected" => Status::Affected,
        "under_investigation" => Status::UnderInvestigation,
        _ => return None,
    };
    let vulnerability = value.get("vulnerability")?;
    let mut names = Vec::new();
    if let Some(name) = vulnerability.as_str() {
        names.push(name.to_owned());
    } else {
        names.push(text(vulnerability, "name").to_owned());
        let aliases = list(vulnerability, "aliases").iter().filter_map(Value::as_str);
        names.extend(aliases.map(str::to_owned));
    }
    names.retain(|name| !name.is_empty());
    if names.is_empty() {
        return None;
    }
    let mut subjects = Vec::new();
    for product in list(value, "products") {
        let identified = identities(product)?;
        let parts = list(product, "subcomponents");
        if parts.is_empty() {
            subjects.push(Subject { product: identified, part: Vec::new() });
            continue;
        }
        // What is said of a part holds for that part alone.
        for part in parts {
            subjects.push(Subject { product: identified.clone(), part: identities(part)? });
        }
    }
    let reason = ["impact_statement", "justification", "status_notes"]
        .into_iter()
        .map(|key| text(value, key))
        .find(|text| !text.is_empty());
    Some(Statement { names, subjects, status, reason: reason.unwrap_or_default().to_owned() })
}

/// What identifies a product or a part: its name, its package URL and the digests of its contents;
/// `None` where nothing does.
fn identities(value: &Value) -> Option<Vec<String>> {
    let url = value.get("identifiers").map(|each| text(each, "purl")).unwrap_or_default();
    let names = [value.as_str().unwrap_or_default(), text(value, "@id"), url].map(str::to_owned);
    let digests = value.get("hashes").and_then(Value::as_object).into_iter().flatten();
    // `"sha-256": "…"`
    let digests = digests.filter_map(|(algorithm, digits)| {
        Some(format!("{}:{}", algorithm.replace("sha-", "sha"), digits.as_str()?))
    });
    let mut all: Vec<String> =
        names.into_iter().chain(digests).filter(|text| !text.is_empty()).collect();
    all.dedup();
    (!all.is_empty()).then_some(all)
}

/// Writes what was found in a product as a document: that it is affected, and what to do. `product`
/// is the image's package URL or reference, empty where there is none; `time` as RFC 3339 writes it.
#[must_use]
pub fn write(vulnerabilities: &[Vulnerability], product: &str, time: &str) -> Value {
    let statements: Vec<Value> = vulnerabilities
        .iter()
        .map(|vulnerability| {
            let action = match &vulnerability.fixed {
                Some(fixed) => format!("Upgrade {} to {fixed}.", vulnerability.package.name),
                None => "No fixed version is known yet.".to_owned(),
            };
            let part = json!({"@id": vulnerability.package.purl});
            let about = if product.is_empty() {
                part
            } else {
                json!({"@id": product, "subcomponents": [part]})
            };
            json!({
                "vulnerability": {"name": vulnerability.id, "aliases": vulnerability.aliases},
                "products": [about],
                "status": "affected",
                "action_statement": action,
            })
        })
        .collect();
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("https://openvex.dev/docs/coaming/{}", identifier(product, time)),
        "author": "coaming",
        "timestamp": time,
        "version": 1,
        "statements": statements,
    })
}

/// A name for the document that is the same for the same product and time.
fn identifier(product: &str, time: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let digest =
        Sha256::new().chain_update(product).chain_update([0]).chain_update(time).finalize();
    base16ct::lower::encode_string(digest.get(..16).unwrap_or_default())
}
