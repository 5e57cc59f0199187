//! `coaming breach`: the questions and formats, as a user asks for them.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{directory, run, stderr, stdout};

const SHOP: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  volumes: [{name: docker, hostPath: {path: /run}}]
  containers:
  - name: web
    image: registry.example.com/web:1.4.2
    ports: [{containerPort: 8080}]
    securityContext: {runAsUser: 0}
    volumeMounts: [{name: docker, mountPath: /host, readOnly: true}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: 'evil\"]; <b>x', namespace: shop}
spec: {containers: [{name: 'a\"b', image: 'redis:7', ports: [{containerPort: 6379}]}]}
";

fn shop() -> (TempDir, String) {
    let files = directory(&[("shop.yaml", SHOP)]);
    let path = files.path().join("shop.yaml").to_str().unwrap().to_owned();
    (files, path)
}

fn parsed(arguments: &[&str]) -> Value {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_str(&stdout(&output)).unwrap()
}

#[test]
fn a_way_as_json() {
    let (_files, path) = shop();
    let base = ["breach", "--from", "shop/web", "--to", "node", "--format", "json", &path];
    let answer = parsed(&base);
    assert_eq!(answer["version"], 1);
    let way = &answer["ways"][0];
    assert_eq!(
        way["from"],
        json!({"type": "container", "namespace": "shop", "kind": "Pod", "name": "web", "container": "web"})
    );
    assert_eq!(way["to"]["type"], "node");
    let step = &way["steps"][0];
    assert_eq!(step["step"], "runtime-socket");
    assert_eq!((&step["technique"], &step["kind"]), (&json!("T1611"), &json!("certain")));
    assert_eq!(step["from"], way["from"]);
    assert_eq!(step["locations"][0]["line"], 6);
    let cut = &answer["cuts"][0];
    assert_eq!(cut["closes"], json!({"pairs": 1, "of": 1}));
    assert_eq!(cut["proven"], true);
    assert_eq!(cut["findings"][0]["rule"], "host-path");
    assert!(!answer["unknown"].as_array().unwrap().is_empty());
    // The same bytes on every run.
    assert_eq!(run(&base).stdout, run(&base).stdout);
}

#[test]
fn a_wall_leaves_no_way() {
    let (files, _) = shop();
    let path = files.path().join("walled.yaml");
    std::fs::write(&path, SHOP.replace("{path: /run}", "{path: /data}")).unwrap();
    let path = path.to_str().unwrap();
    let answer =
        parsed(&["breach", "--from", "shop/web", "--to", "node", "--format", "json", path]);
    assert_eq!(answer["ways"], json!([]));
    assert_eq!(answer["cuts"], json!([]));
}

