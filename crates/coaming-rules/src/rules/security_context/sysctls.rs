//! See [`Sysctls`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Workload;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for kernel parameters outside the set that Kubernetes calls safe.
    ///
    /// ## Why it matters
    ///
    /// Parameters that are not confined to the pod change the node for all its pods; an attacker who
    /// may set them slows down or breaks what runs beside him.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     sysctls:
    ///       - name: kernel.msgmax
    ///         value: "65536"
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
    ///   securityContext:
    ///     sysctls:
    ///       - name: net.ipv4.tcp_syncookies
    ///         value: "1"
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the parameter, or set it on the nodes that need it.
    Sysctls {
        name: "unsafe-sysctls",
        summary: "Unsafe kernel parameters are set",
        category: SecurityContext,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [PssBaseline("sysctls")],
    }
}

/// The parameters that each pod has for itself.
const SAFE: &[&str] = &[
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

impl PodRule for Sysctls {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let Some(security) = workload.pod().security_context() else { return };
        let unsafe_ones: Vec<_> = security
            .sysctls()
            .filter(|(name, _)| !SAFE.contains(&name.replace('/', ".").as_str()))
            .collect();
        let Some(&(_, first)) = unsafe_ones.first() else { return };
        let names: Vec<&str> = unsafe_ones.iter().map(|(name, _)| *name).collect();
        let message = format!(
            "Pods of {} set kernel parameters that are not safe to set ({}): they may change the \
             node for all its pods. Remove them.",
            words::object(workload.object),
            words::list(&names),
        );
        // The last one first: an item's removal moves those after it.
        let edits = unsafe_ones.iter().rev().map(|(_, node)| words::remove(*node)).collect();
        let mut draft = context.finding(Self::RULE, workload.object, first, message);
        for (_, node) in &unsafe_ones[1..] {
            draft = draft.at(*node, "");
        }
        let title = format!("remove {}", words::list(&names));
        findings.push(draft.fix(title, Applicability::Unsafe, edits).done());
    }
}
