//! Lists of what an application was built with, in ecosystems that record nothing else in an image:
//! Erlang and Elixir (`mix.lock`, `rebar.lock`), Swift (`Package.resolved`), Dart
//! (`pubspec.lock`), Julia (`Manifest.toml`), C and C++ (`conan.lock`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::parsed::{is_in_package, json, lossy, package};
use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};

pub(super) fn wants(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or_default();
    matches!(file, "mix.lock" | "rebar.lock" | "Package.resolved" | "pubspec.lock" | "Manifest.toml" | "conan.lock")
        && !is_in_package(path)
        // Packages of Julia bring those that their own tests were written with.
        && !path.contains("/.julia/packages/")
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let content = lossy(bytes);
    let file = path.rsplit('/').next().unwrap_or_default();
    let (kind, packages) = match file {
        "mix.lock" => (PackageKind::Hex, content.lines().filter_map(mix).collect()),
        "rebar.lock" => (PackageKind::Hex, rebar(&content)),
        "Package.resolved" => (PackageKind::Swift, swift(bytes)?),
        "pubspec.lock" => (PackageKind::Pub, pubspec(&content)),
        "Manifest.toml" => (PackageKind::Julia, julia(&content)),
        _ => (PackageKind::Conan, conan(bytes)?),
    };
    let mut found = ParsedFile::default();
    for (name, version) in packages {
        match package(kind, &name, &version, path) {
            Some(package) => found.add(package)?,
            None => found.problem("a package has no readable name or version"),
        }
    }
    Ok(found)
}

/// `"acme": {:hex, :acme, "1.1.0", …}`.
fn mix(line: &str) -> Option<(String, String)> {
    let (_, entry) = line.split_once("{:hex,")?;
    let mut parts = entry.split(',').map(str::trim);
    let name = parts.next()?.trim_start_matches(':').trim_matches('"');
    Some((name.to_owned(), parts.next()?.trim_matches('"').to_owned()))
}

/// `{<<"acme">>,{pkg,<<"acme">>,<<"1.1.0">>},0}`.
fn rebar(content: &str) -> Vec<(String, String)> {
    let text = |part: &str| Some(part.split_once("<<\"")?.1.split_once('"')?.0.to_owned());
    content
        .split("{pkg,")
        .skip(1)
        .filter_map(|entry| {
            let mut parts = entry.split(',');
            Some((text(parts.next()?)?, text(parts.next()?)?))
        })
        .collect()
}

/// Versions 2 and 3 have the pins at the top, version 1 in an object.
#[derive(Deserialize)]
struct Resolved {
    #[serde(default)]
    pins: Vec<Pin>,
    object: Option<Pins>,
}

#[derive(Deserialize)]
struct Pins {
    #[serde(default)]
    pins: Vec<Pin>,
}

#[derive(Deserialize)]
struct Pin {
    #[serde(default, alias = "repositoryURL")]
    location: String,
    state: Option<State>,
}

#[derive(Deserialize)]
struct State {
    version: Option<String>,
}

fn swift(bytes: &[u8]) -> Result<Vec<(String, String)>, AnalyserError> {
    let resolved: Resolved = json(bytes)?;
    let pins = resolved.pins.into_iter().chain(resolved.object.into_iter().flat_map(|it| it.pins));
    Ok(pins.filter_map(|pin| Some((repository(&pin.location)?, pin.state?.version?))).collect())
}

/// `github.com/acme/x` of an address in any form: `https://…`, `ssh://git@…`, `git@github.com:…`.
fn repository(location: &str) -> Option<String> {
    let (scheme, rest) = location.split_once("://").unwrap_or(("", location));
    let (user, rest) = rest.split_once('@').unwrap_or(("", rest));
    let is_address = !scheme.is_empty() || !user.is_empty();
    let name = if scheme.is_empty() { rest.replacen(':', "/", 1) } else { rest.to_owned() };
    is_address.then(|| name.trim_end_matches('/').trim_end_matches(".git").to_owned())
}

fn pubspec(content: &str) -> Vec<(String, String)> {
    let stream = coaming_yaml::parse(Arc::from(content));
    let mut found = Vec::new();
    for document in &stream.documents {
        let Some(packages) = document.root().get("packages") else { continue };
        for entry in packages.entries() {
            let text = |key: &str| entry.value.get(key).and_then(coaming_yaml::Node::as_str);
            let is_dev = text("dependency").is_some_and(|it| it == "direct dev");
            if let (false, Some("hosted"), Some(version)) =
                (is_dev, text("source"), text("version"))
            {
                found.push((entry.name().to_owned(), version.to_owned()));
            }
        }
    }
    found
}

