//! From text to a model.

use std::sync::Arc;

use coaming_kube::{Source, World};
use coaming_network::{Model, Reach, from_world};

/// The world of one file.
pub(crate) fn world(text: &str) -> World {
    let stream = coaming_yaml::parse(Arc::from(text));
    assert_eq!(stream.errors, [], "the test's own input has a syntax error");
    World::new(vec![Source::new("input.yaml", stream.source, stream.documents)])
}

pub(crate) fn model(text: &str) -> Model {
    from_world(&world(text))
}

pub(crate) fn reach(text: &str) -> Reach {
    Reach::new(model(text))
}

/// A pod, as a manifest. Labels as `app: web, tier: front`, ports as `{name: http, containerPort: 80}`.
pub(crate) fn pod(namespace: &str, name: &str, labels: &str, ports: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}\n\
         spec:\n  containers:\n  - {{name: main, image: i:1, ports: [{ports}]}}\n"
    )
}

/// A policy, as a manifest.
pub(crate) fn policy(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    )
}

/// Three workloads in two namespaces, a default deny and two holes.
pub(crate) fn shop() -> String {
    pod("shop", "web", "app: web", "{name: http, containerPort: 8080}")
        + &pod("shop", "db", "app: db", "{name: sql, containerPort: 5432}")
        + &pod("other", "spy", "app: spy", "")
        + &policy("shop", "deny", "{podSelector: {}, policyTypes: [Ingress, Egress]}")
        + &policy(
            "shop",
            "db",
            "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}, {namespaceSelector: {}, podSelector: {matchLabels: {role: backup}}}], ports: [{port: sql}]}]}",
        )
        + &policy(
            "shop",
            "web",
            "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 5432}]}]}",
        )
}

/// What a renderer writes.
pub(crate) fn written(
    render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> String {
    let mut out = Vec::new();
    render(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}
