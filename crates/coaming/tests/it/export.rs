//! `coaming export`: policies and labels, from the command line.

use super::{coaming, directory, json, run, stderr, stdout};

#[test]
fn policies_are_documents_to_apply() {
    let output = run(&["export", "vap", "--select", "privileged,image-vulnerabilities"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(text.contains("# Policies: 1. Selected rules that are not policies: 1.\n"), "{text}");
    assert!(text.contains("#   image-vulnerabilities: looks into images\n"), "{text}");
    // The policy, and a binding for each mode.
    assert_eq!(text.matches("\n---\n").count(), 4, "{text}");
    assert!(text.contains("name: coaming-privileged-enforce\n"), "{text}");
}

#[test]
fn policies_follow_the_configuration() {
    let files =
        directory(&[("coaming.yaml", "registries: {allow: [registry.example.com/shop]}\n")]);
    let config = files.path().join("coaming.yaml");
    let output =
        coaming(&["export", "vap", "--format", "json", "--config"]).arg(config).output().unwrap();
    let export = json(&output);
    let policies = export["policies"].as_array().unwrap();
    let registry = policies.iter().find(|policy| policy["rule"] == "image-registry").unwrap();
    let text = registry["objects"].to_string();
    assert!(text.contains("n.startsWith('registry.example.com/shop/')"), "{text}");
}

#[test]
fn policies_that_were_exported_judge_offline() {
    let files = directory(&[(
        "pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: web, image: 'web:1', securityContext: {privileged: true}}]}\n",
    )]);
    let policies = files.path().join("policies.yaml");
    let output = coaming(&["export", "vap", "--select", "ALL", "--mode", "enforce", "--output"])
        .arg(&policies)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    std::fs::write(files.path().join("coaming.yaml"), "policies: [policies.yaml]\n").unwrap();
    let output = coaming(&["scan", "--format", "json", "--images", "never"])
        .arg(files.path())
        .output()
        .unwrap();
    let report = json(&output);
    let rules: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|finding| finding["rule"].as_str())
        .collect();
    assert!(rules.contains(&"privileged") && rules.contains(&"coaming-privileged"), "{rules:?}");
}

#[test]
fn labels_are_planned_from_files() {
    let output = run(&["export", "psa", "examples/shop"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(text.contains("kubectl label namespace shop --overwrite pod-security"), "{text}");
    let plan = json(&run(&["export", "psa", "--format", "json", "examples/shop"]));
    assert!(plan["namespaces"][0]["blockers"].as_array().is_some_and(|it| !it.is_empty()));
}
