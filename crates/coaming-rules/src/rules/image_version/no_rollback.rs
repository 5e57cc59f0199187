//! See [`NoRollback`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Fields as _, Workload};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for workloads that keep no earlier revision: `revisionHistoryLimit: 0`.
    ///
    /// ## Why it matters
    ///
    /// When a new version turns out to be broken or taken over, `kubectl rollout undo` is the
    /// fastest way out, and it needs a revision to go back to.
    ///
    /// ## Bad
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
    /// ## Good
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
    /// ## Fix
    ///
    /// Leave the field out (Kubernetes then keeps ten revisions) or keep a few.
    NoRollback {
        name: "no-rollback",
        summary: "No earlier revision is kept to go back to",
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
            "{} keeps no earlier revision (`revisionHistoryLimit: 0`): when a version turns out \
             broken or taken over, `kubectl rollout undo` has nothing to go back to. Keep a few.",
            words::object(workload.object),
        );
        let edit = words::remove(node);
        findings.push(
            context
                .finding(Self::RULE, workload.object, node, message)
                .fix("keep the default of ten revisions", Applicability::Safe, vec![edit])
                .done(),
        );
    }
}
