//! Node's packages: each directory in `node_modules`, and the lock files of npm, Yarn, pnpm, Bun and Deno.
//!
//! A lock file lists what is planned; if there is a `node_modules` next to it,
//! [`complete`](super::dedup::complete) prefers that. Development dependencies are left out.

mod bun;
mod deno;
mod npm;
mod pnpm;
mod yarn;

use serde::Deserialize;

use super::parsed::{is_in_package, json, licence, package};
use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};

pub(super) fn wants(path: &str) -> bool {
    match path.rsplit_once('/') {
        Some((directory, "package.json")) => package_directory(directory).is_some(),
        Some((
            _,
            "package-lock.json"
            | "npm-shrinkwrap.json"
            | "yarn.lock"
            | "pnpm-lock.yaml"
            | "bun.lock"
            | "deno.lock",
        )) => !is_in_package(path),
        _ => false,
    }
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    match path.rsplit_once('/').map_or(path, |(_, file)| file) {
        "package.json" => installed(path, bytes),
        "yarn.lock" => yarn::read(path, bytes),
        "pnpm-lock.yaml" => pnpm::read(path, bytes),
        "bun.lock" => bun::read(path, bytes),
        "deno.lock" => deno::read(path, bytes),
        _ => npm::read(path, bytes),
    }
}

/// The name of the package in a directory: what follows the last `node_modules`, if it is `name` or
/// `@scope/name` and nothing deeper.
fn package_directory(directory: &str) -> Option<&str> {
    let (_, name) = directory.rsplit_once("/node_modules/")?;
    let rest = name
        .strip_prefix('@')
        .map_or(Some(name), |scoped| scoped.split_once('/').map(|(_, rest)| rest));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains('/')).then_some(name)
}

/// The fields of a package's own `package.json` that are read.
#[derive(Deserialize)]
struct Installed {
    #[serde(default)]
    name: serde_json::Value,
    #[serde(default)]
    version: serde_json::Value,
    #[serde(default)]
    license: serde_json::Value,
}

fn installed(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let file: Installed = json(bytes)?;
    let mut found = ParsedFile::default();
    // A directory without a version is not a package, but a part of one (`{"type": "module"}`).
    let version = file.version.as_str().unwrap_or_default();
    let name = file.name.as_str().unwrap_or_default();
    if let Some(mut package) = package(PackageKind::Npm, name, version, path) {
        package.licence = licence(&file.license);
        found.add(package)?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects_the_directories_of_packages() {
        for path in [
            "/app/node_modules/ms/package.json",
            "/app/node_modules/@babel/core/package.json",
            "/app/node_modules/a/node_modules/b/package.json",
            "/app/package-lock.json",
        ] {
            assert!(wants(path), "{path}");
        }
        for path in [
            "/app/package.json",
            "/app/node_modules/ms/lib/package.json",
            "/app/node_modules/@babel/package.json",
            "/app/node_modules/a/yarn.lock",
            "/venv/lib/python3.11/site-packages/jupyterlab/staging/yarn.lock",
        ] {
            assert!(!wants(path), "{path}");
        }
    }

    #[test]
    fn reads_an_installed_package() {
        let path = "/app/node_modules/@babel/core/package.json";
        let text = br#"{"name": "@babel/core", "version": "7.0.0", "license": {"type": "MIT"}}"#;
        let found = read(path, text).unwrap();
        assert_eq!(found.packages[0].purl, "pkg:npm/%40babel/core@7.0.0");
        assert_eq!(found.packages[0].licence, "MIT");
        assert!(read(path, br#"{"type": "module"}"#).unwrap().packages.is_empty());
        assert!(read(path, b"{").is_err());
    }
}
