//! See [`HostUsers`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Fields as _, Workload};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Pods without a user namespace of their own. With `hostUsers: false`, root in the pod is an
    /// ordinary user on the node. The rule is off by default, because clusters before Kubernetes
    /// 1.33 do not support this without being set up for it.
    ///
    /// ## Why it matters
    ///
    /// With a user namespace, an attacker who breaks out of a container has no rights on the node.
    /// Without one, they have the rights of the user they were in the container, often root.
    ///
    /// ## Bad
    ///
    /// By default, a pod uses the users of the node.
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
    /// The default is set explicitly.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   hostUsers: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// Root in the pod is an ordinary user on the node.
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
    /// A pod in the node's network cannot have a user namespace.
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
    /// ## Fix
    ///
    /// Set `hostUsers: false`. Pods that share the network, processes or IPC of the node cannot
    /// have a user namespace.
    ///
    /// ## Limits
    ///
    /// Whether the nodes' kernel, container runtime and file systems support user namespaces is
    /// not visible in a manifest.
    HostUsers {
        name: "host-users",
        summary: "Pod has no user namespace",
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
        let message =
            format!("{} has no user namespace of its own", phrases::object(workload.object));
        let edit = phrases::set(pod.node(), &["hostUsers"], false);
        let node = pod.node().field("hostUsers").unwrap_or(pod.node());
        findings.push(
            context
                .finding(Self::RULE, workload.object, node, message)
                .why(
                    "An attacker who breaks out of a container has the same user ID on the node, \
                     often that of root.",
                )
                .help("Set `hostUsers: false`.")
                .fix("set `hostUsers: false`", Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
