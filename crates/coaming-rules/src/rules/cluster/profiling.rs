//! See [`Profiling`].

use coaming_finding::Finding;

use super::component::{Component, Task};
use super::{component_rule, draft};
use crate::Context;
use crate::rule::{BuiltIn as _, rule};

rule! {
    /// ## What it looks for
    ///
    /// A `kube-apiserver`, `kube-controller-manager` or `kube-scheduler` without `--profiling=false`: profiling is
    /// on by default.
    ///
    /// ## Why it matters
    ///
    /// Anyone who may read `/debug/pprof` can make the process trace itself, which slows it down, and sees what it
    /// works on. It is needed to find a bug in Kubernetes, not to run it.
    ///
    /// ## Bad
    ///
    /// The default is on.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: kube-scheduler, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: kube-scheduler
    ///       image: registry.k8s.io/kube-scheduler:v1.34.2
    ///       command:
    ///         - kube-scheduler
    ///         - --leader-elect=true
    /// ```
    ///
    /// It is switched on.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: kube-controller-manager, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: kube-controller-manager
    ///       image: registry.k8s.io/kube-controller-manager:v1.34.2
    ///       command:
    ///         - kube-controller-manager
    ///         - --profiling=true
    /// ```
    ///
    /// ## Good
    ///
    /// It is switched off.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: kube-scheduler, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: kube-scheduler
    ///       image: registry.k8s.io/kube-scheduler:v1.34.2
    ///       command:
    ///         - kube-scheduler
    ///         - --profiling=false
    /// ```
    ///
    /// A configuration file may switch it off.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: kube-scheduler, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: kube-scheduler
    ///       image: registry.k8s.io/kube-scheduler:v1.34.2
    ///       command:
    ///         - kube-scheduler
    ///         - --config=/etc/kubernetes/scheduler.yaml
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `--profiling=false`. A scheduler with a configuration file needs `enableProfiling: false` there.
    Profiling {
        name: "profiling",
        summary: "Component serves profiles of itself",
        category: Cluster,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Cis("1.2.15"), Cis("1.3.2"), Cis("1.4.1"), Attack("T1499")],
    }
}

component_rule!(Profiling);

fn judge<'a>(context: &Context<'a>, component: &Component<'a>, findings: &mut Vec<Finding>) {
    const FLAG: &str = "profiling";
    let is_on = component.value(FLAG) == Some("true") || component.lacks(FLAG);
    if component.task == Task::Etcd || !is_on {
        return;
    }
    let message = format!("`{}` serves profiles of itself", component.task.program());
    findings.push(
        draft(context, Profiling::RULE, component, FLAG, message)
            .why("A client with the right to read `/debug/pprof` slows the process down and sees what it does.")
            .help("Set `--profiling=false`.")
            .manual("switch profiling off", "- --profiling=false\n")
            .done(),
    );
}
