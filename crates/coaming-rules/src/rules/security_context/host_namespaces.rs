//! See [`HostNamespaces`].

use coaming_finding::{Applicability, Finding, RuleMeta, Severity};
use coaming_kube::{Fields as _, Workload};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Pods that share namespaces of the node: `hostPID`, `hostIPC` or `hostNetwork`. One finding
    /// per pod.
    ///
    /// ## Why it matters
    ///
    /// With `hostPID`, an attacker sees every process of the node with its arguments and, through
    /// `/proc`, its environment and files. With `hostNetwork`, they listen where the node listens,
    /// reach what only the node can reach (the kubelet, cloud metadata), and no network policy
    /// applies to them. With `hostIPC`, they read memory that the node's processes share.
    ///
    /// ## Bad
    ///
    /// The pod shares two namespaces of the node.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   hostNetwork: true
    ///   hostPID: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// The network alone has a lower severity.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   hostNetwork: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// The pod shares memory with processes of the node.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   hostIPC: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// By default, a pod has its own namespaces.
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
    /// ```
    ///
    /// The default can be set explicitly.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   hostNetwork: false
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the fields. An agent that monitors the node may need them: keep it in a namespace of
    /// its own, unprivileged, and give the reason in a suppression.
    HostNamespaces {
        name: "host-namespaces",
        summary: "Pod shares the node's namespaces",
        category: SecurityContext,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [
            PssBaseline("hostNamespaces"),
            Cis("5.2.3"),
            Cis("5.2.4"),
            Cis("5.2.5"),
            Nsa("Pod security enforcement"),
            Attack("T1611"),
        ],
    }
}

const NAMESPACES: &[(&str, &str)] = &[
    ("hostPID", "sees all processes of the node, with their environment and files"),
    ("hostIPC", "reads memory that processes of the node share"),
    ("hostNetwork", "reaches everything that the node reaches, past every network policy"),
];

impl PodRule for HostNamespaces {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        // Windows knows neither, and its host processes are always in the node's network.
        let is_host_process = || {
            let contexts = pod.containers().filter_map(|it| it.node().mapping("securityContext"));
            let own = pod.node().mapping("securityContext");
            own.into_iter().chain(contexts).any(|context| {
                context.mapping("windowsOptions").boolean("hostProcess") == Some(true)
            })
        };
        let applies =
            |field: &str| !pod.is_windows() || field == "hostNetwork" && !is_host_process();
        let shared: Vec<_> = NAMESPACES
            .iter()
            .filter(|(field, _)| applies(field))
            .filter_map(|&(field, danger)| {
                let node = pod.node().field(field).filter(|node| node.as_bool() == Some(true))?;
                Some((field, danger, node))
            })
            .collect();
        let Some(&(_, _, first)) = shared.first() else { return };
        let fields: Vec<&str> = shared.iter().map(|(field, _, _)| *field).collect();
        let dangers: Vec<&str> = shared.iter().map(|(_, danger, _)| *danger).collect();
        let message = format!(
            "{} shares the node's namespaces ({})",
            phrases::object(workload.object),
            phrases::list(&fields),
        );
        let edits = shared.iter().map(|(_, _, node)| phrases::remove(*node)).collect();
        let mut draft = context.finding(Self::RULE, workload.object, first, message);
        for (_, _, node) in &shared[1..] {
            draft = draft.at(*node, "");
        }
        let only_network = fields == ["hostNetwork"];
        findings.push(
            draft
                .why(format!("An attacker in the pod {}.", phrases::clauses(&dangers)))
                .help(format!(
                    "Remove {}, unless the pod is an agent that manages the node.",
                    phrases::list(&fields),
                ))
                .severity(if only_network { Severity::Medium } else { Self::RULE.severity })
                .fix(format!("remove {}", phrases::list(&fields)), Applicability::Unsafe, edits)
                .done(),
        );
    }
}
