//! See [`SplitPeer`].

use coaming_finding::{Finding, RuleMeta};
use coaming_network::Check;

use super::report;
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, WorldRule};

rule! {
    /// Looks for a `namespaceSelector` and a `podSelector` that stand as two items of `from` or `to`
    /// side by side: the dash makes it *or*, where *and* was meant.
    ///
    /// ## Why it matters
    ///
    /// The rule allows every pod of those namespaces, and besides those pods of the policy's own
    /// namespace: far more than the few pods that were meant.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    ///   labels: {app: web}
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       ports: [{containerPort: 8080}]
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: api
    ///   namespace: shop
    ///   labels: {app: api}
    /// spec:
    ///   containers:
    ///     - name: api
    ///       image: registry.example.com/api:1.4.2
    ///       ports: [{containerPort: 8081}]
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata:
    ///   name: default-deny
    ///   namespace: shop
    /// spec:
    ///   podSelector: {}
    ///   policyTypes: [Ingress, Egress]
    /// ---
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata: {name: ops, labels: {team: ops}}
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: monitor, namespace: ops, labels: {app: monitor}}
    /// spec: {containers: [{name: monitor, image: registry.example.com/monitor:1.4.2}]}
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   podSelector: {matchLabels: {app: web}}
    ///   policyTypes: [Ingress]
    ///   ingress:
    ///     - from:
    ///         - namespaceSelector: {matchLabels: {team: ops}}
    ///         - podSelector: {matchLabels: {app: monitor}}
    ///       ports: [{port: 8080}]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    ///   labels: {app: web}
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       ports: [{containerPort: 8080}]
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: api
    ///   namespace: shop
    ///   labels: {app: api}
    /// spec:
    ///   containers:
    ///     - name: api
    ///       image: registry.example.com/api:1.4.2
    ///       ports: [{containerPort: 8081}]
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata:
    ///   name: default-deny
    ///   namespace: shop
    /// spec:
    ///   podSelector: {}
    ///   policyTypes: [Ingress, Egress]
    /// ---
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata: {name: ops, labels: {team: ops}}
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: monitor, namespace: ops, labels: {app: monitor}}
    /// spec: {containers: [{name: monitor, image: registry.example.com/monitor:1.4.2}]}
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   podSelector: {matchLabels: {app: web}}
    ///   policyTypes: [Ingress]
    ///   ingress:
    ///     - from:
    ///         - namespaceSelector: {matchLabels: {team: ops}}
    ///           podSelector: {matchLabels: {app: monitor}}
    ///       ports: [{port: 8080}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the dash before `podSelector`, so that both stand in one item.
    SplitPeer {
        name: "split-peer",
        summary: "Two peers where one was meant",
        category: NetworkPolicy,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Network separation and hardening"), Attack("T1210")],
    }
}

impl WorldRule for SplitPeer {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = true;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        report(
            context,
            Self::RULE,
            Check::SplitPeer,
            "remove the dash before `podSelector`",
            findings,
        );
    }
}
