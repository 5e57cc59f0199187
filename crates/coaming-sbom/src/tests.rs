//! Documents of all formats: what is written conforms to the schemas and is read again; what other
//! tools write is understood; what is malformed is refused.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;

fn example() -> Sbom<'static> {
    let package = |kind, name: &str, path: &str| {
        let mut package = Package::new(kind, name, "1.2-3", path);
        package.purl = purl::of(&package, &[]);
        package
    };
    let libc = Package {
        architecture: Some("amd64".to_owned()),
        source: Some(SourcePackage { name: "glibc".to_owned(), version: "1.2-3".to_owned() }),
        purl: "pkg:deb/debian/libc6@1.2-3?arch=amd64&distro=debian-12".to_owned(),
        ..package(PackageKind::Deb, "libc6", "/var/lib/dpkg/status")
    };
    Sbom {
        left_out: std::collections::BTreeMap::new(),
        name: Cow::Borrowed("shop/web:1"),
        digest: Cow::Owned(format!("sha256:{:064}", 1)),
        operating_system: Some(OperatingSystem {
            id: "debian".to_owned(),
            version: "12".to_owned(),
            name: "Debian 12".to_owned(),
        }),
        packages: Cow::Owned(vec![
            libc,
            package(PackageKind::Npm, "@a/b", "/one/package.json"),
            package(PackageKind::Npm, "@a/b", "/two/package.json"),
            package(PackageKind::Maven, "g.h:a", "/app.jar"),
        ]),
    }
}

fn read(text: &str) -> Result<Sbom<'static>, ReadError> {
    Document::read(text.as_bytes())?.into_sbom()
}

#[test]
fn a_written_sbom_is_read_again() {
    let example = example();
    for document in [example.to_cyclonedx(), example.to_spdx()] {
        let read = read(&document.to_string()).unwrap();
        assert_eq!(read.packages, example.packages);
        let system = read.operating_system.unwrap();
        assert_eq!((system.id.as_str(), system.version.as_str()), ("debian", "12"));
    }
    let digest = read(&example.to_cyclonedx().to_string()).unwrap().digest;
    assert_eq!(digest, example.digest);
}

/// The properties and the enumerations of the official JSON schema:
/// <https://github.com/spdx/spdx-spec/blob/support/2.3/schemas/spdx-schema.json>
#[test]
fn spdx_conforms_to_the_json_schema() {
    const PURPOSES: [&str; 12] = [
        "OTHER",
        "INSTALL",
        "ARCHIVE",
        "FIRMWARE",
        "APPLICATION",
        "FRAMEWORK",
        "LIBRARY",
        "CONTAINER",
        "SOURCE",
        "DEVICE",
        "OPERATING_SYSTEM",
        "FILE",
    ];
    const PROPERTIES: [&str; 14] = [
        "SPDXID",
        "comment",
        "copyrightText",
        "downloadLocation",
        "externalRefs",
        "filesAnalyzed",
        "licenseComments",
        "licenseConcluded",
        "licenseDeclared",
        "name",
        "primaryPackagePurpose",
        "sourceInfo",
        "summary",
        "versionInfo",
    ];
    let document = example().to_spdx();
    let packages = document["packages"].as_array().unwrap();
    assert_eq!(packages.len(), 6);
    for package in packages {
        let purpose = package["primaryPackagePurpose"].as_str().unwrap();
        assert!(PURPOSES.contains(&purpose), "{purpose}");
        for key in package.as_object().unwrap().keys() {
            assert!(PROPERTIES.contains(&key.as_str()), "{key}");
        }
        for required in ["SPDXID", "downloadLocation", "name"] {
            assert!(package[required].is_string(), "{package}");
        }
    }
    assert_eq!(packages[1]["primaryPackagePurpose"], "OPERATING_SYSTEM");
}

#[test]
fn an_operating_system_is_read_in_both_spellings() {
    for purpose in ["OPERATING_SYSTEM", "OPERATING-SYSTEM"] {
        let text = format!(
            r#"{{"spdxVersion": "SPDX-2.3", "packages": [
                {{"name": "alpine", "versionInfo": "3.20", "primaryPackagePurpose": "{purpose}"}}]}}"#
        );
        assert_eq!(read(&text).unwrap().operating_system.unwrap().id, "alpine", "{purpose}");
    }
}

