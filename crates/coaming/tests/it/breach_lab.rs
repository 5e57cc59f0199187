//! Ways that `coaming breach` predicts, walked in a real cluster from the pod that they start in; after
//! the changes of `coaming fix --cut` they end. And rights: what is predicted of a token is what the
//! API server answers to it.

use std::process::Command;

use serde_json::Value;

use super::lab::{Lab, lab};
use super::{coaming, directory, json, run, stderr};

/// The API server, as pods of the cluster reach it.
const API: &str = "https://10.99.0.1:6443";

/// A way, and how it is walked.
struct Walk {
    namespace: &'static str,
    objects: &'static str,
    to: &'static str,
    /// The steps that are predicted from the files.
    steps: &'static [&'static str],
    /// The steps that are predicted from the cluster, which knows the nodes of its pods.
    live: &'static [&'static str],
    /// A command in the pod `web`, and what it prints if it gets there.
    command: String,
    prints: &'static str,
}

fn in_lab(lab: &Lab, program: &str, arguments: &[&str]) -> (bool, String) {
    let output = lab.exec(program).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), text + &String::from_utf8_lossy(&output.stderr))
}

/// Applies objects to an empty namespace, and waits until their pods run.
fn apply(lab: &Lab, namespace: &str, text: &str) {
    in_lab(lab, "kubectl", &["delete", "namespace", namespace, "--ignore-not-found", "--wait"]);
    lab.kubectl(&["create", "namespace", namespace], "");
    let objects: Vec<&str> = text.split("\n---").collect();
    // Accounts come first: a pod without its account is refused.
    let (pods, rest): (Vec<&str>, Vec<&str>) =
        objects.into_iter().partition(|object| object.contains("kind: Pod\n"));
    lab.kubectl(&["apply", "-f", "-"], &rest.join("\n---"));
    let has_token =
        || in_lab(lab, "kubectl", &["-n", namespace, "get", "serviceaccount", "default"]).0;
    while !has_token() {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    lab.kubectl(&["apply", "-f", "-"], &pods.join("\n---"));
    let wait = ["-n", namespace, "wait", "--for=condition=Ready", "pod", "--all", "--timeout=300s"];
    lab.kubectl(&wait, "");
}

/// A static `kubectl` in the pod's file system, as an attacker brings it along.
fn bring_kubectl(lab: &Lab, namespace: &str) {
    let Some(tools) = std::env::var_os("COAMING_TOOLS") else { return };
    let program = std::fs::File::open(std::path::Path::new(&tools).join("kubectl")).unwrap();
    let write = "cat >/tmp/kubectl && /bin/busybox chmod 755 /tmp/kubectl";
    let output = lab
        .exec("kubectl")
        .args(["-n", namespace, "exec", "-i", "web", "--", "sh", "-c", write])
        .stdin(program)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

fn walk(lab: &Lab, walk: &Walk) -> (bool, String) {
    let arguments = ["-n", walk.namespace, "exec", "web", "--", "sh", "-c", &walk.command];
    let (_, text) = in_lab(lab, "kubectl", &arguments);
    (text.contains(walk.prints), text)
}

/// The steps of the first way.
fn steps(answer: &Value) -> Vec<&str> {
    let steps = answer["ways"][0]["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    steps.iter().map(|step| step["step"].as_str().unwrap()).collect()
}

/// The rules of the first cut.
fn cut(answer: &Value) -> Vec<&str> {
    let findings = answer["cuts"][0]["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["rule"].as_str().unwrap()).collect()
}

/// Predicts a way, from the files and from the cluster, and walks it; makes the changes of the cut, and finds no way, nor one to walk.
fn check(lab: &Lab, way: &Walk) {
    let files = directory(&[("objects.yaml", way.objects)]);
    let path = files.path().join("objects.yaml");
    let path = path.to_str().unwrap();
    let start = format!("{}/web", way.namespace);
    let question = ["breach", "--from", &start, "--to", way.to, "--format", "json"];
    let ask = || json(&run(&[&question[..], &["--kubernetes-version", "1.20", path][..]].concat()));
    let predicted = ask();
    assert_eq!(steps(&predicted), way.steps, "{}: {predicted}", way.namespace);
    apply(lab, way.namespace, way.objects);
    let live = ["--cluster", "--namespace", way.namespace];
    let live = lab.exec(env!("CARGO_BIN_EXE_coaming")).args(question).args(live).output().unwrap();
    let live = json(&live);
    assert_eq!(steps(&live), way.live, "in the cluster, {}: {live}", way.namespace);
    assert_eq!(cut(&live), cut(&predicted), "in the cluster, {}", way.namespace);
    if way.command.contains("/tmp/kubectl") {
        bring_kubectl(lab, way.namespace);
    }
    let (walked, text) = walk(lab, way);
    assert!(walked, "{}: {text}", way.namespace);

    let output = coaming(&["fix", "--cut", "--unsafe", path]).output().unwrap();
    let fixed = std::fs::read_to_string(path).unwrap();
    assert!(!stderr(&output).contains("change manually"), "{}: {}", way.namespace, stderr(&output));
    assert_ne!(fixed, way.objects);
    apply(lab, way.namespace, &fixed);
    if way.command.contains("/tmp/kubectl") {
        bring_kubectl(lab, way.namespace);
    }
    let (walked, text) = walk(lab, way);
    assert!(!walked, "{}: {text}", way.namespace);
    let after = ask();
    assert_eq!(after["ways"], serde_json::json!([]), "{}", way.namespace);
    in_lab(lab, "kubectl", &["delete", "namespace", way.namespace, "--wait=false"]);
}

#[test]
fn a_secret_is_read_by_the_token_of_the_pod() {
    let Some(lab) = lab() else { return };
    check(
        lab,
        &Walk {
            namespace: "walk-secret",
            objects: include_str!("breach_lab/secret.yaml"),
            to: "secret/walk-secret/db",
            steps: &["account-token", "read-secrets"],
            live: &["account-token", "read-secrets"],
            command: format!(
                "wget -q -O - --no-check-certificate --header \"Authorization: Bearer $(cat \
                 /var/run/secrets/kubernetes.io/serviceaccount/token)\" {API}/api/v1/namespaces/walk-secret/secrets/db"
            ),
            // base64 of `walked`.
            prints: "d2Fsa2Vk",
        },
    );
}

#[test]
fn a_neighbor_is_entered_by_exec() {
    let Some(lab) = lab() else { return };
    if std::env::var_os("COAMING_TOOLS").is_none() {
        coaming_test::skip!("a_neighbor_is_entered_by_exec: COAMING_TOOLS has no static kubectl");
        return;
    }
    check(
        lab,
        &Walk {
            namespace: "walk-exec",
            objects: include_str!("breach_lab/exec.yaml"),
            to: "container/walk-exec/db",
            steps: &["account-token", "exec"],
            live: &["account-token", "exec"],
            command: format!(
                "HOME=/tmp /tmp/kubectl --server {API} --insecure-skip-tls-verify --token \"$(cat \
                 /var/run/secrets/kubernetes.io/serviceaccount/token)\" -n walk-exec exec db -- cat /proc/self/environ"
            ),
            prints: "HERE=walked",
        },
    );
}

#[test]
fn the_token_of_another_pod_is_in_the_files_of_the_node() {
    let Some(lab) = lab() else { return };
    check(
        lab,
        &Walk {
            namespace: "walk-files",
            objects: include_str!("breach_lab/files.yaml"),
            to: "serviceaccount/walk-files/robot",
            steps: &["host-path-read", "node-pods"],
            live: &["host-path-write", "node-pods"],
            // The directory of the kubelet is another one here: it is in the table of mounts.
            command: "for m in $(grep -o '/host[^ ]*kubernetes.io~[^ ]*' /proc/mounts); do cat $m/token; done"
                .to_owned(),
            // base64 of `:"walk-files",`, where a token has its namespace.
            prints: "OiJ3YWxrLWZpbGVzIiwi",
        },
    );
}

#[test]
fn the_environment_of_a_neighbor_is_in_its_process() {
    let Some(lab) = lab() else { return };
    check(
        lab,
        &Walk {
            namespace: "walk-processes",
            objects: include_str!("breach_lab/processes.yaml"),
            to: "secret/walk-processes/db",
            steps: &["process-environment"],
            live: &["process-environment"],
            command: "cat /proc/[0-9]*/environ".to_owned(),
            prints: "WALKED_BY_PROCESS=walked",
        },
    );
}

/// Accounts with one right each, or almost.
const RIGHTS: &[(&str, &str)] = &[
    ("none", "{apiGroups: [''], resources: [configmaps], verbs: ['*']}"),
    ("get", "{apiGroups: [''], resources: [secrets], verbs: [get]}"),
    ("named", "{apiGroups: [''], resources: [secrets], resourceNames: [db], verbs: [get]}"),
    ("other", "{apiGroups: [''], resources: [secrets], resourceNames: [other], verbs: [get]}"),
    ("list", "{apiGroups: [''], resources: [secrets], verbs: [list]}"),
    ("group", "{apiGroups: [apps], resources: [secrets, pods/exec, pods], verbs: ['*']}"),
    // `kubectl` looks at the pod first.
    (
        "exec",
        "{apiGroups: [''], resources: [pods/exec], verbs: [create]}, \
         {apiGroups: [''], resources: [pods], verbs: [get]}",
    ),
    ("pods", "{apiGroups: [''], resources: [pods], verbs: [create]}"),
    ("token", "{apiGroups: [''], resources: [serviceaccounts/token], verbs: [create]}"),
    (
        "imitator",
        "{apiGroups: [''], resources: [serviceaccounts], resourceNames: [robot], verbs: [impersonate]}",
    ),
    ("star", "{apiGroups: ['*'], resources: ['*'], verbs: ['*']}"),
];

fn rights() -> String {
    let mut text = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot, namespace: walk-rights}\n---\n\
        apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: walk-rights}\n---\n\
        apiVersion: v1\nkind: Pod\nmetadata: {name: box, namespace: walk-rights}\nspec:\n  containers: [{name: box, image: 'docker.io/lab/busybox:1'}]\n"
        .to_owned();
    for (name, rule) in RIGHTS {
        text.push_str(&format!(
            "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}, namespace: walk-rights}}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: {name}, namespace: walk-rights}}\nrules: [{rule}]\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {name}, namespace: walk-rights}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name}}}\n\
             subjects: [{{kind: ServiceAccount, name: {name}, namespace: walk-rights}}]\n"
        ));
    }
    text
}

/// The token that the cluster made for an account.
fn token(lab: &Lab, account: &str) -> String {
    let secret = format!(
        "-o=jsonpath={{.items[?(@.metadata.annotations.kubernetes\\.io/service-account\\.name==\"{account}\")].data.token}}"
    );
    let encoded = lab.kubectl(&["-n", "walk-rights", "get", "secrets", &secret], "");
    let mut child = Command::new("base64")
        .arg("-d")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), encoded.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn rights_are_those_of_the_api_server() {
    let Some(lab) = lab() else { return };
    let text = rights();
    apply(lab, "walk-rights", &text);
    let files = directory(&[
        ("objects.yaml", text.as_str()),
        (
            "pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: new, namespace: walk-rights}\nspec:\n  serviceAccountName: robot\n  containers: [{name: c, image: x}]\n",
        ),
        (
            "token.json",
            "{\"apiVersion\": \"authentication.k8s.io/v1\", \"kind\": \"TokenRequest\", \"spec\": {}}",
        ),
    ]);
    let path = |name: &str| files.path().join(name).to_str().unwrap().to_owned();
    let (objects, pod, request) = (path("objects.yaml"), path("pod.yaml"), path("token.json"));
    let robot = "/api/v1/namespaces/walk-rights/serviceaccounts/robot/token";
    let mut seen = [0, 0];
    for (account, _) in RIGHTS {
        let token = token(lab, account);
        assert!(token.starts_with("ey"), "{account} has no token");
        // As who asks with this token: the kubeconfig's own user must not take part.
        let can = |arguments: &[&str]| {
            let base = [
                "--kubeconfig=/dev/null",
                "--server=https://127.0.0.1:6443",
                "--insecure-skip-tls-verify",
                "-n=walk-rights",
                "--token",
            ];
            in_lab(lab, "kubectl", &[&base[..], &[token.as_str()], arguments].concat())
        };
        let reads = can(&["get", "secret", "db"]).0 || can(&["get", "secrets"]).0;
        let starts = can(&["create", "--dry-run=server", "--validate=false", "-f", &pod]).0;
        let executes = can(&["exec", "box", "--", "id"]).0;
        let acts = can(&["create", "--raw", robot, "-f", &request]).0
            // Impersonation is refused before the request itself is.
            || !can(&["--as=system:serviceaccount:walk-rights:robot", "get", "pods"]).1.contains("impersonate");
        for (to, allowed) in [
            ("secret/walk-rights/db", reads || starts),
            ("container/walk-rights/box", executes),
            ("serviceaccount/walk-rights/robot", acts || starts),
        ] {
            let from = format!("serviceaccount/walk-rights/{account}");
            let output = run(&[
                "breach",
                "--from",
                &from,
                "--to",
                to,
                "--max-hops",
                "1",
                "--no-cut",
                "--kubernetes-version",
                "1.20",
                "--format",
                "json",
                &objects,
            ]);
            let answer: Value = json(&output);
            let predicted = !answer["ways"].as_array().unwrap().is_empty();
            assert_eq!(predicted, allowed, "{account} to {to}: {}", answer["ways"]);
            seen[usize::from(allowed)] += 1;
        }
    }
    assert!(seen[0] > 10 && seen[1] > 8, "{seen:?}");
    in_lab(lab, "kubectl", &["delete", "namespace", "walk-rights", "--wait=false"]);
}
