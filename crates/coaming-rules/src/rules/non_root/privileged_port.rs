//! See [`PrivilegedPort`].

use coaming_finding::{Applicability, DocumentEdits, Finding, RuleMeta};
use coaming_kube::{Container, ContainerPort, Fields as _, Object, ServicePort, selector_matches};
use coaming_yaml::Node;
use coaming_yaml::edit::{Edit, Value};

use super::image_is_root;
use crate::context::document_edits;
use crate::rule::rule;
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for container ports below 1024 in containers that may run as root: on most nodes only
    /// root (or `NET_BIND_SERVICE`) may listen there, so that such a port is often the only reason
    /// to run as root.
    ///
    /// ## Why it matters
    ///
    /// A port number is no reason to hand an intruder root: inside the cluster nobody sees the
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
        measure: NonRoot,
        severity: Low,
        default: true,
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
    let high = free_high_port(scope, low);
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

fn finding(
    context: &Context<'_>,
    scope: ContainerScope<'_>,
    port: ContainerPort<'_>,
    number: i64,
) -> Finding {
    let high = free_high_port(scope, number);
    let node = port.node().field("containerPort").unwrap_or(port.node());
    let services = services_to(context, scope, port, number);
    let who = words::container(scope);
    let mut message = format!(
        "Port {number} of {who} is below 1024, where on most nodes only root may listen. ",
    );
    message += &match services.first() {
        Some((service, target)) => format!(
            "Listen on {high}; Service `{}` can go on offering port {} and lead there by \
             `targetPort: {high}`.",
            service.name(),
            target.port().unwrap_or(number),
        ),
        None => format!("Listen on {high}; a Service with `targetPort: {high}` can map it."),
    };
    let mut edits = vec![document_edits(
        scope.workload.object,
        vec![words::set(port.node(), &["containerPort"], high)],
    )];
    for (service, target) in &services {
        // A target by name follows the container's port by itself.
        let by_name = target.target_port().is_some_and(|target| target.as_str().is_some());
        if !by_name {
            let edit = words::set(target.node(), &["targetPort"], high);
            edits.push(document_edits(*service, vec![edit]));
        }
    }
    edits[0].edits.extend(probe_edits(scope, number, high));
    edits.extend(policy_edits(context, scope, port, [number, high]));
    let mut draft = context.container_finding(PrivilegedPort::RULE, scope, node, message);
    for (service, target) in &services {
        draft = draft.also(context, *service, target.node(), "this Service leads to it");
    }
    let title = format!("listen on {high}, and have Services and probes lead there");
    draft.fix_all(title, Applicability::Unsafe, edits).done()
}

/// Network policies that let the port in by its number: they let the new one in too. The old one
/// stays, for other pods that the policy selects.
fn policy_edits(
    context: &Context<'_>,
    scope: ContainerScope<'_>,
    port: ContainerPort<'_>,
    [number, high]: [i64; 2],
) -> Vec<DocumentEdits> {
    let labels = scope.workload.pod_labels();
    let namespace = scope.workload.object.namespace_or_default();
    let policies = context
        .inventory
        .of_kind("NetworkPolicy")
        .filter(|policy| policy.namespace_or_default() == namespace)
        .filter(|policy| {
            let selector = policy.spec().mapping("podSelector");
            let wanted: Vec<(&str, &str)> = selector
                .pairs("matchLabels")
                .filter_map(|entry| Some((entry.name(), entry.value.as_str()?)))
                .collect();
            selector.field("matchExpressions").is_none() && selector_matches(&wanted, &labels)
        });
    policies
        .filter_map(|policy| {
            let edits: Vec<Edit> = policy
                .spec()
                .list("ingress")
                .filter_map(|rule| rule.sequence("ports"))
                .filter(|ports| {
                    let is = |wanted: i64| {
                        ports.items().any(|item| {
                            item.integer("port") == Some(wanted)
                                && item.field("endPort").is_none()
                                && item.string("protocol").unwrap_or("TCP") == port.protocol()
                        })
                    };
                    is(number) && !is(high)
                })
                .map(|ports| Edit::Append {
                    path: ports.path(),
                    value: Value::Mapping(vec![
                        ("protocol".to_owned(), Value::Str(port.protocol().to_owned())),
                        ("port".to_owned(), Value::Int(high)),
                    ]),
                })
                .collect();
            (!edits.is_empty()).then(|| document_edits(policy, edits))
        })
        .collect()
}

/// Probes and hooks that mean the port by its number.
fn probe_edits(scope: ContainerScope<'_>, number: i64, high: i64) -> Vec<Edit> {
    let container = scope.container.node();
    let lifecycle = container.mapping("lifecycle");
    ["livenessProbe", "readinessProbe", "startupProbe"]
        .into_iter()
        .filter_map(|probe| container.mapping(probe))
        .chain(["postStart", "preStop"].into_iter().filter_map(|hook| lifecycle.mapping(hook)))
        .flat_map(|handler: Node<'_>| {
            ["httpGet", "tcpSocket", "grpc"]
                .into_iter()
                .filter_map(move |kind| handler.mapping(kind))
        })
        .filter(|action| action.integer("port") == Some(number))
        .map(|action| words::set(action, &["port"], high))
        .collect()
}

/// 8000 above the low port, or the next one that no container of the pod uses.
fn free_high_port(scope: ContainerScope<'_>, number: i64) -> i64 {
    let used: Vec<i64> = scope
        .pod
        .containers()
        .flat_map(coaming_kube::Container::ports)
        .filter_map(ContainerPort::container_port)
        .collect();
    let wanted = if number == 443 { 8443 } else { number + 8000 };
    (wanted..).find(|port| !used.contains(port)).unwrap_or(wanted)
}

/// The Services' ports that lead to this port.
fn services_to<'c>(
    context: &Context<'c>,
    scope: ContainerScope<'c>,
    port: ContainerPort<'c>,
    number: i64,
) -> Vec<(Object<'c>, ServicePort<'c>)> {
    let labels = scope.workload.pod_labels();
    let namespace = scope.workload.object.namespace_or_default();
    context
        .inventory
        .of_kind("Service")
        .filter(|object| object.namespace_or_default() == namespace)
        .map(|object| coaming_kube::Service { object })
        .filter(|service| service.selects(&labels))
        .flat_map(|service| service.ports().map(move |target| (service.object, target)))
        .filter(|(_, target)| {
            target.target_port().is_some_and(|target| {
                target.as_int() == Some(number)
                    || target.as_str().is_some_and(|name| port.name() == Some(name))
            })
        })
        .collect()
}
