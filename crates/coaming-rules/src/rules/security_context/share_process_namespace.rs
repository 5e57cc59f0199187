//! See [`ShareProcessNamespace`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Fields as _, Workload};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Pods with several containers that share one process namespace:
    /// `shareProcessNamespace: true`.
    ///
    /// ## Why it matters
    ///
    /// Through `/proc`, an attacker in one container reads the environment and files of the
    /// others, including their secrets, and can end or take over their processes. A secret that is
    /// mounted into one container alone can then be read from all of them.
    ///
    /// ## Bad
    ///
    /// Two containers see each other's processes.
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
    /// An init container with `restartPolicy: Always` runs next to the others.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   shareProcessNamespace: true
    ///   initContainers:
    ///     - name: setup
    ///       image: registry.example.com/setup:1.4.2
    ///       restartPolicy: Always
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// By default, each container has its own process namespace.
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
    /// A single container has nobody to share with.
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
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the field. For debugging, use an ephemeral container.
    ShareProcessNamespace {
        name: "share-process-namespace",
        summary: "Containers share a process namespace",
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
            "containers of {} share a process namespace (`shareProcessNamespace: true`)",
            phrases::object(workload.object),
        );
        let edit = phrases::remove(node);
        let title = "remove `shareProcessNamespace: true`";
        findings.push(
            context
                .finding(Self::RULE, workload.object, node, message)
                .why(
                    "An attacker in one container reads the environment, files and secrets of all \
                     others.",
                )
                .help("Remove `shareProcessNamespace`.")
                .fix(title, Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
