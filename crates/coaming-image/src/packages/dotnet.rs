//! .NET's `*.deps.json`: the packages that an application was published with.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::parsed::{json, package};
use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};

pub(super) fn wants(path: &str) -> bool {
    path.ends_with(".deps.json")
}

#[derive(Deserialize)]
struct Dependencies {
    #[serde(default)]
    libraries: BTreeMap<String, Library>,
    /// For each target, the files of each library.
    #[serde(default)]
    targets: BTreeMap<String, BTreeMap<String, Files>>,
}

/// The kinds of files that a library has in a target.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Files {
    runtime: Option<IgnoredAny>,
    native: Option<IgnoredAny>,
    runtime_targets: Option<IgnoredAny>,
    resources: Option<IgnoredAny>,
}

impl Dependencies {
    /// Whether a package is only needed to build: it is in a target, and has no files there.
    fn has_no_files(&self, key: &str) -> bool {
        let mut entries = self.targets.values().filter_map(|target| target.get(key)).peekable();
        entries.peek().is_some()
            && entries.all(|files| {
                files.runtime.is_none()
                    && files.native.is_none()
                    && files.runtime_targets.is_none()
                    && files.resources.is_none()
            })
    }
}

#[derive(Deserialize)]
struct Library {
    #[serde(default)]
    r#type: String,
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let dependencies: Dependencies = json(bytes)?;
    let mut found = ParsedFile::default();
    for (key, library) in &dependencies.libraries {
        // Projects and references are the application itself.
        if !matches!(library.r#type.as_str(), "package" | "runtimepack") {
            continue;
        }
        if library.r#type == "package" && dependencies.has_no_files(key) {
            continue;
        }
        let (name, version) = key.split_once('/').unwrap_or((key, ""));
        // A self-contained application includes the runtime.
        let name = name.strip_prefix("runtimepack.").unwrap_or(name);
        match package(PackageKind::NuGet, name, version, path) {
            Some(package) => found.add(package)?,
            None => found.problem("a library has no readable name or version"),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_packages_and_the_runtime_but_not_the_application() {
        let text = r#"{"runtimeTarget": {"name": ".NETCoreApp,Version=v8.0"}, "targets": {
            ".NETCoreApp,Version=v8.0": {"Newtonsoft.Json/13.0.1": {"runtime": {"a.dll": {}}},
            "Analyzers/1.0.0": {"dependencies": {}}}}, "libraries": {
            "Analyzers/1.0.0": {"type": "package"},
            "shop/1.0.0": {"type": "project", "serviceable": false, "sha512": ""},
            "Newtonsoft.Json/13.0.1": {"type": "package", "sha512": "sha512-x"},
            "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"type": "runtimepack"},
            "broken": {"type": "package"}}}"#;
        let found = read("/app/shop.deps.json", text.as_bytes()).unwrap();
        let urls: Vec<&str> = found.packages.iter().map(|package| package.purl.as_str()).collect();
        assert_eq!(
            urls,
            [
                "pkg:nuget/Newtonsoft.Json@13.0.1",
                "pkg:nuget/Microsoft.NETCore.App.Runtime.linux-x64@8.0.1"
            ]
        );
        assert_eq!(found.problems.len(), 1);
    }
}
