//! The webhook in upstream's API server of version 1.36: the script `apiserver` beside
//! `COAMING_LAB` starts one, without controllers.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::process::{Server, piped};
use super::{HARMLESS, PRIVILEGED, as_service_account, deployment, pod, rights};
use crate::{coaming, directory, stderr, stdout};

/// A running API server, and what is needed to serve it.
pub(super) struct Lab {
    script: PathBuf,
    home: PathBuf,
    namespace: String,
    files: tempfile::TempDir,
    /// There is one API server at a time: this ends after it.
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

/// The API server; `None` where there is none.
pub(super) fn lab() -> Option<Lab> {
    let script = std::env::var_os("COAMING_LAB")
        .and_then(|script| Some(Path::new(&script).parent()?.join("apiserver")))
        .filter(|script| script.exists());
    let Some(script) = script else {
        coaming_test::skip!("no API server: there is no `apiserver` beside COAMING_LAB");
        return None;
    };
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let home = std::env::var("LAB_HOME").map_or_else(
        |_| std::env::temp_dir().join("coaming-lab136"),
        |home| (home + "-136").into(),
    );
    let namespace = std::env::var("LAB_NETNS").unwrap_or_else(|_| "coaming-lab".to_owned()) + "136";
    let lab = Lab { script, home, namespace, files: directory(&[]), _alone: alone };
    let output = lab.command("up").output().unwrap();
    assert!(output.status.success(), "the API server does not start: {}", stderr(&output));
    Some(lab)
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.command("down").output();
    }
}

impl Lab {
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.script);
        command.arg(name).env("LAB_HOME", &self.home).env("LAB_NETNS", &self.namespace);
        command
    }

    pub(super) fn kubectl(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command("exec");
        piped(command.args(["--", "kubectl"]).args(arguments), input)
    }

    /// The same, which must succeed.
    pub(super) fn done(&self, arguments: &[&str], input: &str) -> String {
        let output = self.kubectl(arguments, input);
        assert!(output.status.success(), "kubectl {arguments:?}: {}", stderr(&output));
        stdout(&output)
    }

    pub(super) fn get(&self, arguments: &[&str]) -> Value {
        let text = self.done(&[&["get", "-o", "json"], arguments].concat(), "");
        serde_json::from_str(&text).unwrap()
    }

    /// Whether an object would be created, and what is said about it.
    pub(super) fn tried(&self, object: &str) -> (bool, String) {
        let output = self.kubectl(&["create", "--dry-run=server", "-f", "-"], object);
        (output.status.success(), stderr(&output))
    }

    /// Installs what `--print-manifests` prints; the Service leads to this machine.
    pub(super) fn install(&self, arguments: &[&str]) {
        let printed = coaming(&["serve", "--print-manifests"]).args(arguments).output().unwrap();
        let text = stdout(&printed).replace(
            "\n  ports:\n    - {name: https, port: 443",
            "\n  clusterIP: 127.0.0.1\n  ports:\n    - {name: https, port: 443",
        );
        assert!(text.contains("clusterIP"), "{text}");
        self.done(&["apply", "-f", "-"], &text);
        let kubeconfig = std::fs::read_to_string(self.home.join("kubeconfig")).unwrap();
        let path = self.files.path().join("kubeconfig");
        std::fs::write(path, as_service_account(&kubeconfig)).unwrap();
    }

    /// Starts a server with the rights of its service account.
    pub(super) fn start(&self, arguments: &[&str]) -> Server {
        let kubeconfig = self.files.path().join("kubeconfig");
        let mut command = self.command("exec");
        command
            .args(["--", "env", &format!("KUBECONFIG={}", kubeconfig.display())])
            .args([env!("CARGO_BIN_EXE_coaming"), "serve", "--listen", "127.0.0.1:443"])
            .args(["--drain", "0s"])
            .args(arguments);
        Server::start(&mut command)
    }

    /// The same, and waits until it is used.
    pub(super) fn serve(&self, arguments: &[&str]) -> Server {
        let mut server = self.start(arguments);
        let bad = pod("coaming-enforce", "bad", PRIVILEGED);
        server.wait("it is asked", |_| !self.tried(&bad).0);
        server
    }

    pub(super) fn namespace(&self, name: &str, labels: &str) {
        let text = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n"
        );
        self.done(&["apply", "-f", "-"], &text);
    }
}

