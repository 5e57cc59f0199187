//! See [`HostNamespaces`].

use coaming_finding::{Applicability, Finding, RuleMeta, Severity};
use coaming_kube::{Fields as _, Workload};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for pods that share the node's namespaces: `hostPID`, `hostIPC`, `hostNetwork`. One
    /// finding a pod.
    ///
    /// ## Why it matters
    ///
    /// With `hostPID` an attacker sees every process of the node with its arguments, and through
    /// `/proc` their environment and files. With `hostNetwork` he listens where the node listens,
    /// reaches what only the node may reach (the kubelet, cloud metadata), and no network policy
    /// holds him. With `hostIPC` he reads memory that the node's processes share.
    ///
    /// ## Bad
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
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the fields. An agent that watches the node may need them: keep it in a namespace of
    /// its own, unprivileged, and say why in a suppression.
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
    ("hostPID", "sees all the node's processes, with their environment and files"),
    ("hostIPC", "reads the memory that the node's processes share"),
    ("hostNetwork", "reaches all that the node reaches, past every network policy"),
];

impl PodRule for HostNamespaces {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        let shared: Vec<_> = NAMESPACES
            .iter()
            .filter_map(|&(field, danger)| {
                let node = pod.node().field(field).filter(|node| node.as_bool() == Some(true))?;
                Some((field, danger, node))
            })
            .collect();
        let Some(&(_, _, first)) = shared.first() else { return };
        let fields: Vec<&str> = shared.iter().map(|(field, _, _)| *field).collect();
        let dangers: Vec<String> =
            shared.iter().map(|(_, danger, _)| (*danger).to_owned()).collect();
        let message = format!(
            "Pods of {} share the node's namespaces ({}): an attacker in them {}. Only an agent \
             that manages the node needs that.",
            words::object(workload.object),
            words::list(&fields),
            words::and(&dangers),
        );
        let edits = shared.iter().map(|(_, _, node)| words::remove(*node)).collect();
        let mut draft = context.finding(Self::RULE, workload.object, first, message);
        for (_, _, node) in &shared[1..] {
            draft = draft.at(*node, "");
        }
        let only_network = fields == ["hostNetwork"];
        findings.push(
            draft
                .severity(if only_network { Severity::Medium } else { Self::RULE.severity })
                .fix(format!("remove {}", words::list(&fields)), Applicability::Unsafe, edits)
                .done(),
        );
    }
}
