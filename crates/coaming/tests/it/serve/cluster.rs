//! The webhook in a real cluster, of the oldest version that is supported: with controllers, a
//! kubelet, and pods that run.

use std::process::Output;

use serde_json::{Value, json};

use super::process::{Server, piped};
use super::{HARMLESS, PRIVILEGED, as_service_account, deployment, pod};
use crate::lab::{Lab, lab};
use crate::{coaming, directory, stderr, stdout};

pub(super) const NAMESPACE: &str = "coaming-admission";
/// One in which requests fail that no server answers.
pub(super) const FAILING: &str = "coaming-admission-or-fail";

fn kubectl(lab: &Lab, arguments: &[&str], input: &str) -> Output {
    piped(lab.exec("kubectl").args(arguments), input)
}

fn get(lab: &Lab, arguments: &[&str]) -> Value {
    let text = lab.kubectl(&[&["-n", NAMESPACE, "get", "-o", "json"], arguments].concat(), "");
    serde_json::from_str(&text).unwrap()
}

/// The webhook is gone at the end: other tests use the cluster, too.
pub(crate) struct Installed<'l>(pub(crate) &'l Lab);

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        let kinds = "validatingwebhookconfiguration,mutatingwebhookconfiguration";
        let _ = kubectl(self.0, &["delete", "--ignore-not-found", kinds, "coaming"], "");
        let gone = ["delete", "--ignore-not-found", "--wait=false", "namespace"];
        let _ = kubectl(self.0, &[&gone[..], &["coaming", NAMESPACE, FAILING]].concat(), "");
    }
}

/// What `--print-manifests` prints, with the server in the node's network instead of in pods.
pub(crate) fn manifests(arguments: &[&str]) -> String {
    let version = ["--kubernetes-version", "1.20"];
    let printed = coaming(&[&["serve", "--print-manifests"], &version[..], arguments].concat());
    let text = stdout(&{ printed }.output().unwrap());
    let stream = coaming_yaml::parse(text.as_str().into());
    let mut items: Vec<Value> =
        stream.documents.iter().map(|document| document.root().to_json()).collect();
    items.retain(|object| object["kind"] != "Deployment");
    for service in items.iter_mut().filter(|object| object["kind"] == "Service") {
        service["spec"].as_object_mut().unwrap().remove("selector");
    }
    items.push(json!({
        "apiVersion": "v1", "kind": "Endpoints",
        "metadata": {"name": "coaming", "namespace": "coaming"},
        "subsets": [{"addresses": [{"ip": "10.99.0.1"}], "ports": [{"name": "https", "port": 8443}]}],
    }));
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

#[test]
fn the_webhook_in_a_real_cluster() {
    let Some(lab) = lab() else { return };
    let _one = lab.webhook();
    lab.load_pause();
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}\n");
    lab.kubectl(&["apply", "-f", "-"], &namespace);
    lab.kubectl(&["apply", "-f", "-"], &deployment(NAMESPACE, "before", PRIVILEGED));
    let _installed = Installed(lab);
    lab.kubectl(&["apply", "-f", "-"], &manifests(&[]));
    let files = directory(&[("kubeconfig", &as_service_account(&lab.kubeconfig()))]);
    let kubeconfig = format!("KUBECONFIG={}", files.path().join("kubeconfig").display());
    // All parts of this cluster are its administrator.
    let mut command = lab.process("env");
    command
        .args([&kubeconfig, env!("CARGO_BIN_EXE_coaming"), "serve", "--listen", "10.99.0.1:8443"])
        .args(["--drain", "0s", "--controller", "admin"]);
    let mut server = Server::start(&mut command);
    lab.kubectl(&["label", "namespace", NAMESPACE, "coaming.dev/mode=enforce"], "");
    let create = |object: &str, dry_run: &str| {
        let output = kubectl(lab, &["create", dry_run, "-f", "-"], object);
        (output.status.success(), stderr(&output))
    };
    let bad = pod(NAMESPACE, "bad", PRIVILEGED);
    server.wait("the webhook is asked", |_| !create(&bad, "--dry-run=server").0);
    refusals(&create);
    fixed_and_running(lab, &mut server);
    untouched(lab, &mut server);
    let said = server.said().to_lowercase();
    assert!(!said.contains("forbidden") && !said.contains("cannot"), "{said}");
}

