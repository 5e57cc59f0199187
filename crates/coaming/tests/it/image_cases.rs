//! What others' tools and images really contain: a directory of `image_cases/` for each case, and
//! what the program says about it.

use std::path::{Path, PathBuf};
use std::process::Output;

use super::{coaming, stderr, stdout};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/image_cases")
}

/// Runs the program in the directory of the cases, with a database of the records of one of them.
fn run(records: &str, arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let mut all: Vec<&str> = arguments.to_vec();
    let database = directory.path().join("advisories.db");
    let database = database.to_str().unwrap();
    if !records.is_empty() {
        let built = coaming(&["db", "build", "--db", database, &format!("{records}/osv")])
            .current_dir(cases())
            .output()
            .unwrap();
        assert!(built.status.success(), "{records}: {}", stderr(&built));
        all.extend(["--db", database]);
    }
    let home = directory.path();
    coaming(&all)
        .current_dir(cases())
        .env("HOME", home)
        .env("XDG_CACHE_HOME", home)
        .output()
        .unwrap()
}

/// The package URLs that an image or an SBOM has, without their qualifiers.
fn packages(path: &str) -> Vec<String> {
    let output = run("", &["image", "--format", "cyclonedx", path]);
    let sbom: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{path}: {error}: {}", stderr(&output)));
    let components = sbom["components"].as_array().unwrap();
    let urls = components.iter().filter_map(|component| component["purl"].as_str());
    let mut urls: Vec<String> =
        urls.map(|url| url.split('?').next().unwrap_or_default().to_owned()).collect();
    urls.sort();
    urls.dedup();
    urls
}

#[test]
fn images_list_their_packages() {
    for (path, expected) in [
        ("bitnami/rootfs", &["pkg:bitnami/acmedb@15.3.0-1"][..]),
        ("conda/rootfs", &["pkg:conda/acme-lib@1.2.3"]),
        ("dotnet-compile-only/rootfs", &["pkg:nuget/Acme.Json@13.0.1"]),
        ("gem-bundler-git/rootfs", &["pkg:gem/acme@1.0.1", "pkg:gem/giti@2.0"]),
        (
            "go-gitversion/rootfs",
            &["pkg:golang/k8s.io/kubernetes@v1.28.2", "pkg:golang/stdlib@1.22.3"],
        ),
        (
            "go-ldflags-of-another/rootfs",
            &["pkg:golang/github.com/acme/app@%28devel%29", "pkg:golang/stdlib@1.22.3"],
        ),
        (
            "go-not-executable/rootfs",
            &[
                "pkg:golang/github.com/acme/app@v1.0.0",
                "pkg:golang/github.com/acme/dep@v1.2.3",
                "pkg:golang/stdlib@1.22.3",
            ],
        ),
        ("go-testdata/rootfs", &[]),
        ("hardlink-cache-removed/layout", &["pkg:pypi/acmelib@1.2.3"]),
        ("hardlink-database/layout", &["pkg:apk/alpine/acme@1.0-r0"]),
        ("java-pom-xml/rootfs", &["pkg:maven/io.acmecorp/acme-core@1.4.0"]),
        ("mariner-distroless/rootfs", &["pkg:rpm/mariner/acmelibs@1.2.3-4.cm2"]),
        (
            "npm-dev-optional/rootfs",
            &[
                "pkg:npm/a@1.0.0",
                "pkg:npm/in@2.0.0",
                "pkg:npm/o@1.0.0",
                "pkg:npm/opt@1.0.0",
                "pkg:npm/peer@1.0.0",
            ],
        ),
        ("npm-pnpm9-dev/rootfs", &["pkg:npm/%40acme/sc@1.1.0", "pkg:npm/acme-a@1.0.0"]),
        ("oci-artifact-first/artifact", &["pkg:apk/alpine/acme@1.0-r0"]),
        ("os-release-missing/alpine", &["pkg:apk/alpine/acme@1.0-r0"]),
        (
            "other-package-managers/rootfs",
            &[
                "pkg:alpm/acme@1.0-1",
                "pkg:conan/acme@1.0",
                "pkg:cran/acmer@1.0",
                "pkg:ebuild/app-misc/acme@1.0",
                "pkg:hex/acme@1.1.0",
                "pkg:luarocks/acme@1.0-1",
                "pkg:nix/acme@1.0",
                "pkg:opkg/acme@1.0",
                "pkg:swift/github.com/acme/x@1.0.0",
                "pkg:wordpress-plugin/acme@1.0",
            ],
        ),
        (
            "python-odd/rootfs",
            &[
                "pkg:pypi/acme@1.0",
                "pkg:pypi/bundled@1.0",
                "pkg:pypi/fancy.name-x@1%212.0.post1%2Blocal.1",
                "pkg:pypi/legacy@2.0",
                "pkg:pypi/single@4.0",
                "pkg:pypi/upper@5.0",
                "pkg:pypi/zipped@3.0",
                "pkg:rpm/almalinux/openssl@1.1.1",
            ],
        ),
        ("rootfs-of-scratch/rootfs", &["pkg:golang/stdlib@1.22.3", "pkg:golang/x@v1.0.0"]),
        ("symlinked-database/layout1", &["pkg:deb/debian/a@1"]),
        ("symlinked-database/layout2", &["pkg:deb/debian/a@1"]),
    ] {
        assert_eq!(packages(path), expected, "{path}");
    }
}