#[test]
fn other_documents_are_refused() {
    for (text, expected) in [
        ("", "is not a well-formed document in JSON"),
        ("[]", "is not a well-formed document in JSON"),
        ("{\"bomFormat\": 1}", "is not a well-formed document in JSON"),
        ("{\"bomFormat\": \"CycloneDX\", \"components\": [7]}", "is not a well-formed"),
        ("{\"bomFormat\": \"CycloneDX\"} {\"artifacts\": []}", "holds several documents"),
        ("{\"bomFormat\": \"CycloneDX\"} x", "is not a well-formed"),
        ("{}", "has an unknown format"),
        ("{\"spdxVersion\": \"SPDX-3.0\"}", "has an unknown format"),
        ("{\"statements\": []}", "is not an SBOM"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}

#[test]
fn documents_of_other_tools_are_read() {
    let syft = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
        {"type":"library","name":"libssl3","version":"3.0.11-1","purl":
            "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12&upstream=openssl"},
        {"type":"file","name":"/etc/passwd"},
        {"type":"library","name":"broken","purl":"no url"},
        {"type":"application","name":"app","components":[
            {"type":"library","name":"lodash","version":"4.17.4","purl":"pkg:npm/lodash@4.17.4",
             "properties":[{"name":"syft:location:0:path","value":"/app/package.json"}]}]}]}"#;
    let sbom = read(syft).unwrap();
    assert_eq!(sbom.packages.len(), 2);
    let libssl = &sbom.packages[0];
    let source = libssl.source.as_ref().unwrap();
    assert_eq!((source.name.as_str(), source.version.as_str()), ("openssl", "3.0.11-1"));
    assert_eq!(sbom.packages[1].path, "/app/package.json");
    let system = sbom.operating_system.unwrap();
    assert_eq!((system.id.as_str(), system.version.as_str()), ("debian", "12"));
}

const LAST: &str = "pkg:npm/last@1.2.3";

fn urls(text: &str) -> Vec<String> {
    let sbom = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    sbom.packages.iter().map(|package| package.purl.clone()).collect()
}

#[test]
fn fields_without_a_value_are_absent() {
    for fields in [
        r#""group": null, "bom-ref": null, "type": null, "name": null, "components": null"#,
        r#""properties": [{"name": null, "value": "x"}, {"name": "x", "value": 3}]"#,
        r#""version": 1"#,
        r#""pedigree": {"ancestors": [{"type": "library", "purl": "pkg:npm/before@0.1.0"}]}"#,
    ] {
        let text = format!(
            r#"{{"bomFormat": "CycloneDX", "metadata": {{"authors": null, "component": null}},
                "components": [{{"purl": "{LAST}", {fields}}}]}}"#
        );
        assert_eq!(urls(&text), [LAST], "{fields}");
    }
    for fields in [
        r#""name": null, "versionInfo": null, "comment": null, "primaryPackagePurpose": null"#,
        r#""versionInfo": "NOASSERTION""#,
        r#""versionInfo": "NONE", "sourceInfo": 7"#,
    ] {
        let text = format!(
            r#"{{"spdxVersion": "SPDX-2.3", "packages": [{{"externalRefs": [
                {{"referenceType": null}}, {{"referenceType": "purl",
                "referenceLocator": "{LAST}"}}], {fields}}}]}}"#
        );
        let sbom = read(&text).unwrap();
        assert_eq!(sbom.packages[0].version, "1.2.3", "{fields}");
    }
    let syft = format!(r#"{{"artifacts": [{{"purl": "{LAST}", "locations": null}}]}}"#);
    assert_eq!(urls(&syft), [LAST]);
}

#[test]
fn parts_of_what_the_document_is_about_are_packages() {
    let text = format!(
        r#"{{"bomFormat": "CycloneDX", "metadata": {{"component": {{"type": "application",
            "name": "app", "components": [{{"purl": "{LAST}"}}]}}}}}}"#
    );
    assert_eq!(urls(&text), [LAST]);
    let excluded = format!(
        r#"{{"bomFormat": "CycloneDX", "components": [{{"purl": "{LAST}"}},
            {{"purl": "pkg:npm/jest@1.0.0", "scope": "excluded"}}]}}"#
    );
    let sbom = read(&excluded).unwrap();
    assert_eq!(sbom.packages.len(), 1);
    assert_eq!(sbom.left_out["scope `excluded`"], 1);
}