#[test]
fn the_webhook_in_an_api_server() {
    let Some(lab) = lab() else { return };
    lab.namespace("coaming-enforce", "coaming.dev/mode: enforce");
    lab.namespace("coaming-plain", "");
    lab.namespace("coaming-audit", "coaming.dev/mode: audit");
    lab.namespace("coaming-fail", "coaming.dev/mode: enforce, coaming.dev/failure-policy: fail");
    // What was there before.
    lab.done(&["create", "-f", "-"], &deployment("coaming-enforce", "before", PRIVILEGED));
    lab.install(&[]);
    let mut server = lab.serve(&[]);
    modes(&lab);
    updates(&lab);
    labels(&lab);
    mutation(&lab);
    policies(&lab);
    broken_policies(&lab, &mut server);
    rights(&server);
    outage(&lab, &mut server);
    rotation(&lab);
}

/// The definition of a kind of reports, of which the API server takes every field.
pub(super) fn reports(group: &str, version: &str, kind: &str) -> String {
    let singular = kind.to_lowercase();
    format!(
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {singular}s.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: {kind}, listKind: {kind}List, plural: {singular}s, singular: {singular}}}
  versions:
    - name: {version}
      served: true
      storage: true
      schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"
    )
}

#[test]
fn each_right_of_the_chart_is_needed() {
    let Some(lab) = lab() else { return };
    lab.namespace("coaming-plain", "");
    lab.done(&["apply", "-f", "-"], &reports("wgpolicyk8s.io", "v1alpha2", "PolicyReport"));
    let pages = ["--set", "pages.enabled=true"];
    let reports = ["--set", "reports.enabled=true"];
    lab.install(&[&pages[..], &reports, &["--set", "selfTest.namespace=coaming-plain"]].concat());
    rights::lists_and_watches(&lab);
    rights::writes(&lab);
}

/// The self-test notices whether the API server asks the webhook.
#[test]
fn the_self_test_tells_whether_the_server_is_asked() {
    let Some(lab) = lab() else { return };
    lab.namespace("coaming-enforce", "coaming.dev/mode: enforce");
    lab.namespace("coaming-plain", "");
    lab.install(&["--set", "selfTest.namespace=coaming-plain"]);
    let mut server = lab.serve(&["--self-test", "coaming-plain"]);
    server.wait("it is reached", |server| server.said().contains("API servers reach this server"));
    server.kill();
    // The API server has no way to it any more.
    lab.done(&["-n", "coaming", "delete", "service", "coaming"], "");
    let mut server = lab.start(&["--self-test", "coaming-plain"]);
    server.wait("it is not reached", |server| {
        server.said().contains("API servers do not reach this server")
    });
    let events = lab.get(&["-n", "coaming", "events"]);
    assert!(events.to_string().contains("NotReached"), "{events}");
}

/// The three modes, as a user of kubectl sees them.
fn modes(lab: &Lab) {
    let (created, said) = lab.tried(&pod("coaming-enforce", "bad", PRIVILEGED));
    assert!(!created);
    assert!(
        said.contains("admission webhook \"validate.coaming.dev\" denied the request"),
        "{said}"
    );
    assert!(said.contains("privileged: container `web` is privileged"), "{said}");
    assert!(said.contains("(spec.containers[0].securityContext.privileged)"), "{said}");
    assert!(said.contains("   Why: ") && said.contains("   Fix: Remove `privileged`"), "{said}");
    assert!(lab.tried(&pod("coaming-enforce", "good", HARMLESS)).0);
    let (created, said) = lab.tried(&pod("coaming-plain", "bad", PRIVILEGED));
    assert!(
        created && said.contains("Warning: privileged: container `web` is privileged"),
        "{said}"
    );
    let bad = pod("coaming-audit", "recorded", PRIVILEGED);
    let output = lab.kubectl(&["create", "-f", "-"], &bad);
    assert!(output.status.success() && stderr(&output).is_empty(), "{}", stderr(&output));
    let log = std::fs::read_to_string(lab.home.join("audit.log")).unwrap();
    assert!(
        log.contains("\"validate.coaming.dev/audited\":\"privileged critical spec.containers[0]"),
        "{log}"
    );
    // What Kubernetes needs is not judged, nor what is labeled out.
    assert!(lab.tried(&pod("kube-system", "bad", PRIVILEGED)).0);
    lab.namespace("coaming-out", "coaming.dev/mode: disabled");
    let (created, said) = lab.tried(&pod("coaming-out", "bad", PRIVILEGED));
    assert!(created && said.is_empty(), "{said}");
}

