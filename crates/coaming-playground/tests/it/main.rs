//! What the page is given, in a build for this machine.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use coaming_playground::Playground;
use serde_json::Value;

const POD: &str = "apiVersion: v1
kind: Pod
metadata:
  name: web # the name stays
spec:
  containers:
    - name: web
      image: registry.example/web:1.2
      env:
        - name: DB_PASSWORD
          value: correct-horse-battery
";

fn report(playground: &Playground, name: &str, text: &str) -> Value {
    serde_json::from_str(&playground.scan(name, text)).unwrap()
}

fn rules(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["rule"].as_str().unwrap()).collect()
}

#[test]
fn a_manifest_is_judged_and_no_secret_is_shown() {
    let playground = Playground::new().unwrap();
    let json = playground.scan("pod.yaml", POD);
    assert!(!json.contains("correct-horse"), "{json}");
    let report: Value = serde_json::from_str(&json).unwrap();
    let found = rules(&report);
    assert!(found.contains(&"plain-secret-environment"), "{found:?}");
    assert_eq!(report["errors"].as_array().unwrap().len(), 0);
    assert!(report["findings"][0]["locations"][0]["line"].is_u64());
}

#[test]
fn the_safe_fixes_are_applied_and_nothing_is_left_of_them() {
    let playground = Playground::new().unwrap();
    let fixed = playground.fix("pod.yaml", POD, false).unwrap();
    assert!(fixed.contains("name: web # the name stays\n"), "{fixed}");
    assert!(fixed.len() > POD.len());
    assert_eq!(playground.fix("pod.yaml", &fixed, false), None);
    let (before, after) =
        (report(&playground, "pod.yaml", POD), report(&playground, "pod.yaml", &fixed));
    assert!(rules(&after).len() < rules(&before).len());
    let all = playground.fix("pod.yaml", POD, true).unwrap();
    assert!(rules(&report(&playground, "pod.yaml", &all)).len() < rules(&after).len());
}

#[test]
fn the_name_decides_how_a_text_is_read() {
    let playground = Playground::new().unwrap();
    let dockerfile = report(&playground, "Dockerfile", "FROM debian:latest\nUSER root\n");
    assert!(!rules(&dockerfile).is_empty());
    let environment = report(&playground, ".env", "DB_PASSWORD=correct-horse-battery\n");
    assert!(!rules(&environment).is_empty());
}

#[test]
fn what_is_not_understood_is_an_error() {
    let playground = Playground::new().unwrap();
    for text in ["kind: Pod\nmetadata: {\n", "a: 1\n", &"# long\n".repeat(200_000)] {
        let report = report(&playground, "pod.yaml", text);
        assert_ne!(report["errors"].as_array().unwrap().len(), 0);
        assert_eq!(playground.fix("pod.yaml", text, true), None);
    }
    assert_eq!(report(&playground, "pod.yaml", "")["errors"].as_array().unwrap().len(), 0);
}
