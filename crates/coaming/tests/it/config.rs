//! `coaming.yaml`, and suppressions of findings.

use super::{coaming, directory, json, stderr};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  namespace: NS\n  annotations: {}\nspec:\n  containers:\n    - name: c\n      image: a/b:1.0\n      securityContext:\n        privileged: true\n";

/// The rules found in a directory of these files, suppressed ones in brackets.
fn rules(files: &[(&str, &str)], arguments: &[&str]) -> Vec<String> {
    let directory = directory(files);
    let all: Vec<&str> = ["scan", "--format", "json"].iter().chain(arguments).copied().collect();
    let output = coaming(&all).current_dir(directory.path()).output().unwrap();
    let report = json(&output);
    assert_eq!(report["errors"].as_array().unwrap().len(), 0, "{}", stderr(&output));
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let rule = finding["rule"].as_str().unwrap();
            let suppressed = finding["suppressed"].as_bool().unwrap();
            if suppressed { format!("({rule})") } else { rule.to_owned() }
        })
        .filter(|rule| rule.contains("privileged") || rule.contains("suppression"))
        .collect()
}

#[test]
fn is_found_upwards_and_chooses_rules() {
    let config = "ignore: [security-context]\n";
    assert_eq!(rules(&[("pod.yaml", POD)], &[]), ["privileged"]);
    assert!(rules(&[("pod.yaml", POD), ("coaming.yaml", config)], &[]).is_empty());
    let nested = [("a/b/pod.yaml", POD), ("coaming.yaml", config)];
    assert!(rules(&nested, &["a/b"]).is_empty());
    assert_eq!(rules(&nested, &["a/b", "--select", "privileged"]), ["privileged"]);
}

#[test]
fn overrides_hold_for_paths_and_namespaces() {
    let by_path = "overrides: [{paths: ['test/**'], ignore: [privileged]}]\n";
    let files = [("test/pod.yaml", POD), ("coaming.yaml", by_path)];
    assert!(rules(&files, &[]).is_empty());
    let by_namespace = "overrides: [{namespaces: [NS], ignore: privileged}]\n";
    assert!(rules(&[("pod.yaml", POD), ("coaming.yaml", by_namespace)], &[]).is_empty());
    let excluded = "exclude: ['*.yaml']\n";
    let files = [("pod.yaml", POD), ("coaming.yaml", excluded)];
    assert!(rules(&files, &["--allow-empty"]).is_empty());
}

#[test]
fn comments_excuse_with_a_reason() {
    let beside =
        POD.replace("privileged: true", "privileged: true # coaming: ignore[privileged] it must");
    assert_eq!(rules(&[("pod.yaml", &beside)], &[]), ["(privileged)"]);
    let above = POD.replace(
        "        privileged",
        "        # coaming: ignore[privileged]: it must\n        privileged",
    );
    assert_eq!(rules(&[("pod.yaml", &above)], &[]), ["(privileged)"]);
    let container =
        POD.replace("    - name: c", "    # coaming: ignore[privileged] it must\n    - name: c");
    assert_eq!(rules(&[("pod.yaml", &container)], &[]), ["(privileged)"]);
    let without = POD.replace("privileged: true", "privileged: true # coaming: ignore[privileged]");
    assert_eq!(rules(&[("pod.yaml", &without)], &[]), ["privileged", "suppression"]);
    let unused = POD.replace("name: p", "name: p # coaming: ignore[host-path] it was once");
    assert_eq!(rules(&[("pod.yaml", &unused)], &[]), ["privileged", "suppression"]);
    let unknown = POD.replace("name: p", "name: p # coaming: ignore[privilegd] x");
    assert_eq!(rules(&[("pod.yaml", &unknown)], &[]), ["privileged", "suppression"]);
}

#[test]
fn annotations_excuse_the_object() {
    let text = POD.replace(
        "annotations: {}",
        "annotations: {coaming.dev/ignore: 'privileged: it builds images'}",
    );
    assert_eq!(rules(&[("pod.yaml", &text)], &[]), ["(privileged)"]);
}

