//! `--cluster`: what runs in a real cluster, read through its API server.

use super::lab::lab;
use super::{directory, json, stderr, stdout};

/// A namespace with one workload, a Secret and an account.
fn shop(namespace: &str) -> String {
    format!(
        "
apiVersion: v1
kind: Namespace
metadata: {{name: {namespace}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: database, namespace: {namespace}}}
stringData: {{password: tOp-5ecret-of-the-cluster}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: docker.io/lab/busybox:latest}}]}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: reader, namespace: {namespace}}}
"
    )
}

#[test]
fn a_cluster_is_read_including_objects_made_by_controllers() {
    let Some(lab) = lab() else { return };
    lab.kubectl(&["apply", "-f", "-"], &shop("coaming-shop"));
    let pods = || lab.kubectl(&["-n", "coaming-shop", "get", "pods", "-o", "name"], "");
    let made = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(200));
        !pods().is_empty()
    });
    assert!(made, "the controllers make no pod");
    let coaming = |arguments: &[&str]| {
        lab.exec(env!("CARGO_BIN_EXE_coaming")).args(arguments).output().unwrap()
    };
    let namespace = ["--cluster", "--namespace", "coaming-shop"];

    let output = coaming(&[&["scan", "--format", "json"], &namespace[..]].concat());
    let report = json(&output);
    let findings = report["findings"].as_array().unwrap();
    let tags: Vec<_> = findings.iter().filter(|f| f["rule"] == "image-tag").collect();
    assert_eq!(tags.len(), 1, "the ReplicaSet and its pods repeat the Deployment: {tags:?}");
    assert_eq!(tags[0]["object"]["kind"], "Deployment");
    let file = tags[0]["locations"][0]["file"].as_str().unwrap();
    assert_eq!(file, "cluster/lab/coaming-shop/Deployment/web");
    assert_eq!(report["errors"].as_array().unwrap().len(), 0, "{}", stderr(&output));
    assert!(!stdout(&output).contains("tOp-5ecret"), "a secret is never shown");

    let list = coaming(&[&["net", "list"], &namespace[..]].concat());
    let everybody = "0.0.0.0-255.255.255.255 → coaming-shop/web (Deployment): all";
    assert!(stdout(&list).contains(everybody), "{}", stdout(&list));
}

/// Set in the process that reads the cluster from inside the lab's network.
const IN_LAB: &str = "COAMING_TEST_IN_LAB";

#[test]
fn no_value_of_a_secret_is_in_the_tree() {
    const NAME: &str = "cluster::no_value_of_a_secret_is_in_the_tree";
    // In every form in which the value could be kept.
    let value = "tOp-5ecret-of-the-tree";
    let forms = [value, "dE9wLTVlY3JldC1vZi10aGUtdHJlZQ=="];
    if std::env::var_os(IN_LAB).is_some() {
        let options = coaming_cluster::ClusterOptions {
            namespace: Some("coaming-tree".to_owned()),
            ..Default::default()
        };
        let runtime = coaming_http::Runtime::shared().unwrap();
        let objects = runtime.block_on(coaming_cluster::read(&options)).unwrap();
        let secrets: Vec<_> =
            objects.sources.iter().filter(|source| source.name.contains("/Secret/tree")).collect();
        assert_eq!(secrets.len(), 2, "{secrets:?}");
        // The debug output contains every text of the tree, whether or not a node refers to it.
        let kept = format!("{:?}", objects.sources);
        for form in forms {
            assert!(!kept.contains(form), "{form} was kept");
        }
        for part in [coaming_kube::WITHHELD, "last-applied-configuration", "password"] {
            assert!(kept.contains(part), "{part}");
        }
        assert!(!kept.contains("fieldsV1"));
        return;
    }
    let Some(lab) = lab() else { return };
    let secrets = format!(
        "
apiVersion: v1
kind: Namespace
metadata: {{name: coaming-tree}}
---
apiVersion: v1
kind: Secret
metadata: {{name: tree-plain, namespace: coaming-tree}}
stringData: {{password: {value}}}
---
apiVersion: v1
kind: Secret
metadata:
  name: tree-encoded
  namespace: coaming-tree
  annotations:
    kapp.k14s.io/original: '{{\"kind\":\"Secret\",\"data\":{{\"password\":\"{0}\"}}'
data: {{password: {0}}}
",
        forms[1]
    );
    lab.kubectl(&["apply", "-f", "-"], &secrets);
    // What is planted is there: both Secrets have a copy of their values.
    let applied = lab.kubectl(&["-n", "coaming-tree", "get", "secrets", "-o", "json"], "");
    assert!(
        applied.contains(&format!("stringData\\\":{{\\\"password\\\":\\\"{value}")),
        "{applied}"
    );
    let mut test = lab.exec("env");
    test.arg(format!("{IN_LAB}=1")).arg(std::env::current_exe().unwrap());
    let output = test.args(["--exact", NAME, "--nocapture"]).output().unwrap();
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("1 passed"), "{}", stdout(&output));

    let coaming = env!("CARGO_BIN_EXE_coaming");
    let namespace = ["--cluster", "--namespace", "coaming-tree"];
    let output = lab
        .exec(coaming)
        .args(["scan", "--format", "json", "--select", "plain-secret-annotation"])
        .args(namespace)
        .output()
        .unwrap();
    let report = json(&output);
    let mut found: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["object"]["name"].as_str().unwrap())
        .collect();
    found.sort_unstable();
    // The copy by kubectl in each, and the broken copy by kapp in one.
    assert_eq!(found, ["tree-encoded", "tree-encoded", "tree-plain"], "{report:#}");
}

