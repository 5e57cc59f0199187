//! See [`WindowsHostProcess`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Fields as _, Workload};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Windows pods that run on the node itself: `windowsOptions.hostProcess: true`, in the pod or
    /// in a container.
    ///
    /// ## Why it matters
    ///
    /// A host process container is not isolated: its processes run on the node, with access to all
    /// files of the node.
    ///
    /// ## Bad
    ///
    /// The setting of the pod applies to all its containers.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   os:
    ///     name: windows
    ///   hostNetwork: true
    ///   securityContext:
    ///     windowsOptions:
    ///       hostProcess: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// A single container runs as a host process.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   os:
    ///     name: windows
    ///   hostNetwork: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         windowsOptions:
    ///           hostProcess: true
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
    ///   os:
    ///     name: windows
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the field. Agents that manage the node may need it: keep them in a namespace of
    /// their own.
    WindowsHostProcess {
        name: "windows-host-process",
        summary: "Pod runs as a Windows host process",
        category: SecurityContext,
        severity: Critical,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [PssBaseline("windowsHostProcess"), Cis("5.2.10"), Attack("T1611")],
    }
}

impl PodRule for WindowsHostProcess {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        let pods = pod.security_context().and_then(|security| security.windows_options());
        let containers = pod
            .containers()
            .filter_map(|container| container.security_context()?.windows_options());
        let nodes: Vec<_> = pods
            .into_iter()
            .chain(containers)
            .filter_map(|options| options.field("hostProcess"))
            .filter(|node| node.as_bool() == Some(true))
            .collect();
        let Some(&first) = nodes.first() else { return };
        let message = format!(
            "{} runs as a Windows host process (`hostProcess: true`)",
            phrases::object(workload.object),
        );
        let edits = nodes.iter().map(|node| phrases::remove(*node)).collect();
        let mut draft = context
            .finding(Self::RULE, workload.object, first, message)
            .why("An attacker in the pod controls the node.")
            .help("Remove `hostProcess`, unless the pod is an agent that manages the node.");
        for node in &nodes[1..] {
            draft = draft.at(*node, "");
        }
        findings.push(draft.fix("remove `hostProcess: true`", Applicability::Unsafe, edits).done());
    }
}
