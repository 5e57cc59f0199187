//! The SBOMs that Syft and Trivy write of an image have the same vulnerabilities as the image.
//!
//! For each package of a real image there are two invented advisories: one that affects its version
//! as the last one, and one that is fixed in it. A name, an epoch, a release or a source package
//! that is read wrongly from an SBOM loses the first, or finds the second. Each difference has its
//! reason in [`DIFFERENCES`], and each of these occurs; the table in `docs/images.md` is made of
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use coaming_test::{real_images, tables};
use serde_json::{Value, json};

use super::{coaming, stderr};

/// Vulnerability, package and version.
type Found = BTreeSet<(String, String, String)>;

/// A kind of vulnerabilities that only one side has.
struct Difference {
    image: &'static str,
    tool: &'static str,
    /// Whether only the image itself has them.
    image_only: bool,
    /// How the package URLs start.
    kind: &'static str,
    why: &'static str,
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        image: "python",
        tool: "Syft",
        image_only: true,
        kind: "pkg:cargo/",
        why: "the SBOM lacks what wheels are linked with (`*.dist-info/sboms`)",
    },
    Difference {
        image: "python",
        tool: "Trivy",
        image_only: true,
        kind: "pkg:cargo/",
        why: "the SBOM lacks what wheels are linked with (`*.dist-info/sboms`)",
    },
    Difference {
        image: "java",
        tool: "Syft",
        image_only: true,
        kind: "pkg:maven/",
        why: "the SBOM guesses other groups of archives without `pom.properties`",
    },
    Difference {
        image: "java",
        tool: "Trivy",
        image_only: true,
        kind: "pkg:maven/",
        why: "the SBOM lacks archives without `pom.properties`",
    },
    Difference {
        image: "debian",
        tool: "Syft",
        image_only: false,
        kind: "pkg:golang/",
        why: "the SBOM does not say that Debian owns the program (`gron`)",
    },
];

/// The ecosystem of a package's advisories, as OSV names it.
fn ecosystem(package: &Value, distribution: &Value) -> String {
    let release = distribution["version"].as_str().unwrap_or_default();
    let major = release.split('.').next().unwrap_or_default();
    match package["kind"].as_str().unwrap() {
        "pypi" => "PyPI".to_owned(),
        "npm" => "npm".to_owned(),
        "maven" => "Maven".to_owned(),
        "cargo" => "crates.io".to_owned(),
        "golang" => "Go".to_owned(),
        kind => match distribution["id"].as_str().unwrap() {
            "debian" => format!("Debian:{major}"),
            "alpine" => format!("Alpine:v{}", release.rsplit_once('.').unwrap().0),
            "rocky" => format!("Rocky Linux:{major}"),
            "centos" => format!("Red Hat:enterprise_linux:{major}"),
            "mariner" => format!("Azure Linux:{major}"),
            "sles" => format!("SUSE:Linux Enterprise Server {}", release.replace('.', " SP")),
            id => panic!("{kind} of {id}"),
        },
    }
}

/// The names and versions that advisories may have of a package.
fn advised(package: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let own = (text(&package["name"]), text(&package["version"]));
    let (name, mut version) =
        (text(&package["source"]["name"]), text(&package["source"]["version"]));
    if version.is_empty() {
        version.clone_from(&own.1);
    }
    match package["kind"].as_str().unwrap() {
        _ if name.is_empty() => vec![own],
        // Debian's advisories name only source packages.
        "deb" => vec![(name, version)],
        _ if name == own.0 => vec![own],
        _ => vec![own, (name, version)],
    }
}

/// Writes two advisories for each package.
fn write_advisories(directory: &Path, facts: &Value) {
    let mut seen = BTreeSet::new();
    for package in facts["packages"].as_array().unwrap() {
        let ecosystem = ecosystem(package, &facts["distribution"]);
        for (name, version) in advised(package) {
            // A module under development has no version.
            let has_version = !matches!(version.as_str(), "" | "(devel)");
            if !has_version || !seen.insert((ecosystem.clone(), name.clone(), version.clone())) {
                continue;
            }
            let version = match ecosystem.as_str() {
                "Go" => version.trim_start_matches('v').to_owned(),
                _ => version,
            };
            for (end, mark) in [("last_affected", "A"), ("fixed", "F")] {
                let id = format!("LAW-{}-{mark}", seen.len());
                let record = json!({
                    "id": id, "modified": "2026-01-01T00:00:00Z",
                    "affected": [{
                        "package": {"ecosystem": ecosystem, "name": name},
                        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {end: version}]}],
                    }],
                });
                std::fs::write(directory.join(format!("{id}.json")), record.to_string()).unwrap();
            }
        }
    }
}

