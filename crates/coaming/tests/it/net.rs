//! `coaming net`: its faces on the example.

use super::{coaming, directory, json, run, stdout};

#[test]
fn lists_by_the_contract() {
    let output = run(&["net", "list", "--format", "json", "examples/shop"]);
    assert_eq!(output.status.code(), Some(0));
    let report = json(&output);
    assert_eq!(report["version"], 1);
    let connections = report["connections"].as_array().unwrap();
    let reaches = |source: &str, target: &str| {
        connections.iter().any(|c| c["source"]["name"] == source && c["target"]["name"] == target)
    };
    assert!(reaches("web", "database"), "by default all may talk to all");
    assert!(!reaches("web", "web"), "self-connections are left out");
    for format in ["text", "csv", "markdown"] {
        let text = stdout(&run(&["net", "list", "--format", format, "examples/shop"]));
        assert!(text.contains("database"), "{format}: {text}");
    }
}

#[test]
fn suggested_policies_allow_what_the_manifests_show() {
    let suggested = stdout(&run(&["net", "suggest", "examples/shop"]));
    let files = directory(&[("policies.yaml", &suggested)]);
    let policies = files.path().join("policies.yaml");
    let output =
        run(&["net", "list", "--format", "json", "examples/shop", policies.to_str().unwrap()]);
    let report = json(&output);
    let connections = report["connections"].as_array().unwrap();
    let reaches = |source: &str, target: &str| {
        connections.iter().any(|c| c["source"]["name"] == source && c["target"]["name"] == target)
    };
    assert!(reaches("orders", "database"), "{suggested}");
    assert!(!reaches("web", "database"), "{suggested}");
}

#[test]
fn explains_compares_and_draws() {
    let why = stdout(&run(&["net", "why", "web", "database", "--port", "5432", "examples/shop"]));
    assert!(why.contains("allowed"), "{why}");
    for port in ["5432", "tcp/5432"] {
        let positional = run(&["net", "why", "web", "database", port, "examples/shop"]);
        assert_eq!(stdout(&positional), why);
    }
    let unknown = run(&["net", "why", "web", "nobody", "examples/shop"]);
    assert_eq!(unknown.status.code(), Some(2));
    let same = run(&["net", "diff", "examples/shop", "examples/shop"]);
    assert_eq!(same.status.code(), Some(0));
    let other = run(&["net", "diff", "examples/shop", "examples/shop/web.yaml"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(stdout(&run(&["net", "graph", "examples/shop"])).starts_with("<svg"));
    assert!(
        stdout(&run(&["net", "graph", "--format", "dot", "examples/shop"])).contains("digraph")
    );
    assert!(stdout(&run(&["net", "exposure", "examples/shop"])).contains("web"));
}

#[test]
fn what_cannot_be_read_fails_the_command() {
    let output = coaming(&["net", "list", "missing.yaml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
