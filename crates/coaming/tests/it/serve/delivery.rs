//! What the server does beside judging, in upstream's API server: it puts the vault agent into pods
//! that are granted secrets, and writes policy reports.

use serde_json::Value;

use super::api_server::{self, Lab, lab};
use super::{PRIVILEGED, deployment};
use crate::root;

const GRANTED: &str = "
apiVersion: coaming.dev/v1alpha1
kind: SecretStore
metadata: {name: vault, namespace: shop}
spec: {vault: {address: 'https://vault.example:8200', audience: vault.example}}
---
apiVersion: coaming.dev/v1alpha1
kind: SecretGrant
metadata: {name: db, namespace: shop}
spec:
  serviceAccount: default
  container: app
  image: {repository: registry.example/shop/web}
  store: {name: vault}
  role: web
  directory: /run/secrets/db
  files: [{name: password, path: secret/shop/db, key: password}]
---
apiVersion: coaming.dev/v1alpha1
kind: SecretGrant
metadata: {name: environment, namespace: shop}
spec:
  serviceAccount: default
  container: app
  image: {repository: registry.example/shop/web}
  store: {name: vault}
  role: web
  directory: /run/secrets/environment
  launcher: true
  files: [{name: password, path: secret/shop/db, key: password, variable: DB_PASSWORD}]
";

/// A pod with two containers, of which one may read the secret.
fn pod(namespace: &str, image: &str, more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  namespace: {namespace}\n  annotations: \
         {{coaming.dev/secrets: db}}\nspec:\n  securityContext: {{runAsUser: 1000, runAsNonRoot: true}}\n  \
         containers:\n    - {{name: app, image: '{image}'}}\n    - {{name: other, image: \
         'registry.example/other:1'}}\n{more}"
    )
}

const IMAGE: &str = "registry.example/shop/web:1";

