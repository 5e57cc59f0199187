//! Deno's `deno.lock`: the packages from npm's registry. Their keys are `name@version`, in version 3
//! and before `name@version_peer@version` too. Others are not packages of an ecosystem.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};
use crate::packages::parsed::{json, package};

/// Each version has the packages in another place.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    npm: Npm,
    packages: Packages,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Packages {
    npm: Npm,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Npm {
    /// Of version 2, which has `specifiers` beside it.
    packages: Keys,
    #[serde(flatten)]
    keys: Keys,
}

type Keys = std::collections::BTreeMap<String, IgnoredAny>;

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let lock: Lock = json(bytes)?;
    let mut found = ParsedFile::default();
    let lists = [&lock.npm.packages, &lock.npm.keys, &lock.packages.npm.keys];
    for (name, version) in lists.into_iter().flat_map(|keys| keys.keys()).filter_map(|it| split(it))
    {
        if let Some(package) = package(PackageKind::Npm, name, version, path) {
            found.add(package)?;
        }
    }
    Ok(found)
}

/// `@s/x@1.0.0_react@18.2.0` is `@s/x` 1.0.0.
fn split(key: &str) -> Option<(&str, &str)> {
    let at = key.get(1..)?.find('@')? + 1;
    let version = key.get(at + 1..)?;
    Some((key.get(..at)?, version.split('_').next().unwrap_or(version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all_versions() {
        let packages = r#"{"@s/x@1.0.0_react@18.2.0": {"integrity": "a"}, "chalk@5.3.0": {}}"#;
        for text in [
            format!(
                r#"{{"version": "2", "npm": {{"specifiers": {{"chalk": "chalk@5.3.0"}}, "packages": {packages}}}}}"#
            ),
            format!(
                r#"{{"version": "3", "packages": {{"specifiers": {{}}, "npm": {packages}}}, "remote": {{}}}}"#
            ),
            format!(
                r#"{{"version": "5", "specifiers": {{}}, "jsr": {{"@std/assert@1.0.0": {{}}}}, "npm": {packages}}}"#
            ),
        ] {
            let found = read("/app/deno.lock", text.as_bytes()).unwrap();
            let urls: Vec<&str> = found.packages.iter().map(|it| it.purl.as_str()).collect();
            assert_eq!(urls, ["pkg:npm/%40s/x@1.0.0", "pkg:npm/chalk@5.3.0"], "{text}");
        }
    }
}
