//! Exported policies in upstream's API server of version 1.36: the script `apiserver` beside the one
//! that `COAMING_LAB` names.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use coaming_export::vap::{self, Options};
use serde_json::Value;

use super::coverage;

/// A running API server; it ends with the test.
struct Lab {
    script: PathBuf,
}

impl Lab {
    /// The API server; `None` where there is none.
    fn start() -> Option<Self> {
        let script = std::env::var_os("COAMING_LAB")
            .and_then(|cluster| Some(PathBuf::from(cluster).parent()?.join("apiserver")))
            .filter(|script| script.exists());
        let Some(script) = script else {
            coaming_test::skip!("no API server: there is no `apiserver` beside COAMING_LAB");
            return None;
        };
        let lab = Self { script };
        let output = lab.command("up").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(lab)
    }

    fn command(&self, name: &str) -> Command {
        let variable = |name: &str, default: &str| {
            std::env::var(name).unwrap_or_else(|_| default.to_owned()) + "-policies"
        };
        let mut command = Command::new(&self.script);
        command
            .arg(name)
            .env("LAB_HOME", variable("LAB_HOME", "/tmp/coaming-lab"))
            .env("LAB_NETNS", variable("LAB_NETNS", "coaming-lab"));
        command
    }

    fn kubectl(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command("exec");
        command.args(["--", "kubectl"]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Runs `kubectl`, which must succeed; returns what it writes to both streams.
    fn done(&self, arguments: &[&str], input: &str) -> String {
        let output = self.kubectl(arguments, input);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {errors}");
        format!("{}{errors}", String::from_utf8_lossy(&output.stdout))
    }

    /// Whether a command succeeds, and its errors and warnings.
    fn tried(&self, arguments: &[&str], input: &str) -> (bool, String) {
        let output = self.kubectl(arguments, input);
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn namespace(&self, name: &str, mode: &str) {
        let label =
            if mode.is_empty() { String::new() } else { format!("coaming.dev/mode: {mode}") };
        let text = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{label}}}}}\n"
        );
        self.done(&["apply", "-f", "-"], &text);
    }

    /// Waits until a privileged pod is refused in this namespace.
    fn wait(&self, namespace: &str) -> String {
        let start = Instant::now();
        loop {
            let (created, errors) =
                self.tried(&["create", "--dry-run=server", "-f", "-"], &pod(namespace, PRIVILEGED));
            if !created && errors.contains("privileged") {
                return errors;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "never refused: {errors}");
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.command("down").output();
    }
}

/// A container with one finding: an API server names one of the policies that deny.
const PRIVILEGED: &str = "{name: web, image: 'registry.example.com/web@sha256:\
    0000000000000000000000000000000000000000000000000000000000000000', imagePullPolicy: Always, \
    securityContext: {privileged: true, runAsNonRoot: true, readOnlyRootFilesystem: true}}";

fn pod(namespace: &str, containers: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: {namespace}}}\n\
         spec: {{hostUsers: false, containers: [{containers}]}}\n"
    )
}

fn in_template(kind: &str, namespace: &str) -> String {
    let spec = format!("{{hostUsers: false, containers: [{PRIVILEGED}]}}");
    let template = format!("{{metadata: {{labels: {{a: b}}}}, spec: {spec}}}");
    let (version, spec) = match kind {
        "Job" => ("batch/v1", format!("{{template: {template}}}")),
        "CronJob" => (
            "batch/v1",
            format!("{{schedule: '* * * * *', jobTemplate: {{spec: {{template: {template}}}}}}}"),
        ),
        _ => ("apps/v1", format!("{{selector: {{matchLabels: {{a: b}}}}, template: {template}}}")),
    };
    format!(
        "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: old, namespace: {namespace}}}\n\
         spec: {spec}\n"
    )
}

