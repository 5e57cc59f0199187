//! See [`LongLivedToken`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::{Fields as _, Object};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Secrets of type `kubernetes.io/service-account-token`. The control plane puts a token of
    /// the service account into them that never expires.
    ///
    /// ## Why it matters
    ///
    /// Anyone who has once seen the token (in etcd, in a backup, in a pod, in a log) can act as
    /// that account until the Secret is deleted. A token that the kubelet mounts expires within
    /// hours, and with its pod.
    ///
    /// ## Bad
    ///
    /// The control plane fills this Secret with a token.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: deployer-token
    ///   annotations:
    ///     kubernetes.io/service-account.name: deployer
    /// type: kubernetes.io/service-account-token
    /// ```
    ///
    /// In a list, in a namespace.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: List
    /// items:
    ///   - apiVersion: v1
    ///     kind: Secret
    ///     metadata:
    ///       name: deployer-token
    ///       namespace: ci
    ///       annotations:
    ///         kubernetes.io/service-account.name: deployer
    ///     type: kubernetes.io/service-account-token
    /// ```
    ///
    /// ## Good
    ///
    /// The kubelet mounts a token that expires.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: deployer
    /// spec:
    ///   serviceAccountName: deployer
    ///   containers:
    ///     - name: deployer
    ///       image: registry.example.com/deployer:1.4.2
    ///       volumeMounts:
    ///         - name: token
    ///           mountPath: /var/run/secrets/tokens
    ///           readOnly: true
    ///   volumes:
    ///     - name: token
    ///       projected:
    ///         sources:
    ///           - serviceAccountToken:
    ///               audience: registry.example.com
    ///               expirationSeconds: 3600
    ///               path: token
    /// ```
    ///
    /// Secrets of other types.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: registry
    /// type: kubernetes.io/dockerconfigjson
    /// ```
    ///
    /// ## Fix
    ///
    /// Delete the Secret. In the cluster, let the kubelet mount a projected token. Outside the
    /// cluster, request one when it is needed: `kubectl create token ACCOUNT --duration 1h`.
    LongLivedToken {
        name: "long-lived-token",
        summary: "Service account token never expires",
        category: Secrets,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("5.1.6"), Attack("T1528")],
    }
}

impl ObjectRule for LongLivedToken {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        let kind = object.node().field("type").filter(|_| object.kind() == "Secret");
        let Some(kind) = kind.filter(|kind| kind.as_str() == Some(TOKEN_TYPE)) else { return };
        let account = object.annotation("kubernetes.io/service-account.name");
        if account.is_some_and(|account| is_made_for(context, object, account)) {
            return;
        }
        let whose = account.map_or_else(
            || "a service account".to_owned(),
            |name| format!("service account `{name}`"),
        );
        let message =
            format!("{} contains a token of {whose} that never expires", phrases::object(object),);
        findings.push(
            context
                .finding(Self::RULE, object, kind, message)
                .why(
                    "Anyone who has read the token once can act as the account until the Secret is \
                     deleted.",
                )
                .help(
                    "Mount a projected token instead, or request a short-lived one with `kubectl \
                     create token`.",
                )
                .manual(
                    "delete the Secret, and request short-lived tokens",
                    format!(
                        "kubectl create token {} --namespace {} --duration 1h",
                        account.unwrap_or("ACCOUNT"),
                        object.namespace_or_default(),
                    ),
                )
                .done(),
        );
    }
}

const TOKEN_TYPE: &str = "kubernetes.io/service-account-token";
/// The first minor version that makes no token for every account.
const WITHOUT_TOKENS: u32 = 24;

/// Whether an older cluster has made the token for the account by itself, and would make it again.
fn is_made_for(context: &Context<'_>, token: Object<'_>, account: &str) -> bool {
    let account = context.world.find("ServiceAccount", token.namespace(), account);
    context.settings.kubernetes_minor < WITHOUT_TOKENS
        && account.is_some_and(|account| {
            let mut tokens = account.node().list("secrets");
            tokens.any(|secret| secret.string("name") == Some(token.name()))
        })
}