/// What was there before never blocks.
fn updates(lab: &Lab) {
    let patch = |patch: &str| {
        let arguments = ["-n", "coaming-enforce", "patch", "deployment", "before", "-p", patch];
        let output = lab.kubectl(&arguments, "");
        (output.status.success(), stderr(&output))
    };
    for allowed in [
        r#"{"spec": {"replicas": 3}}"#,
        r#"{"metadata": {"labels": {"team": "shop"}}}"#,
        r#"{"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}}"#,
    ] {
        let (done, said) = patch(allowed);
        assert!(done, "{allowed}: {said}");
    }
    let second = r#"{"name": "second", "image": "docker.io/lab/busybox:1", "securityContext": {"privileged": true}}"#;
    let (done, said) =
        patch(&format!(r#"{{"spec": {{"template": {{"spec": {{"containers": [{second}]}}}}}}}}"#));
    assert!(!done && said.contains("privileged: container `second` is privileged"), "{said}");
    assert!(!said.contains("container `web` is privileged"), "{said}");
    lab.done(&["-n", "coaming-enforce", "delete", "deployment", "before"], "");
}

/// Who labels a namespace out needs the right to change its policies.
fn labels(lab: &Lab) {
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: labeler}\n\
                rules: [{apiGroups: [''], resources: [namespaces], verbs: [get, patch, update]}]\n---\n\
                apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: labeler}\n\
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: labeler}\n\
                subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: labeler}]\n";
    lab.done(&["apply", "-f", "-"], role);
    let label = |label: &str, user: &str| {
        let arguments = ["label", "namespace", "coaming-enforce", "--overwrite", label, user];
        let output = lab.kubectl(&arguments, "");
        (output.status.success(), stderr(&output))
    };
    let (done, said) = label("coaming.dev/mode=disabled", "--as=labeler");
    assert!(
        !done && said.contains("needs the right to update coamingpolicies.coaming.dev"),
        "{said}"
    );
    assert!(label("team=shop", "--as=labeler").0);
    let (done, said) = label("coaming.dev/mode=enfroce", "--overwrite");
    assert!(!done && said.contains("use disabled, audit, warn or enforce"), "{said}");
}

