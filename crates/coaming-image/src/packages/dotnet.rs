//! .NET's `*.deps.json`: the packages that an application was published with.

use std::collections::BTreeMap;

use serde::Deserialize;

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
        let text = r#"{"runtimeTarget": {"name": ".NETCoreApp,Version=v8.0"}, "libraries": {
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
