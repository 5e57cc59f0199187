//! Real applications: nothing crashes, output is the same on every run, and a well-hardened stack
//! has few findings. The corpus is not part of the repository: `COAMING_CORPUS` names its directory.

use std::path::PathBuf;

use super::{coaming, json, root};

/// The corpus, or `None` with a loud word. In CI it must be there.
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

#[test]
fn entries_are_few() {
    let Some(corpus) = corpus() else { return };
    let output = coaming(&["scan", "--format", "json"]).current_dir(&corpus).output().unwrap();
    let report = json(&output);
    let count = report["findings"].as_array().unwrap().len();
    // A fifth of what others print on the same files (3,523 and 3,591).
    assert!((300..=704).contains(&count), "{count} findings");
    let first: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .take(5)
        .map(|finding| finding["severity"].as_str().unwrap())
        .collect();
    assert_eq!(first, ["critical"; 5]);
}

#[test]
fn a_hardened_stack_has_few_findings() {
    let Some(corpus) = corpus() else { return };
    let output = coaming(&["scan", "--format", "json", "kube-prometheus"])
        .current_dir(&corpus)
        .output()
        .unwrap();
    let report = json(&output);
    let rules: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    // Two roles do read every Secret of the cluster, and one mount says `readOnly: false`.
    let of_secrets = ["role-reads-secrets", "role-reads-secrets", "writable-secret-mount"];
    let (secrets, others): (Vec<&str>, Vec<&str>) =
        rules.iter().partition(|rule| of_secrets.contains(rule));
    assert_eq!(secrets, of_secrets);
    assert!(others.len() <= 8, "{others:?}");
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
