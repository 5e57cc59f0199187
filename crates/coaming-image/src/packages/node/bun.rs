//! Bun's `bun.lock`: JSON with commas at the ends of lists. The keys of `packages` are paths of names
//! (`ms`, `debug/ms`), and each value starts with what is installed there: `ms@2.1.3`.
//!
//! Packages are not marked as needed for development: what the workspaces depend on, directly or
//! through others, is installed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use coaming_yaml::Node;

use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};
use crate::packages::parsed::{lossy, package};

/// The fields with the names of what is installed.
const INSTALLED: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let stream = coaming_yaml::parse(Arc::from(lossy(bytes)));
    let mut found = ParsedFile::default();
    for error in &stream.errors {
        found.problem(error.message.clone());
    }
    for document in &stream.documents {
        let root = document.root();
        let Some(packages) = root.get("packages") else { continue };
        let packages: HashMap<String, Node<'_>> =
            packages.entries().map(|entry| (entry.name().to_owned(), entry.value)).collect();
        let mut keys: Vec<String> = installed(root, &packages).into_iter().collect();
        keys.sort();
        for key in keys {
            let package = packages.get(&key).and_then(|entry| of_entry(*entry));
            let Some((name, version)) = package else { continue };
            if let Some(package) = package_of(name, version, path) {
                found.add(package)?;
            }
        }
    }
    Ok(found)
}

/// `["ms@2.1.3", "", {}, "sha512-…"]`; workspaces, directories and archives have no version.
fn of_entry(entry: Node<'_>) -> Option<(&str, &str)> {
    let written = entry.items().next()?.as_str()?;
    let at = written.get(1..)?.find('@')? + 1;
    Some((written.get(..at)?, written.get(at + 1..)?))
}

fn package_of(name: &str, version: &str, path: &str) -> Option<crate::Package> {
    let is_version = version.starts_with(|first: char| first.is_ascii_digit());
    package(PackageKind::Npm, name, version, path).filter(|_| is_version)
}

/// The keys of what the workspaces depend on other than for development.
fn installed(root: Node<'_>, packages: &HashMap<String, Node<'_>>) -> HashSet<String> {
    let names = |node: Node<'_>| -> Vec<String> {
        let lists = INSTALLED.iter().filter_map(|list| node.get(list));
        lists.flat_map(|list| list.entries()).map(|entry| entry.name().to_owned()).collect()
    };
    let workspaces = root.get("workspaces").into_iter().flat_map(|it| it.entries());
    let mut waiting: Vec<(String, String)> = workspaces
        .flat_map(|workspace| names(workspace.value))
        .map(|name| (String::new(), name))
        .collect();
    let mut installed = HashSet::new();
    while let Some((parent, name)) = waiting.pop() {
        let Some(key) = key(&parent, &name, packages) else { continue };
        if !installed.insert(key.clone()) {
            continue;
        }
        let details = packages.get(&key).and_then(|entry| entry.items().find(|it| it.is_mapping()));
        let needed = details.map(names).unwrap_or_default();
        waiting.extend(needed.into_iter().map(|name| (key.clone(), name)));
    }
    installed
}

/// Where a package finds another one: next to what it brings itself, else further up.
fn key(parent: &str, name: &str, packages: &HashMap<String, Node<'_>>) -> Option<String> {
    let parents = std::iter::successors(Some(parent), |parent| {
        let end = parent.rfind('/').unwrap_or(0);
        (!parent.is_empty()).then(|| parent.get(..end)).flatten()
    });
    let keys = parents.map(|parent| match parent {
        "" => name.to_owned(),
        parent => format!("{parent}/{name}"),
    });
    keys.into_iter().find(|key| packages.contains_key(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_dependencies_of_workspaces() {
        let text = r#"{
  "lockfileVersion": 1,
  "workspaces": {
    "": {"name": "app", "dependencies": {"debug": "^4", "own": "workspace:*",}, "devDependencies": {"jest": "^29",},},
  },
  "packages": {
    "@s/x": ["@s/x@1.0.0", "", {}, "sha512-a"],
    "debug": ["debug@4.0.0", "", { "dependencies": { "ms": "^2", "@s/x": "^1" } }, "sha512-b"],
    "debug/ms": ["ms@2.1.3", "", {}, "sha512-c"],
    "jest": ["jest@29.0.0", "", { "dependencies": { "ms": "^1" } }, "sha512-d"],
    "ms": ["ms@1.0.0", "", {}, "sha512-e"],
    "own": ["own@workspace:packages/own"],
  }
}
"#;
        let found = read("/app/bun.lock", text.as_bytes()).unwrap();
        let urls: Vec<&str> = found.packages.iter().map(|it| it.purl.as_str()).collect();
        assert_eq!(urls, ["pkg:npm/%40s/x@1.0.0", "pkg:npm/debug@4.0.0", "pkg:npm/ms@2.1.3"]);
        assert_eq!(found.problems, [""; 0]);
    }
}
