//! Manifests of small clusters, as text.

/// A pod, as a manifest. Labels as `app: web, tier: front`, ports as `{name: http, containerPort: 80}`.
#[must_use]
pub fn pod(namespace: &str, name: &str, labels: &str, ports: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}\n\
         spec:\n  containers:\n  - {{name: main, image: i:1, ports: [{ports}]}}\n"
    )
}

/// A policy, as a manifest.
#[must_use]
pub fn policy(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    )
}

/// A Service, as a manifest.
#[must_use]
pub fn service(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    )
}

/// Three workloads in two namespaces, a default deny and two holes.
#[must_use]
pub fn shop() -> String {
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
