//! `coaming scan`: the contract.

use std::io::Write as _;
use std::process::Stdio;

use snapbox::{assert_data_eq, str};

use super::{coaming, directory, json, run, stderr, stdout};

const PRIVILEGED: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n    - name: c\n      image: a/b:1.0\n      securityContext: {privileged: true}\n";
const HARDENED: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  automountServiceAccountToken: false\n  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}\n  containers:\n    - name: c\n      image: a/b:1.0\n      securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny}\nspec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n";

#[test]
fn shows_the_example_as_the_readme_does() {
    let output = run(&["scan", "--min-severity", "critical", "examples/shop/agent.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert_data_eq!(
        stdout(&output),
        str![[r#"
DaemonSet shop/agent (examples/shop/agent.yaml)

critical[host-path]: DaemonSet `agent` can write to `/var/run/docker.sock` of the node
  --> examples/shop/agent.yaml:30:13
   |
30 |             path: /var/run/docker.sock
   |             ^^^^^^^^^^^^^^^^^^^^^^^^^^
   |
   = why: An attacker in the pod starts a privileged container through the runtime and takes over the
          node.
   = help: Use a persistent volume claim, an `emptyDir` or a ConfigMap instead.

critical[privileged]: container `agent` is privileged
  --> examples/shop/agent.yaml:21:13
   |
21 |             privileged: true
   |             ^^^^^^^^^^^^^^^^
   |
   = why: An attacker in the container mounts the node's disk and becomes root on the node with one
          command.
   = help: Remove `privileged`, and add only the capability that is needed.
   = fix: `coaming fix --unsafe` can remove `privileged: true`

2 findings: 2 critical - 1 workload in 1 file
  security-context     2   worst: critical
`coaming fix --unsafe` can fix 1 of them; test the application afterwards.

Fix first (`coaming explain host-path` explains the first):
critical[host-path] examples/shop/agent.yaml:30: DaemonSet `agent` can write to `/var/run/docker.sock` of the node
critical[privileged] examples/shop/agent.yaml:21: container `agent` is privileged

"#]]
    );
}

#[test]
fn example_has_one_of_each_problem() {
    let output = run(&["scan", "--format", "concise", "examples/shop"]);
    let text = stdout(&output);
    for rule in [
        "run-as-root",
        "privileged-port",
        "installs-software",
        "image-tag",
        "moving-image-tag",
        "image-pull-policy",
        "no-rollback",
        "missing-security-context",
        "privileged",
        "privilege-escalation",
        "added-capabilities",
        "host-namespaces",
        "host-port",
        "host-path",
        "service-account-token",
        "removed-api",
    ] {
        assert!(text.contains(&format!("[{rule}]")), "no {rule} in\n{text}");
    }
}

#[test]
fn exit_codes_are_a_contract() {
    let files = directory(&[
        ("bad.yaml", PRIVILEGED),
        ("good.yaml", HARDENED),
        ("broken.yaml", "apiVersion: v1\nkind: Pod\nspec: [\n"),
    ]);
    let code = |arguments: &[&str]| {
        let output = coaming(arguments).current_dir(files.path()).output().unwrap();
        output.status.code().unwrap()
    };
    assert_eq!(code(&["scan", "good.yaml"]), 0);
    assert_eq!(code(&["scan", "bad.yaml"]), 1);
    assert_eq!(code(&["scan", "bad.yaml", "--exit-zero"]), 0);
    assert_eq!(code(&["scan", "bad.yaml", "--select", "run-as-root"]), 0);
    assert_eq!(code(&["scan", "broken.yaml"]), 2);
    assert_eq!(code(&["scan", "missing.yaml"]), 2);
    assert_eq!(code(&["scan", "good.yaml", "--select", "no-such-rule"]), 2);
    assert_eq!(code(&["scan", "--no-such-flag"]), 2);
    assert_eq!(code(&["scan", "bad.yaml", "--standard", "baseline"]), 1);
    assert_eq!(code(&["scan", "good.yaml", "--standard", "restricted"]), 0);
    assert_eq!(code(&["scan", "good.yaml", "--kubernetes-version", "two"]), 2);
    assert_eq!(code(&["explain", "privileged"]), 0);
    assert_eq!(code(&["explain", "priviledged"]), 2);
}

#[test]
fn an_error_never_costs_the_others_results() {
    let files = directory(&[
        ("a.yaml", "apiVersion: v1\nkind: Pod\nspec: [\n"),
        ("b.yaml", PRIVILEGED),
        ("c.yaml", "apiVersion: a\0b\nkind: c\n"),
    ]);
    let output = coaming(&["scan", "--format", "json"]).current_dir(files.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let report = json(&output);
    assert_eq!(report["findings"][0]["rule"], "privileged");
    let errors = report["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert_eq!(errors[0]["file"], "a.yaml");
    assert_eq!(errors[0]["line"], 3);
    assert!(stderr(&output).contains("a.yaml:3:"), "{}", stderr(&output));
}

#[test]
fn json_is_as_the_contract_says() {
    let files = directory(&[("web.yaml", PRIVILEGED)]);
    let output = coaming(&["scan", "--format", "json", "--select", "privileged"])
        .current_dir(files.path())
        .output()
        .unwrap();
    assert_data_eq!(
        stdout(&output),
        str![[r#"
{"version": 1,
 "findings": [
  {"rule":"privileged","category":"security-context","severity":"critical","confidence":"high","message":"container `c` is privileged","why":"An attacker in the container mounts the node's disk and becomes root on the node with one command.","help":"Remove `privileged`, and add only the capability that is needed.","object":{"api_version":"v1","kind":"Pod","namespace":"","name":"p"},"container":"c","locations":[{"file":"web.yaml","path":"spec.containers[0].securityContext.privileged","line":8,"column":25,"end_line":8,"end_column":41,"label":""}],"fix":{"title":"remove `privileged: true`","applicability":"unsafe"},"suppressed":false}],
 "errors": [],
 "notes": [],
 "summary": {"files":1,"documents":1,"workloads":1,"findings":{"critical":1,"high":0,"medium":0,"low":0}}}

"#]]
    );
}

#[test]
fn reads_standard_input() {
    let mut child = coaming(&["scan", "-", "--format", "concise", "--select", "privileged"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(PRIVILEGED.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(stdout(&output).starts_with("<stdin>:8:25: critical[privileged] Pod p [c]:"));
}

#[test]
fn output_goes_to_a_file_whole() {
    let files = directory(&[("web.yaml", PRIVILEGED)]);
    let output = coaming(&["scan", "--format", "sarif", "--output", "out.sarif"])
        .current_dir(files.path())
        .output()
        .unwrap();
    assert_eq!(stdout(&output), "");
    let text = std::fs::read_to_string(files.path().join("out.sarif")).unwrap();
    let sarif: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert!(!sarif["runs"][0]["results"].as_array().unwrap().is_empty());
}

#[test]
fn only_new_findings_fail_with_a_baseline() {
    let files = directory(&[("web.yaml", PRIVILEGED)]);
    let code = |arguments: &[&str]| {
        let output = coaming(arguments).current_dir(files.path()).output().unwrap();
        output.status.code().unwrap()
    };
    assert_eq!(code(&["scan", "--write-baseline", "base.json"]), 0);
    assert_eq!(code(&["scan", "--baseline", "base.json"]), 0);
    // Lines move: nothing is new.
    std::fs::write(files.path().join("web.yaml"), format!("# moved\n\n{PRIVILEGED}")).unwrap();
    assert_eq!(code(&["scan", "--baseline", "base.json"]), 0);
    let more = format!("{PRIVILEGED}  hostPID: true\n");
    std::fs::write(files.path().join("web.yaml"), more).unwrap();
    assert_eq!(code(&["scan", "--baseline", "base.json"]), 1);
    assert_eq!(code(&["scan", "--baseline", "missing.json"]), 2);
}

#[test]
fn explains_and_lists_rules() {
    let output = run(&["explain", "privileged"]);
    assert!(stdout(&output).starts_with("# privileged\n\n**Container is privileged**"));
    let output = run(&["explain", "priviledged"]);
    assert_data_eq!(
        stderr(&output),
        str![[r#"
error: there is no rule or category `priviledged`. Did you mean `privileged`? `coaming rules` lists all rules.

"#]]
    );
    let listed = stdout(&run(&["rules"]));
    assert!(listed.lines().count() > 25, "{listed}");
    assert!(json(&run(&["rules", "--format", "json"])).as_array().unwrap().len() > 25);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(stdout(&run(&["completions", shell])).contains("coaming"), "{shell}");
    }
    assert!(stdout(&run(&["man"])).contains(".TH coaming"));
}