/// `[[deps.HTTP]]`, before version 2 `[[HTTP]]`, with the version in a line below it. What belongs to
/// Julia itself has none, and other files of this name have no such sections.
fn julia(content: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut name = None;
    for line in content.lines().map(str::trim) {
        if line.starts_with('[') {
            let section = line.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]"));
            let section = section.map(|section| section.strip_prefix("deps.").unwrap_or(section));
            name = section.filter(|section| !section.contains('.'));
        } else if let Some((key, value)) = line.split_once('=')
            && key.trim() == "version"
            && let Some(name) = name
        {
            found.push((name.to_owned(), value.trim().trim_matches('"').to_owned()));
        }
    }
    found
}

#[derive(Deserialize)]
struct Conan {
    #[serde(default)]
    requires: Vec<String>,
    graph_lock: Option<ConanGraph>,
}

/// Before Conan 2.
#[derive(Deserialize)]
struct ConanGraph {
    #[serde(default)]
    nodes: BTreeMap<String, ConanNode>,
}

#[derive(Deserialize)]
struct ConanNode {
    #[serde(rename = "ref", default)]
    reference: String,
}

/// `acme/1.0#revision%time`, `acme/1.0@user/channel#revision`.
fn conan(bytes: &[u8]) -> Result<Vec<(String, String)>, AnalyserError> {
    let lock: Conan = json(bytes)?;
    let split = |entry: &String| {
        let (name, version) = entry.split(['#', '@']).next()?.split_once('/')?;
        Some((name.to_owned(), version.to_owned()))
    };
    let nodes = lock.graph_lock.map(|graph| graph.nodes).unwrap_or_default();
    // The first one is the application.
    let nodes = nodes.into_iter().filter(|(number, _)| number != "0");
    let nodes = nodes.map(|(_, node)| node.reference);
    let all: Vec<String> = lock.requires.into_iter().chain(nodes).collect();
    Ok(all.iter().filter_map(split).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lock_files() {
        for (path, content, expected) in [
            (
                "/app/mix.lock",
                "%{\n  \"acme\": {:hex, :acme, \"1.1.0\", \"abc\", [:mix], [], \"hexpm\", \"d\"},\n  \
                 \"own\": {:git, \"https://example.com/own.git\", \"abc\", []},\n}\n",
                "pkg:hex/acme@1.1.0",
            ),
            (
                "/app/rebar.lock",
                "[{<<\"acme\">>,{pkg,<<\"acme\">>,<<\"1.1.0\">>},0}].",
                "pkg:hex/acme@1.1.0",
            ),
            (
                "/app/Package.resolved",
                r#"{"pins": [{"identity": "x", "location": "https://github.com/acme/x.git",
                    "state": {"version": "1.0.0"}}, {"location": "../own"}], "version": 2}"#,
                "pkg:swift/github.com/acme/x@1.0.0",
            ),
            (
                "/app/Package.resolved",
                r#"{"object": {"pins": [{"repositoryURL": "git@github.com:acme/x.git",
                    "state": {"version": "1.0.0"}}]}, "version": 1}"#,
                "pkg:swift/github.com/acme/x@1.0.0",
            ),
            (
                "/app/Package.resolved",
                r#"{"pins": [{"location": "ssh://git@github.com/acme/x", "state":
                    {"version": "1.0.0"}}], "version": 3}"#,
                "pkg:swift/github.com/acme/x@1.0.0",
            ),
            (
                "/app/conan.lock",
                r#"{"graph_lock": {"nodes": {"0": {"ref": "own/2.0"}, "1":
                    {"ref": "acme/1.0@user/stable#abc"}}}, "version": "0.4"}"#,
                "pkg:conan/acme@1.0",
            ),
            (
                "/app/pubspec.lock",
                "packages:\n  acme:\n    dependency: transitive\n    source: hosted\n    version: \
                 \"1.0.0\"\n  dev:\n    dependency: \"direct dev\"\n    source: hosted\n    version: \
                 \"2.0.0\"\n",
                "pkg:pub/acme@1.0.0",
            ),
            (
                "/root/.julia/environments/v1.9/Manifest.toml",
                "julia_version = \"1.9.0\"\n\n[[deps.Dates]]\nuuid = \"a\"\n\n[[deps.HTTP]]\n\
                 deps = [\"Dates\"]\nversion = \"1.9.0\"\n\n    [deps.HTTP.extensions]\n    \
                 version = \"no\"\n",
                "pkg:julia/HTTP@1.9.0",
            ),
            (
                "/app/Manifest.toml",
                "[[HTTP]]\nuuid = \"a\"\nversion = \"1.9.0\"\n",
                "pkg:julia/HTTP@1.9.0",
            ),
            (
                "/app/conan.lock",
                r#"{"version": "0.5", "requires": ["acme/1.0#abc%1"]}"#,
                "pkg:conan/acme@1.0",
            ),
        ] {
            assert!(wants(path), "{path}");
            let found = read(path, content.as_bytes()).unwrap();
            let urls: Vec<&str> = found.packages.iter().map(|it| it.purl.as_str()).collect();
            assert_eq!(urls, [expected], "{path}");
        }
    }
}