#[test]
fn only_listed_components_in_xml_are_packages() {
    let component =
        |purl: &str, more: &str| format!("<component><purl>{purl}</purl>{more}</component>");
    let other = component("pkg:npm/other@0.1.0", "");
    for inner in [
        format!(
            "<components>{}</components>",
            component(LAST, &format!("<pedigree><ancestors>{other}</ancestors></pedigree>"))
        ),
        format!(
            "<formulation><formula><components>{other}</components></formula></formulation>\
             <components>{}</components>",
            component(LAST, "")
        ),
        format!(
            "<metadata><tools><components>{other}</components></tools><component><components>{}\
             </components></component></metadata>",
            component(LAST, "")
        ),
        format!(
            "<components><component><components>{}</components></component></components>",
            component(LAST, "")
        ),
    ] {
        let text = format!(r#"<bom xmlns="http://cyclonedx.org/schema/bom/1.5">{inner}</bom>"#);
        assert_eq!(urls(&text), [LAST], "{inner}");
    }
}

#[test]
fn packages_of_spdx_are_named_in_several_ways() {
    let spdx2 = format!(
        r#"{{"spdxVersion": "SPDX-2.3", "packages": [{{"externalRefs": [{{"referenceType":
            "http://spdx.org/rdf/references/purl", "referenceLocator": "{LAST}"}}]}}]}}"#
    );
    assert_eq!(urls(&spdx2), [LAST]);
    for kind in [
        r#""type": "software_Package""#,
        r#""@type": "software_Package""#,
        r#""type": "https://spdx.org/rdf/3.0.1/terms/Software/Package""#,
        r#""type": "ai_AIPackage", "externalIdentifier": null, "software_sourceInfo": null"#,
    ] {
        let text = format!(r#"{{"@graph": [{{{kind}, "software_packageUrl": "{LAST}"}}]}}"#);
        assert_eq!(urls(&text), [LAST], "{kind}");
    }
    let install = r#"{"@graph": [{"type": "software_Package", "software_packageVersion": "1",
        "software_primaryPurpose": "install"}]}"#;
    assert_eq!(read(install).unwrap().left_out["no package URL"], 1);
}

#[test]
fn a_document_is_found_between_others_and_in_wrappers() {
    use base64::Engine as _;
    let bom = format!(r#"{{"bomFormat": "CycloneDX", "components": [{{"purl": "{LAST}"}}]}}"#);
    let statement = format!(r#"{{"predicateType": "x", "predicate": {bom}}}"#);
    let envelope = |statement: &str| {
        let payload = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(statement);
        format!(r#"{{"payloadType": "application/vnd.in-toto+json", "payload": "{payload}"}}"#)
    };
    let provenance = envelope(r#"{"predicateType": "https://slsa.dev/provenance/v1"}"#);
    let wrapped = format!(
        r#"{{"SPDX": {{"spdxVersion": "SPDX-2.3", "packages": [{{"externalRefs": [
            {{"referenceType": "purl", "referenceLocator": "{LAST}"}}]}}]}}}}"#
    );
    let utf16: Vec<u8> =
        [0xfeff].into_iter().chain(bom.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert!(is_sbom(&utf16));
    assert_eq!(Document::read(&utf16).unwrap().into_sbom().unwrap().packages.len(), 1);
    let list = format!(
        r#"[{{"attestation": {{"bundle": {{"dsseEnvelope": {}}}}}, "verificationResult": {{}}}}]"#,
        envelope(&statement)
    );
    assert!(is_sbom(list.as_bytes()) && !is_sbom(b"[1]"));
    for text in [
        list,
        envelope(&statement),
        format!("{provenance}\n{}\n", envelope(&statement)),
        format!("{}\n{provenance}\n", envelope(&statement)),
        wrapped,
    ] {
        assert_eq!(urls(&text), [LAST], "{text}");
        let streamed = Document::read_stream(text.as_bytes()).unwrap().into_sbom().unwrap();
        assert_eq!(streamed.packages.len(), 1);
    }
}

