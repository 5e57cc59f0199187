//! See [`ShareProcessNamespace`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Fields as _, Workload};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for pods with several containers that share one process namespace:
    /// `shareProcessNamespace: true`.
    ///
    /// ## Why it matters
    ///
    /// An attacker in one container reads the others' environment and files through `/proc`, their
    /// secrets included, and may end or take over their processes. A secret that was mounted into one
    /// container alone is then readable from all.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   shareProcessNamespace: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///     - name: helper
    ///       image: registry.example.com/helper:2.0.1
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///     - name: helper
    ///       image: registry.example.com/helper:2.0.1
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the field; to debug, use an ephemeral container.
    ShareProcessNamespace {
        name: "share-process-namespace",
        summary: "Containers of the pod see each other's processes",
        category: SecurityContext,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Pod security enforcement")],
    }
}

impl PodRule for ShareProcessNamespace {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        let Some(node) = pod.node().field("shareProcessNamespace") else { return };
        if node.as_bool() != Some(true) || pod.containers().nth(1).is_none() {
            return;
        }
        let message = format!(
            "Containers of {} see each other's processes (`shareProcessNamespace: true`): an \
             attacker in one reads the environment, files and secrets of all. Remove it.",
            words::object(workload.object),
        );
        let edit = words::remove(node);
        let title = "remove `shareProcessNamespace: true`";
        findings.push(
            context
                .finding(Self::RULE, workload.object, node, message)
                .fix(title, Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
