use std::sync::Arc;

use coaming_finding::Severity;

use super::*;
use crate::parse_purl;

fn vulnerability() -> Vulnerability {
    Vulnerability {
        id: "CVE-2018-18074".to_owned(),
        aliases: vec!["GHSA-x84v-xcm2-53pg".to_owned()],
        package: Arc::new(parse_purl("pkg:pypi/requests@2.19.1").unwrap().package),
        fixed: Some("2.20.0".to_owned()),
        severity: Some(Severity::High),
        score: Some(7.5),
        vector: "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N".to_owned(),
        probability: None,
        exploited: None,
        summary: "Sends credentials to other hosts".to_owned(),
        used: None,
        priority: 35,
    }
}

fn status(document: &str, product: &str) -> Option<Status> {
    let document = parse(document.as_bytes()).unwrap();
    let product = Product { name: product.to_owned(), ..Product::default() };
    document.verdict(&vulnerability(), &product).map(|statement| statement.status)
}

#[test]
fn openvex_speaks_of_products_and_of_their_parts() {
    let of_part = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "statements": [{
        "vulnerability": {"name": "GHSA-x84v-xcm2-53pg"}, "status": "not_affected",
        "products": [{"@id": "pkg:oci/shop", "subcomponents": [{"@id": "pkg:pypi/requests"}]}],
        "justification": "vulnerable_code_not_in_execute_path"}]}"#;
    assert_eq!(status(of_part, ""), Some(Status::NotAffected));
    let of_product = r#"{"statements": [{"vulnerability": "CVE-2018-18074",
        "products": ["pkg:oci/shop"], "status": "not_affected"}]}"#;
    assert_eq!(status(of_product, "pkg:oci/shop"), Some(Status::NotAffected));
    assert_eq!(status(of_product, "pkg:oci/other"), None);
}

#[test]
fn what_is_said_of_a_part_of_another_image_does_not_count() {
    let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
    let text = format!(
        r#"{{"author": "Alice", "statements": [{{"vulnerability": "CVE-2018-18074", "status": "fixed",
            "products": [{{"@id": "pkg:oci/shop@{}", "subcomponents": [{{"@id": "pkg:pypi/requests"}}]}}]}}]}}"#,
        digest("a")
    );
    let given = parse(text.as_bytes()).unwrap();
    let attached = Document { origin: Origin::Attached, ..given.clone() };
    let image = |letter: &str| Product { digests: vec![digest(letter)], ..Product::default() };
    let counts = |document: &Document, product: &Product| {
        document.verdict(&vulnerability(), product).is_some()
    };
    for document in [&given, &attached] {
        assert!(counts(document, &image("a")));
        assert!(!counts(document, &image("b")));
    }
    // Whoever gives a document knows which image it is for; what is attached must say it.
    assert!(counts(&given, &Product::default()));
    assert!(!counts(&attached, &Product::default()));
    assert_eq!(Document { name: "a.json".to_owned(), ..given }.speaker(), "a.json, by Alice");
}

#[test]
fn a_product_may_be_known_by_the_digest_of_its_contents() {
    let text = format!(
        r#"{{"statements": [{{"vulnerability": "CVE-2018-18074", "status": "not_affected",
            "products": [{{"@id": "https://example.com/web", "hashes": {{"sha-256": "{}"}}}}]}}]}}"#,
        "a".repeat(64)
    );
    let digest = format!("sha256:{}", "a".repeat(64));
    let product = Product { digests: vec![digest], ..Product::default() };
    let document = parse(text.as_bytes()).unwrap();
    assert!(document.verdict(&vulnerability(), &product).is_some());
    assert!(document.verdict(&vulnerability(), &Product::default()).is_none());
}

#[test]
fn the_last_statement_counts() {
    let document = r#"{"statements": [
        {"vulnerability": {"name": "CVE-2018-18074"}, "status": "under_investigation"},
        {"vulnerability": {"name": "CVE-2018-18074"}, "status": "affected"}]}"#;
    assert_eq!(status(document, ""), Some(Status::Affected));
}

#[test]
fn cyclonedx_refers_to_components() {
    let document = r##"{"bomFormat": "CycloneDX",
        "components": [{"bom-ref": "lib-7", "purl": "pkg:pypi/requests@2.19.1"}],
        "vulnerabilities": [{"id": "CVE-2018-18074", "affects": [{"ref": "urn:cdx:1/1#lib-7"}],
            "analysis": {"state": "false_positive", "detail": "no redirects"}}]}"##;
    assert_eq!(status(document, ""), Some(Status::NotAffected));
    assert_eq!(status(&document.replace("2.19.1", "2.18.0"), ""), None);
}

#[test]
fn what_is_not_understood_excuses_nothing() {
    let document = r#"{"statements": [{"vulnerability": {"name": "CVE-2018-18074"}, "status": "fine"},
        {"vulnerability": 7, "status": "fixed"}, null]}"#;
    assert_eq!(status(document, ""), None);
    assert_eq!(parse(document.as_bytes()).unwrap().skipped, 3);
    assert!(matches!(parse(b"{}"), Err(VexError::Kind)));
    assert!(matches!(parse(b"["), Err(VexError::Json(_))));
}

#[test]
fn what_is_written_is_read_again() {
    let found = [vulnerability()];
    for document in [
        write_openvex(&found, "pkg:oci/shop", "2026-01-01T00:00:00Z"),
        write_cyclonedx(&found, "pkg:oci/shop", "2026-01-01T00:00:00Z"),
    ] {
        assert_eq!(status(&document.to_string(), ""), Some(Status::Affected));
    }
}
