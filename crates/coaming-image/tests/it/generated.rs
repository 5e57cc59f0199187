//! Images that `tests/build-images` builds from real packages, compared with Syft and Trivy.
//!
//! Each difference is checked to be one that `docs/images.md` explains, entry by entry: everything
//! else must be the same.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use coaming_image::{Image, ImageFacts, PackageKind, UtilityKind, Verdict};
use coaming_test::real_images::{self, built, json};
use serde_json::Value;

/// Kind, name and version.
pub(crate) type Packages = BTreeSet<(String, String, String)>;

pub(crate) fn facts(name: &str) -> Option<ImageFacts> {
    let facts = Image::open(&built()?.join(name), None).unwrap().read();
    assert_eq!(facts.problems, []);
    Some(facts)
}

/// The packages that Coaming finds, in a form that Syft and Trivy have, too.
fn ours(facts: &ImageFacts) -> Packages {
    let packages = facts.packages.iter();
    packages
        .map(|package| {
            let kind = serde_json::to_value(package.kind).unwrap().as_str().unwrap().to_owned();
            match package.kind {
                PackageKind::PyPi => {
                    (kind, package.name.to_ascii_lowercase(), package.version.clone())
                }
                PackageKind::Golang => (kind, package.name.clone(), go_version(&package.version)),
                _ => (kind, package.name.clone(), package.version.clone()),
            }
        })
        .collect()
}

/// Only the number, without `v` or `go` before it; empty if there is none.
pub(crate) fn go_version(version: &str) -> String {
    match version {
        "(devel)" => String::new(),
        _ => version.trim_start_matches("go").trim_start_matches('v').to_owned(),
    }
}

/// Only the artifact of Java's names: Syft shows no more.
fn artifacts_alone(packages: &Packages) -> Packages {
    let artifact = |name: &str| name.rsplit(':').next().unwrap_or(name).to_owned();
    packages
        .iter()
        .map(|(kind, name, version)| match kind.as_str() {
            "maven" => (kind.clone(), artifact(name), version.clone()),
            _ => (kind.clone(), name.clone(), version.clone()),
        })
        .collect()
}

/// What Syft or Trivy found, and where.
pub(crate) struct Theirs {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) places: Vec<String>,
}

pub(crate) fn syft(layout: &Path) -> Option<Vec<Theirs>> {
    let value = json(&mut real_images::syft("syft-json", layout)?);
    let artifacts = value["artifacts"].as_array().unwrap().iter();
    let places = |artifact: &Value| {
        let locations = artifact["locations"].as_array().unwrap().iter();
        locations.map(|place| place["path"].as_str().unwrap().to_owned()).collect()
    };
    Some(artifacts.filter_map(|it| theirs(&it["purl"], places(it), it)).collect())
}

pub(crate) fn trivy(layout: &Path) -> Option<Vec<Theirs>> {
    let cache = layout.with_file_name("trivy-cache");
    let value = json(&mut real_images::trivy("json", layout, &cache)?);
    let results = value["Results"].as_array().cloned().unwrap_or_default();
    let mut all = Vec::new();
    for result in &results {
        for package in result["Packages"].as_array().into_iter().flatten() {
            let place = package["FilePath"].as_str().or(result["Target"].as_str()).unwrap();
            let places = vec![format!("/{}", place.trim_start_matches('/'))];
            all.extend(theirs(&package["Identifier"]["PURL"], places, package));
        }
    }
    Some(all)
}

/// A package by its URL; `None` if it has none, such as Syft's guesses about programs.
fn theirs(url: &Value, places: Vec<String>, artifact: &Value) -> Option<Theirs> {
    let url = url.as_str().filter(|url| !url.is_empty())?;
    let (kind, rest) = url.strip_prefix("pkg:").unwrap().split_once('/').unwrap();
    if kind == "generic" {
        return None;
    }
    let text = |key: &str| artifact.get(key).and_then(Value::as_str);
    let name = text("name").or(text("Name")).unwrap();
    let path = rest.split(['?', '#']).next().unwrap_or(rest);
    let (_, version) = path.split_once('@').unwrap_or((path, ""));
    let decoded = version.replace("%2B", "+").replace("%3A", ":").replace("%7E", "~");
    let version = match (kind, text("version"), artifact["Epoch"].as_u64()) {
        ("golang", ..) => go_version(&decoded),
        ("rpm" | "deb", None, Some(epoch)) => format!("{epoch}:{decoded}"),
        (_, Some(version), _) => version.to_owned(),
        _ => decoded,
    };
    let name = if kind == "pypi" { name.to_ascii_lowercase() } else { name.to_owned() };
    Some(Theirs { kind: kind.to_owned(), name, version, places })
}

/// What Syft or Trivy found, without the intended differences.
fn comparable(found: Vec<Theirs>, owned: &BTreeSet<String>) -> Packages {
    found
        .into_iter()
        .filter(|package| !differs_by_intent(package, owned))
        .map(|package| (package.kind, package.name, package.version))
        .collect()
}

fn differs_by_intent(package: &Theirs, owned: &BTreeSet<String>) -> bool {
    let all = |holds: &dyn Fn(&str) -> bool| package.places.iter().all(|place| holds(place));
    match package.kind.as_str() {
        // What a distribution's package owns is that package's.
        "pypi" | "npm" | "maven" | "golang" if all(&|place| owned.contains(place)) => true,
        // An application's own package.json, lock files, and directories deeper in a package.
        "npm" => all(&|place| !is_installed(place)),
        _ => false,
    }
}

