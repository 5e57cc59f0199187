//! Syft and Trivy find the same packages and versions as Coaming.
//!
//! These images have no package for which they differ on purpose, see the table in
//! `docs/images.md`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use coaming_image::{Image, PackageKind};
use coaming_test::real_images::{json, tool};
use serde_json::Value;

/// Names and versions.
type Packages = BTreeSet<(String, String)>;

/// A real image of the test data.
fn layout(name: &str) -> Option<PathBuf> {
    let data = std::env::var_os("COAMING_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let layout = data.join("images").join(name);
    if layout.exists() {
        return Some(layout);
    }
    coaming_test::skip!("peers: COAMING_DATA does not name the test data");
    None
}

fn syft(tool: &Path, target: &str) -> Packages {
    let value = json(
        Command::new(tool)
            .args(["scan", "--quiet", "--output", "syft-json"])
            .args(["--override-default-catalogers", "image", target])
            .env("SYFT_CHECK_FOR_APP_UPDATE", "false"),
    );
    let text = |artifact: &Value, key: &str| artifact[key].as_str().unwrap_or_default().to_owned();
    let artifacts = value["artifacts"].as_array().unwrap();
    artifacts.iter().map(|artifact| (text(artifact, "name"), text(artifact, "version"))).collect()
}

fn trivy(tool: &Path, image: &Path) -> Packages {
    let value = json(
        Command::new(tool)
            .args(["image", "--quiet", "--offline-scan", "--format", "cyclonedx", "--input"])
            .arg(image)
            .arg("--cache-dir")
            .arg(std::env::temp_dir().join("coaming-trivy")),
    );
    let components = value["components"].as_array().unwrap().iter();
    let packages = components.filter(|component| component["purl"].is_string());
    packages
        .map(|it| [&it["name"], &it["version"]].map(|field| field.as_str().unwrap().to_owned()))
        .map(|[name, version]| (name, version))
        .collect()
}

/// The packages that Coaming finds; for Java only the artifact, as Syft shows it.
fn ours(path: &Path) -> Packages {
    let facts = Image::open(path, None).unwrap().read();
    assert_eq!(facts.problems, []);
    let packages = facts.packages.into_iter();
    packages
        .map(|package| match (package.kind, package.name.split_once(':')) {
            (PackageKind::Maven, Some((_, artifact))) => (artifact.to_owned(), package.version),
            // Syft shows Python's names in PyPI's normalized form.
            (PackageKind::PyPi, _) => (package.name.to_ascii_lowercase(), package.version),
            _ => (package.name, package.version),
        })
        .collect()
}

#[test]
fn distributions_packages_are_theirs() {
    let (syft_tool, trivy_tool) = (tool("syft"), tool("trivy"));
    for (name, count) in [("alpine", 14), ("rpm-sqlite", 129), ("rpm-ndb", 35), ("rpm-bdb", 1)] {
        let Some(path) = layout(name) else { return };
        let ours = ours(&path);
        assert_eq!(ours.len(), count, "{name}");
        if let Some(tool) = &syft_tool {
            assert_eq!(ours, syft(tool, &format!("oci-dir:{}", path.display())), "{name}");
        }
        if let Some(tool) = &trivy_tool {
            assert_eq!(ours, trivy(tool, &path), "{name}");
        }
    }
}

/// A root filesystem with one package of each language.
const FILES: &[(&str, &str)] = &[
    ("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"),
    (
        "app/py/Flask-3.0.0.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: Flask\nVersion: 3.0.0\n",
    ),
    ("app/py/Flask-3.0.0.dist-info/RECORD", ""),
    ("app/old/six.egg-info/PKG-INFO", "Metadata-Version: 1.1\nName: six\nVersion: 1.16.0\n"),
    ("app/node_modules/ms/package.json", r#"{"name": "ms", "version": "2.1.3"}"#),
    (
        "app/node_modules/@babel/core/package.json",
        r#"{"name": "@babel/core", "version": "7.0.0", "license": "MIT"}"#,
    ),
    (
        "var/lib/gems/3.1.0/specifications/rake-13.0.6.gemspec",
        "# stub: rake 13.0.6 ruby lib\n\nGem::Specification.new do |s|\n  s.name = \"rake\".freeze\n  \
         s.version = \"13.0.6\"\n  s.licenses = [\"MIT\".freeze]\nend\n",
    ),
    (
        "app/vendor/composer/installed.json",
        r#"{"packages": [{"name": "psr/log", "version": "3.0.0", "type": "library"}]}"#,
    ),
];

#[test]
fn languages_packages_are_syfts() {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in FILES {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let ours = ours(root.path());
    assert_eq!(ours.len(), 6, "{ours:?}");
    if let Some(tool) = tool("syft") {
        assert_eq!(ours, syft(&tool, &format!("dir:{}", root.path().display())));
    }
}
