//! See [`SharedSecret`].

use std::collections::BTreeMap;

use coaming_finding::{Confidence, Finding, RuleMeta};
use coaming_kube::{Fields as _, SecretUse, SecretUseKind, Workload};
use coaming_oci::Reference;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Secrets that several workloads have in their containers. A server that needs the password
    /// to check it (a database, a broker) does not count, nor do Secrets for pulling images. There
    /// is one finding per Secret.
    ///
    /// ## Why it matters
    ///
    /// An attacker in any of the workloads acts as all of them: the service behind the credential
    /// cannot tell them apart, access cannot be revoked for one alone, and changing the credential
    /// means restarting all of them.
    ///
    /// ## Bad
    ///
    /// In volumes.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: payments
    ///           mountPath: /etc/payments
    ///           readOnly: true
    ///   volumes:
    ///     - name: payments
    ///       secret:
    ///         secretName: payments
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: reports
    /// spec:
    ///   containers:
    ///     - name: reports
    ///       image: registry.example.com/reports:1.4.2
    ///       volumeMounts:
    ///         - name: payments
    ///           mountPath: /etc/payments
    ///           readOnly: true
    ///   volumes:
    ///     - name: payments
    ///       secret:
    ///         secretName: payments
    /// ```
    ///
    /// In environment variables.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       env:
    ///         - name: PAYMENTS_TOKEN
    ///           valueFrom:
    ///             secretKeyRef:
    ///               name: payments
    ///               key: token
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: reports
    /// spec:
    ///   containers:
    ///     - name: reports
    ///       image: registry.example.com/reports:1.4.2
    ///       env:
    ///         - name: PAYMENTS_TOKEN
    ///           valueFrom:
    ///             secretKeyRef:
    ///               name: payments
    ///               key: token
    /// ```
    ///
    /// ## Good
    ///
    /// Each workload has a credential of its own.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: payments
    ///           mountPath: /etc/payments
    ///           readOnly: true
    ///   volumes:
    ///     - name: payments
    ///       secret:
    ///         secretName: payments-web
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: reports
    /// spec:
    ///   containers:
    ///     - name: reports
    ///       image: registry.example.com/reports:1.4.2
    ///       volumeMounts:
    ///         - name: payments
    ///           mountPath: /etc/payments
    ///           readOnly: true
    ///   volumes:
    ///     - name: payments
    ///       secret:
    ///         secretName: payments-reports
    /// ```
    ///
    /// A database checks the password that its client sends.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       env:
    ///         - name: POSTGRES_PASSWORD
    ///           valueFrom:
    ///             secretKeyRef:
    ///               name: db
    ///               key: token
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: db
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: postgres:17.2
    ///       env:
    ///         - name: POSTGRES_PASSWORD
    ///           valueFrom:
    ///             secretKeyRef:
    ///               name: db
    ///               key: token
    /// ```
    ///
    /// ## Fix
    ///
    /// Give each workload a credential of its own, with only the rights that it needs.
    ///
    /// ## Limits
    ///
    /// Servers are recognized by the name of their image. A server that the rule does not know
    /// counts as one more workload.
    SharedSecret {
        name: "shared-secret",
        summary: "Several workloads share a credential",
        category: Secrets,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1078")],
    }
}

type Users<'a> = Vec<(Workload<'a>, SecretUse<'a>)>;

impl WorldRule for SharedSecret {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = false;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let mut secrets: BTreeMap<(&str, &str), Users<'_>> = BTreeMap::new();
        for workload in context.world.workloads() {
            let uses = workload.pod().secret_uses().into_iter();
            // `$(params.secret)`: each run of a task may get another Secret.
            for found in uses.filter(|found| !found.secret.contains(['$', '{'])) {
                let namespace = workload.object.namespace_or_default();
                let users = secrets.entry((namespace, found.secret)).or_default();
                // The same workload in another file is an overlay or an older version of it.
                let same = |other: &Workload<'_>| {
                    other.object.kind() == workload.object.kind()
                        && other.object.name() == workload.object.name()
                };
                let known = users.iter().any(|(other, _)| same(other));
                if is_credential(&found) && !known && !is_server(workload) {
                    users.push((workload, found));
                }
            }
        }
        findings.extend(
            secrets
                .into_iter()
                .filter(|(_, users)| users.len() > 1)
                .map(|((_, secret), users)| finding(context, secret, &users)),
        );
    }
}

/// Whether containers use more of the Secret than the certificates of trusted CAs.
fn is_credential(found: &SecretUse<'_>) -> bool {
    let is_public = |key: &str| key.ends_with("ca.crt") || key.ends_with("ca.pem");
    match found.kind {
        SecretUseKind::Variable { key, .. } => !is_public(key),
        SecretUseKind::Environment { .. } => true,
        SecretUseKind::Files { source, .. } => {
            let mut items = source.list("items").peekable();
            items.peek().is_none()
                || items.any(|item| item.string("key").is_none_or(|key| !is_public(key)))
        }
        SecretUseKind::Node => false,
    }
}

/// Servers that check passwords themselves, by the last part of their image's name.
const SERVERS: &[&str] = &[
    "cassandra",
    "clickhouse-server",
    "cockroach",
    "couchdb",
    "elasticsearch",
    "etcd",
    "influxdb",
    "kafka",
    "keycloak",
    "mariadb",
    "memcached",
    "minio",
    "mongo",
    "mongodb",
    "mssql",
    "mysql",
    "nats",
    "neo4j",
    "opensearch",
    "percona",
    "postgis",
    "postgres",
    "postgresql",
    "rabbitmq",
    "redis",
    "timescaledb",
    "valkey",
];

fn is_server(workload: Workload<'_>) -> bool {
    workload.pod().containers().filter_map(|container| container.image()).any(|image| {
        Reference::parse(image).is_ok_and(|reference| {
            let name = reference.repository().rsplit('/').next().unwrap_or_default();
            SERVERS.contains(&name)
        })
    })
}

fn finding(context: &Context<'_>, secret: &str, users: &Users<'_>) -> Finding {
    let named: Vec<String> =
        users.iter().take(3).map(|(workload, _)| phrases::object(workload.object)).collect();
    let more =
        if users.len() > 3 { format!(", and {} more", users.len() - 3) } else { String::new() };
    let message = format!(
        "Secret `{secret}` is shared by {} workloads: {}{more}",
        users.len(),
        named.join(", "),
    );
    let (first, used) = &users[0];
    let mut draft = context
        .finding(SharedSecret::RULE, first.object, used.node, message)
        .confidence(Confidence::Medium);
    for (workload, used) in &users[1..] {
        draft = draft.also(context, workload.object, used.node, phrases::object(workload.object));
    }
    draft
        .why("An attacker in one of the workloads acts as all of them.")
        .help("Give each workload a credential of its own.")
        .manual(
            "give each workload a credential of its own",
            format!("kubectl create secret generic {secret}-{} …", users[1].0.object.name()),
        )
        .done()
}