#[test]
fn sboms_of_other_tools_list_their_packages() {
    let debian =
        &["pkg:deb/debian/acme-bin@1:2.0-1%2Bb2", "pkg:deb/debian/libacme1@1:2.0-1%2Bdeb12u1"];
    let epoch = &["pkg:deb/debian/acme-bin@2.0-1%2Bb2", "pkg:deb/debian/libacme1@2.0-1%2Bdeb12u1"];
    for (file, expected) in [
        ("s.cdx.xml", &debian[..]),
        ("s.spdx", debian),
        ("s.syft.json", debian),
        ("t.spdx", epoch),
        ("github.json", &["pkg:rpm/rhel/openssl-libs@3.0.7-18.el9_2"]),
        ("intoto.json", &["pkg:npm/last@1.2.3"]),
        ("dsse.json", &["pkg:npm/last@1.2.3"]),
        ("spdx3.json", &["pkg:npm/last@1.2.3"]),
    ] {
        assert_eq!(packages(&format!("sbom-formats/{file}")), expected, "{file}");
    }
    assert_eq!(
        packages("sbom-unknown-types/hex.cdx.json"),
        ["pkg:conan/x@1", "pkg:hex/acmehex@1.1.0"]
    );
    let left_out = run("", &["image", "sbom-unknown-types/hex.cdx.json"]);
    assert!(stdout(&left_out).contains("1 component of the SBOM is left out"), "{left_out:?}");
}

/// The order of keys in JSON means nothing: the format is named after 100 kB.
#[test]
fn the_format_of_an_sbom_may_be_named_last() {
    let files: Vec<String> = (0..2_000)
        .map(|number| format!(r#"{{"fileName": "./usr/share/doc/{number}", "SPDXID": "x"}}"#))
        .collect();
    let text = format!(
        r#"{{"files": [{}], "packages": [{{"name": "last", "SPDXID": "p", "externalRefs":
            [{{"referenceType": "purl", "referenceLocator": "pkg:npm/last@1.2.3"}}]}}],
            "spdxVersion": "SPDX-2.3"}}"#,
        files.join(",")
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("late.spdx.json");
    std::fs::write(&path, text).unwrap();
    assert_eq!(packages(path.to_str().unwrap()), ["pkg:npm/last@1.2.3"]);
}

