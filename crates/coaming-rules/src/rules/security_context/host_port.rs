//! See [`HostPort`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::rules::security_context::host_namespaces::HostNamespaces;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Container ports that are opened on the node itself: `hostPort`. A pod with `hostNetwork` is
    /// in the node's network as a whole, which `host-namespaces` reports.
    ///
    /// ## Why it matters
    ///
    /// The port is open to everyone who can reach the node, past Services and Ingresses and, with
    /// most network plugins, past network policies.
    ///
    /// ## Bad
    ///
    /// The port is open on every node that runs the pod.
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
    ///       ports:
    ///         - containerPort: 8080
    ///           hostPort: 8080
    /// ```
    ///
    /// Several ports of a container are one finding.
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
    ///       ports:
    ///         - containerPort: 6700
    ///           hostPort: 6700
    ///         - containerPort: 6701
    ///           hostPort: 6701
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
    ///       ports:
    ///         - containerPort: 8080
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove `hostPort`, and reach the pod through a Service.
    HostPort {
        name: "host-port",
        summary: "Container opens a port on the node",
        category: SecurityContext,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [PssBaseline("hostPorts"), Cis("5.2.12")],
    }
}

impl ContainerRule for HostPort {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        if scope.pod.host_network() && context.enabled::<HostNamespaces>() {
            return;
        }
        let ports: Vec<_> = scope
            .container
            .ports()
            .filter_map(|port| Some((port.host_port()?, port.node().field("hostPort")?)))
            .collect();
        let Some(&(_, first)) = ports.first() else { return };
        let numbers: Vec<String> = ports.iter().map(|(number, _)| number.to_string()).collect();
        let message = format!(
            "{} opens {} {} on the node",
            phrases::container(scope),
            phrases::plural(ports.len(), "port", "ports"),
            phrases::and(&numbers),
        );
        let edits = ports.iter().map(|(_, node)| phrases::remove(*node)).collect();
        let mut draft = context
            .container_finding(Self::RULE, scope, first, message)
            .why(
                "Everyone who can reach the node can reach the container, past Services and most \
                 network policies.",
            )
            .help("Remove `hostPort`, and use a Service.");
        for (_, node) in &ports[1..] {
            draft = draft.at(*node, "");
        }
        findings.push(draft.fix("remove `hostPort`", Applicability::Unsafe, edits).done());
    }
}
