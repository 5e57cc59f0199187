//! Policy reports in a real API server.

use std::sync::Arc;
use std::time::Duration;

use coaming_cluster::ClusterOptions;
use coaming_config::Config;
use coaming_scan::Engine;
use coaming_watch::{Options, Status};
use serde_json::Value;
use tokio::sync::oneshot;

use super::lab::{command, is_inside, kubectl};

/// The definition of a kind of report, with the fields that ours have: the API server drops others.
pub(super) fn definition(group: &str, version: &str, kind: &str, plural: &str) -> String {
    let reference = "{type: object, properties: {apiVersion: {type: string}, kind: {type: string}, \
                     name: {type: string}, namespace: {type: string}, uid: {type: string}}}";
    format!(
        "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {plural}.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: {kind}, listKind: {kind}List, plural: {plural}, singular: {singular}}}
  versions:
    - name: {version}
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            source: {{type: string}}
            scope: {reference}
            summary:
              type: object
              properties: {{pass: {{type: integer}}, fail: {{type: integer}}, warn: {{type: integer}}, error: {{type: integer}}, skip: {{type: integer}}}}
            results:
              type: array
              items:
                type: object
                required: [policy]
                properties:
                  source: {{type: string}}
                  policy: {{type: string}}
                  category: {{type: string}}
                  severity: {{type: string, enum: [critical, high, low, medium, info]}}
                  result: {{type: string, enum: [pass, fail, warn, error, skip]}}
                  scored: {{type: boolean}}
                  message: {{type: string}}
                  properties: {{type: object, additionalProperties: {{type: string}}}}
",
        singular = kind.to_lowercase()
    )
}

fn deployment(namespace: &str, name: &str, privileged: bool, note: &str) -> String {
    format!(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}, annotations: {{note: '{note}'}}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - {{name: web, image: 'registry.example.com/web:1.4.2', securityContext: {{privileged: {privileged}}}}}
"
    )
}

pub(super) fn namespace(name: &str) -> String {
    format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n")
}

/// The background, running until it is dropped.
pub(super) struct Background {
    status: Arc<Status>,
    _stop: oneshot::Sender<()>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Background {
    pub(super) fn start(namespace: &str) -> Self {
        let engine = Arc::new(Engine::new(Config::default(), None).unwrap().without_edits());
        let status = Arc::new(Status::default());
        let options = Options {
            namespace: Some(namespace.to_owned()),
            settle: Duration::from_millis(100),
            status: Arc::clone(&status),
            ..Options::default()
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = coaming_http::Runtime::shared().unwrap();
            runtime.block_on(async {
                let client = coaming_cluster::client(&ClusterOptions::default()).await.unwrap();
                let shutdown = async { drop(stopped.await) };
                coaming_watch::run(client, engine, options, shutdown).await;
            });
        });
        Self { status, _stop: stop, thread: Some(thread) }
    }

    pub(super) fn stop(mut self) {
        let thread = self.thread.take().unwrap();
        drop(self);
        thread.join().unwrap();
    }
}

/// Waits until a question has an answer.
pub(super) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..200 {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("{what}: not after 40 s");
}

pub(super) fn reports(resource: &str, namespace: &str) -> Vec<Value> {
    let list = kubectl(&["-n", namespace, "get", resource, "-o", "json"], "");
    let list: Value = serde_json::from_str(&list).unwrap();
    list["items"].as_array().unwrap().clone()
}

pub(super) fn policies(report: &Value) -> Vec<&str> {
    let results = report["results"].as_array().unwrap();
    results.iter().map(|result| result["policy"].as_str().unwrap()).collect()
}

fn version(report: &Value) -> &str {
    report["metadata"]["resourceVersion"].as_str().unwrap()
}

pub(super) const RESOURCE: &str = "policyreports.wgpolicyk8s.io";

/// Defines the kind, and waits until the server has it.
pub(super) fn serve_policy_reports() {
    let crd = definition("wgpolicyk8s.io", "v1alpha2", "PolicyReport", "policyreports");
    kubectl(&["apply", "-f", "-"], &crd);
    eventually("the kind is served", || {
        kubectl(&["api-resources", "--api-group=wgpolicyk8s.io"], "")
            .contains("PolicyReport")
            .then_some(())
    });
}