/// What is found in an image or an SBOM, and what is not, with the records of the case.
#[test]
fn known_vulnerabilities_are_those_that_apply() {
    for (records, path, found, not_found) in [
        ("osv-fixed-zero", "osv-fixed-zero/rootfs", &["CVE-2023-3446"][..], &["CVE-2023-4807"][..]),
        ("go-main-pseudo-version", "go-main-pseudo-version/rootfs", &["no known"], &["GO-X2"]),
        (
            "kernel-headers",
            "kernel-headers/rootfs",
            &["headers or tools of Linux"],
            &["CVE-2099-32"],
        ),
        ("java-groups", "java-groups/rootfs", &["CVE-2099-500", "CVE-2099-501", "group"], &[]),
        ("alpine-rebuild-advice", "alpine-rebuild-advice/rootfs", &["today's alpine:3.20,"], &[]),
        ("sbom-epoch-in-purl", "sbom-epoch-in-purl/epoch.cdx.json", &["no known"], &["CVE-"]),
        ("sbom-epoch-in-purl", "sbom-epoch-in-purl/epoch.spdx.json", &["no known"], &["CVE-"]),
        ("sbom-syft-rpm-upstream", "sbom-syft-rpm-upstream/s.cdx.json", &["CVE-2099-70"], &[]),
        ("sbom-syft-rpm-upstream", "sbom-syft-rpm-upstream/s.spdx.json", &["CVE-2099-70"], &[]),
        ("sbom-syft-rpm-upstream", "sbom-syft-rpm-upstream/t.spdx.json", &["CVE-2099-70"], &[]),
        (
            "sbom-trivy-cyclonedx",
            "sbom-trivy-cyclonedx/rootfs",
            &["acme-bin 1:2.0-1+b2 ("],
            &["libacme1 1:2.0"],
        ),
        (
            "sbom-trivy-cyclonedx",
            "sbom-trivy-cyclonedx/t.cdx.json",
            &["acme-bin 1:2.0-1+b2 ("],
            &["libacme1 1:2.0"],
        ),
        (
            "sbom-trivy-spdx",
            "sbom-trivy-spdx/t.spdx.json",
            &["acme-bin 1:2.0-1+b2 ("],
            &["libacme1 1:2.0"],
        ),
    ] {
        let output = run(records, &["image", "--no-cache", path]);
        let text = stdout(&output);
        for part in found {
            assert!(text.contains(part), "{path} lacks {part}: {text}{}", stderr(&output));
        }
        for part in not_found {
            assert!(!text.contains(part), "{path} has {part}: {text}");
        }
    }
}

#[test]
fn package_urls_lead_to_the_ecosystem_behind_them() {
    for case in ["distribution-names", "query-types"] {
        let urls = std::fs::read_to_string(cases().join(case).join("urls.txt")).unwrap();
        for url in urls.lines().filter_map(|line| line.split('\t').next()) {
            let output = run(case, &["db", "query", url]);
            assert_eq!(
                output.status.code(),
                Some(1),
                "{url}: {}{}",
                stdout(&output),
                stderr(&output)
            );
            assert!(stdout(&output).contains("1 known vulnerability"), "{url}");
        }
    }
    for (case, url) in [
        ("go-forked-toolchain", "pkg:golang/stdlib@1.22.7-1"),
        ("composer-branch", "pkg:composer/acme/php@dev-main"),
    ] {
        let output = run(case, &["db", "query", url]);
        assert_eq!(output.status.code(), Some(0), "{url}: {}", stdout(&output));
    }
}

#[test]
fn vex_documents_of_all_formats_decide() {
    for (document, is_ignored) in [
        ("vex-timestamps/1.json", false),
        ("vex-timestamps/2.json", true),
        ("vex-cyclonedx/nested.json", true),
        ("vex-cyclonedx/versions-other.json", false),
        ("vex-cyclonedx/versions-affected.json", false),
        ("vex-formats/csaf.json", true),
        ("vex-formats/intoto.json", true),
    ] {
        let arguments = ["image", "--no-cache", "--vex", document, "vex-timestamps/rootfs"];
        let output = run("vex-timestamps", &arguments);
        let text = stdout(&output);
        assert_eq!(text.contains("ignored: T-LAST"), is_ignored, "{document}: {text}");
    }
}

#[test]
fn a_layer_must_have_its_digest() {
    let output = run("", &["image", "--no-cache", "oci-layer-digest/layout"]);
    let text = stdout(&output);
    assert!(text.contains("its bytes have another digest"), "{text}");
    assert!(!text.contains("1 apk"), "{text}");
}