#[test]
fn secrets_are_delivered_and_reports_are_written() {
    let Some(lab) = lab() else { return };
    lab.namespace("coaming-enforce", "coaming.dev/mode: enforce");
    lab.namespace("shop", "coaming.dev/failure-policy: fail");
    lab.namespace("open", "");
    for definition in ["clustersecretstores", "secretgrants", "secretstores"] {
        let path = root().join(format!("deploy/crds/{definition}.coaming.dev.yaml"));
        lab.done(&["apply", "-f", "-"], &std::fs::read_to_string(path).unwrap());
    }
    lab.done(&["apply", "-f", "-"], &api_server::reports("openreports.io", "v1alpha1", "Report"));
    lab.done(&["create", "-n", "open", "-f", "-"], &deployment("open", "bad", PRIVILEGED));
    lab.install(&["--set", "secrets.enabled=true", "--set", "reports.enabled=true"]);
    let mut server = lab.serve(&["--agent-image", "registry.example/coaming:1", "--reports"]);
    lab.done(&["apply", "-f", "-"], GRANTED);
    server.wait("the grant is known", |_| lab.tried(&pod("shop", IMAGE, "")).0);

    the_agent_is_in_the_pod(&lab);
    the_launcher_starts_the_program(&lab);
    what_is_not_granted_is_refused(&lab);
    server.wait("the report is written", |_| !reports(&lab).is_empty());
    let report = &reports(&lab)[0];
    let rules: Vec<&str> = report["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["policy"].as_str())
        .collect();
    assert!(rules.contains(&"privileged"), "{report:#}");
    let owner = &report["metadata"]["ownerReferences"][0];
    assert_eq!((&owner["kind"], &owner["name"]), (&"Deployment".into(), &"bad".into()));
}

fn reports(lab: &Lab) -> Vec<Value> {
    lab.get(&["reports.openreports.io", "-n", "open"])["items"].as_array().unwrap().clone()
}

/// The volume is mounted in the granted container alone, read-only, and the token in the agent alone.
fn the_agent_is_in_the_pod(lab: &Lab) {
    let text = pod("shop", IMAGE, "");
    let created = lab.done(&["create", "--dry-run=server", "-o", "json", "-f", "-"], &text);
    let created: Value = serde_json::from_str(&created).unwrap();
    let spec = &created["spec"];
    let container = |list: &str, name: &str| -> Value {
        let all = spec[list].as_array().cloned().unwrap_or_default();
        all.into_iter()
            .find(|one| one["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {spec:#}"))
    };
    let paths = |container: &Value| -> Vec<String> {
        let mounts = container["volumeMounts"].as_array().cloned().unwrap_or_default();
        mounts.iter().filter_map(|mount| Some(mount["mountPath"].as_str()?.to_owned())).collect()
    };
    let app = container("containers", "app");
    assert!(paths(&app).contains(&"/run/secrets/db".to_owned()), "{app:#}");
    assert!(!paths(&container("containers", "other")).contains(&"/run/secrets/db".to_owned()));
    let agent = container("initContainers", "coaming-agent");
    assert_eq!(
        (&agent["restartPolicy"], &agent["image"]),
        (&"Always".into(), &"registry.example/coaming:1".into())
    );
    let volumes = spec["volumes"].as_array().unwrap();
    let memory = volumes.iter().find(|volume| volume["emptyDir"]["medium"] == "Memory").unwrap();
    let of_app = app["volumeMounts"].as_array().unwrap();
    let mount = of_app.iter().find(|mount| mount["name"] == memory["name"]).unwrap();
    assert_eq!(mount["readOnly"], true, "{mount}");
    // Applied again, the pod stays as it is.
    let again = serde_json::to_string(&created).unwrap();
    let second = lab.done(&["create", "--dry-run=server", "-o", "json", "-f", "-"], &again);
    let second: Value = serde_json::from_str(&second).unwrap();
    assert_eq!(second["spec"], created["spec"]);
}

/// A program gets its secret by a variable; the status of the grant says that this is weaker.
fn the_launcher_starts_the_program(lab: &Lab) {
    let text = pod("shop", IMAGE, "")
        .replace("coaming.dev/secrets: db", "coaming.dev/secrets: environment");
    let with = text.replace("{name: app,", "{name: app, command: [./server],");
    let created = lab.done(&["create", "--dry-run=server", "-o", "json", "-f", "-"], &with);
    let created: Value = serde_json::from_str(&created).unwrap();
    let command = [
        "/run/coaming-launcher/coaming-launch",
        "--variable",
        "DB_PASSWORD=/run/secrets/environment/password",
        "--",
        "./server",
    ];
    assert_eq!(created["spec"]["containers"][0]["command"], serde_json::json!(command));
    // Nothing answers for this registry.
    let (created, said) = lab.tried(&text);
    assert!(!created && said.contains("has no `command`"), "{said}");
    let status = || lab.get(&["-n", "shop", "secretgrant", "environment"])["status"].clone();
    let start = std::time::Instant::now();
    while status()["warning"].is_null() {
        assert!(start.elapsed().as_secs() < 60, "{}", status());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let status = status();
    assert_eq!(status["usable"], true, "{status}");
    assert!(status["warning"].as_str().unwrap().contains("/proc/PID/environ"), "{status}");
}

fn what_is_not_granted_is_refused(lab: &Lab) {
    let refused = |text: &str, reason: &str| {
        let (created, said) = lab.tried(text);
        assert!(!created && said.contains(reason), "{reason}: {said}");
    };
    refused(&pod("shop", "registry.example/shop/other:1", ""), "is for the image");
    refused(&pod("shop", IMAGE, "  shareProcessNamespace: true\n"), "opens every file");
    refused(
        &pod("open", IMAGE, ""),
        "kubectl label namespace open coaming.dev/failure-policy=fail",
    );
    // A pod that asks by itself for a token that the store accepts.
    let thief = "apiVersion: v1\nkind: Pod\nmetadata: {name: thief, namespace: shop}\nspec:\n  containers: \
                 [{name: c, image: 'a/b:1', volumeMounts: [{name: t, mountPath: /t}]}]\n  volumes: [{name: t, \
                 projected: {sources: [{serviceAccountToken: {path: t, audience: vault.example}}]}}]\n";
    refused(thief, "vault.example");
    lab.done(&["create", "-f", "-"], &pod("shop", IMAGE, ""));
    // A running pod cannot be turned into one that was not granted, but may be labeled.
    let image = "{\"spec\": {\"containers\": [{\"name\": \"app\", \"image\": \"a/thief:1\"}]}}";
    let output = lab.kubectl(&["-n", "shop", "patch", "pod", "web", "-p", image], "");
    assert!(crate::stderr(&output).contains("is for the image"), "{}", crate::stderr(&output));
    let bare = ["-n", "shop", "annotate", "pod", "web", "coaming.dev/secrets-"];
    assert!(!lab.kubectl(&bare, "").status.success(), "the annotation is gone");
    lab.done(&["-n", "shop", "label", "pod", "web", "team=shop"], "");
    // A debugger would see the files.
    let debug = r#"{"spec": {"ephemeralContainers": [{"name": "d", "image": "a/b:1"}]}}"#;
    let arguments =
        ["-n", "shop", "patch", "pod", "web", "--subresource", "ephemeralcontainers", "-p", debug];
    let output = lab.kubectl(&arguments, "");
    let said = crate::stderr(&output);
    assert!(!output.status.success() && said.contains("no ephemeral containers"), "{said}");
}
