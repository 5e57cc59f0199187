//! Real applications: nothing crashes, output is the same on every run, and the number of findings of
//! each rule is known. The corpus is not part of the repository: `COAMING_CORPUS` names its directory.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{coaming, json, root};

/// The corpus, if it is there.
pub(crate) fn corpus() -> Option<PathBuf> {
    let path = std::env::var_os("COAMING_CORPUS")
        .map_or_else(|| root().join("../shared/corpus"), PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    coaming_test::skip!("no corpus at {}; set COAMING_CORPUS", path.display());
    None
}

#[test]
fn output_is_the_same_on_every_run() {
    let Some(corpus) = corpus() else { return };
    for format in ["full", "json", "sarif"] {
        let once = || {
            let output =
                coaming(&["scan", "--format", format]).current_dir(&corpus).output().unwrap();
            assert!(matches!(output.status.code(), Some(0..=2)), "{format}: {output:?}");
            output.stdout
        };
        assert!(once() == once(), "{format} differs from run to run");
    }
}

#[test]
fn sarif_is_valid() {
    let Some(corpus) = corpus() else { return };
    let schema = root().join("crates/coaming/tests/schemas/sarif-2.1.0.json");
    // Its pattern for languages has a bracket too many, which only some engines let pass.
    let schema = std::fs::read_to_string(schema).unwrap().replace("{2}]?$", "{2}$");
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let output = coaming(&["scan", "--format", "sarif"]).current_dir(&corpus).output().unwrap();
    let report = json(&output);
    assert!(report["runs"][0]["results"].as_array().unwrap().len() > 300);
    let problems: Vec<String> = validator
        .iter_errors(&report)
        .take(5)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

/// The parts of the corpus, each scanned by itself.
const PARTS: &[&str] = &[
    "custom-resources",
    "kube-prometheus",
    "kubernetes-examples",
    "kubernetes-goat",
    "online-boutique",
    "sock-shop",
];

/// How many findings each rule has in each part, exactly: a changed number is a changed rule, to be
/// looked at. `cargo xtask counts` writes the file again.
#[test]
fn counts_by_rule_are_known() {
    let Some(corpus) = corpus() else { return };
    let Some(path) = super::render::tools() else { return };
    let mut counts: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for part in PARTS {
        let output = coaming(&["scan", "--format", "json", "--images", "never", part])
            .env("PATH", &path)
            .current_dir(&corpus)
            .output()
            .unwrap();
        for finding in json(&output)["findings"].as_array().unwrap() {
            let rule = finding["rule"].as_str().unwrap().to_owned();
            *counts.entry((part, rule)).or_default() += 1;
        }
    }
    let lines = counts.iter().map(|((part, rule), count)| format!("{part} {rule} {count}\n"));
    let found: String = lines.collect();
    let file = root().join("crates/coaming/tests/corpus-counts.txt");
    if std::env::var_os("COAMING_WRITE_COUNTS").is_some() {
        std::fs::write(file, found).unwrap();
        return;
    }
    let known = std::fs::read_to_string(file).unwrap();
    let changed: Vec<&str> = found.lines().filter(|line| !known.contains(line)).collect();
    assert!(found == known, "changed or new: {changed:#?}");
}

#[test]
fn the_worst_comes_first() {
    let Some(corpus) = corpus() else { return };
    let output = coaming(&["scan", "--format", "json"]).current_dir(&corpus).output().unwrap();
    let report = json(&output);
    let findings = report["findings"].as_array().unwrap();
    // Those on a way from an entry to something of value, and then the others: each worst first.
    let on_a_way = findings.iter().take_while(|finding| !finding["way"].is_null()).count();
    assert!(on_a_way > 5, "{on_a_way}");
    let (on_a_way, others) = findings.split_at(on_a_way);
    assert!(others.iter().all(|finding| finding["way"].is_null()));
    for findings in [on_a_way, others] {
        let severities = findings.iter().map(|finding| {
            let severity = finding["severity"].as_str().unwrap();
            ["critical", "high", "medium", "low"].iter().position(|it| *it == severity).unwrap()
        });
        assert!(severities.is_sorted());
        assert_eq!(findings[0]["severity"], "critical");
    }
}

#[test]
fn every_standard_and_version_can_be_judged() {
    let Some(corpus) = corpus() else { return };
    let mut last = 0;
    for version in ["1.0", "1.19", "1.25", "latest"] {
        let output = coaming(&[
            "scan",
            "--format",
            "json",
            "--standard",
            "restricted",
            "--kubernetes-version",
            version,
        ])
        .current_dir(&corpus)
        .output()
        .unwrap();
        let count = json(&output)["findings"].as_array().unwrap().len();
        assert!(count >= last, "later policies forbid more: {version} has {count}, not {last}");
        last = count;
    }
}
