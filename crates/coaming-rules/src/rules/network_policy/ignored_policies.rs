//! See [`IgnoredPolicies`].

use coaming_finding::{Finding, RuleMeta};
use coaming_network::{Enforcement, enforcement};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// NetworkPolicies in a cluster whose network plugin does not apply them: flannel without a policy controller,
    /// the VPC CNI of AWS whose policy agent is switched off, `kindnet` before kind 0.24, k3s with
    /// `--disable-network-policy`.
    ///
    /// ## Why it matters
    ///
    /// The API server accepts the policies, and every tool shows them, but no packet is ever dropped: each pod
    /// reaches all others.
    ///
    /// ## Bad
    ///
    /// Flannel connects pods, and does nothing else.
    ///
    /// ```yaml
    /// apiVersion: apps/v1
    /// kind: DaemonSet
    /// metadata: {name: kube-flannel-ds, namespace: kube-system}
    /// spec:
    ///   selector: {matchLabels: {app: kube-flannel-ds}}
    ///   template:
    ///     metadata: {labels: {app: kube-flannel-ds}}
    ///     spec:
    ///       containers:
    ///         - {name: kube-flannel-ds, image: 'ghcr.io/flannel-io/flannel:v0.26.1'}
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: web, namespace: shop}
    /// spec:
    ///   podSelector: {matchLabels: {app: web}}
    ///   policyTypes: [Ingress]
    /// ```
    ///
    /// The agent of AWS is switched off.
    ///
    /// ```yaml
    /// apiVersion: apps/v1
    /// kind: DaemonSet
    /// metadata: {name: aws-node, namespace: kube-system}
    /// spec:
    ///   selector: {matchLabels: {app: aws-node}}
    ///   template:
    ///     metadata: {labels: {app: aws-node}}
    ///     spec:
    ///       containers:
    ///         - {name: aws-node, image: '602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon/aws-network-policy-agent:v1.2.1', args: ['--enable-network-policy=false']}
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: web, namespace: shop}
    /// spec:
    ///   podSelector: {matchLabels: {app: web}}
    ///   policyTypes: [Ingress]
    /// ```
    ///
    /// ## Good
    ///
    /// Cilium applies policies.
    ///
    /// ```yaml
    /// apiVersion: apps/v1
    /// kind: DaemonSet
    /// metadata: {name: cilium, namespace: kube-system}
    /// spec:
    ///   selector: {matchLabels: {app: cilium}}
    ///   template:
    ///     metadata: {labels: {app: cilium}}
    ///     spec:
    ///       containers:
    ///         - {name: cilium, image: 'quay.io/cilium/cilium:v1.18.1'}
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: web, namespace: shop}
    /// spec:
    ///   podSelector: {matchLabels: {app: web}}
    ///   policyTypes: [Ingress]
    /// ```
    ///
    /// Flannel connects, and another program applies policies.
    ///
    /// ```yaml
    /// apiVersion: apps/v1
    /// kind: DaemonSet
    /// metadata: {name: kube-flannel-ds, namespace: kube-system}
    /// spec:
    ///   selector: {matchLabels: {app: kube-flannel-ds}}
    ///   template:
    ///     metadata: {labels: {app: kube-flannel-ds}}
    ///     spec:
    ///       containers:
    ///         - {name: kube-flannel-ds, image: 'ghcr.io/flannel-io/flannel:v0.26.1'}
    /// ---
    /// apiVersion: apps/v1
    /// kind: DaemonSet
    /// metadata: {name: kube-network-policies, namespace: kube-system}
    /// spec:
    ///   selector: {matchLabels: {app: kube-network-policies}}
    ///   template:
    ///     metadata: {labels: {app: kube-network-policies}}
    ///     spec:
    ///       containers:
    ///         - {name: kube-network-policies, image: 'registry.k8s.io/networking/kube-network-policies:v1.0.0'}
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: web, namespace: shop}
    /// spec:
    ///   podSelector: {matchLabels: {app: web}}
    ///   policyTypes: [Ingress]
    /// ```
    ///
    /// Without policies, nothing is ignored.
    ///
    /// ```yaml
    /// apiVersion: apps/v1
    /// kind: DaemonSet
    /// metadata: {name: kube-flannel-ds, namespace: kube-system}
    /// spec:
    ///   selector: {matchLabels: {app: kube-flannel-ds}}
    ///   template:
    ///     metadata: {labels: {app: kube-flannel-ds}}
    ///     spec:
    ///       containers:
    ///         - {name: kube-flannel-ds, image: 'ghcr.io/flannel-io/flannel:v0.26.1'}
    /// ```
    ///
    /// ## Fix
    ///
    /// Add a program that applies policies beside the plugin (`kube-network-policies`, Calico's policy engine), switch
    /// the agent of the plugin on, or move to a plugin that has one.
    ///
    /// ## Limits
    ///
    /// Plugins are known by their DaemonSets. A plugin that is started in another way is not known, which a scan
    /// of a live cluster says in a note.
    IgnoredPolicies {
        name: "ignored-policies",
        summary: "Network plugin ignores network policies",
        category: NetworkPolicy,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Cis("5.3.1"), Nsa("Network separation and hardening"), Attack("T1046")],
    }
}

impl WorldRule for IgnoredPolicies {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = false;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let policies = context.world.of_kind("NetworkPolicy");
        let count = policies.filter(|policy| policy.group() == "networking.k8s.io").count();
        let Enforcement::Ignored(plugin) = enforcement(context.world) else { return };
        if count == 0 {
            return;
        }
        let policies = phrases::plural(count, "NetworkPolicy", "NetworkPolicies");
        let message = format!("{} ignores {count} {policies}", phrases::object(plugin));
        findings.push(
            context
                .finding(Self::RULE, plugin, plugin.node(), message)
                .why("No packet is dropped: an attacker in one pod reaches all others.")
                .help("Add a program that applies policies, or switch on that of the plugin.")
                .manual(
                    "apply the policies",
                    "# See https://github.com/kubernetes-sigs/kube-network-policies\n",
                )
                .done(),
        );
    }
}
