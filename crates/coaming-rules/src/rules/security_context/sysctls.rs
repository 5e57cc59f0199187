//! See [`Sysctls`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Workload;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Kernel parameters (sysctls) outside the set that Kubernetes considers safe.
    ///
    /// ## Why it matters
    ///
    /// A parameter that is not limited to the pod changes the node for all its pods. An attacker
    /// who can set it slows down or breaks whatever else runs there.
    ///
    /// ## Bad
    ///
    /// The parameter is not limited to the pod.
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
    /// Several parameters are one finding.
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
    ///       - name: vm.overcommit_memory
    ///         value: "1"
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// The parameter is limited to the pod.
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
    /// A name may have slashes instead of dots.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     sysctls:
    ///       - name: net/ipv4/tcp_syncookies
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
        summary: "Pod sets unsafe sysctls",
        category: SecurityContext,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [PssBaseline("sysctls")],
    }
}

/// The sysctls that are limited to a pod.
pub const SAFE_SYSCTLS: &[&str] = &[
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
            .filter(|(name, _)| !SAFE_SYSCTLS.contains(&name.replace('/', ".").as_str()))
            .collect();
        let Some(&(_, first)) = unsafe_ones.first() else { return };
        let names: Vec<&str> = unsafe_ones.iter().map(|(name, _)| *name).collect();
        let message = format!(
            "{} sets the unsafe {} {}",
            phrases::object(workload.object),
            phrases::plural(names.len(), "sysctl", "sysctls"),
            phrases::list(&names),
        );
        // The last one first, because removing an item moves those after it.
        let edits = unsafe_ones.iter().rev().map(|(_, node)| phrases::remove(*node)).collect();
        let mut draft = context
            .finding(Self::RULE, workload.object, first, message)
            .why(
                "Such a parameter can change the node for all its pods, which lets an attacker slow \
                 down or break them.",
            )
            .help(format!(
                "Remove {}, or set {} on the nodes that need {1}.",
                phrases::list(&names),
                phrases::plural(names.len(), "it", "them"),
            ));
        for (_, node) in &unsafe_ones[1..] {
            draft = draft.at(*node, "");
        }
        let title = format!("remove {}", phrases::list(&names));
        findings.push(draft.fix(title, Applicability::Unsafe, edits).done());
    }
}