#[test]
fn the_workload_comes_first_and_the_rest_are_paths() {
    let (_files, path) = shop();
    let output = run(&["breach", "web", &path]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(text.contains("If container web of Pod shop/web is compromised"), "{text}");
    assert!(text.contains("runtime-socket (T1611)"), "{text}");
    assert!(text.contains(" of 7 findings, close 3 of 3 pairs"), "{text}");
    assert!(text.contains("Unknown, and not taken as safe"), "{text}");
    let ranking = stdout(&run(&["breach", &path]));
    assert!(ranking.contains("Service shop/web"), "{ranking}");
    let output = run(&["breach", "nobody", &path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no workload is called `nobody`"), "{}", stderr(&output));
    let output = run(&["breach", "--to", "moon", &path]);
    assert!(stderr(&output).contains("`moon` is not a valid target"), "{}", stderr(&output));
}

#[test]
fn compares_two_states() {
    let old = directory(&[("a.yaml", &SHOP.replace("{path: /run}", "{path: /data}"))]);
    let new = directory(&[("a.yaml", SHOP)]);
    let path = |directory: &TempDir| directory.path().to_str().unwrap().to_owned();
    let (old, new) = (path(&old), path(&new));
    let output = run(&["breach", "--compare", &old, &new]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stdout(&output).contains("+ container web of Pod shop/web → root on a node"));
    let output = run(&["breach", "--compare", &new, &old, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let answer: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(answer["gained"], json!([]));
    assert!(!answer["lost"].as_array().unwrap().is_empty());
    assert!(!answer["unknown"].as_array().unwrap().is_empty());
}

fn check(schema: &str, value: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(schema);
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn graphs_for_bloodhound_follow_its_schemas() {
    let (_files, path) = shop();
    let graph = parsed(&["breach", "--format", "opengraph", &path]);
    check("opengraph.json", &graph);
    let schema = parsed(&["breach", "--format", "opengraph-schema"]);
    check("opengraph-extension.json", &schema);
    let known: Vec<&Value> =
        schema["relationship_kinds"].as_array().unwrap().iter().map(|kind| &kind["name"]).collect();
    let edges = graph["graph"]["edges"].as_array().unwrap();
    assert!(!edges.is_empty() && edges.iter().all(|edge| known.contains(&&edge["kind"])));
}

#[test]
fn pictures_escape_names() {
    let (_files, path) = shop();
    let dot = stdout(&run(&["breach", "--assume", "any-neighbor", "--format", "dot", &path]));
    assert!(dot.contains("evil\\\"]; <b>x") && dot.contains("unknown"), "{dot}");
    let mermaid =
        stdout(&run(&["breach", "--assume", "any-neighbor", "--format", "mermaid", &path]));
    assert!(mermaid.starts_with("flowchart LR\n") && !mermaid.contains("<b>"), "{mermaid}");
    assert!(mermaid.contains("unknown"), "{mermaid}");
}

#[test]
fn fixes_only_the_cut() {
    let text = SHOP.replace("runAsUser: 0", "runAsUser: 0, privileged: true");
    let files = directory(&[("shop.yaml", &text.replace("{path: /run}", "{path: /data}"))]);
    let path = files.path().join("shop.yaml");
    let output = run(&["fix", "--cut", "--unsafe", path.to_str().unwrap()]);
    let fixed = std::fs::read_to_string(&path).unwrap();
    assert!(fixed.contains("kind: NetworkPolicy"), "{}\n{fixed}", stderr(&output));
    assert!(!fixed.contains("privileged") && fixed.contains("runAsUser: 0"), "{fixed}");
    let arguments = ["breach", "--from", "shop/web", "--to", "node", "--format", "json"];
    let answer = parsed(&[&arguments[..], &[path.to_str().unwrap()]].concat());
    assert_eq!(answer["ways"], json!([]));
}

#[test]
fn without_unsafe_the_cut_leaves_to_a_person_what_is_theirs() {
    let files = directory(&[("shop.yaml", SHOP)]);
    let path = files.path().join("shop.yaml");
    let output = run(&["fix", "--cut", path.to_str().unwrap()]);
    assert!(stderr(&output).contains("change manually: host-path"), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), SHOP);
}

/// Removing a rule moves those after it: only the one in the cut goes.
#[test]
fn the_cut_removes_only_the_rules_in_it() {
    let text = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: web, image: 'registry.example.com/web:1.4.2', securityContext: {runAsUser: 1000, allowPrivilegeEscalation: false}}]}
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: r, namespace: shop}
rules:
- {apiGroups: [''], resources: [secrets], verbs: [get, list]}
- {apiGroups: [''], resources: [configmaps], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: r, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects: [{kind: ServiceAccount, name: default, namespace: shop}]
";
    let files = directory(&[("shop.yaml", text)]);
    let path = files.path().join("shop.yaml");
    let question = ["breach", "--from", "shop/web", "--to", "secret/shop/db", "--format", "json"];
    let ask = |more: &[&str]| parsed(&[&question[..], more, &[path.to_str().unwrap()]].concat());
    let answer = ask(&[]);
    assert_eq!(answer["cuts"][0]["proven"], true, "{answer}");
    // What a fix costs is the user's to say.
    let costly = ask(&["--cut-costs", "1,3,100"]);
    assert_eq!((&answer["cuts"][0]["cost"], &costly["cuts"][0]["cost"]), (&json!(8), &json!(100)));
    run(&["fix", "--cut", "--unsafe", "--cut-costs", "5,9,1", path.to_str().unwrap()]);
    let fixed = std::fs::read_to_string(&path).unwrap();
    assert!(!fixed.contains("secrets") && fixed.contains("configmaps"), "{fixed}");
    assert_eq!(ask(&[])["ways"], json!([]));
}

#[test]
fn scan_shows_what_is_on_a_way_first() {
    let more = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: inner, namespace: shop}\nspec: {containers: [{name: c, image: 'registry.example.com/c:1.4.2', securityContext: {privileged: true}}]}\n";
    let files = directory(&[("shop.yaml", &format!("{SHOP}{more}"))]);
    let path = files.path().join("shop.yaml");
    let path = path.to_str().unwrap();
    let report: Value = super::json(&run(&["scan", "--format", "json", path]));
    let findings = report["findings"].as_array().unwrap();
    let first = &findings[0];
    assert_eq!((&first["rule"], &first["object"]["name"]), (&json!("host-path"), &json!("web")));
    assert_eq!(
        first["way"],
        json!({"from": "container web of Pod shop/web", "to": "root on a node", "steps": ["runtime-socket"]})
    );
    // What is worse, but cannot be reached from outside, comes behind all that can.
    let has_way = |finding: &&Value| !finding["way"].is_null();
    let count = findings.iter().take_while(has_way).count();
    assert_eq!(count, findings.iter().filter(has_way).count());
    assert!(findings[count..].iter().any(|it| it["rule"] == "privileged"), "{report}");
    let text = stdout(&run(&["scan", path]));
    assert!(
        text.contains(
            "path: on an attack path from container web of Pod shop/web to root on a node"
        ),
        "{text}"
    );
    let sarif: Value =
        serde_json::from_str(&stdout(&run(&["scan", "--format", "sarif", path]))).unwrap();
    let flow = &sarif["runs"][0]["results"][0]["codeFlows"][0];
    let place = &flow["threadFlows"][0]["locations"][0]["location"];
    assert_eq!(place["physicalLocation"]["region"]["startLine"], 6, "{flow}");
    assert!(place["message"]["text"].as_str().unwrap().starts_with("runtime-socket: "), "{flow}");
    // Without an entry from outside there is no way.
    let inner = directory(&[("inner.yaml", more)]);
    let report: Value =
        super::json(&run(&["scan", "--format", "json", inner.path().to_str().unwrap()]));
    assert!(report["findings"].as_array().unwrap().iter().all(|it| it["way"].is_null()));
}

#[test]
fn a_foreign_image_is_a_way_in() {
    let files = directory(&[
        ("coaming.yaml", "registries:\n  allow: [registry.example.com]\n"),
        ("shop.yaml", &SHOP.replace("registry.example.com/web", "registry.foreign.example/web")),
    ]);
    let from = ["breach", "--from", "internet", "--to", "container/shop/web", "--format", "json"];
    let answer = parsed(&[&from[..], &[files.path().to_str().unwrap()]].concat());
    assert_eq!(answer["ways"][0]["steps"][0]["step"], "foreign-image");
    std::fs::remove_file(files.path().join("coaming.yaml")).unwrap();
    let answer = parsed(&[&from[..], &[files.path().to_str().unwrap()]].concat());
    assert_eq!(answer["ways"][0]["steps"][0]["step"], "exposed-service");
}

#[test]
fn charts_have_cuts_too() {
    let files = directory(&[
        ("chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n"),
        ("chart/values.yaml", "path: /run\n"),
        (
            "chart/templates/shop.yaml",
            &SHOP
                .replace("path: /run", "path: {{ .Values.path }}")
                .replace("'evil\"]; <b>x'", "cache")
                .replace("'a\"b'", "cache"),
        ),
    ]);
    let path = files.path().join("chart");
    let arguments = ["breach", "--from", "shop/web", "--to", "node", "--format", "json"];
    let answer = parsed(&[&arguments[..], &[path.to_str().unwrap()]].concat());
    let cut = &answer["cuts"][0];
    assert_eq!(cut["closes"], json!({"pairs": 1, "of": 1}), "{answer}");
    assert_eq!((&cut["proven"], &cut["findings"][0]["rule"]), (&json!(true), &json!("host-path")));
}
