//! `coaming serve`: the admission webhook, alone and in real clusters.

mod api_server;
pub(crate) mod cluster;
#[cfg(feature = "vault")]
mod delivery;
#[cfg(feature = "vault")]
mod deployed;
mod pages;
pub(crate) mod process;
mod rights;
mod standalone;

use serde_json::{Value, json};

/// A pod that mounts the node's disk as root.
const PRIVILEGED: &str = "
  containers:
    - name: web
      image: docker.io/lab/busybox:1
      securityContext: {privileged: true}
";
/// The same without a reason to refuse it.
const HARMLESS: &str = "
  automountServiceAccountToken: false
  containers:
    - name: web
      image: docker.io/lab/busybox:1
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
        seccompProfile: {type: RuntimeDefault}
";

fn pod(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:{spec}"
    )
}

fn deployment(namespace: &str, name: &str, spec: &str) -> String {
    let spec = spec.replace('\n', "\n    ");
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
         spec:\n  replicas: 1\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    \
         metadata: {{labels: {{app: {name}}}}}\n    spec:{spec}\n"
    )
}

/// The body of a review of this object.
fn review(object: &Value, dry_run: bool) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "9d2c", "operation": "CREATE", "dryRun": dry_run, "namespace": "shop",
            "name": object["metadata"]["name"],
            "kind": {"group": "", "version": "v1", "kind": object["kind"]},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "userInfo": {"username": "jane"},
            "object": object,
        },
    })
}

fn to_json(yaml: &str) -> Value {
    coaming_yaml::parse(yaml.into()).documents[0].root().to_json()
}

/// A kubeconfig of a lab, for its administrator in the name of the server's service account.
pub(crate) fn as_service_account(kubeconfig: &str) -> String {
    let account = "as: 'system:serviceaccount:coaming:coaming'";
    let line = |line: &str| match line.starts_with("users:") {
        true => line.replace("}}]", &format!(", {account}}}}}]")),
        false => line.to_owned(),
    };
    kubeconfig.lines().map(line).collect::<Vec<_>>().join("\n")
}
