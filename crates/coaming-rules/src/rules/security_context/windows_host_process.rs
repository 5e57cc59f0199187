//! See [`WindowsHostProcess`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Fields as _, Workload};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for Windows pods that run on the host itself: `windowsOptions.hostProcess: true`.
    ///
    /// ## Why it matters
    ///
    /// Such a container is no container: its processes run on the node, with all of its files.
    ///
    /// ## Bad
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
    /// Remove the field. Agents that manage the node may need it: keep them in a namespace of their
    /// own.
    WindowsHostProcess {
        name: "windows-host-process",
        summary: "Windows host process",
        category: SecurityContext,
        severity: Critical,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [PssBaseline("windowsHostProcess"), Attack("T1611")],
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
            "Pods of {} run on the Windows node itself (`hostProcess: true`): an attacker in them \
             has the node. Remove it.",
            words::object(workload.object),
        );
        let edits = nodes.iter().map(|node| words::remove(*node)).collect();
        let mut draft = context.finding(Self::RULE, workload.object, first, message);
        for node in &nodes[1..] {
            draft = draft.at(*node, "");
        }
        findings.push(draft.fix("remove `hostProcess: true`", Applicability::Unsafe, edits).done());
    }
}
