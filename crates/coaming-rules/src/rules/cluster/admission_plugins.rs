//! See [`AdmissionPlugins`].

use coaming_finding::Finding;

use super::component::Component;
use super::{component_rule, draft, is_api_server};
use crate::Context;
use crate::rule::{BuiltIn as _, rule};

rule! {
    /// ## What it looks for
    ///
    /// An API server without the admission plugin `NodeRestriction`, which is not on by default, or with
    /// `--disable-admission-plugins` for a plugin that protects the cluster: `NamespaceLifecycle`,
    /// `ServiceAccount`, `PodSecurity`, `ValidatingAdmissionPolicy`, `ValidatingAdmissionWebhook`, or those that
    /// watch over certificates.
    ///
    /// ## Why it matters
    ///
    /// Without `NodeRestriction`, the credentials of one node change every other node and every pod: an attacker
    /// who gets out of a container labels the node so that pods with secrets come to it. A plugin that is disabled
    /// refuses nothing and says nothing: the labels of Pod Security and all policies look as if they held.
    ///
    /// ## Bad
    ///
    /// Nodes are not restricted.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: kube-apiserver, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: kube-apiserver
    ///       image: registry.k8s.io/kube-apiserver:v1.34.2
    ///       command:
    ///         - kube-apiserver
    ///         - --authorization-mode=Node,RBAC
    /// ```
    ///
    /// The labels of Pod Security have no effect.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: kube-apiserver, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: kube-apiserver
    ///       image: registry.k8s.io/kube-apiserver:v1.34.2
    ///       command:
    ///         - kube-apiserver
    ///         - --enable-admission-plugins=NodeRestriction
    ///         - --disable-admission-plugins=PodSecurity
    /// ```
    ///
    /// ## Good
    ///
    /// Nodes are restricted, and the defaults are on.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: kube-apiserver, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: kube-apiserver
    ///       image: registry.k8s.io/kube-apiserver:v1.34.2
    ///       command:
    ///         - kube-apiserver
    ///         - --enable-admission-plugins=NodeRestriction
    /// ```
    ///
    /// A plugin that only fills in defaults is disabled.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: kube-apiserver, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: kube-apiserver
    ///       image: registry.k8s.io/kube-apiserver:v1.34.2
    ///       command:
    ///         - kube-apiserver
    ///         - --enable-admission-plugins=NodeRestriction,AlwaysPullImages
    ///         - --disable-admission-plugins=DefaultStorageClass
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `--enable-admission-plugins=NodeRestriction`, and take the named plugin out of
    /// `--disable-admission-plugins`.
    AdmissionPlugins {
        name: "admission-plugins",
        summary: "API server runs without an admission plugin that protects the cluster",
        category: Cluster,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Cis("1.2.12"), Cis("1.2.13"), Cis("1.2.14"), Attack("T1078")],
    }
}

component_rule!(AdmissionPlugins);

const ENABLED: &str = "enable-admission-plugins";
const DISABLED: &str = "disable-admission-plugins";
const NODE_RESTRICTION: &str = "NodeRestriction";

/// Plugins that are on by default, and what an attacker gains where they are not.
const PROTECTING: &[(&str, &str)] = &[
    (
        "NamespaceLifecycle",
        "Objects are created in namespaces that are being deleted, or that do not exist.",
    ),
    (
        "ServiceAccount",
        "Pods run as accounts that do not exist: who creates the account later has their rights.",
    ),
    (
        "PodSecurity",
        "The labels of Pod Security on namespaces have no effect: privileged pods are accepted.",
    ),
    (
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicies have no effect: what they refuse is accepted.",
    ),
    ("ValidatingAdmissionWebhook", "No webhook is asked: what policies refuse is accepted."),
    (
        "CertificateApproval",
        "Who may update requests for certificates approves them, for any signer.",
    ),
    ("CertificateSigning", "Who may update requests for certificates signs them, for any signer."),
    (
        "CertificateSubjectRestriction",
        "A request for a certificate of the group `system:masters` is accepted.",
    ),
];

fn judge<'a>(context: &Context<'a>, component: &Component<'a>, findings: &mut Vec<Finding>) {
    if !is_api_server(component) {
        return;
    }
    let names =
        |flag, plugin: &str| component.values(flag).flat_map(names_in).any(|name| name == plugin);
    let is_restricted = names(ENABLED, NODE_RESTRICTION) && !names(DISABLED, NODE_RESTRICTION);
    // A list that is absent is evidence only where all flags are known.
    let is_known = component.value(ENABLED).is_some() || component.lacks(ENABLED);
    if is_known && !is_restricted {
        let message = "the API server does not restrict what nodes may change".to_owned();
        let others = component.values(ENABLED).flat_map(names_in);
        let others = others.filter(|name| *name != NODE_RESTRICTION);
        let all = others.chain([NODE_RESTRICTION]).collect::<Vec<_>>().join(",");
        findings.push(
            draft(context, AdmissionPlugins::RULE, component, ENABLED, message)
                .why("An attacker with the credentials of one node changes every node and every pod.")
                .help(format!("Add `{NODE_RESTRICTION}` to `--{ENABLED}`."))
                .manual("restrict nodes", format!("- --{ENABLED}={all}\n"))
                .done(),
        );
    }
    for (plugin, why) in PROTECTING.iter().filter(|(plugin, _)| names(DISABLED, plugin)) {
        let message = format!("the API server's admission plugin `{plugin}` is disabled");
        let others = component.values(DISABLED).flat_map(names_in).filter(|name| name != plugin);
        let rest = others.collect::<Vec<_>>().join(",");
        findings.push(
            draft(context, AdmissionPlugins::RULE, component, DISABLED, message)
                .why(*why)
                .help(format!("Take `{plugin}` out of `--{DISABLED}`."))
                .manual(format!("enable `{plugin}`"), format!("- --{DISABLED}={rest}\n"))
                .done(),
        );
    }
}

/// The names in a list of plugins.
fn names_in(plugins: &str) -> impl Iterator<Item = &str> {
    plugins.split([',', ' ']).filter(|name| !name.is_empty())
}