#[test]
fn a_missing_right_is_one_error_and_the_rest_is_read() {
    let Some(lab) = lab() else { return };
    lab.kubectl(&["apply", "-f", "-"], &shop("coaming-few"));
    let binding = ["-n", "coaming-few", "create", "rolebinding", "reader"];
    let role = ["--clusterrole=view", "--serviceaccount=coaming-few:reader"];
    let dry_run = ["--dry-run=client", "-o", "yaml"];
    let yaml = lab.kubectl(&[&binding[..], &role, &dry_run].concat(), "");
    lab.kubectl(&["apply", "-f", "-"], &yaml);
    let request = "{\"apiVersion\": \"authentication.k8s.io/v1\", \"kind\": \"TokenRequest\"}";
    let path = "/api/v1/namespaces/coaming-few/serviceaccounts/reader/token";
    let answer = lab.kubectl(&["create", "--raw", path, "-f", "-"], request);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let token = answer["status"]["token"].as_str().unwrap();
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: reader\n\
         clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:6443', insecure-skip-tls-verify: true}}}}]\n\
         users: [{{name: u, user: {{token: '{token}'}}}}]\n\
         contexts: [{{name: reader, context: {{cluster: c, user: u}}}}]\n"
    );
    let files = directory(&[("kubeconfig", &kubeconfig)]);
    let output = lab
        .exec("env")
        .arg(format!("KUBECONFIG={}", files.path().join("kubeconfig").display()))
        .arg(env!("CARGO_BIN_EXE_coaming"))
        .args(["scan", "--cluster", "--namespace", "coaming-few", "--format", "json"])
        .output()
        .unwrap();
    let report = json(&output);
    let tags = report["findings"].as_array().unwrap().iter().filter(|f| f["rule"] == "image-tag");
    assert_eq!(tags.count(), 1);
    assert_eq!(output.status.code(), Some(2));
    let errors = stderr(&output);
    assert!(errors.contains("cannot list secrets: "), "{errors}");
    assert!(errors.contains("; other resources were read"), "{errors}");
    assert!(!errors.contains(token), "a token is never shown");
    let notes = notes(&report);
    let has = |text: &str| notes.iter().any(|note| note.contains(text));
    for kind in ["nodes", "clusterroles.rbac.authorization.k8s.io", "namespaces"] {
        assert!(has(&format!("{kind}, which are in no namespace, are not read: ")), "{notes:#?}");
    }
    assert!(has("other namespaces than `coaming-few` are not read"), "{notes:#?}");
}

fn notes(report: &serde_json::Value) -> Vec<&str> {
    let notes = report["notes"].as_array().unwrap();
    notes.iter().map(|note| note["message"].as_str().unwrap()).collect()
}

