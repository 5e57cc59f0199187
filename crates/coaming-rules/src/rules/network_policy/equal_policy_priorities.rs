//! See [`EqualPolicyPriorities`].

use coaming_finding::{Finding, RuleMeta};
use coaming_network::Check;

use super::{Texts, report};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Two policies of one kind (`AdminNetworkPolicy`, `ClusterNetworkPolicy`) with the same priority, of
    /// which one allows what the other denies, for the same pods.
    ///
    /// ## Why it matters
    ///
    /// The API leaves open which of them counts. The answer may differ from node to node, and with the
    /// next version of the network plugin.
    ///
    /// ## Bad
    ///
    /// Both have priority 5.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: web, namespace: shop, labels: {app: web}}
    /// spec: {containers: [{name: web, image: registry.example.com/web:1.4.2, ports: [{containerPort: 8080}]}]}
    /// ---
    /// apiVersion: policy.networking.k8s.io/v1alpha1
    /// kind: AdminNetworkPolicy
    /// metadata: {name: allow}
    /// spec:
    ///   priority: 5
    ///   subject: {namespaces: {}}
    ///   ingress: [{action: Allow, from: [{namespaces: {}}]}]
    /// ---
    /// apiVersion: policy.networking.k8s.io/v1alpha1
    /// kind: AdminNetworkPolicy
    /// metadata: {name: deny}
    /// spec:
    ///   priority: 5
    ///   subject: {namespaces: {}}
    ///   ingress: [{action: Deny, from: [{namespaces: {}}]}]
    /// ```
    ///
    /// ## Good
    ///
    /// The lower number counts first.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: web, namespace: shop, labels: {app: web}}
    /// spec: {containers: [{name: web, image: registry.example.com/web:1.4.2, ports: [{containerPort: 8080}]}]}
    /// ---
    /// apiVersion: policy.networking.k8s.io/v1alpha1
    /// kind: AdminNetworkPolicy
    /// metadata: {name: allow}
    /// spec:
    ///   priority: 5
    ///   subject: {namespaces: {}}
    ///   ingress: [{action: Allow, from: [{namespaces: {}}]}]
    /// ---
    /// apiVersion: policy.networking.k8s.io/v1alpha1
    /// kind: AdminNetworkPolicy
    /// metadata: {name: deny}
    /// spec:
    ///   priority: 6
    ///   subject: {namespaces: {}}
    ///   ingress: [{action: Deny, from: [{namespaces: {}}]}]
    /// ```
    ///
    /// They agree.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: web, namespace: shop, labels: {app: web}}
    /// spec: {containers: [{name: web, image: registry.example.com/web:1.4.2, ports: [{containerPort: 8080}]}]}
    /// ---
    /// apiVersion: policy.networking.k8s.io/v1alpha1
    /// kind: AdminNetworkPolicy
    /// metadata: {name: one}
    /// spec:
    ///   priority: 5
    ///   subject: {namespaces: {}}
    ///   ingress: [{action: Deny, from: [{namespaces: {}}]}]
    /// ---
    /// apiVersion: policy.networking.k8s.io/v1alpha1
    /// kind: AdminNetworkPolicy
    /// metadata: {name: two}
    /// spec:
    ///   priority: 5
    ///   subject: {namespaces: {}}
    ///   ingress: [{action: Deny, from: [{namespaces: {}}]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Give the policies different priorities.
    EqualPolicyPriorities {
        name: "equal-policy-priorities",
        summary: "Cluster-wide network policies of one priority contradict each other",
        category: NetworkPolicy,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Network separation and hardening")],
    }
}

impl WorldRule for EqualPolicyPriorities {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = false;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let texts = Texts {
            why: "Whether a connection is denied is left to chance.",
            help: "Give the policies different priorities.",
            title: "give the policies different priorities",
        };
        report(context, Self::RULE, Check::EqualPriorities, &texts, findings);
    }
}
