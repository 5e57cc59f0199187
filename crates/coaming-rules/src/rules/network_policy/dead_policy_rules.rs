//! See [`DeadPolicyRules`].

use coaming_finding::{Finding, RuleMeta};
use coaming_network::Check;

use super::{Texts, report};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Rules for a direction, `ingress` or `egress`, in a policy whose `policyTypes` does not name that
    /// direction.
    ///
    /// ## Why it matters
    ///
    /// Such rules have no effect: the pods may connect, or be connected to, as if the rules were not
    /// there. A reader of the policy believes the opposite.
    ///
    /// ## Bad
    ///
    /// The egress rules do not count.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: web, namespace: shop, labels: {app: web}}
    /// spec: {containers: [{name: web, image: registry.example.com/web:1.4.2, ports: [{containerPort: 8080}]}]}
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: web, namespace: shop}
    /// spec:
    ///   podSelector: {matchLabels: {app: web}}
    ///   policyTypes: [Ingress]
    ///   egress:
    ///     - to: [{podSelector: {matchLabels: {app: db}}}]
    /// ```
    ///
    /// ## Good
    ///
    /// Both directions are named.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: web, namespace: shop, labels: {app: web}}
    /// spec: {containers: [{name: web, image: registry.example.com/web:1.4.2, ports: [{containerPort: 8080}]}]}
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: web, namespace: shop}
    /// spec:
    ///   podSelector: {matchLabels: {app: web}}
    ///   policyTypes: [Ingress, Egress]
    ///   egress:
    ///     - to: [{podSelector: {matchLabels: {app: db}}}]
    /// ```
    ///
    /// Without `policyTypes`, the rules decide.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: web, namespace: shop, labels: {app: web}}
    /// spec: {containers: [{name: web, image: registry.example.com/web:1.4.2, ports: [{containerPort: 8080}]}]}
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: web, namespace: shop}
    /// spec:
    ///   podSelector: {matchLabels: {app: web}}
    ///   egress:
    ///     - to: [{podSelector: {matchLabels: {app: db}}}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Add the direction to `policyTypes`, or remove its rules.
    DeadPolicyRules {
        name: "dead-policy-rules",
        summary: "Network policy has rules that its policyTypes turns off",
        category: NetworkPolicy,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Network separation and hardening")],
    }
}

impl WorldRule for DeadPolicyRules {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = true;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let texts = Texts {
            why: "The direction is open: an attacker is not held by the rules that a reader sees.",
            help: "Add the direction to `policyTypes`, or remove its rules.",
            title: "name the direction in `policyTypes`",
        };
        report(context, Self::RULE, Check::DeadRules, &texts, findings);
    }
}
