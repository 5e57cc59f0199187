use super::*;

const REQUESTS: &str = "pkg:pypi/requests@2.19.1";

fn is_named(name: &str) -> bool {
    matches!(name, "CVE-2018-18074" | "GHSA-x84v-xcm2-53pg")
}

fn verdict<'d>(document: &'d Document, product: &Product) -> Option<&'d Statement> {
    document.verdict(is_named, REQUESTS, product)
}

fn status(document: &str, product: &str) -> Option<Status> {
    let document = read(document.as_bytes()).unwrap();
    let product = Product { name: product.to_owned(), ..Product::default() };
    verdict(&document, &product).map(|statement| statement.status)
}

#[test]
fn openvex_is_about_products_and_their_parts() {
    let about_part = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "statements": [{
        "vulnerability": {"name": "GHSA-x84v-xcm2-53pg"}, "status": "not_affected",
        "products": [{"@id": "pkg:oci/shop", "subcomponents": [{"@id": "pkg:pypi/requests"}]}],
        "justification": "vulnerable_code_not_in_execute_path"}]}"#;
    assert_eq!(status(about_part, ""), Some(Status::NotAffected));
    let about_product = r#"{"statements": [{"vulnerability": "CVE-2018-18074",
        "products": ["pkg:oci/shop"], "status": "not_affected"}]}"#;
    assert_eq!(status(about_product, "pkg:oci/shop"), Some(Status::NotAffected));
    assert_eq!(status(about_product, "pkg:oci/other"), None);
}

#[test]
fn a_statement_about_a_part_of_another_image_does_not_count() {
    let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
    let text = format!(
        r#"{{"author": "Alice", "statements": [{{
            "vulnerability": "CVE-2018-18074", "status": "fixed",
            "products": [{{"@id": "pkg:oci/shop@{}",
                "subcomponents": [{{"@id": "pkg:pypi/requests"}}]}}]}}]}}"#,
        digest("a")
    );
    let given = read(text.as_bytes()).unwrap();
    let attached = Document { origin: Origin::Attached, ..given.clone() };
    let image = |letter: &str| Product { digests: vec![digest(letter)], ..Product::default() };
    for document in [&given, &attached] {
        assert!(verdict(document, &image("a")).is_some());
        assert!(verdict(document, &image("b")).is_none());
    }
    // A user who provides a document knows which image it is for; an attached one must name it.
    assert!(verdict(&given, &Product::default()).is_some());
    assert!(verdict(&attached, &Product::default()).is_none());
    let named = Document { name: "a.json".to_owned(), ..given };
    assert_eq!(named.attribution(), "a.json, by Alice");
}

#[test]
fn a_product_may_be_known_by_the_digest_of_its_content() {
    let text = format!(
        r#"{{"statements": [{{"vulnerability": "CVE-2018-18074", "status": "not_affected",
            "products": [{{"@id": "https://example.com/web",
                "hashes": {{"sha-256": "{}", "odd": 7}}}}]}}]}}"#,
        "a".repeat(64)
    );
    let digest = format!("sha256:{}", "a".repeat(64));
    let product = Product { digests: vec![digest], ..Product::default() };
    let document = read(text.as_bytes()).unwrap();
    assert!(verdict(&document, &product).is_some());
    assert!(verdict(&document, &Product::default()).is_none());
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
    let document = read(document.as_bytes()).unwrap();
    let statement = &document.statements[0];
    assert_eq!(statement.subjects[0].label, "urn:cdx:1/1#lib-7");
    assert_eq!((statement.justification.as_str(), statement.reason.as_str()), ("", "no redirects"));
}

#[test]
fn parts_of_a_statement_are_those_of_its_products() {
    for (subject, expected) in [
        (r#""products": ["pkg:oci/shop"], "subcomponents": ["pkg:pypi/flask"]"#, None),
        (r#""products": ["pkg:oci/shop"], "subcomponents": ["pkg:pypi/requests"]"#, Some(())),
        (r#""subcomponents": [{"@id": "pkg:pypi/flask"}]"#, None),
        (r#""subcomponents": [{"@id": "pkg:pypi/requests"}]"#, Some(())),
    ] {
        let text = format!(
            r#"{{"statements": [{{"vulnerability": "CVE-2018-18074", "status": "not_affected",
                {subject}}}]}}"#
        );
        assert_eq!(status(&text, "pkg:oci/shop").map(drop), expected, "{subject}");
    }
}

#[test]
fn cyclonedx_in_xml_and_with_escaped_references_makes_statements() {
    let xml = r#"<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><components>
        <component bom-ref="r"><purl>pkg:pypi/requests@2.19.1</purl></component></components>
        <vulnerabilities><vulnerability><id>X-1</id><references><reference>
        <id>CVE-2018-18074</id></reference></references><analysis><state>not_affected</state>
        <justification>code_not_reachable</justification><detail>no redirects</detail></analysis>
        <affects><target><ref>r</ref></target></affects></vulnerability></vulnerabilities></bom>"#;
    assert_eq!(status(xml, ""), Some(Status::NotAffected));
    assert_eq!(read(xml.as_bytes()).unwrap().statements[0].reason, "no redirects");
    assert_eq!(status(&xml.replace("2.19.1", "2.18.0"), ""), None);
    let version = "</ref><versions><version><version>2.18.0</version>\
        <status>unaffected</status></version></versions>";
    assert_eq!(status(&xml.replace("</ref>", version), ""), None);
    let escaped = r##"{"bomFormat": "CycloneDX", "vulnerabilities": [{"id": "CVE-2018-18074",
        "affects": [{"ref": "urn:cdx:1/1#pkg%3Apypi%2Frequests%402.19.1"}],
        "analysis": {"state": "not_affected"}}]}"##;
    assert_eq!(status(escaped, ""), Some(Status::NotAffected));
}

