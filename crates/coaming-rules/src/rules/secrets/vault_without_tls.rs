//! See [`VaultWithoutTls`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::{Fields as _, Object};
use coaming_yaml::Node;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Clients of a vault that connect without TLS (`http://`), or without verifying the vault's
    /// certificate: annotations of Vault's injector, `SecretStore` and `ClusterSecretStore` of
    /// External Secrets, `SecretProviderClass` of the Secrets Store CSI driver, and
    /// `VaultConnection` of Vault's operator.
    ///
    /// ## Why it matters
    ///
    /// The client sends its service account token and gets its secrets over this connection. An
    /// attacker on a node, or in a pod that can answer in the vault's place, reads both.
    ///
    /// ## Bad
    ///
    /// A store with a plain connection.
    ///
    /// ```yaml
    /// apiVersion: external-secrets.io/v1
    /// kind: SecretStore
    /// metadata:
    ///   name: vault
    /// spec:
    ///   provider:
    ///     vault:
    ///       server: http://vault.vault.svc:8200
    ///       path: secret
    /// ```
    ///
    /// The injector does not verify the certificate.
    ///
    /// ```yaml
    /// apiVersion: apps/v1
    /// kind: Deployment
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     matchLabels: {app: web}
    ///   template:
    ///     metadata:
    ///       labels: {app: web}
    ///       annotations:
    ///         vault.hashicorp.com/agent-inject: "true"
    ///         vault.hashicorp.com/tls-skip-verify: "true"
    ///     spec:
    ///       containers:
    ///         - name: web
    ///           image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// A store with TLS.
    ///
    /// ```yaml
    /// apiVersion: external-secrets.io/v1
    /// kind: SecretStore
    /// metadata:
    ///   name: vault
    /// spec:
    ///   provider:
    ///     vault:
    ///       server: https://vault.vault.svc:8200
    ///       path: secret
    /// ```
    ///
    /// A proxy in the same pod does not use the network.
    ///
    /// ```yaml
    /// apiVersion: secrets-store.csi.x-k8s.io/v1
    /// kind: SecretProviderClass
    /// metadata:
    ///   name: web
    /// spec:
    ///   provider: vault
    ///   parameters:
    ///     vaultAddress: http://127.0.0.1:8200
    ///     roleName: web
    /// ```
    ///
    /// ## Fix
    ///
    /// Use `https://` and name the certificate authority (`caBundle`, `ca-cert`, `caProvider`,
    /// `vaultCACertPath`). There is no automatic fix: the vault has to offer TLS first.
    VaultWithoutTls {
        name: "vault-without-tls",
        summary: "Connection to a vault is not protected",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Encrypt traffic"), Attack("T1040")],
    }
}

impl ObjectRule for VaultWithoutTls {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        for (node, problem) in problems(context, object) {
            let message = format!("{} {problem}", phrases::object(object));
            findings.push(
                context
                    .finding(Self::RULE, object, node, message)
                    .why(
                        "An attacker on the network between the two reads the client's token and \
                         its secrets.",
                    )
                    .help("Use `https://`, and name the certificate authority of the vault.")
                    .manual("use TLS, and verify the certificate", "https://VAULT:8200")
                    .done(),
            );
        }
    }
}

const PLAIN: &str = "connects to its vault without TLS";
const UNVERIFIED: &str = "does not verify the certificate of its vault";

fn problems<'a>(context: &Context<'a>, object: Object<'a>) -> Vec<(Node<'a>, &'static str)> {
    let spec = object.spec();
    let (address, skip) = match (object.group(), object.kind()) {
        ("external-secrets.io", "SecretStore" | "ClusterSecretStore") => {
            (spec.field("provider").field("vault").field("server"), None)
        }
        ("secrets-store.csi.x-k8s.io", "SecretProviderClass") => {
            let parameters = spec.field("parameters");
            (parameters.field("vaultAddress"), parameters.field("vaultSkipTLSVerify"))
        }
        ("secrets.hashicorp.com", "VaultConnection") => {
            (spec.field("address"), spec.field("skipTLSVerify"))
        }
        _ => of_injector(context, object),
    };
    let plain = address.filter(|node| node.as_str().is_some_and(is_plain));
    let is_true = |node: &Node<'_>| node.as_bool() == Some(true) || node.as_str() == Some("true");
    let unverified = skip.filter(is_true).map(|node| (node, UNVERIFIED));
    plain.map(|node| (node, PLAIN)).into_iter().chain(unverified).collect()
}

/// The address, and the switch for the verification, in the annotations of Vault's injector.
fn of_injector<'a>(
    context: &Context<'a>,
    object: Object<'a>,
) -> (Option<Node<'a>>, Option<Node<'a>>) {
    let Some(workload) = context.world.workloads_of(object).next() else { return (None, None) };
    let annotation = |name: &str| {
        let is_it = |key: &str| key.strip_prefix("vault.hashicorp.com/") == Some(name);
        let mut annotations = workload.pod_metadata().pairs("annotations");
        annotations.find(|entry| is_it(entry.name())).map(|entry| entry.value)
    };
    (annotation("service"), annotation("tls-skip-verify"))
}

/// Whether an address is without TLS, and not in the same pod.
fn is_plain(address: &str) -> bool {
    let Some(rest) = address.trim().strip_prefix("http://") else { return false };
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    !matches!(host, "" | "localhost" | "127.0.0.1") && !rest.starts_with("[::1]")
}
