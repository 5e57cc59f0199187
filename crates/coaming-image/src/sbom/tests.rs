//! Written SBOMs are read again.

use super::*;
use crate::{Package, PackageKind, SourcePackage};

fn example() -> ImageFacts {
    let package = |kind, name: &str, purl: &str, path: &str| Package {
        kind,
        name: name.into(),
        version: "1.2-3".into(),
        architecture: None,
        source: None,
        path: path.into(),
        layer: Some(0),
        licence: "GPL-2+ and \"others\"".into(),
        purl: purl.into(),
    };
    let mut deb = package(
        PackageKind::Deb,
        "libc6",
        "pkg:deb/debian/libc6@1.2-3?arch=amd64&distro=debian-12",
        "/var/lib/dpkg/status",
    );
    deb.architecture = Some("amd64".into());
    deb.source = Some(SourcePackage { name: "glibc".into(), version: "1.2-3".into() });
    ImageFacts {
        digest: format!("sha256:{:064}", 1),
        distribution: Some(Distribution {
            id: "debian".into(),
            version: "12".into(),
            name: "Debian 12".into(),
            ..Default::default()
        }),
        packages: vec![
            deb,
            package(PackageKind::Npm, "@a/b", "pkg:npm/%40a/b@1.2-3", "/one/package.json"),
            package(PackageKind::Npm, "@a/b", "pkg:npm/%40a/b@1.2-3", "/two/package.json"),
            package(PackageKind::Maven, "g.h:a", "pkg:maven/g.h/a@1.2-3", "/app.jar"),
        ],
        ..Default::default()
    }
}

#[test]
fn a_written_sbom_is_read_again() {
    let example = example();
    // Neither format has a place for all of a package.
    let known = |facts: &ImageFacts| -> Vec<Package> {
        let packages = facts.packages.iter().cloned();
        packages.map(|it| Package { layer: None, licence: String::new(), ..it }).collect()
    };
    for json in [cyclonedx(&example, "shop:1"), spdx(&example, "shop:1")] {
        let text = json.to_string();
        assert!(is_sbom(text.as_bytes()));
        let facts = read(text.as_bytes()).unwrap();
        assert!(facts.sbom);
        let distribution = facts.distribution.as_ref().unwrap();
        assert_eq!((distribution.id.as_str(), distribution.version.as_str()), ("debian", "12"));
        assert_eq!(known(&facts), known(&example));
    }
}

#[test]
fn the_same_image_gives_the_same_document_and_another_image_another_one() {
    let facts = example();
    assert_eq!(cyclonedx(&facts, "a"), cyclonedx(&facts, "a"));
    assert_ne!(cyclonedx(&facts, "a")["serialNumber"], cyclonedx(&facts, "b")["serialNumber"]);
}

/// Strangers write SBOMs: at the place of a version or an address may be a password.
#[test]
fn no_document_shows_a_secret_of_an_sbom() {
    let passwords = ["tundra!913Q", "walnut48213", "83454102", "x9Kq2LmZ8vTn4RwYb7Gh2"];
    for password in passwords {
        let encoded = password.replace('!', "%21");
        let address = format!("https://bot:{password}@registry.example/lib.tgz");
        let cyclonedx = serde_json::json!({"bomFormat": "CycloneDX", "specVersion": "1.5",
        "metadata": {"component": {"type": "container", "name": "shop", "version": password,
            "purl": format!("pkg:oci/shop@{password}")}},
        "components": [
            {"type": "operating-system", "name": "debian", "version": password},
            {"type": "library", "name": "a", "version": password,
                "purl": format!("pkg:pypi/a@{encoded}")},
            {"type": "library", "name": address, "version": "1.0",
                "purl": "pkg:npm/b@1.0", "licenses": [{"license": {"name": address}}]},
            {"type": "library", "name": "c", "version": "1.0",
                "purl": format!("pkg:npm/c@1.0?download_url={address}&vcs_url=git+{address}"),
                "externalReferences": [{"type": "distribution", "url": address}]},
            {"type": "library", "name": "d", "version": "1.0", "purl":
                format!("pkg:deb/debian/d@1.0?upstream=e%40{encoded}")},
            {"type": address, "name": "f", "version": password},
        ]});
        let spdx = serde_json::json!({"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT",
        "name": address, "documentNamespace": address, "packages": [
            {"SPDXID": "SPDXRef-a", "name": "a", "versionInfo": password,
                "downloadLocation": address, "licenseDeclared": address, "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                "referenceLocator": format!("pkg:pypi/a@{password}")}]},
        ]});
        for document in [cyclonedx, spdx] {
            let facts = read(document.to_string().as_bytes()).unwrap();
            assert!(!facts.packages.is_empty());
            let written = [
                serde_json::to_string(&facts).unwrap(),
                super::cyclonedx(&facts, "shop").to_string(),
                super::spdx(&facts, "shop").to_string(),
            ];
            for written in written {
                assert!(![password, &encoded].iter().any(|it| written.contains(*it)), "{written}");
            }
        }
    }
}