#[test]
fn csaf_names_parts_of_distributions() {
    const PACKAGE: &str = "pkg:rpm/rhel/openssl-libs@3.0.7-18.el9_2?arch=x86_64&distro=rhel-9.2&\
        epoch=1&upstream=openssl-3.0.7-18.el9_2.src.rpm";
    let of = |cpe: &str, purl: &str| {
        let text = format!(
            r#"{{"document": {{"csaf_version": "2.0"}}, "product_tree": {{
                "full_product_names": null, "branches": [
                {{"product": {{"product_id": "OS", "product_identification_helper":
                    {{"cpe": "{cpe}"}}}}}}, {{"product": {{"product_id": "P",
                    "product_identification_helper": {{"purl": "{purl}"}}}}}}],
                "relationships": [
                {{"full_product_name": {{"product_id": "M:P"}}, "product_reference": "P",
                  "relates_to_product_reference": "M"}},
                {{"full_product_name": {{"product_id": "OS:M:P"}}, "product_reference": "M:P",
                  "relates_to_product_reference": "OS"}}]}},
                "vulnerabilities": [{{"cve": "CVE-2018-18074", "flags": null, "product_status":
                {{"known_not_affected": ["OS:M:P"], "fixed": null}}}}]}}"#
        );
        let document = read(text.as_bytes()).unwrap();
        let verdict = document.verdict(is_named, PACKAGE, &Product::default());
        (verdict.is_some(), document.skipped)
    };
    const SOURCE: &str = "pkg:rpm/redhat/openssl?arch=src";
    for (cpe, purl, expected) in [
        ("cpe:/o:redhat:enterprise_linux:9::baseos", SOURCE, (true, 0)),
        ("cpe:2.3:a:redhat:enterprise_linux:9:*:appstream:*:*:*:*:*", SOURCE, (true, 0)),
        ("cpe:/o:redhat:enterprise_linux:8", SOURCE, (false, 0)),
        ("cpe:/o:redhat:enterprise_linux:6", "pkg:rpm/redhat/openssl-libs", (false, 0)),
        // Nothing says whether the image is one of these.
        ("cpe:/a:redhat:openshift:4.12::el9", SOURCE, (false, 1)),
        ("", "pkg:rpm/redhat/openssl-libs@3.0.7-18.el9_2", (true, 0)),
    ] {
        assert_eq!(of(cpe, purl), expected, "{cpe} {purl}");
    }
}

#[test]
fn a_statement_that_is_not_understood_has_no_effect() {
    let document = r#"{"statements": [
        {"vulnerability": {"name": "CVE-2018-18074"}, "status": "fine"},
        {"vulnerability": {}, "status": "fixed"},
        {"vulnerability": "CVE-2018-18074", "status": "fixed", "products": "pkg:oci/shop"},
        {"vulnerability": "CVE-2018-18074", "status": "fixed", "products": [{}]},
        {"vulnerability": 7, "status": "fixed"}, null]}"#;
    assert_eq!(status(document, ""), None);
    assert_eq!(read(document.as_bytes()).unwrap().skipped, 6);
    let odd = r#"{"bomFormat": "CycloneDX", "vulnerabilities": [null, {"id": "CVE-1"},
        {"id": "CVE-2018-18074", "affects": "x", "analysis": {"state": "resolved"}}]}"#;
    assert_eq!(read(odd.as_bytes()).unwrap().skipped, 3);
}

#[test]
fn other_documents_are_refused() {
    for (text, expected) in [
        ("{}", "is not a VEX document"),
        (r#"{"spdxVersion": "SPDX-2.3"}"#, "is not a VEX document"),
        ("[", "is not a well-formed document in JSON"),
        (r#"{"statements": 7}"#, "is not a well-formed document in JSON"),
    ] {
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
    let many = format!(r#"{{"statements": [{}0]}}"#, "0,".repeat(MAX_STATEMENTS));
    assert!(matches!(read(many.as_bytes()), Err(ReadError::TooMany { .. })));
    assert!(matches!(read(&vec![b' '; MAX_VEX + 1]), Err(ReadError::TooLarge { .. })));
    let deep = format!(r#"{{"statements": {}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert!(matches!(read(deep.as_bytes()), Err(ReadError::Malformed(_))));
}

#[test]
fn a_written_document_is_read_again() {
    let aliases = ["GHSA-x84v-xcm2-53pg".to_owned()];
    let affected = [AffectedPackage {
        id: "CVE-2018-18074",
        aliases: &aliases,
        summary: "Sends credentials to other hosts",
        purl: REQUESTS,
        package: "requests",
        fixed: Some("2.20.0"),
        severity: Some("high"),
        score: Some(7.5),
        vector: "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
    }];
    let openvex = write_openvex(&affected, "pkg:oci/shop", "2026-01-01T00:00:00Z");
    assert_eq!(openvex["statements"][0]["action_statement"], "Upgrade requests to 2.20.0.");
    let cyclonedx = write_cyclonedx(&affected, "pkg:oci/shop", "2026-01-01T00:00:00Z");
    let rating = &cyclonedx["vulnerabilities"][0]["ratings"][0];
    assert_eq!((rating["score"].as_f64(), rating["method"].as_str()), (Some(7.5), Some("CVSSv3")));
    for document in [openvex, cyclonedx] {
        assert_eq!(status(&document.to_string(), ""), Some(Status::Affected));
    }
}
