//! Five more real images, package by package beside Syft and Trivy: another suite of Debian, a
//! virtual environment with dozens of wheels, an application for Node with hundreds of packages,
//! programs in Go, and Java archives.
//!
//! Each difference has its reason in [`DIFFERENCES`], and each of these occurs. The table in
//! `docs/images.md` is made of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use coaming_image::ImageFacts;
use coaming_test::real_images::built;

use crate::generated::{Theirs, facts, go_version, is_installed, syft, trivy};

/// A kind of packages that only one side finds.
struct Difference {
    image: &'static str,
    tools: &'static [&'static str],
    /// Whether it is Coaming alone that finds them.
    ours: bool,
    kind: &'static str,
    /// Whether a file is one of these.
    is: fn(&str) -> bool,
    what: &'static str,
    why: &'static str,
}

const BOTH: &[&str] = &["Syft", "Trivy"];

const DIFFERENCES: &[Difference] = &[
    Difference {
        image: "python",
        tools: BOTH,
        ours: true,
        kind: "cargo",
        is: |place| place.contains(".dist-info/sboms/"),
        what: "crates in `*.dist-info/sboms`",
        why: "PEP 770: wheels list the libraries that they are linked with",
    },
    Difference {
        image: "python",
        tools: BOTH,
        ours: false,
        kind: "npm",
        is: |place| !is_installed(place),
        what: "`package.json` of JupyterLab's extensions and tests",
        why: "they are parts of a Python package, not packages of the npm registry that are installed",
    },
    Difference {
        image: "python",
        tools: &["Syft"],
        ours: false,
        kind: "nuget",
        is: |place| place.ends_with(".exe"),
        what: "programs for Windows in `pip`",
        why: "they are no .NET packages: the names are those of their resources",
    },
    Difference {
        image: "node",
        tools: BOTH,
        ours: false,
        kind: "npm",
        is: |place| !is_installed(place),
        what: "`package.json` deeper in a package, and the application's own",
        why: "they are not installed: tests, parts of a package, the application itself",
    },
    Difference {
        image: "go",
        tools: &["Syft"],
        ours: false,
        kind: "golang",
        is: |place| place == "/usr/local/bin/helm",
        what: "Helm, by the name of its file",
        why: "it is found as its module, `helm.sh/helm/v4`, by all three",
    },
    Difference {
        image: "java",
        tools: &["Trivy"],
        ours: true,
        kind: "maven",
        is: |place| place.contains(".jar") || place.contains(".war"),
        what: "archives without `pom.properties`",
        why: "it knows them by their SHA-1, from a database on the network",
    },
];

/// The packages by kind, name and version, with the files that name them.
type Found = BTreeMap<(String, String, String), BTreeSet<String>>;

/// One spelling for what all three write.
fn add(found: &mut Found, kind: &str, name: &str, version: &str, places: &[String]) {
    let name = match kind {
        "pypi" => name.to_ascii_lowercase().replace(['_', '.'], "-"),
        // Syft shows no group.
        "maven" => name.rsplit(':').next().unwrap_or(name).to_owned(),
        _ => name.to_owned(),
    };
    let version = if kind == "golang" { go_version(version) } else { version.to_owned() };
    found.entry((kind.to_owned(), name, version)).or_default().extend(places.iter().cloned());
}

fn ours(facts: &ImageFacts) -> Found {
    let mut found = Found::new();
    for package in &facts.packages {
        let kind = serde_json::to_value(package.kind).unwrap();
        let places = [package.path.clone()];
        add(&mut found, kind.as_str().unwrap(), &package.name, &package.version, &places);
    }
    found
}

fn theirs(packages: &[Theirs]) -> Found {
    let mut found = Found::new();
    for Theirs { kind, name, version, places } in packages {
        add(&mut found, kind, name, version, places);
    }
    found
}

/// The differences that occur, by their index; anything else fails.
fn explained(image: &str, tool: &str, ours: &Found, theirs: &Found) -> BTreeSet<usize> {
    let mut used = BTreeSet::new();
    for (is_ours, one, other) in [(true, ours, theirs), (false, theirs, ours)] {
        for (package, places) in one.iter().filter(|(package, _)| !other.contains_key(package)) {
            let index = DIFFERENCES.iter().position(|it| {
                it.image == image
                    && it.tools.contains(&tool)
                    && it.ours == is_ours
                    && it.kind == package.0
                    && places.iter().all(|place| (it.is)(place))
            });
            let whose = if is_ours { "Coaming" } else { tool };
            used.insert(index.unwrap_or_else(|| {
                panic!("{image}: only {whose} finds {package:?} in {places:?}")
            }));
        }
    }
    used
}

#[test]
fn each_difference_has_a_reason() {
    let Some(directory) = built() else { return };
    let mut used = BTreeSet::new();
    let mut complete = true;
    for (image, at_least) in
        [("suite", 90), ("python", 130), ("node", 400), ("go", 300), ("java", 60)]
    {
        let own = ours(&facts(image).unwrap());
        assert!(own.len() >= at_least, "{image}: {}", own.len());
        let layout = directory.join(image);
        for (tool, found) in [("Syft", syft(&layout)), ("Trivy", trivy(&layout))] {
            let Some(found) = found else {
                complete = false;
                continue;
            };
            used.extend(explained(image, tool, &own, &theirs(&found)));
        }
    }
    let unused: Vec<_> = (0..DIFFERENCES.len())
        .filter(|index| !used.contains(index))
        .map(|index| DIFFERENCES[index].what)
        .collect();
    assert!(!complete || unused.is_empty(), "no longer a difference: {unused:?}");
}

/// `UPDATE_TABLES=1 cargo test -p coaming-image differences` writes the table.
#[test]
fn the_documentation_has_all_differences() {
    let mut table = "| image | only found by | what | reason |\n|---|---|---|---|\n".to_owned();
    for Difference { image, tools, ours, what, why, .. } in DIFFERENCES {
        let by =
            if *ours { format!("Coaming, not {}", tools.join(" or ")) } else { tools.join(", ") };
        writeln!(table, "| {image} | {by} | {what} | {why} |").unwrap();
    }
    coaming_test::tables::check("differences of five images", &table);
}
