//! See [`AlwaysAllow`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::{Fields as _, Workload};
use coaming_yaml::Node;

use super::component::{self, Component};
use super::kubelet::Kubelet;
use super::{draft, is_api_server};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// An API server or a kubelet with the authorization mode `AlwaysAllow`. For an API server that is also the
    /// default, without `--authorization-mode` and `--authorization-config`.
    ///
    /// ## Why it matters
    ///
    /// Every client that gets in may do everything. Every pod has a token for the API server, and reaches the
    /// kubelet of its node: with `AlwaysAllow`, an attacker in any container runs commands in all of them.
    ///
    /// ## Bad
    ///
    /// The API server allows everything.
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
    ///         - --authorization-mode=AlwaysAllow
    /// ```
    ///
    /// Without a mode, it does too.
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
    ///         - --anonymous-auth=false
    /// ```
    ///
    /// The kubelet allows everything.
    ///
    /// ```yaml
    /// apiVersion: kubelet.config.k8s.io/v1beta1
    /// kind: KubeletConfiguration
    /// authorization:
    ///   mode: AlwaysAllow
    /// ```
    ///
    /// ## Good
    ///
    /// Nodes and roles decide.
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
    /// A file decides.
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
    ///         - --authorization-config=/etc/kubernetes/authorization.yaml
    /// ```
    ///
    /// The kubelet asks the API server, as it does by default.
    ///
    /// ```yaml
    /// apiVersion: kubelet.config.k8s.io/v1beta1
    /// kind: KubeletConfiguration
    /// authorization:
    ///   mode: Webhook
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `--authorization-mode=Node,RBAC` for the API server, and `authorization.mode: Webhook` in the
    /// kubelet's configuration.
    AlwaysAllow {
        name: "always-allow",
        summary: "Every request is authorized",
        category: Cluster,
        severity: Critical,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Cis("1.2.6"), Cis("4.2.2"), Nsa("Authentication and authorization"), Attack("T1078")],
    }
}

impl PodRule for AlwaysAllow {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        for component in component::in_workload(workload).filter(is_api_server) {
            findings.extend(of_api_server(context, &component));
        }
    }
}

impl ObjectRule for AlwaysAllow {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        if let Some(component) = component::in_object(scope.object) {
            findings.extend(of_api_server(context, &component));
        }
        let Some(kubelet) = Kubelet::of(scope.object) else { return };
        let mode = kubelet.object.node().mapping("authorization").field("mode");
        let Some(mode) = mode.filter(|mode| mode.as_str() == Some("AlwaysAllow")) else { return };
        findings.push(of_kubelet(context, kubelet, mode));
    }
}

fn of_api_server<'a>(context: &Context<'a>, component: &Component<'a>) -> Option<Finding> {
    const FLAG: &str = "authorization-mode";
    let allows = |modes: &str| modes.split(',').any(|mode| mode == "AlwaysAllow");
    let is_default = component.lacks(FLAG) && component.lacks("authorization-config");
    if !is_default && !component.value(FLAG).is_some_and(allows) {
        return None;
    }
    let message = "the API server authorizes every request".to_owned();
    Some(
        draft(context, AlwaysAllow::RULE, component, FLAG, message)
            .why("An attacker in any pod does everything in the cluster with the pod's token.")
            .help("Set `--authorization-mode=Node,RBAC`.")
            .manual("authorize by nodes and roles", "- --authorization-mode=Node,RBAC\n")
            .done(),
    )
}

fn of_kubelet<'a>(context: &Context<'a>, kubelet: Kubelet<'a>, mode: Node<'a>) -> Finding {
    let message = format!("{} authorizes every request", kubelet.title());
    context
        .finding(AlwaysAllow::RULE, kubelet.object, mode, message)
        .why(
            "An attacker who reaches the node's port 10250 runs commands in every container on it.",
        )
        .help("Set `authorization.mode: Webhook`: the API server then decides.")
        .manual("let the API server authorize", "authorization:\n  mode: Webhook\n")
        .done()
}