fn refusals(create: &dyn Fn(&str, &str) -> (bool, String)) {
    let job = deployment(NAMESPACE, "bad", PRIVILEGED)
        .replace("apiVersion: apps/v1\nkind: Deployment", "apiVersion: batch/v1\nkind: Job")
        .replace("  replicas: 1\n  selector: {matchLabels: {app: bad}}\n", "")
        .replace("    spec:\n", "    spec:\n      restartPolicy: Never\n");
    let indented = job.split_once("spec:\n").unwrap().1.replace('\n', "\n      ");
    let cron = format!(
        "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {{name: bad, namespace: {NAMESPACE}}}\n\
         spec:\n  schedule: '0 0 * * *'\n  jobTemplate:\n    spec:\n      {indented}\n"
    );
    let all =
        [pod(NAMESPACE, "bad", PRIVILEGED), deployment(NAMESPACE, "bad", PRIVILEGED), job, cron];
    for object in all {
        let (created, said) = create(&object, "--dry-run=none");
        assert!(!created, "{object}");
        assert!(
            said.contains("validate.coaming.dev") && said.contains("denied the request"),
            "{said}"
        );
        assert!(said.contains("privileged: container `web` is privileged"), "{said}");
        assert!(said.contains("   Why: ") && said.contains("   Fix: "), "{said}");
    }
    // This version does not label namespaces: the server itself leaves it alone.
    let (created, said) = create(&pod("kube-system", "bad", PRIVILEGED), "--dry-run=server");
    assert!(created && said.is_empty(), "{said}");
}

/// A Deployment with a safe fix is repaired, and its pod runs.
fn fixed_and_running(lab: &Lab, server: &mut Server) {
    let policy = format!(
        "apiVersion: coaming.dev/v1alpha1\nkind: CoamingPolicy\n\
         metadata: {{name: own, namespace: {NAMESPACE}}}\nspec: {{mutate: true}}\n"
    );
    lab.kubectl(&["apply", "-f", "-"], &policy);
    server.wait("the policy is used", |_| {
        get(lab, &["coamingpolicy", "own"])["status"]["conditions"][0]["status"] == "True"
    });
    let spec = HARMLESS.replace("  automountServiceAccountToken: false\n", "");
    lab.kubectl(&["create", "-f", "-"], &deployment(NAMESPACE, "fixable", &spec));
    let object = get(lab, &["deployment", "fixable"]);
    assert_eq!(object["spec"]["template"]["spec"]["automountServiceAccountToken"], false);
    server.wait("its pod runs", |_| {
        get(lab, &["deployment", "fixable"])["status"]["availableReplicas"] == 1
    });
    let pods = get(lab, &["pods", "-l", "app=fixable"]);
    let mounts = &pods["items"][0]["spec"]["containers"][0]["volumeMounts"];
    assert!(mounts.is_null(), "no token: {mounts}");
}

/// What was there before can be scaled, entered and deleted; its status is written.
fn untouched(lab: &Lab, server: &mut Server) {
    lab.kubectl(&["-n", NAMESPACE, "scale", "deployment", "before", "--replicas=2"], "");
    server.wait("it is scaled", |_| {
        get(lab, &["deployment", "before"])["status"]["availableReplicas"] == 2
    });
    let exec = ["-n", NAMESPACE, "exec", "deployment/before", "--", "id"];
    assert!(lab.kubectl(&exec, "").contains("uid=0"));
    // A pod that dies is replaced.
    let pods =
        ["-n", NAMESPACE, "delete", "pod", "-l", "app=before", "--wait=false", "--grace-period=1"];
    lab.kubectl(&pods, "");
    server.wait("its pods are replaced", |_| {
        let pods = get(lab, &["pods", "-l", "app=before"]);
        let is_new = |pod: &&Value| {
            pod["metadata"]["deletionTimestamp"].is_null() && pod["status"]["phase"] == "Running"
        };
        pods["items"].as_array().unwrap().iter().filter(is_new).count() == 2
    });
    lab.kubectl(&["-n", NAMESPACE, "delete", "deployment", "before", "--wait=false"], "");
}
