//! See [`LongLivedToken`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// Looks for Secrets of type `kubernetes.io/service-account-token`: the control plane fills them
    /// with a token of the account that never expires.
    ///
    /// ## Why it matters
    ///
    /// Whoever once saw the token (in etcd, in a backup, in a pod, in a log) is that account for
    /// ever: it ends with the Secret only. A token that the kubelet mounts ends within hours, and
    /// with its pod.
    ///
    /// ## Bad
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
    /// ## Good
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
    /// ## Fix
    ///
    /// Delete the Secret. In the cluster, let the kubelet mount a projected token; outside of it, ask
    /// for one when it is needed: `kubectl create token ACCOUNT --duration 1h`.
    LongLivedToken {
        name: "long-lived-token",
        summary: "Secret holds a service account token that never expires",
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
        let whose = account.map_or_else(
            || "a service account".to_owned(),
            |name| format!("service account `{name}`"),
        );
        let message = format!(
            "{} holds a token of {whose} that never expires: whoever reads it once is that account \
             until the Secret is deleted. Mount a projected token instead, or ask for a short-lived \
             one by `kubectl create token`.",
            words::object(object),
        );
        findings.push(
            context
                .finding(Self::RULE, object, kind, message)
                .manual(
                    "delete the Secret, and ask for short-lived tokens",
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
