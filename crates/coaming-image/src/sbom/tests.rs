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