/// Whether it is the `package.json` right in a package's directory in `node_modules`.
pub(crate) fn is_installed(place: &str) -> bool {
    let Some(directory) = place.strip_suffix("/package.json") else { return false };
    let Some((_, name)) = directory.rsplit_once("/node_modules/") else { return false };
    name.split('/').count() == if name.starts_with('@') { 2 } else { 1 }
}

/// The files that Debian's packages own, by dpkg's lists, where they lie.
fn owned_by_dpkg(layout: &Path) -> BTreeSet<String> {
    let directory = tempfile::tempdir().unwrap();
    let largest = std::fs::read_dir(layout.join("blobs/sha256"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let mut start = [0; 2];
            std::io::Read::read_exact(&mut std::fs::File::open(path).unwrap(), &mut start).is_ok()
                && start == *b"./"
        })
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap();
    let unpacked = Command::new("tar")
        .arg("-C")
        .arg(directory.path())
        .arg("-xf")
        .arg(largest)
        .arg("./var/lib/dpkg/info")
        .status()
        .unwrap();
    assert!(unpacked.success());
    let mut owned = BTreeSet::new();
    for entry in std::fs::read_dir(directory.path().join("var/lib/dpkg/info")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "list") {
            owned.extend(std::fs::read_to_string(path).unwrap().lines().map(str::to_owned));
        }
    }
    owned
}

fn assert_same(tool: &str, ours: &Packages, theirs: &Packages) {
    let only =
        |one: &Packages, other: &Packages| -> Vec<_> { one.difference(other).cloned().collect() };
    assert_eq!(
        (only(ours, theirs), only(theirs, ours)),
        (Vec::new(), Vec::new()),
        "only we find these, only {tool} those"
    );
}

#[test]
fn debian_with_applications() {
    let Some(facts) = facts("debian") else { return };
    let layout = built().unwrap().join("debian");
    let owned = owned_by_dpkg(&layout);
    let ours = ours(&facts);
    for (kind, at_least) in
        [("deb", 90), ("pypi", 9), ("npm", 60), ("maven", 4), ("golang", 150), ("cargo", 4)]
    {
        let count = ours.iter().filter(|(of, ..)| of == kind).count();
        assert!(count >= at_least, "{count} of {kind}");
    }
    // An upper layer took these away.
    assert!(!ours.iter().any(|(_, name, _)| name == "pyyaml" || name == "cookie"));
    if let Some(theirs) = syft(&layout) {
        assert_same("syft", &artifacts_alone(&ours), &artifacts_alone(&comparable(theirs, &owned)));
    }
    if let Some(theirs) = trivy(&layout) {
        // Without its database of archives' checksums, which is on the network, it reads little Java.
        let no_java = |packages: Packages| -> Packages {
            packages.into_iter().filter(|(kind, ..)| kind != "maven").collect()
        };
        assert_same("trivy", &no_java(ours), &no_java(comparable(theirs, &owned)));
    }
    assert_eq!(facts.user.uid, Some(65534));
    assert_eq!(facts.verdict, Verdict::Full);
}

#[test]
fn distroless() {
    let Some(facts) = facts("distroless") else { return };
    let layout = built().unwrap().join("distroless");
    let ours = ours(&facts);
    assert_eq!(ours.len(), 5);
    assert_eq!(facts.verdict, Verdict::Distroless);
    for (tool, theirs) in [("syft", syft(&layout)), ("trivy", trivy(&layout))] {
        if let Some(theirs) = theirs {
            assert_same(tool, &ours, &comparable(theirs, &BTreeSet::new()));
        }
    }
}

#[test]
fn packages_that_rpm_installed() {
    let Some(facts) = facts("rpm") else { return };
    let layout = built().unwrap().join("rpm");
    let ours = ours(&facts);
    let names: Vec<&str> = ours.iter().map(|(_, name, _)| name.as_str()).collect();
    // The Python package in it is rpm's.
    assert_eq!(names, ["made", "made-tools"]);
    let owned = ["/usr/lib/python3/site-packages/made-1.2.dist-info/METADATA".to_owned()].into();
    for (tool, theirs) in [("syft", syft(&layout)), ("trivy", trivy(&layout))] {
        if let Some(theirs) = theirs {
            assert_same(tool, &ours, &comparable(theirs, &owned));
        }
    }
}

#[test]
fn busybox_and_its_applets() {
    let Some(facts) = facts("busybox") else { return };
    assert_eq!(ours(&facts), Packages::new());
    assert_eq!(facts.verdict, Verdict::Minimal);
    let listed = Command::new("/bin/busybox").arg("--list").output().unwrap().stdout;
    let applets: BTreeSet<&str> = std::str::from_utf8(&listed).unwrap().lines().collect();
    let found: BTreeSet<&str> = facts.utilities.iter().map(|it| it.name.as_str()).collect();
    for wanted in ["sh", "cat", "wget", "vi", "nc", "less", "more", "head"] {
        assert!(!applets.contains(wanted) || found.contains(wanted), "{wanted}");
    }
    assert!(found.iter().all(|name| applets.contains(name) || *name == "busybox"), "{found:?}");
    let sh = facts.utilities.iter().find(|utility| utility.name == "sh").unwrap();
    assert_eq!((sh.kind, sh.target.as_deref()), (UtilityKind::Shell, Some("/bin/busybox")));
}