#[test]
fn a_cluster_shows_its_nodes_and_what_it_does_not_show() {
    let Some(lab) = lab() else { return };
    let output = lab
        .exec(env!("CARGO_BIN_EXE_coaming"))
        .args(["scan", "--cluster", "--format", "json", "--select", "cluster"])
        .output()
        .unwrap();
    let report = json(&output);
    let mut found: Vec<(&str, &str)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            (finding["rule"].as_str().unwrap(), finding["object"]["kind"].as_str().unwrap())
        })
        .collect();
    found.sort_unstable();
    // The lab's kubelet is open on purpose. Its control plane runs outside of pods, and what the API server
    // counts shows that it runs without `NodeRestriction`, but with all plugins that are on by default.
    let expected = [
        ("admission-plugins", "ComponentMetrics"),
        ("always-allow", "KubeletConfiguration"),
        ("kubelet-anonymous-requests", "KubeletConfiguration"),
        ("node-version", "Node"),
    ];
    assert_eq!(found, expected, "{report:#}");
    let notes = notes(&report);
    let unseen =
        "the flags of kube-apiserver, kube-controller-manager, kube-scheduler, etcd are not seen";
    for text in [unseen, "are not read: APIService, ", "the values of "] {
        assert!(notes.iter().any(|note| note.contains(text)), "{text}: {notes:#?}");
    }
    assert!(
        report["notes"].as_array().unwrap().iter().all(|note| note["count"].as_u64() > Some(0))
    );
}

#[test]
fn no_cluster_is_a_clear_error() {
    let output = super::coaming(&["scan", "--cluster"]).env("KUBECONFIG", "/nowhere").output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let errors = stderr(&output);
    assert!(errors.contains("set KUBECONFIG, or choose with --context"), "{errors}");
}

/// An API server that a provider runs has no pod, but newer ones say their flags themselves.
#[test]
fn an_api_server_without_a_pod_is_asked_for_its_flags() {
    let server = coaming_test::http_server::Server::start(|_, request, stream| {
        use std::io::Write as _;
        let body = match request.path.as_str() {
            "/version" => r#"{"major": "1", "minor": "36", "gitVersion": "v1.36.4"}"#,
            "/api" => r#"{"kind": "APIVersions", "versions": ["v1"]}"#,
            "/apis" => r#"{"kind": "APIGroupList", "apiVersion": "v1", "groups": []}"#,
            "/api/v1" => r#"{"kind": "APIResourceList", "groupVersion": "v1", "resources": []}"#,
            "/flagz" if request.header("Accept").is_some_and(|it| it.contains("as=Flagz")) => {
                r#"{"kind": "Flagz", "apiVersion": "config.k8s.io/v1beta1",
                    "metadata": {"name": "kube-apiserver"}, "flags": {"anonymous-auth": "false",
                    "authorization-mode": "[Node,AlwaysAllow]", "profiling": "false",
                    "encryption-provider-config": "",
                    "enable-admission-plugins": "[NodeRestriction]", "audit-policy-file": "/etc/audit.yaml",
                    "audit-log-path": "-", "authentication-config": ""}}"#
            }
            _ => r#"{"kind": "Status", "status": "Failure", "code": 404, "message": "none"}"#,
        };
        let status = if body.contains("Failure") { "404 Not Found" } else { "200 OK" };
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n");
        let _ = write!(stream, "{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    });
    let host = &server.host;
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         clusters: [{{name: c, cluster: {{server: 'http://{host}'}}}}]\n\
         users: [{{name: u, user: {{}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n"
    );
    let files = directory(&[("kubeconfig", &kubeconfig)]);
    let output = super::coaming(&["scan", "--cluster", "--format", "json"])
        .env("KUBECONFIG", files.path().join("kubeconfig"))
        .output()
        .unwrap();
    let report = json(&output);
    let rules: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|finding| finding["rule"].as_str())
        .collect();
    assert_eq!(rules, ["always-allow", "encryption-missing"], "{report:#}");
    let place = &report["findings"][0]["locations"][0];
    assert_eq!(place["path"], "flags.authorization-mode", "{place}");
    let unseen = "the flags of kube-controller-manager, kube-scheduler, etcd are not seen";
    assert!(notes(&report).iter().any(|note| note.starts_with(unseen)), "{report:#}");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}
