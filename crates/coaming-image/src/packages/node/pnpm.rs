//! pnpm's `pnpm-lock.yaml`: the keys of `packages` name what is installed, in a form that changed
//! with each version: `/ms/2.0.0` (5), `/ms@2.0.0(peer@1.0.0)` (6), `ms@2.0.0` (9).
//!
//! Since version 9, packages are not marked as needed for development: what the projects of the
//! file (`importers`) depend on, directly or through others (`snapshots`), is installed.

use std::collections::HashSet;
use std::sync::Arc;

use coaming_yaml::Node;

use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};
use crate::packages::parsed::{lossy, package};

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let stream = coaming_yaml::parse(Arc::from(lossy(bytes)));
    let mut found = ParsedFile::default();
    for error in &stream.errors {
        found.problem(error.message.clone());
    }
    for document in &stream.documents {
        let Some(packages) = document.root().get("packages") else { continue };
        let installed = installed(document.root());
        for entry in packages.entries() {
            if installed.as_ref().is_some_and(|installed| !installed.contains(entry.name())) {
                continue;
            }
            if entry.value.get("dev").and_then(coaming_yaml::Node::as_bool) == Some(true) {
                continue;
            }
            let own = entry.value.get("version").and_then(Node::as_str);
            let Some((name, version)) = split(entry.name()).or_else(|| {
                // An archive from elsewhere.
                Some((entry.name().split_once("@https://")?.0, own?))
            }) else {
                continue;
            };
            if let Some(package) = package(PackageKind::Npm, name, version, path) {
                found.add(package)?;
            }
        }
    }
    Ok(found)
}

/// The keys of the packages that the projects depend on other than for development; `None` before
/// version 9, whose packages are marked.
fn installed(root: Node<'_>) -> Option<HashSet<String>> {
    let (importers, snapshots) = (root.get("importers")?, root.get("snapshots")?);
    let mut snapshots_of: std::collections::HashMap<String, Node<'_>> = Default::default();
    for entry in snapshots.entries() {
        snapshots_of.insert(entry.name().to_owned(), entry.value);
    }
    let mut waiting: Vec<String> = Vec::new();
    let depends = |node: Node<'_>, waiting: &mut Vec<String>| {
        for list in ["dependencies", "optionalDependencies"] {
            let Some(list) = node.get(list) else { continue };
            for entry in list.entries() {
                let nested = entry.value.get("version").and_then(Node::as_str);
                let Some(version) = nested.or_else(|| entry.value.as_str()) else { continue };
                // An alias names the package itself: `real@1.0.0`.
                let key = format!("{}@{version}", entry.name());
                let known = snapshots_of.contains_key(&key);
                waiting.push(if known { key } else { version.to_owned() });
            }
        }
    };
    for importer in importers.entries() {
        depends(importer.value, &mut waiting);
    }
    let mut seen = HashSet::new();
    let mut installed = HashSet::new();
    while let Some(key) = waiting.pop() {
        let Some(snapshot) = snapshots_of.get(&key) else { continue };
        // The key of a snapshot also names what it was resolved with: `a@1.0.0(b@2.0.0)`.
        installed.insert(key.split('(').next().unwrap_or(&key).to_owned());
        if seen.insert(key) {
            depends(*snapshot, &mut waiting);
        }
    }
    Some(installed)
}

/// Name and version of a key; `None` for a package that is not from a registry.
fn split(key: &str) -> Option<(&str, &str)> {
    let key = key.strip_prefix('/').unwrap_or(key);
    let key = key.split('(').next()?;
    let scope = if key.starts_with('@') { key.find('/')? + 1 } else { 0 };
    let rest = key.get(scope..)?;
    let separator = scope + rest.find(['@', '/'])?;
    let (name, version) = (key.get(..separator)?, key.get(separator + 1..)?);
    let version = version.split('_').next()?;
    (version.starts_with(|first: char| first.is_ascii_digit()) && !version.contains('/'))
        .then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_keys_of_all_versions() {
        for (key, wanted) in [
            ("/ms/2.0.0", Some(("ms", "2.0.0"))),
            ("/@babel/core/7.0.0_supports-color@5.5.0", Some(("@babel/core", "7.0.0"))),
            ("/@babel/core@7.0.0(react@18.0.0)", Some(("@babel/core", "7.0.0"))),
            ("ms@2.0.0", Some(("ms", "2.0.0"))),
            ("file:../local", None),
            ("github.com/a/b/0123456", None),
            ("local@file:../local", None),
        ] {
            assert_eq!(split(key), wanted, "{key}");
        }
    }

    #[test]
    fn follows_the_dependencies_of_projects() {
        let text = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        \
                    version: 1.0.0(p@3.0.0)\n      other:\n        version: real@4.0.0\n    \
                    devDependencies:\n      jest:\n        version: 29.0.0\npackages:\n  \
                    a@1.0.0: {}\n  b@2.0.0: {}\n  real@4.0.0: {}\n  jest@29.0.0: {}\nsnapshots:\n  \
                    a@1.0.0(p@3.0.0):\n    dependencies:\n      b: 2.0.0\n  b@2.0.0: {}\n  \
                    real@4.0.0: {}\n  jest@29.0.0: {}\n";
        let found = read("/app/pnpm-lock.yaml", text.as_bytes()).unwrap();
        let urls: Vec<&str> = found.packages.iter().map(|it| it.purl.as_str()).collect();
        assert_eq!(urls, ["pkg:npm/a@1.0.0", "pkg:npm/b@2.0.0", "pkg:npm/real@4.0.0"]);
    }

    #[test]
    fn leaves_out_development_dependencies() {
        let text = "lockfileVersion: '6.0'\npackages:\n  /ms@2.0.0:\n    dev: false\n  \
                    /jest@29.0.0:\n    dev: true\n";
        let found = read("/app/pnpm-lock.yaml", text.as_bytes()).unwrap();
        let [package] = &found.packages[..] else { panic!("{found:?}") };
        assert_eq!(package.purl, "pkg:npm/ms@2.0.0");
    }
}
