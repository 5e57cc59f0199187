//! See [`NoRollback`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Fields as _, Workload};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Workloads that keep no earlier revision: `revisionHistoryLimit: 0`, in Deployments,
    /// StatefulSets and DaemonSets.
    ///
    /// ## Why it matters
    ///
    /// When a new version turns out to be broken or compromised, `kubectl rollout undo` is the
    /// fastest way back, and it needs an earlier revision.
    ///
    /// ## Bad
    ///
    /// A Deployment keeps no earlier ReplicaSet.
    ///
    /// ```yaml
    /// apiVersion: apps/v1
    /// kind: Deployment
    /// metadata:
    ///   name: web
    /// spec:
    ///   revisionHistoryLimit: 0
    ///   selector: {matchLabels: {app: web}}
    ///   template:
    ///     metadata: {labels: {app: web}}
    ///     spec:
    ///       containers:
    ///         - name: web
    ///           image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// A DaemonSet keeps no earlier ControllerRevision.
    ///
    /// ```yaml
    /// apiVersion: apps/v1
    /// kind: DaemonSet
    /// metadata:
    ///   name: web
    /// spec:
    ///   revisionHistoryLimit: 0
    ///   selector: {matchLabels: {app: web}}
    ///   template:
    ///     metadata: {labels: {app: web}}
    ///     spec:
    ///       containers:
    ///         - name: web
    ///           image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// A few revisions are enough.
    ///
    /// ```yaml
    /// apiVersion: apps/v1
    /// kind: Deployment
    /// metadata:
    ///   name: web
    /// spec:
    ///   revisionHistoryLimit: 3
    ///   selector: {matchLabels: {app: web}}
    ///   template:
    ///     metadata: {labels: {app: web}}
    ///     spec:
    ///       containers:
    ///         - name: web
    ///           image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// By default, Kubernetes keeps ten revisions.
    ///
    /// ```yaml
    /// apiVersion: apps/v1
    /// kind: Deployment
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector: {matchLabels: {app: web}}
    ///   template:
    ///     metadata: {labels: {app: web}}
    ///     spec:
    ///       containers:
    ///         - name: web
    ///           image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the field, or keep a few revisions. The fix is safe because the field has no effect
    /// on pods: only old ReplicaSets without pods are kept.
    NoRollback {
        name: "no-rollback",
        summary: "Workload keeps no earlier revision",
        category: ImageVersion,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [],
    }
}

impl PodRule for NoRollback {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let Some(node) = workload.object.spec().field("revisionHistoryLimit") else { return };
        if node.as_int() != Some(0) {
            return;
        }
        let message = format!(
            "{} keeps no earlier revision (`revisionHistoryLimit: 0`)",
            phrases::object(workload.object),
        );
        let edit = phrases::remove(node);
        findings.push(
            context
                .finding(Self::RULE, workload.object, node, message)
                .why(
                    "When a version turns out to be broken or compromised, \
                     `kubectl rollout undo` has nothing to go back to.",
                )
                .help("Remove the field to keep the default of ten revisions, or keep a few.")
                .fix("keep the default of ten revisions", Applicability::Safe, vec![edit])
                .done(),
        );
    }
}