#[test]
fn entries_excuse_until_they_expire() {
    let entry = |more: &str| {
        format!("ignore: [{{rule: privileged, object: Pod/p, reason: agent{more}}}]\n")
    };
    let found = |config: &str| rules(&[("pod.yaml", POD), ("coaming.yaml", config)], &[]);
    assert_eq!(found(&entry("")), ["(privileged)"]);
    // The tests' today is 2026-01-01.
    assert_eq!(found(&entry(", expires: 2026-01-01")), ["(privileged)"]);
    assert_eq!(found(&entry(", expires: 2025-12-31")), ["privileged", "suppression"]);
    assert_eq!(found(&entry(", path: 'other/*'")), ["privileged", "suppression"]);
}

#[test]
fn mistakes_are_told_with_their_place() {
    let directory = directory(&[("coaming.yaml", "min_severity: high\nselect: [privilegd]\n")]);
    let output = coaming(&["scan"]).current_dir(directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    assert!(text.contains("coaming.yaml:1:1: `coaming.yaml` has no key `min_severity`; did you mean `min-severity`?"), "{text}");
}

#[test]
fn the_documented_configuration_is_valid() {
    let docs = std::fs::read_to_string(super::root().join("docs/configuration.md")).unwrap();
    let example = docs.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let directory = directory(&[("coaming.yaml", example), ("pod.yaml", POD)]);
    let output = coaming(&["scan"]).current_dir(directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[test]
fn own_rules_and_policies_count() {
    let policy = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: privileged-policy}\nspec:\n  matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}\n  validations: [{expression: has(object.spec.nodeName), message: no node}]\n";
    let config = "policies: policy.yaml\nselect: no-rollback\nrules:\n  - {name: privileged-name, kinds: [Pod], expression: object.metadata.name != 'p', message: bad name}\n";
    let files = [("pod.yaml", POD), ("coaming.yaml", config), ("policy.yaml", policy)];
    assert_eq!(rules(&files, &[]), ["privileged-name", "privileged-policy"]);
    let broken =
        directory(&[("coaming.yaml", "rules: [{name: a, expression: 'x.(', message: m}]\n")]);
    let output = coaming(&["scan"]).current_dir(broken.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("coaming.yaml:1: rule `a`"), "{}", stderr(&output));
}

const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: demo}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n        - name: main\n          image: registry.example.com/web:1.2.3\n          securityContext: {privileged: true}\n";

#[test]
fn rules_have_optional_fields() {
    let config = "select: no-privileged\nrules:\n  - name: no-privileged\n    kinds: [Deployment]\n    expression: object.spec.template.spec.containers.all(c, !c.?securityContext.?privileged.orValue(false))\n    message: privileged\n    severity: high\n";
    assert_eq!(rules(&[("web.yaml", WEB), ("coaming.yaml", config)], &[]), ["no-privileged"]);
}

#[test]
fn rules_that_would_never_run_are_errors() {
    let complaint = |kind: &str, expression: &str| {
        let config = format!(
            "rules:\n  - {{name: never, kinds: [{kind}], expression: '{expression}', message: a}}\n"
        );
        let directory = directory(&[("web.yaml", WEB), ("coaming.yaml", &config)]);
        let output = coaming(&["scan"]).current_dir(directory.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        stderr(&output)
    };
    for kind in ["Deployments", "deployment", "apps/v1/Deployment"] {
        let expected = format!(
            "coaming.yaml:2:1: rule `never`: there is no kind `{kind}` in Kubernetes or in the \
             input; did you mean `Deployment`?"
        );
        let complaint = complaint(kind, "false");
        assert!(complaint.contains(&expected), "{complaint}");
    }
    let complaint = complaint("Deployment", "variables.x == 1");
    assert!(complaint.contains("undeclared reference to 'variables'"), "{complaint}");
}
