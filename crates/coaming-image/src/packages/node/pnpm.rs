//! pnpm's `pnpm-lock.yaml`: the keys of `packages` name what is installed, in a form that changed
//! with each version: `/ms/2.0.0` (5), `/ms@2.0.0(peer@1.0.0)` (6), `ms@2.0.0` (9).

use std::sync::Arc;

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
        for entry in packages.entries() {
            if entry.value.get("dev").and_then(coaming_yaml::Node::as_bool) == Some(true) {
                continue;
            }
            let Some((name, version)) = split(entry.name()) else { continue };
            if let Some(package) = package(PackageKind::Npm, name, version, path) {
                found.add(package)?;
            }
        }
    }
    Ok(found)
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
    fn leaves_out_development_dependencies() {
        let text = "lockfileVersion: '6.0'\npackages:\n  /ms@2.0.0:\n    dev: false\n  \
                    /jest@29.0.0:\n    dev: true\n";
        let found = read("/app/pnpm-lock.yaml", text.as_bytes()).unwrap();
        let [package] = &found.packages[..] else { panic!("{found:?}") };
        assert_eq!(package.purl, "pkg:npm/ms@2.0.0");
    }
}