fn exported(options: &Options) -> String {
    let mut text = Vec::new();
    vap::export(&coverage::all(), options).write_yaml(options, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn an_api_server_enforces_the_policies() {
    let Some(lab) = Lab::start() else { return };
    for (name, mode) in
        [("strict", "enforce"), ("mild", ""), ("unjudged", "disabled"), ("before", "disabled")]
    {
        lab.namespace(name, mode);
    }
    lab.done(&["apply", "-f", "-"], &in_template("Deployment", "before"));
    lab.done(&["apply", "--server-side", "-f", "-"], &exported(&Options::default()));
    let refusal = lab.wait("strict");
    assert!(refusal.contains("Container is privileged (privileged): web."), "{refusal}");

    modes_are_those_of_namespaces(&lab);
    copies_and_old_sins_are_not_refused(&lab);
    large_pods_are_within_the_limits(&lab);
    no_expression_has_a_type_error(&lab);
}

fn modes_are_those_of_namespaces(lab: &Lab) {
    for kind in ["Deployment", "Job", "CronJob", "StatefulSet"] {
        let (created, errors) =
            lab.tried(&["create", "--dry-run=server", "-f", "-"], &in_template(kind, "strict"));
        assert!(!created && errors.contains("denied request"), "{kind}: {errors}");
    }
    let (created, warnings) =
        lab.tried(&["create", "--dry-run=server", "-f", "-"], &pod("mild", PRIVILEGED));
    assert!(created && warnings.contains("Container is privileged"), "{warnings}");
    for namespace in ["unjudged", "kube-system"] {
        let (created, warnings) =
            lab.tried(&["create", "--dry-run=server", "-f", "-"], &pod(namespace, PRIVILEGED));
        assert!(created && !warnings.contains("privileged"), "{namespace}: {warnings}");
    }
    // A debugger in a pod that is there.
    let confined = "allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, \
                    seccompProfile: {type: RuntimeDefault}";
    let harmless = PRIVILEGED.replace("privileged: true", confined);
    lab.done(&["create", "-f", "-"], &pod("unjudged", &harmless));
    lab.done(&["label", "namespace", "unjudged", "coaming.dev/mode=enforce", "--overwrite"], "");
    lab.wait("unjudged");
    let debugger = PRIVILEGED.replace("name: web", "name: debugger");
    // Not one line of flow style, which kubectl takes for JSON.
    let debugger = format!("spec:\n  ephemeralContainers: [{debugger}]\n");
    let arguments = [
        "patch",
        "pod",
        "web",
        "-n",
        "unjudged",
        "--subresource=ephemeralcontainers",
        "-p",
        &debugger,
    ];
    let (patched, errors) = lab.tried(&arguments, "");
    assert!(!patched && errors.contains("(privileged): debugger."), "{errors}");
}

fn copies_and_old_sins_are_not_refused(lab: &Lab) {
    lab.done(&["label", "namespace", "before", "coaming.dev/mode=enforce", "--overwrite"], "");
    lab.wait("before");
    let old = ["-n", "before", "deployment/old"];
    lab.done(&[&["label"][..], &old, &["team=shop"]].concat(), "");
    lab.done(&[&["patch"][..], &old, &["-p", r#"{"spec": {"replicas": 3}}"#]].concat(), "");
    let image =
        r#"{"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}}"#;
    let (patched, errors) = lab.tried(&[&["patch"][..], &old, &["-p", image]].concat(), "");
    assert!(!patched && errors.contains("denied request"), "{errors}");

    let controller = "system:serviceaccount:kube-system:replicaset-controller";
    let user = format!("--as={controller}");
    let create = ["create", "--dry-run=server", "-f", "-", &user, "--as-group=system:masters"];
    let owned = pod("before", PRIVILEGED).replace(
        "namespace: before",
        "namespace: before, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: old, \
         uid: 01234567-89ab-cdef-0123-456789abcdef, controller: true}]",
    );
    lab.done(&create, &owned);
    // Neither the user nor the owner is enough.
    assert!(!lab.tried(&create, &pod("before", PRIVILEGED)).0);
    assert!(!lab.tried(&create[..4], &owned).0);
}

/// 100 containers with 30 ports, variables and mounts each, and 100 volumes of Secrets.
fn large_pods_are_within_the_limits(lab: &Lab) {
    let each = |what: &dyn Fn(usize) -> String| (0..30).map(what).collect::<String>();
    let ports = each(&|it| format!("{{containerPort: {}}}, ", 2000 + it));
    let env = each(&|it| format!("{{name: A{it}, value: b}}, "));
    let mounts = each(&|it| format!("{{name: v{it}, mountPath: /m{it}, readOnly: true}}, "));
    let (mut containers, mut volumes) = (String::new(), String::new());
    for number in 0..100 {
        write!(
            containers,
            "{{name: c{number}, image: 'registry.example.com/team/some-longer-name/web@sha256:{}', \
             ports: [{ports}], env: [{env}], volumeMounts: [{mounts}], securityContext: \
             {{runAsNonRoot: true, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, \
             capabilities: {{drop: [ALL]}}, seccompProfile: {{type: RuntimeDefault}}}}}}, ",
            "0".repeat(64)
        )
        .unwrap();
        write!(volumes, "{{name: v{number}, secret: {{secretName: s{number}}}}}, ").unwrap();
    }
    let with_volumes = format!("spec: {{volumes: [{volumes}], ");
    let large = pod("strict", &containers).replace("spec: {", &with_volumes);
    lab.done(&["create", "--dry-run=server", "-f", "-"], &large);
    let one = large.replacen("readOnly: true", "subPath: k", 1);
    let (created, errors) = lab.tried(&["create", "--dry-run=server", "-f", "-"], &one);
    assert!(!created && errors.contains("(secret-sub-path): c0."), "{errors}");
}

fn no_expression_has_a_type_error(lab: &Lab) {
    let start = Instant::now();
    loop {
        let text = lab.done(&["get", "validatingadmissionpolicies", "-o", "json"], "");
        let list: Value = serde_json::from_str(&text).unwrap();
        let policies = list["items"].as_array().unwrap();
        let checked = policies.iter().filter(|it| it["status"]["typeChecking"].is_object()).count();
        if checked == policies.len() && checked > 30 {
            for policy in policies {
                let warnings = &policy["status"]["typeChecking"]["expressionWarnings"];
                assert!(warnings.is_null(), "{}: {warnings}", policy["metadata"]["name"]);
            }
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{checked} of {}", policies.len());
        std::thread::sleep(Duration::from_millis(300));
    }
}
