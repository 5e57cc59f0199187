//! See [`HostUsers`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Fields as _, Workload};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for pods without a user namespace of their own: `hostUsers: false` makes root in the pod
    /// an ordinary user on the node. Off by default, as clusters before 1.33 can't do it without being
    /// set up for it.
    ///
    /// ## Why it matters
    ///
    /// With a user namespace, whoever leaves the container arrives on the node as nobody. Without, he
    /// arrives as the user he was, often root.
    ///
    /// ## Bad
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
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   hostUsers: false
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `hostUsers: false`. Pods that share the node's network, processes or IPC can't have it.
    HostUsers {
        name: "host-users",
        summary: "Pod shares the node's users",
        category: SecurityContext,
        severity: Low,
        default: false,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Pod security enforcement"), Attack("T1611")],
    }
}

impl PodRule for HostUsers {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        let impossible = pod.host_network() || pod.host_pid() || pod.host_ipc() || pod.is_windows();
        if impossible || pod.node().boolean("hostUsers") == Some(false) {
            return;
        }
        let message = format!(
            "Pods of {} share the node's users: whoever leaves a container arrives on the node as \
             the user he was there. Set `hostUsers: false`.",
            words::object(workload.object),
        );
        let edit = words::set(pod.node(), &["hostUsers"], false);
        let node = pod.node().field("hostUsers").unwrap_or(pod.node());
        findings.push(
            context
                .finding(Self::RULE, workload.object, node, message)
                .fix("set `hostUsers: false`", Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
