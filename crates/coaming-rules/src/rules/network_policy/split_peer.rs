//! See [`SplitPeer`].

use coaming_finding::{Finding, RuleMeta};
use coaming_network::Check;

use super::{Texts, report};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// A `namespaceSelector` and a `podSelector` that are two items of `from` or `to` side by
    /// side. The second dash makes it *or* where *and* was intended. That is known where the pods
    /// show it: there are such pods in the selected namespaces, or the policy's own namespace has
    /// pods in the input and none is selected.
    ///
    /// ## Why it matters
    ///
    /// The rule allows every pod of those namespaces, and such pods of the policy's own namespace:
    /// far more than the few pods that were intended.
    ///
    /// ## Bad
    ///
    /// Two items of `from`.
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
    /// The same for egress.
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
    ///   policyTypes: [Egress]
    ///   egress:
    ///     - to:
    ///         - namespaceSelector: {matchLabels: {team: ops}}
    ///         - podSelector: {matchLabels: {app: monitor}}
    ///       ports: [{port: 9090}]
    /// ```
    ///
    /// ## Good
    ///
    /// Both selectors are in one item.
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
    /// Two peers that are intended: the pod is in the policy's own namespace alone.
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
    ///         - podSelector: {matchLabels: {app: api}}
    ///       ports: [{port: 8080}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the dash before `podSelector`, so that both are in one item.
    SplitPeer {
        name: "split-peer",
        summary: "Namespace and pod selector are separate peers",
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
        let texts = Texts {
            why: "Every pod of the selected namespaces is allowed: an attacker in any of them can \
                  connect.",
            help: "Remove the dash before `podSelector`.",
            title: "remove the dash before `podSelector`",
        };
        report(context, Self::RULE, Check::SplitPeer, &texts, findings);
    }
}
