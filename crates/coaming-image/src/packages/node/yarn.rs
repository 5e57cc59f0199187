//! Yarn's `yarn.lock`: entries of indented lines, quoted in version 1, YAML from version 2 on. Both
//! are read by lines.
//!
//! It does not mark development dependencies.

use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};
use crate::packages::parsed::{lossy, package};

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let content = lossy(bytes);
    let mut found = ParsedFile::default();
    let mut name = None;
    let mut version = None;
    for line in content.lines().chain(["end:"]) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.starts_with(' ') {
            if let (Some(name), Some(version)) = (name, version.take())
                && let Some(package) = package(PackageKind::Npm, name, version, path)
            {
                found.add(package)?;
            }
            name = entry_name(line);
            continue;
        }
        // Deeper lines are the dependencies of the entry.
        let Some(field) = line.strip_prefix("  ").filter(|field| !field.starts_with(' ')) else {
            continue;
        };
        let (key, value) = field.split_once(' ').unwrap_or((field, ""));
        match key.trim_end_matches(':') {
            "version" => version = Some(unquote(value)),
            // In version 2 this names the actual package, and whether it is the application itself.
            "resolution" => name = resolution(unquote(value)),
            _ => {}
        }
    }
    Ok(found)
}

fn unquote(value: &str) -> &str {
    value.trim().trim_matches('"')
}

/// `"@babel/core@^7.0.0", "@babel/core@npm:^7.1.0":` names `@babel/core`; an alias
/// (`a@npm:real@1`) names its target.
fn entry_name(line: &str) -> Option<&str> {
    let first = line.trim_end().strip_suffix(':')?.split(',').next()?;
    let (name, range) = split_name(unquote(first))?;
    let alias = range.strip_prefix("npm:").and_then(split_name);
    Some(alias.map_or(name, |(real, _)| real))
}

/// `@babel/core@npm:7.0.0` names `@babel/core`; workspaces are not from a registry.
fn resolution(value: &str) -> Option<&str> {
    let (name, range) = split_name(value)?;
    (range.starts_with("npm:") || range.starts_with("patch:")).then_some(name)
}

/// Splits at the `@` that does not start a scope.
fn split_name(value: &str) -> Option<(&str, &str)> {
    let at = value.get(1..)?.find('@')? + 1;
    Some((value.get(..at)?, value.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(text: &str) -> Vec<String> {
        let found = read("/app/yarn.lock", text.as_bytes()).unwrap();
        found.packages.into_iter().map(|package| package.purl).collect()
    }

    #[test]
    fn reads_version_1() {
        let text = r#"# yarn lockfile v1


"@babel/core@^7.0.0", "@babel/core@^7.1.0":
  version "7.2.0"
  resolved "https://registry.yarnpkg.com/@babel/core/-/core-7.2.0.tgz#abc"
  dependencies:
    version "9.9.9"

other@npm:real@^1.0.0:
  version "1.0.1"

ms@2.0.0:
  version "2.0.0"
"#;
        assert_eq!(
            urls(text),
            ["pkg:npm/%40babel/core@7.2.0", "pkg:npm/real@1.0.1", "pkg:npm/ms@2.0.0"]
        );
    }

    #[test]
    fn reads_version_2() {
        let text = r#"__metadata:
  version: 8
  cacheKey: 10c0

"app@workspace:.":
  version: 0.0.0-use.local
  resolution: "app@workspace:."
  languageName: unknown

"ms@npm:^2.0.0":
  version: 2.1.3
  resolution: "ms@npm:2.1.3"
  languageName: node
"#;
        assert_eq!(urls(text), ["pkg:npm/ms@2.1.3"]);
    }
}
