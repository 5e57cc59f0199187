//! See [`VaultForAllContainers`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::{Fields as _, Workload};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Pods with several containers for which Vault's injector renders secrets, without the
    /// annotation `vault.hashicorp.com/agent-inject-containers`.
    ///
    /// ## Why it matters
    ///
    /// Without the annotation, the injector mounts the volume with all rendered secrets in every
    /// container of the pod. An attacker in a log shipper or a proxy reads the database's password.
    ///
    /// ## Bad
    ///
    /// The log shipper gets the database's password too.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     vault.hashicorp.com/agent-inject: "true"
    ///     vault.hashicorp.com/role: web
    ///     vault.hashicorp.com/agent-inject-secret-db: secret/data/web/db
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///     - name: log-shipper
    ///       image: registry.example.com/log-shipper:2.0.1
    /// ```
    ///
    /// ## Good
    ///
    /// The annotation names the container that needs the secret.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     vault.hashicorp.com/agent-inject: "true"
    ///     vault.hashicorp.com/role: web
    ///     vault.hashicorp.com/agent-inject-secret-db: secret/data/web/db
    ///     vault.hashicorp.com/agent-inject-containers: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///     - name: log-shipper
    ///       image: registry.example.com/log-shipper:2.0.1
    /// ```
    ///
    /// The only container needs the secret.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     vault.hashicorp.com/agent-inject: "true"
    ///     vault.hashicorp.com/role: web
    ///     vault.hashicorp.com/agent-inject-secret-db: secret/data/web/db
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the containers that need the secrets in `vault.hashicorp.com/agent-inject-containers`,
    /// separated by commas. There is no automatic fix: only the application's author knows them.
    ///
    /// ## Limits
    ///
    /// All named containers get all secrets of the pod: the injector cannot give each container its
    /// own.
    VaultForAllContainers {
        name: "vault-for-all-containers",
        summary: "Secrets from Vault are mounted in every container",
        category: Secrets,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Secrets"), Attack("T1552.001")],
    }
}

/// What all annotations of the injector begin with.
const PREFIX: &str = "vault.hashicorp.com/";

impl PodRule for VaultForAllContainers {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let metadata = workload.pod_metadata();
        let annotations = || metadata.pairs("annotations");
        let value = |name: &str| {
            let is_it = |key: &str| key.strip_prefix(PREFIX) == Some(name);
            annotations().find(|entry| is_it(entry.name())).map(|entry| entry.value)
        };
        let Some(asks) = value("agent-inject").filter(|node| node.as_str() == Some("true")) else {
            return;
        };
        let secrets = annotations()
            .filter_map(|entry| entry.name().strip_prefix(PREFIX))
            .filter(|name| name.starts_with("agent-inject-secret-"))
            .count();
        let containers: Vec<&str> =
            workload.pod().containers().map(|container| container.name()).collect();
        if secrets == 0 || containers.len() < 2 || value("agent-inject-containers").is_some() {
            return;
        }
        let what = if secrets == 1 { "a secret".to_owned() } else { format!("{secrets} secrets") };
        let message = format!(
            "the injector of Vault mounts {what} in all containers of {}: {}",
            phrases::object(workload.object),
            phrases::list(&containers),
        );
        findings.push(
            context
                .finding(Self::RULE, workload.object, asks, message)
                .why("An attacker in any of them reads the secrets of the others.")
                .help(
                    "Name the containers that need the secrets in \
                     `vault.hashicorp.com/agent-inject-containers`.",
                )
                .manual(
                    "name the containers that need the secrets",
                    "vault.hashicorp.com/agent-inject-containers: CONTAINER\n",
                )
                .done(),
        );
    }
}
