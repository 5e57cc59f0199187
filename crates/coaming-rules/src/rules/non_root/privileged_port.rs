//! See [`PrivilegedPort`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Container, ContainerPort, Fields as _, capability_name};

use super::image_is_root;
use super::image_users::{low_ports, unprivileged_ports};
use super::port_move::{PortMove, high_port};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Container ports below 1024 in containers that may run as root. On most nodes, only root or
    /// a process with the capability `NET_BIND_SERVICE` can listen there, so the port is often the
    /// only reason to run as root. If the image was inspected (see `--images`), the ports that it
    /// exposes count where the container declares none.
    ///
    /// ## Why it matters
    ///
    /// A port number is not worth giving an attacker root. Inside the cluster, clients only see
    /// the port of the Service, and a Service maps any port to any other.
    ///
    /// ## Bad
    ///
    /// Nothing tells the application its port.
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
    /// A Service leads to the port, which a variable sets: the fix changes all together.
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
    ///       env: [{name: PORT, value: "80"}]
    ///       ports:
    ///         - containerPort: 80
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
    ///       targetPort: 80
    /// ```
    ///
    /// The Service also leads to a pod that does not declare its ports, so only a person can tell
    /// whether it has to change.
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
    ///         - containerPort: 80
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: canary
    ///   labels:
    ///     app: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/canary:1.4.2
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
    ///       targetPort: 80
    /// ```
    ///
    /// This image runs as root and exposes port 80.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/exposes-80:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// The Service maps port 80 to the port of the container.
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
    /// The container cannot run as root.
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
    ///       securityContext:
    ///         runAsNonRoot: true
    /// ```
    ///
    /// The capability is enough to listen on the port.
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
    ///       securityContext:
    ///         capabilities:
    ///           drop: [ALL]
    ///           add: [NET_BIND_SERVICE]
    /// ```
    ///
    /// The kernel lets any user listen on the port.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     sysctls:
    ///       - name: net.ipv4.ip_unprivileged_port_start
    ///         value: "0"
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       ports:
    ///         - containerPort: 80
    /// ```
    ///
    /// ## Fix
    ///
    /// Have the application listen on a port above 1023, and set the Service's `targetPort` to it.
    /// Where the manifest tells the application its port, by an option or a variable (`--port=80`,
    /// `PORT`), the fix changes all of it together: the setting, containers, Services, probes,
    /// network policies. An application without such a setting goes on to listen where it
    /// does: there the fix sets `net.ipv4.ip_unprivileged_port_start` for the pod, which lets every user listen on
    /// the port, and which the Pod Security Standards allow.
    ///
    /// ## Limits
    ///
    /// Many container runtimes let every user listen on ports below 1024. A manifest does not show
    /// whether the cluster's runtime does.
    PrivilegedPort {
        name: "privileged-port",
        summary: "Container port is below 1024",
        category: NonRoot,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Non-root containers")],
    }
}

const WHY: &str = "The port is often the only reason to run as root. An attacker who gets into the \
                   container is then root in it.";

impl ContainerRule for PrivilegedPort {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        if !concerns(scope) {
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
pub(crate) fn concerns(scope: ContainerScope<'_>) -> bool {
    !(scope.effective.is_non_root() || may_bind(scope) || scope.pod.host_network())
}

/// Whether a container declares a port below 1024.
pub(crate) fn has_low_port(container: Container<'_>) -> bool {
    container
        .ports()
        .filter_map(ContainerPort::container_port)
        .any(|port| (1..1024).contains(&port))
}

/// The finding about a port below 1024 that the image exposes and the manifest does not declare.
fn exposed(context: &Context<'_>, scope: ContainerScope<'_>) -> Option<Finding> {
    let ports = &context.image_facts(scope)?.config.exposed_ports;
    let low = ports.iter().find_map(|port| {
        let number = port.split('/').next()?.parse::<i64>().ok()?;
        (1..1024).contains(&number).then_some(number)
    })?;
    let high = high_port(scope.pod.containers(), low);
    let message = format!(
        "the image of {} runs as root and exposes port {low}, which is below 1024",
        phrases::container(scope),
    );
    let help = format!(
        "Let the image listen on {high} and run as another user; a Service with \
         `targetPort: {high}` can keep offering port {low}."
    );
    Some(
        context
            .container_finding(PrivilegedPort::RULE, scope, context.image_node(scope), message)
            .why(WHY)
            .help(help)
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
            capabilities
                .add()
                .any(|name| matches!(capability_name(name).as_str(), "NET_BIND_SERVICE" | "ALL"))
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
    let message = format!(
        "port {number} of {} is below 1024, where most nodes let only root listen",
        phrases::container(scope),
    );
    let mut help = match moved.services.first() {
        Some((service, target)) => format!(
            "Listen on {high}, and set `targetPort: {high}` in Service `{}`, which keeps offering \
             port {}.",
            service.name(),
            target.port().unwrap_or(number),
        ),
        None => format!(
            "Listen on {high}; a Service with `targetPort: {high}` can map port {number} to it."
        ),
    };
    if let Some(other) = moved.undeclared {
        help += &format!(
            " Change {} as well: the Service leads to it, and it does not declare its port.",
            phrases::object(other.object),
        );
    }
    let mut draft = context.container_finding(PrivilegedPort::RULE, scope, node, message);
    draft = draft.why(WHY).help(help);
    for (service, target) in &moved.services {
        draft = draft.also(context, *service, target.node(), "this Service leads to it");
    }
    let unprivileged = "let every user of the pod listen on low ports";
    // The image listens there by default: its configuration is not in the manifests.
    if let Some(edit) = low_ports(scope) {
        return draft.fix(unprivileged, Applicability::Unsafe, vec![edit]).done();
    }
    let title = format!("listen on {high}, and change Services and probes to match");
    let edits = moved.edits(context);
    if moved.undeclared.is_none()
        && let Some(edits) = edits
    {
        return draft.fix_all(title, Applicability::Unsafe, edits).done();
    }
    match unprivileged_ports(scope) {
        // Nothing in the manifest makes the application listen elsewhere.
        Some(edit) => draft.fix(unprivileged, Applicability::Unsafe, vec![edit]).done(),
        None => draft.manual(title, format!("containerPort: {high}\ntargetPort: {high}")).done(),
    }
}
