//! Whole reviews: a body in, an answer out.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod digests;
mod hostile;
mod mutation;
mod namespaces;
mod policies;
mod updates;
mod verdicts;

use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_admission::{
    ClusterPolicy, Guard, Mutation, Policies, PolicyName, PolicySpec, SafeFixes, Verdict,
};
use coaming_kube::{Delta, Source, World};
use serde_json::{Value, json};
use time::{Date, Month};

fn today() -> Option<Date> {
    Some(Date::from_calendar_date(2026, Month::November, 29).unwrap())
}

/// A request as an API server sends it.
#[derive(Clone)]
struct Ask {
    kind: (&'static str, &'static str, &'static str),
    operation: &'static str,
    subresource: &'static str,
    namespace: String,
    name: String,
    user: String,
    object: Value,
    old: Value,
}

impl Ask {
    fn create(object: Value) -> Self {
        let kind = match object["kind"].as_str().unwrap() {
            "Pod" => ("", "Pod", "pods"),
            "Deployment" => ("apps", "Deployment", "deployments"),
            "ReplicaSet" => ("apps", "ReplicaSet", "replicasets"),
            "Job" => ("batch", "Job", "jobs"),
            "Role" => ("rbac.authorization.k8s.io", "Role", "roles"),
            "Secret" => ("", "Secret", "secrets"),
            "ConfigMap" => ("", "ConfigMap", "configmaps"),
            "Namespace" => ("", "Namespace", "namespaces"),
            "NetworkPolicy" => ("networking.k8s.io", "NetworkPolicy", "networkpolicies"),
            other => panic!("{other}"),
        };
        let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
        let namespace = if kind.1 == "Namespace" { text("name") } else { text("namespace") };
        Self {
            kind,
            operation: "CREATE",
            subresource: "",
            namespace,
            name: text("name"),
            user: "jane".to_owned(),
            object,
            old: Value::Null,
        }
    }

    fn update(old: &Value, object: Value) -> Self {
        Self { operation: "UPDATE", old: old.clone(), ..Self::create(object) }
    }

    fn body(&self) -> Vec<u8> {
        let (group, kind, resource) = self.kind;
        json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "5b1f",
                "kind": {"group": group, "version": "v1", "kind": kind},
                "resource": {"group": group, "version": "v1", "resource": resource},
                "subResource": self.subresource,
                "name": self.name,
                "namespace": self.namespace,
                "operation": self.operation,
                "userInfo": {"username": self.user, "groups": ["system:authenticated"]},
                "object": self.object,
                "oldObject": self.old,
            },
        })
        .to_string()
        .into_bytes()
    }

    fn judge(&self, policies: &Policies) -> Verdict {
        self.judge_in(&guarded(), policies)
    }

    fn judge_in(&self, world: &World, policies: &Policies) -> Verdict {
        let request = coaming_admission::read(&self.body()).unwrap();
        coaming_admission::validate(&request, world, policies, today()).unwrap()
    }

    fn mutate(&self, policies: &Policies) -> Mutation {
        let request = coaming_admission::read(&self.body()).unwrap();
        let world = guarded();
        let fixes = SafeFixes { policies, world: &world, today: today() };
        coaming_admission::mutate(&request, &[&fixes]).unwrap()
    }
}

/// Policies from YAML: the cluster's, its `coaming.yaml`, and those of namespaces.
fn policies(spec: &str, configuration: &str, of_namespaces: &[(&str, &str, &str)]) -> Policies {
    let cluster = ClusterPolicy {
        spec: PolicySpec::from_yaml(spec).unwrap(),
        configuration: Some(configuration.to_owned()),
    };
    let specs: BTreeMap<PolicyName, PolicySpec> = of_namespaces
        .iter()
        .map(|(namespace, name, spec)| {
            let name = PolicyName { namespace: (*namespace).into(), name: (*name).into() };
            (name, PolicySpec::from_yaml(spec).unwrap())
        })
        .collect();
    let (policies, errors) = Policies::new(Guard::default(), &cluster, &specs, None).unwrap();
    assert!(errors.is_empty(), "{errors:?}");
    policies
}

fn world(texts: &[&str]) -> World {
    let mut world = World::default();
    for (number, text) in texts.iter().enumerate() {
        let stream = coaming_yaml::parse(Arc::from(*text));
        let source = Source::new(&format!("{number}"), stream.source, stream.documents);
        world.apply(Delta::Put(Box::new(source)));
    }
    world
}

/// A cluster in which network policies guard the namespace `shop`.
fn guarded() -> World {
    world(&[
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: all, namespace: shop}\n\
         spec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n",
    ])
}

/// A pod that is fine but for these fields of its container.
fn pod(extra: Value) -> Value {
    let mut container = json!({
        "name": "web",
        "image": "registry.example.com/shop/web:1.4.2",
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 10001,
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    });
    merge(&mut container, extra);
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"automountServiceAccountToken": false, "containers": [container]},
    })
}

fn privileged() -> Value {
    pod(json!({"securityContext": {"privileged": true, "allowPrivilegeEscalation": true}}))
}

/// A Deployment of this pod.
fn deployment(pod: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod["spec"]},
        },
    })
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn rules(verdict: &Verdict) -> Vec<(&str, &str)> {
    let of = |judged: &'_ coaming_admission::Judged| judged.mode.as_str();
    verdict.findings.iter().map(|judged| (judged.finding.rule.id.as_str(), of(judged))).collect()
}
