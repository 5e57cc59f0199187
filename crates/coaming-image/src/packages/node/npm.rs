//! npm's `package-lock.json` of all versions: a tree of dependencies (1), a flat list of
//! directories (3), or both (2).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::package_directory;
use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};
use crate::packages::parsed::{json, licence, package};

#[derive(Deserialize)]
struct Lock {
    packages: Option<BTreeMap<String, Directory>>,
    #[serde(default)]
    dependencies: BTreeMap<String, Dependency>,
}

/// An entry of versions 2 and 3; its key is the directory.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Directory {
    /// The name of the package, if it differs from that of the directory.
    name: Option<String>,
    #[serde(default)]
    version: String,
    #[serde(default)]
    license: serde_json::Value,
    /// A dependency that is both one for development and an optional one (`devOptional`) is
    /// installed without those for development, too.
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    link: bool,
}

/// An entry of version 1. The JSON parser bounds the depth.
#[derive(Deserialize)]
struct Dependency {
    #[serde(default)]
    version: String,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    dependencies: BTreeMap<String, Self>,
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let lock: Lock = json(bytes)?;
    let mut found = ParsedFile::default();
    if let Some(directories) = &lock.packages {
        for (directory, entry) in directories {
            // The application itself has no directory, and a link's target has an entry of its own.
            let Some(name) = package_directory(&format!("/{directory}")).map(str::to_owned) else {
                continue;
            };
            if entry.dev || entry.link {
                continue;
            }
            let name = entry.name.as_ref().unwrap_or(&name);
            if let Some(mut package) = package(PackageKind::Npm, name, &entry.version, path) {
                package.licence = licence(&entry.license);
                found.add(package)?;
            }
        }
    } else {
        tree(path, &lock.dependencies, &mut found)?;
    }
    Ok(found)
}

fn tree(
    path: &str,
    dependencies: &BTreeMap<String, Dependency>,
    found: &mut ParsedFile,
) -> Result<(), AnalyserError> {
    for (name, entry) in dependencies.iter().filter(|(_, entry)| !entry.dev) {
        // `npm:real@1.0.0` is another package under this name; `file:` and addresses of archives
        // are not versions.
        let alias = entry.version.strip_prefix("npm:").and_then(|real| real.rsplit_once('@'));
        let (name, version) = alias.unwrap_or((name, &entry.version));
        if !version.contains(':')
            && let Some(package) = package(PackageKind::Npm, name, version, path)
        {
            found.add(package)?;
        }
        tree(path, &entry.dependencies, found)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(text: &str) -> Vec<String> {
        let found = read("/app/package-lock.json", text.as_bytes()).unwrap();
        found.packages.into_iter().map(|package| package.purl).collect()
    }

    #[test]
    fn reads_flat_lists() {
        let text = r#"{"lockfileVersion": 3, "packages": {
            "": {"name": "app", "version": "1.0.0"},
            "lib": {"version": "0.1.0"},
            "node_modules/lib": {"resolved": "lib", "link": true},
            "node_modules/@babel/core": {"version": "7.0.0", "license": "MIT"},
            "node_modules/a/node_modules/ms": {"version": "2.0.0"},
            "node_modules/other": {"name": "real", "version": "1.0.0"},
            "node_modules/fsevents": {"version": "2.3.3", "devOptional": true},
            "node_modules/jest": {"version": "29.0.0", "dev": true}}}"#;
        assert_eq!(
            urls(text),
            [
                "pkg:npm/%40babel/core@7.0.0",
                "pkg:npm/ms@2.0.0",
                "pkg:npm/fsevents@2.3.3",
                "pkg:npm/real@1.0.0"
            ]
        );
    }

    #[test]
    fn reads_trees() {
        let text = r#"{"lockfileVersion": 1, "dependencies": {
            "debug": {"version": "4.0.0", "dependencies": {"ms": {"version": "2.1.0"}}},
            "other": {"version": "npm:@a/real@1.0.0"},
            "local": {"version": "file:../local"},
            "jest": {"version": "29.0.0", "dev": true}}}"#;
        assert_eq!(
            urls(text),
            ["pkg:npm/debug@4.0.0", "pkg:npm/ms@2.1.0", "pkg:npm/%40a/real@1.0.0"]
        );
    }
}
