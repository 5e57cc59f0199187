//! Bills by their schemas, and read again.

use super::*;
use crate::{Distribution, PackageKind, SourcePackage};

fn facts() -> ImageFacts {
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
fn what_was_written_is_read_again() {
    let facts = facts();
    for json in [cyclonedx(&facts, "shop:1"), spdx(&facts, "shop:1")] {
        let text = json.to_string();
        assert!(is_sbom(text.get(..1024).unwrap_or(&text).as_bytes()) || is_sbom(text.as_bytes()));
        let read = read(text.as_bytes()).unwrap();
        assert!(read.sbom);
        assert_eq!(read.distribution.as_ref().unwrap().id, "debian");
        assert_eq!(read.distribution.as_ref().unwrap().version, "12");
        let told = |facts: &ImageFacts| {
            let mut told: Vec<_> = facts
                .packages
                .iter()
                .map(|it| {
                    (
                        it.kind,
                        it.name.clone(),
                        it.version.clone(),
                        it.source.clone(),
                        it.path.clone(),
                        it.architecture.clone(),
                    )
                })
                .collect();
            told.sort();
            told
        };
        assert_eq!(told(&read), told(&facts));
    }
}

#[test]
fn the_same_image_is_the_same_bill_and_another_is_another() {
    let facts = facts();
    assert_eq!(cyclonedx(&facts, "a"), cyclonedx(&facts, "a"));
    assert_ne!(cyclonedx(&facts, "a")["serialNumber"], cyclonedx(&facts, "b")["serialNumber"]);
}

#[test]
fn refuses_other_documents() {
    for text in ["", "[]", "{}", "{\"bomFormat\": 1}", "{\"spdxVersion\": \"SPDX-3.0\"}"] {
        assert!(read(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn reads_what_other_tools_write() {
    let syft = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
        {"type":"library","name":"libssl3","version":"3.0.11-1","purl":"pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12&upstream=openssl"},
        {"type":"file","name":"/etc/passwd"},
        {"type":"library","name":"broken","purl":"no url"},
        {"type":"operating-system","name":"debian","version":"12"}]}"#;
    let facts = read(syft.as_bytes()).unwrap();
    assert_eq!(facts.packages.len(), 1);
    assert_eq!(facts.packages[0].source.as_ref().unwrap().name, "openssl");
    assert_eq!(facts.packages[0].source.as_ref().unwrap().version, "3.0.11-1");
}
