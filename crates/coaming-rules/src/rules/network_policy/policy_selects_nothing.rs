//! See [`PolicySelectsNothing`].

use coaming_finding::{Finding, RuleMeta};
use coaming_network::Check;

use super::{Texts, report};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Network policies whose `podSelector` matches no pod, in namespaces whose pods are part of
    /// the input, or only pods with `hostNetwork: true`, to which no network policy applies.
    ///
    /// ## Why it matters
    ///
    /// Usually, a label was renamed: the pods that the policy was written for are unprotected, and
    /// nobody notices.
    ///
    /// ## Bad
    ///
    /// A typing error in a label.
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
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   podSelector: {matchLabels: {app: wbe}}
    ///   policyTypes: [Ingress]
    /// ```
    ///
    /// An expression that excludes all pods.
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
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web, api]}]}
    ///   policyTypes: [Ingress]
    /// ```
    ///
    /// The only pod shares its node's network.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: agent, namespace: ops, labels: {app: agent}}
    /// spec:
    ///   hostNetwork: true
    ///   containers: [{name: agent, image: registry.example.com/agent:1.4.2}]
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: agent, namespace: ops}
    /// spec:
    ///   podSelector: {matchLabels: {app: agent}}
    ///   policyTypes: [Ingress]
    /// ```
    ///
    /// ## Good
    ///
    /// The label is the one of the pod.
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
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   podSelector: {matchLabels: {app: web}}
    ///   policyTypes: [Ingress]
    ///   ingress: [{from: [{podSelector: {matchLabels: {app: api}}}], ports: [{port: 8080}]}]
    /// ```
    ///
    /// An expression that selects one of the pods.
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
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [api]}]}
    ///   policyTypes: [Ingress]
    ///   ingress: [{from: [{podSelector: {matchLabels: {app: api}}}], ports: [{port: 8080}]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the selector, or remove the policy.
    ///
    /// ## Limits
    ///
    /// Pods that exist only in the cluster are not known.
    PolicySelectsNothing {
        name: "policy-selects-nothing",
        summary: "Network policy selects no pod",
        category: NetworkPolicy,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Network separation and hardening")],
    }
}

impl WorldRule for PolicySelectsNothing {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = false;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let texts = Texts {
            why: "The pods that the policy should protect are open.",
            help: "Compare the policy's selector with the labels in the pods' templates.",
            title: "correct the selector",
        };
        report(context, Self::RULE, Check::SelectsNothing, &texts, findings);
    }
}
