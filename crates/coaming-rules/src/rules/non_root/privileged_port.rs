//! See [`PrivilegedPort`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Container, ContainerPort, Fields as _};

use super::image_is_root;
use super::port_move::{PortMove, high_port};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for container ports below 1024 in containers that may run as root: on most nodes only
    /// root (or `NET_BIND_SERVICE`) may listen there, so that such a port is often the only reason
    /// to run as root.
    ///
    /// ## Why it matters
    ///
    /// A port number is no reason to hand an attacker root: inside the cluster nobody sees the
    /// container's port, only the Service's, and a Service maps any port to any other.
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
    ///       ports:
    ///         - containerPort: 80
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   labels:
    ///     app: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       ports:
    ///         - containerPort: 8080
    /// ---
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     app: web
    ///   ports:
    ///     - port: 80
    ///       targetPort: 8080
    /// ```
    ///
    /// ## Fix
    ///
    /// Have the application listen on a port above 1023 and let the Service's `targetPort` lead
    /// there. The fix changes the manifests together (Services, probes, network policies); the application's own configuration must
    /// follow.
    PrivilegedPort {
        name: "privileged-port",
        summary: "Container port below 1024 asks for root",
        category: NonRoot,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Non-root containers")],
    }
}

impl ContainerRule for PrivilegedPort {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        if !speaks_of(scope) {
            return;
        }
        let image_is_root = image_is_root(context, scope);
        if image_is_root == Some(false) {
            return;
        }
        if image_is_root == Some(true) && scope.container.ports().next().is_none() {
            findings.extend(exposed(context, scope));
        }
        for port in scope.container.ports() {
            let Some(number) = port.container_port().filter(|port| (1..1024).contains(port)) else {
                continue;
            };
            findings.push(finding(context, scope, port, number));
        }
    }
}

/// Whether this rule moves the low ports of a container.
pub(crate) fn speaks_of(scope: ContainerScope<'_>) -> bool {
    !(scope.effective.is_non_root() || may_bind(scope) || scope.pod.host_network())
}

/// Whether a container says that it listens on a port below 1024.
pub(crate) fn has_low_port(container: Container<'_>) -> bool {
    container
        .ports()
        .filter_map(ContainerPort::container_port)
        .any(|port| (1..1024).contains(&port))
}

/// The port below 1024 that an image listens on, which the manifest does not tell.
fn exposed(context: &Context<'_>, scope: ContainerScope<'_>) -> Option<Finding> {
    let ports = &context.image_facts(scope)?.config.exposed_ports;
    let low = ports.iter().find_map(|port| {
        let number = port.split('/').next()?.parse::<i64>().ok()?;
        (1..1024).contains(&number).then_some(number)
    })?;
    let high = high_port(scope.pod.containers(), low);
    let message = format!(
        "The image of {} runs as root and exposes port {low}, which is below 1024, where on most \
         nodes only root may listen. Let it listen on {high} and run as another user; a Service \
         with `targetPort: {high}` can go on offering {low}.",
        words::container(scope),
    );
    Some(
        context
            .container_finding(PrivilegedPort::RULE, scope, context.image_node(scope), message)
            .manual(format!("listen on {high}"), format!("EXPOSE {high}\nUSER 10001"))
            .done(),
    )
}

/// Whether a process may listen on low ports without being root.
fn may_bind(scope: ContainerScope<'_>) -> bool {
    let adds = scope
        .container
        .security_context()
        .and_then(|security| security.capabilities())
        .is_some_and(|capabilities| {
            capabilities.add().any(|name| matches!(name, "NET_BIND_SERVICE" | "ALL"))
        });
    let unprivileged = scope.pod.security_context().is_some_and(|security| {
        security.sysctls().any(|(name, _)| name == "net.ipv4.ip_unprivileged_port_start")
    });
    adds || unprivileged
}

fn finding<'a>(
    context: &Context<'a>,
    scope: ContainerScope<'a>,
    port: ContainerPort<'a>,
    number: i64,
) -> Finding {
    let node = port.node().field("containerPort").unwrap_or(port.node());
    let moved = PortMove::new(context, scope, port, number);
    let high = moved.high;
    let who = words::container(scope);
    let mut message = format!(
        "Port {number} of {who} is below 1024, where on most nodes only root may listen. ",
    );
    message += &match moved.services.first() {
        Some((service, target)) => format!(
            "Listen on {high}; Service `{}` can go on offering port {} and lead there by \
             `targetPort: {high}`.",
            service.name(),
            target.port().unwrap_or(number),
        ),
        None => format!("Listen on {high}; a Service with `targetPort: {high}` can map it."),
    };
    if let Some(silent) = moved.silent {
        message += &format!(
            " The Service leads to {} `{}` as well, which doesn't say on which port it listens: move both.",
            silent.object.kind(),
            silent.object.name(),
        );
    }
    let mut draft = context.container_finding(PrivilegedPort::RULE, scope, node, message);
    for (service, target) in &moved.services {
        draft = draft.also(context, *service, target.node(), "this Service leads to it");
    }
    let title = format!("listen on {high}, and have Services and probes lead there");
    if moved.silent.is_some() {
        return draft.manual(title, format!("containerPort: {high}\ntargetPort: {high}")).done();
    }
    draft.fix_all(title, Applicability::Unsafe, moved.edits(context)).done()
}