#[test]
fn a_document_beyond_a_limit_is_refused_whole() {
    let component = r#"{"purl": "pkg:npm/a@1"},"#.repeat(MAX_PACKAGES);
    let text = format!(r#"{{"bomFormat": "CycloneDX", "components": [{component}{{}}]}}"#);
    assert_eq!(read(&text).unwrap().packages.len(), 1, "duplicates are one package");
    let more = text.replacen('[', r#"[{"purl": "pkg:npm/b@1"},"#, 1);
    assert!(matches!(read(&more), Err(ReadError::TooMany { .. })));
    let deep = format!(
        r#"{{"bomFormat": "CycloneDX", "components": {}{}}}"#,
        r#"[{"components": "#.repeat(10_000),
        "}]".repeat(10_000)
    );
    assert!(matches!(read(&deep), Err(ReadError::Malformed(_))));
}

#[test]
fn vulnerabilities_of_cyclonedx_are_listed_unless_they_are_dismissed() {
    let text = r#"{"bomFormat": "CycloneDX",
        "components": [{"bom-ref": "a", "name": "openssl", "version": "1.1"}],
        "vulnerabilities": [
            {"id": "CVE-1", "ratings": [{"severity": "low"}, {"severity": "high"}],
             "affects": [{"ref": "a"}, {"ref": "b"}]},
            {"id": "CVE-2", "affects": [{"ref": "a"}], "analysis": {"state": "false_positive"}},
            {"id": "CVE-3", "affects": [{"ref": "a"}], "analysis": {"state": "in_triage"}}]}"#;
    let document = Document::read(text.as_bytes()).unwrap();
    let listed = document.listed_vulnerabilities();
    let ids: Vec<&str> = listed.iter().map(|each| each.id).collect();
    assert_eq!(ids, ["CVE-1", "CVE-3"]);
    assert_eq!(listed[0].severities, ["low", "high"]);
    let affected: Vec<_> = listed[0].affected.iter().map(|it| (it.name, it.version)).collect();
    assert_eq!(affected, [("openssl", "1.1"), ("b", "")]);
}

proptest! {
    /// Whatever the input, reading ends without a panic.
    #[test]
    fn damaged_documents_are_refused_or_read(
        spdx in any::<bool>(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let example = example();
        let document = if spdx { example.to_spdx() } else { example.to_cyclonedx() };
        let mut bytes = document.to_string().into_bytes();
        let position = at.index(bytes.len());
        bytes[position] = byte;
        if let Ok(document) = Document::read(&bytes) {
            let _ = document.to_vex();
            let _ = document.listed_vulnerabilities();
            let _ = document.into_sbom();
        }
    }
}

#[test]
fn snapshots_for_github_are_read() {
    let snapshot = |resolved: &str| {
        format!(
            r#"{{"version": 0, "job": {{}}, "detector": {{"name": "syft"}}, "manifests": {{"web:/lib/apk/db/installed":
               {{"name": "x", "file": {{"source_location": "/lib/apk/db/installed"}}, "resolved": {resolved}}}}},
               "scanned": "2026-01-01T00:00:00Z"}}"#
        )
    };
    let musl = "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.3";
    let sbom = read(&snapshot(&format!(
        r#"{{"pkg:apk/alpine/musl@1.2.5-r0": {{"package_url": "{musl}", "relationship": "direct", "scope": "runtime"}},
             "a": {{"package_url": "pkg:npm/a@1", "scope": "development"}}, "b": {{"scope": "runtime"}}, "c": 1}}"#
    )))
    .unwrap();
    let packages: Vec<_> =
        sbom.packages.iter().map(|it| (it.purl.as_str(), it.path.as_str())).collect();
    assert_eq!(packages, [(musl, "/lib/apk/db/installed")]);
    let system = sbom.operating_system.unwrap();
    assert_eq!((system.id.as_str(), system.version.as_str()), ("alpine", "3.20.3"));
    let left_out: Vec<_> =
        sbom.left_out.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(left_out, [("malformed", 1), ("no package URL", 1), ("scope `development`", 1)]);
    assert!(read(&snapshot("{}")).unwrap().packages.is_empty());
    // An index of images has a list of this name, and so have others.
    for other in [r#"{"schemaVersion": 2, "manifests": [{"digest": "x"}]}"#, r#"{"manifests": {}}"#]
    {
        assert!(matches!(read(other), Err(ReadError::UnknownFormat)), "{other}");
    }
}