/// Applies a policy, and waits until its status is this.
fn apply_policy(lab: &Lab, spec: &str, ready: &str) -> Value {
    let text = format!(
        "apiVersion: coaming.dev/v1alpha1\nkind: CoamingPolicy\n\
         metadata: {{name: own, namespace: coaming-enforce}}\nspec: {spec}\n"
    );
    lab.done(&["apply", "-f", "-"], &text);
    let start = Instant::now();
    loop {
        let policy = lab.get(&["-n", "coaming-enforce", "coamingpolicy", "own"]);
        let condition = &policy["status"]["conditions"][0];
        let is_current = policy["status"]["observedGeneration"] == policy["metadata"]["generation"];
        if is_current && condition["status"] == ready {
            return condition.clone();
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{policy:#}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Safe fixes are made while an object is created.
fn mutation(lab: &Lab) {
    apply_policy(lab, "{mutate: true}", "True");
    let spec = HARMLESS.replace("  automountServiceAccountToken: false\n", "");
    let text = deployment("coaming-enforce", "fixable", &spec);
    let text = text.replace("replicas: 1", "replicas: 1\n  revisionHistoryLimit: 0");
    lab.done(&["create", "-f", "-"], &text);
    let object = lab.get(&["-n", "coaming-enforce", "deployment", "fixable"]);
    // This server binds roles of its own to all accounts, so that the token may be in use.
    assert_eq!(object["spec"]["revisionHistoryLimit"], 10, "the default");
    // Applied again, it stays as it is.
    let before = object["metadata"]["generation"].clone();
    lab.done(&["apply", "-f", "-"], &deployment("coaming-enforce", "fixable", &spec));
    lab.done(&["apply", "-f", "-"], &deployment("coaming-enforce", "fixable", &spec));
    let again = lab.get(&["-n", "coaming-enforce", "deployment", "fixable"]);
    assert_eq!((&again["metadata"]["generation"], &again["spec"]), (&before, &object["spec"]));
}

/// Exemptions, modes of rules, and a configuration of its own.
fn policies(lab: &Lab) {
    let bad = pod("coaming-enforce", "bad", PRIVILEGED);
    let exempt = "{exemptions: [{rules: [ALL], objects: [bad], reason: builds images, expires: '2099-01-01'}]}";
    apply_policy(lab, exempt, "True");
    assert!(lab.tried(&bad).0);
    assert!(!lab.tried(&pod("coaming-enforce", "other", PRIVILEGED)).0);
    apply_policy(lab, "{rules: [{rules: [ALL], mode: warn}]}", "True");
    let (created, said) = lab.tried(&bad);
    assert!(created && said.contains("Warning: privileged: "), "{said}");
    apply_policy(lab, "{configuration: {standard: baseline}}", "True");
    let (created, said) = lab.tried(&bad);
    assert!(!created && said.contains("securityContext.privileged"), "{said}");
}

/// A policy that cannot be used changes nothing.
fn broken_policies(lab: &Lab, server: &mut Server) {
    let bad = pod("coaming-enforce", "bad", PRIVILEGED);
    apply_policy(lab, "{rules: [{rules: [ALL], mode: warn}]}", "True");
    let condition = apply_policy(lab, "{rules: [{rules: [privilege], mode: audit}]}", "False");
    let message = condition["message"].as_str().unwrap();
    assert!(message.contains("Did you mean `privileged`?"), "{message}");
    let (created, said) = lab.tried(&bad);
    assert!(created && said.contains("Warning: privileged: "), "the last good one: {said}");
    let events = lab.get(&["-n", "coaming-enforce", "events"]);
    assert!(events.to_string().contains("InvalidPolicy"), "{events}");
    lab.done(&["-n", "coaming-enforce", "delete", "coamingpolicy", "own"], "");
    let data = r#"{"data": {"policy.yaml": "mode: [", "coaming.yaml": "slect: [ALL]"}}"#;
    lab.done(&["-n", "coaming", "patch", "configmap", "coaming", "-p", data], "");
    server.wait("the cluster's policy is refused", |server| {
        server.said().contains("the policy of the cluster is not used: ")
    });
    assert!(!lab.tried(&bad).0);
    let data = r#"{"data": {"policy.yaml": "{mode: enforce, enforceSeverity: high}", "coaming.yaml": null}}"#;
    lab.done(&["-n", "coaming", "patch", "configmap", "coaming", "-p", data], "");
    let plain = pod("coaming-plain", "bad", PRIVILEGED);
    server.wait("the cluster's policy is used", |_| !lab.tried(&plain).0);
}

/// The service account's rights were enough.
fn rights(server: &Server) {
    let said = server.said().to_lowercase();
    assert!(!said.contains("forbidden") && !said.contains("cannot"), "{said}");
}

/// While no server answers, the failure policy decides; then it goes on with the same certificate.
fn outage(lab: &Lab, server: &mut Server) {
    let secret = || lab.get(&["-n", "coaming", "secret", "coaming-tls"])["data"]["ca.crt"].clone();
    let before = secret();
    server.kill();
    let good = pod("coaming-fail", "good", HARMLESS);
    assert!(lab.tried(&pod("coaming-enforce", "bad", PRIVILEGED)).0);
    let (created, said) = lab.tried(&good);
    assert!(!created && said.contains("failed calling webhook"), "{said}");
    *server = lab.serve(&[]);
    assert!(lab.tried(&good).0);
    assert_eq!(secret(), before);
    server.terminate();
    assert!(server.ended_well(), "{}", server.said());
}

/// Certificates and authorities are replaced, and no request fails: in this namespace, one that is
/// not answered is refused.
fn rotation(lab: &Lab) {
    lab.done(&["-n", "coaming", "delete", "secret", "coaming-tls"], "");
    let _server = lab.serve(&["--certificate-lifetime", "12s"]);
    let data = || lab.get(&["-n", "coaming", "secret", "coaming-tls"])["data"].clone();
    let good = pod("coaming-fail", "good", HARMLESS);
    let (mut authorities, mut certificates) = (vec![data()["ca.crt"].clone()], vec![]);
    let (start, mut asked) = (Instant::now(), 0);
    while authorities.len() < 2 || certificates.len() < 3 || asked <= 30 {
        let (created, said) = lab.tried(&good);
        assert!(created, "request {asked}, {} s: {said}", start.elapsed().as_secs());
        asked += 1;
        let data = data();
        if authorities.last() != Some(&data["ca.crt"]) {
            authorities.push(data["ca.crt"].clone());
        }
        if certificates.last() != Some(&data["tls.crt"]) {
            certificates.push(data["tls.crt"].clone());
        }
        let (authorities, certificates) = (authorities.len(), certificates.len());
        let seen = format!("{authorities} authorities and {certificates} certificates");
        assert!(start.elapsed() < Duration::from_secs(180), "{seen} in {asked} requests");
    }
    deletion(lab, &good);
}

/// A Secret that is deleted is followed by other certificates, and no request is lost.
fn deletion(lab: &Lab, good: &str) {
    let authority = || {
        let path = "-o=jsonpath={.data.ca\\.crt}";
        lab.done(&["-n", "coaming", "get", "secret", "coaming-tls", path, "--ignore-not-found"], "")
    };
    let before = authority();
    lab.done(&["-n", "coaming", "delete", "secret", "coaming-tls"], "");
    let (start, mut replaced) = (Instant::now(), None::<Instant>);
    while replaced.is_none_or(|replaced| replaced.elapsed() < Duration::from_secs(5)) {
        let (created, said) = lab.tried(good);
        assert!(created, "after {} ms: {said}", start.elapsed().as_millis());
        let now = authority();
        if replaced.is_none() && !now.is_empty() && now != before {
            replaced = Some(Instant::now());
        }
        assert!(start.elapsed() < Duration::from_secs(120), "there are no other certificates");
    }
}