#[test]
fn reports_follow_their_workloads() {
    if !is_inside("reports::reports_follow_their_workloads") {
        return;
    }
    serve_policy_reports();
    let space = "coaming-reports";
    kubectl(&["apply", "-f", "-"], &namespace(space));
    kubectl(&["apply", "-f", "-"], &deployment(space, "web", true, "one"));
    let background = Background::start(space);

    // It appears, and belongs to the workload.
    let report = eventually("a report", || reports(RESOURCE, space).pop());
    assert!(policies(&report).contains(&"privileged"), "{report:#}");
    assert_eq!(report["metadata"]["ownerReferences"][0]["kind"], "Deployment");
    assert_eq!(report["scope"]["name"], "web");
    let results = report["results"].as_array().unwrap();
    assert_eq!(report["summary"]["fail"], results.len());
    assert!(results.iter().all(|result| result["result"] == "fail"));
    assert_eq!(results[0]["severity"], "critical", "the worst is first");
    assert_eq!(results[0]["properties"]["container"], "web");

    // A change that changes no finding writes nothing.
    let reviews = background.status.snapshot().reviews;
    kubectl(&["apply", "-f", "-"], &deployment(space, "web", true, "two"));
    eventually("a review", || (background.status.snapshot().reviews > reviews).then_some(()));
    std::thread::sleep(Duration::from_millis(500));
    let same = reports(RESOURCE, space).pop().unwrap();
    assert_eq!(version(&same), version(&report));
    assert_eq!(background.status.snapshot().writes, 1);

    // A repair changes the report.
    kubectl(&["apply", "-f", "-"], &deployment(space, "web", false, "two"));
    eventually("a repaired report", || {
        let report = reports(RESOURCE, space).pop()?;
        (!policies(&report).contains(&"privileged")).then_some(())
    });

    // What decides about a workload is another object: its report changes too.
    let policy = format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: all, namespace: {space}}}\n\
         spec: {{podSelector: {{}}, policyTypes: [Ingress, Egress]}}\n"
    );
    let before = background.status.snapshot().reviews;
    kubectl(&["apply", "-f", "-"], &policy);
    eventually("a review for a policy", || {
        (background.status.snapshot().reviews > before).then_some(())
    });

    // The API server restarts: the watches break, and go on.
    let restarted = command(&["restart"]).output().unwrap();
    assert!(restarted.status.success(), "{}", String::from_utf8_lossy(&restarted.stderr));
    kubectl(&["apply", "-f", "-"], &deployment(space, "web", true, "three"));
    kubectl(&["apply", "-f", "-"], &deployment(space, "api", true, "one"));
    eventually("reports after a restart", || {
        let reports = reports(RESOURCE, space);
        let all = reports.iter().all(|report| policies(report).contains(&"privileged"));
        (reports.len() == 2 && all).then_some(())
    });

    // A workload goes, and its report with it: nothing else collects garbage here.
    kubectl(&["-n", space, "delete", "deployment", "api"], "");
    eventually("no report of what is gone", || (reports(RESOURCE, space).len() == 1).then_some(()));
    background.stop();

    // A new process finds what is left of a workload that went meanwhile, and repeats nothing.
    kubectl(&["apply", "-f", "-"], &deployment(space, "late", true, "one"));
    kubectl(&["-n", space, "delete", "deployment", "web"], "");
    let background = Background::start(space);
    eventually("only the new report", || {
        let reports = reports(RESOURCE, space);
        (reports.len() == 1 && reports[0]["scope"]["name"] == "late").then_some(())
    });
    background.stop();
    let background = Background::start(space);
    eventually("a look", || background.status.snapshot().seconds_since_look);
    assert_eq!(background.status.snapshot().writes, 0, "nothing has changed");
    background.stop();
    kubectl(&["delete", "namespace", space, "--wait=false"], "");
}

/// A kind of somebody's own whose definition is installed while the cluster is followed.
#[test]
fn kinds_that_are_installed_later_are_followed() {
    if !is_inside("reports::kinds_that_are_installed_later_are_followed") {
        return;
    }
    let reports_crd = definition("wgpolicyk8s.io", "v1alpha2", "PolicyReport", "policyreports");
    kubectl(&["apply", "-f", "-"], &reports_crd);
    eventually("the kind is served", || {
        kubectl(&["api-resources", "--api-group=wgpolicyk8s.io"], "")
            .contains("PolicyReport")
            .then_some(())
    });
    let space = "coaming-later";
    kubectl(&["apply", "-f", "-"], &namespace(space));
    let background = Background::start(space);
    eventually("a look", || background.status.snapshot().seconds_since_look);
    let rollouts = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: rollouts.argoproj.io}
spec:
  group: argoproj.io
  scope: Namespaced
  names: {kind: Rollout, listKind: RolloutList, plural: rollouts, singular: rollout}
  versions:
    - name: v1alpha1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";
    kubectl(&["apply", "-f", "-"], rollouts);
    let rollout = deployment(space, "later", true, "one")
        .replace("apps/v1", "argoproj.io/v1alpha1")
        .replace("kind: Deployment", "kind: Rollout");
    eventually("the kind of rollouts is served", || {
        kubectl(&["api-resources", "--api-group=argoproj.io"], "").contains("Rollout").then_some(())
    });
    kubectl(&["apply", "-f", "-"], &rollout);
    let report =
        eventually("a report about a kind that came later", || reports(RESOURCE, space).pop());
    assert_eq!(report["scope"]["kind"], "Rollout");
    assert!(policies(&report).contains(&"privileged"), "{report:#}");

    // The definition goes, and all objects of the kind with it.
    kubectl(&["delete", "crd", "rollouts.argoproj.io"], "");
    eventually("no report of what is gone", || reports(RESOURCE, space).is_empty().then_some(()));
    background.stop();
    kubectl(&["delete", "namespace", space, "--wait=false"], "");
}