/// Runs `coaming image` without the user's cache, and reads what it prints.
fn image(home: &Path, target: &Path, more: &[&str]) -> Value {
    let output = coaming(&["image", "--no-cache", "--format", "json"])
        .args(more)
        .arg(target)
        .env("HOME", home)
        .env("XDG_CACHE_HOME", home)
        .output()
        .unwrap();
    // Components of types that are not supported are reported.
    let ended = matches!(output.status.code(), Some(0 | 2));
    assert!(ended, "{}: {}", target.display(), stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The vulnerabilities, with the package URLs of their packages.
fn judged(
    home: &Path,
    database: &Path,
    target: &Path,
) -> BTreeMap<(String, String, String), String> {
    let value = image(home, target, &["--db", database.to_str().unwrap()]);
    let found = value["vulnerabilities"]["vulnerabilities"].as_array().unwrap();
    found
        .iter()
        .map(|each| {
            let url = each["package"]["purl"].as_str().unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let (name, version) =
                (text(&each["package"]["name"]), text(&each["package"]["version"]));
            let is = |kind: &str| url.starts_with(kind);
            let name = match () {
                () if is("pkg:pypi/") => name.to_lowercase().replace(['_', '.'], "-"),
                // Package URLs have them in lower case.
                () if is("pkg:golang/") => name.to_lowercase(),
                () => name,
            };
            let version = if is("pkg:golang/") {
                version.trim_start_matches("go").trim_start_matches('v').to_owned()
            } else {
                version
            };
            ((text(&each["id"]), name, version), url.to_owned())
        })
        .collect()
}

/// The images: those of the test data, and those that are made of packages.
fn layouts() -> Option<Vec<(&'static str, PathBuf)>> {
    let Some(data) = std::env::var_os("COAMING_DATA").map(PathBuf::from) else {
        coaming_test::skip!("SBOMs of other tools: COAMING_DATA does not name the test data");
        return None;
    };
    let built = real_images::built()?;
    let given = ["alpine", "rpm-sqlite", "rpm-ndb", "rpm-bdb"];
    let made = ["debian", "distroless", "rpm", "suite", "python", "node", "go", "java"];
    let given = given.map(|name| (name, data.join("images").join(name)));
    Some(given.into_iter().chain(made.map(|name| (name, built.join(name)))).collect())
}

/// The differences between an image and an SBOM of it that occur; anything else fails.
fn explained(
    (name, tool, format): (&str, &str, &str),
    image: &BTreeMap<(String, String, String), String>,
    sbom: &BTreeMap<(String, String, String), String>,
) -> BTreeSet<usize> {
    let keys = |found: &BTreeMap<_, _>| -> Found { found.keys().cloned().collect() };
    let (of_image, of_sbom) = (keys(image), keys(sbom));
    let mut used = BTreeSet::new();
    for (image_only, only, urls) in
        [(true, &of_image - &of_sbom, image), (false, &of_sbom - &of_image, sbom)]
    {
        for each in only {
            let reason = DIFFERENCES.iter().position(|it| {
                it.image == name
                    && it.tool == tool
                    && it.image_only == image_only
                    && urls[&each].starts_with(it.kind)
            });
            let whose = if image_only { "the image itself" } else { "the SBOM" };
            used.insert(reason.unwrap_or_else(|| {
                panic!("{name}, {format} by {tool}: only {whose} has {each:?} ({})", urls[&each])
            }));
        }
    }
    used
}

#[test]
fn sboms_of_other_tools_are_judged_as_the_image_is() {
    let Some(layouts) = layouts() else { return };
    let home = tempfile::tempdir().unwrap();
    let cache = real_images::built().unwrap().join("trivy-cache");
    let mut used = BTreeSet::new();
    for (name, layout) in &layouts {
        let work = home.path().join(name);
        let records = work.join("osv");
        std::fs::create_dir_all(&records).unwrap();
        write_advisories(&records, &image(home.path(), layout, &[])["facts"]);
        let database = work.join("a.db");
        let built =
            coaming(&["db", "build", "--db"]).arg(&database).arg(&records).output().unwrap();
        assert!(built.status.success(), "{}", stderr(&built));
        let own = judged(home.path(), &database, layout);
        assert!(own.keys().any(|(id, ..)| id.ends_with("-A")), "{name}: {own:?}");
        let sboms: [(&str, &str, Option<Command>); 4] = [
            ("Syft", "CycloneDX", real_images::syft("cyclonedx-json", layout)),
            ("Syft", "SPDX", real_images::syft("spdx-json", layout)),
            ("Trivy", "CycloneDX", real_images::trivy("cyclonedx", layout, &cache)),
            ("Trivy", "SPDX", real_images::trivy("spdx-json", layout, &cache)),
        ];
        for (tool, format, command) in sboms {
            let Some(mut command) = command else { return };
            let file = work.join(format!("{tool}.{format}.json"));
            let output = command.output().unwrap();
            assert!(output.status.success(), "{name} by {tool}: {}", stderr(&output));
            std::fs::write(&file, output.stdout).unwrap();
            let found = judged(home.path(), &database, &file);
            used.extend(explained((name, tool, format), &own, &found));
        }
    }
    for (index, difference) in DIFFERENCES.iter().enumerate() {
        assert!(used.contains(&index), "no longer a difference: {}", difference.why);
    }
}

/// `UPDATE_TABLES=1 cargo test -p coaming --test it sbom_law` writes the table.
#[test]
fn the_documentation_has_all_differences() {
    let mut table = "| image | SBOM by | only in | reason |\n|---|---|---|---|\n".to_owned();
    for Difference { image, tool, image_only, why, .. } in DIFFERENCES {
        let side = if *image_only { "the image" } else { "the SBOM" };
        writeln!(table, "| {image} | {tool} | {side} | {why} |").unwrap();
    }
    tables::check("vulnerabilities by SBOMs", &table);
}
