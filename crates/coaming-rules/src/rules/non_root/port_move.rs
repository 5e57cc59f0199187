//! Moves a port below 1024 to a higher one, together with all that refers to it: every workload
//! behind the Services that lead to it, those Services, probes, and the network policies that
//! allow it. Only an application that its manifest tells the port is moved.

use coaming_finding::DocumentEdits;
use coaming_kube::{Container, ContainerPort, Fields as _, Object, Service, ServicePort, Workload};
use coaming_network::{Labels, policies_selecting};
use coaming_yaml::Node;
use coaming_yaml::edit::{Edit, Value};

use super::port_setting;

use crate::context::document_edits;
use crate::rules::phrases;
use crate::{ContainerScope, Context};

/// A port that more workloads listen on is moved by a person.
const MAX_LISTENERS: usize = 50;

/// A container that listens on the port.
#[derive(Clone, Copy)]
struct Listener<'a> {
    workload: Workload<'a>,
    container: Container<'a>,
    port: ContainerPort<'a>,
}

impl Listener<'_> {
    fn labels(&self) -> Labels {
        let labels = self.workload.pod_labels().into_iter();
        labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }
}

/// The move of one port.
pub(super) struct PortMove<'a> {
    number: i64,
    /// The port to listen on instead.
    pub(super) high: i64,
    /// The container in question comes first.
    listeners: Vec<Listener<'a>>,
    /// The Services' ports that lead to it.
    pub(super) services: Vec<(Object<'a>, ServicePort<'a>)>,
    /// A workload behind one of the Services that does not declare where it listens.
    pub(super) undeclared: Option<Workload<'a>>,
    /// Whether there are more listeners than are followed.
    has_more: bool,
}

impl<'a> PortMove<'a> {
    /// Follows the port from its container to the Services, and from these to their other
    /// workloads, until nothing is left out.
    pub(super) fn new(
        context: &Context<'a>,
        scope: ContainerScope<'a>,
        port: ContainerPort<'a>,
        number: i64,
    ) -> Self {
        let first = Listener { workload: scope.workload, container: scope.container, port };
        let mut this = Self {
            number,
            high: 0,
            listeners: vec![first],
            services: Vec::new(),
            undeclared: None,
            has_more: false,
        };
        let mut at = 0;
        while let Some(&listener) = this.listeners.get(at) {
            for (service, target) in services_to(context, listener, number) {
                if this.services.iter().any(|(_, known)| known.node() == target.node()) {
                    continue;
                }
                this.services.push((service, target));
                // A port name can mean another number in each workload.
                if !is_by_name(target) {
                    this.add_listeners(context, Service { object: service }, port.protocol());
                }
            }
            at += 1;
        }
        this.high = this.free_high_port();
        this
    }

    fn add_listeners(&mut self, context: &Context<'a>, service: Service<'a>, protocol: &str) {
        for workload in context.workloads_behind(service) {
            if self.listeners.len() > MAX_LISTENERS {
                self.has_more = true;
                return;
            }
            if self.listeners.iter().any(|known| known.workload.object.id == workload.object.id) {
                continue;
            }
            let listener = workload.pod().containers().find_map(|container| {
                let port = container.ports().find(|port| {
                    port.container_port() == Some(self.number) && port.protocol() == protocol
                })?;
                Some(Listener { workload, container, port })
            });
            match listener {
                Some(listener) => self.listeners.push(listener),
                None => self.undeclared = self.undeclared.or(Some(workload)),
            }
        }
    }

    /// 8000 above the low port, or the next one that no container of the pods uses.
    fn free_high_port(&self) -> i64 {
        let pods = self.listeners.iter().map(|listener| listener.workload.pod());
        high_port(pods.flat_map(coaming_kube::PodSpec::containers), self.number)
    }

    /// All edits together; `None` where a manifest does not set the port of its application, which
    /// then goes on to listen on the old one, and where too many listen on it.
    pub(super) fn edits(&self, context: &Context<'_>) -> Option<Vec<DocumentEdits>> {
        if self.has_more {
            return None;
        }
        let mut edits: Vec<DocumentEdits> = Vec::new();
        for listener in &self.listeners {
            let settings = port_setting::edits(listener.container, self.number, self.high);
            if settings.is_empty() {
                return None;
            }
            let mut own = vec![phrases::set(listener.port.node(), &["containerPort"], self.high)];
            own.extend(settings);
            own.extend(self.probe_edits(listener.container));
            edits.push(document_edits(listener.workload.object, own));
        }
        for (service, target) in self.services.iter().filter(|(_, target)| !is_by_name(*target)) {
            let edit = phrases::set(target.node(), &["targetPort"], self.high);
            edits.push(document_edits(*service, vec![edit]));
        }
        edits.extend(self.policy_edits(context));
        Some(edits)
    }

    /// Edits to probes and hooks that name the port by its number.
    fn probe_edits(&self, container: Container<'a>) -> impl Iterator<Item = Edit> {
        let container = container.node();
        let lifecycle = container.mapping("lifecycle");
        ["livenessProbe", "readinessProbe", "startupProbe"]
            .into_iter()
            .filter_map(move |probe| container.mapping(probe))
            .chain(
                ["postStart", "preStop"]
                    .into_iter()
                    .filter_map(move |hook| lifecycle.mapping(hook)),
            )
            .flat_map(|handler: Node<'_>| {
                ["httpGet", "tcpSocket", "grpc"]
                    .into_iter()
                    .filter_map(move |kind| handler.mapping(kind))
            })
            .filter(|action| action.integer("port") == Some(self.number))
            .map(|action| phrases::set(action, &["port"], self.high))
    }

    /// Edits to network policies that allow the port by its number, so that they allow the new
    /// one too. The old one stays, for other pods that the policy selects.
    fn policy_edits(&self, context: &Context<'_>) -> Vec<DocumentEdits> {
        let labels: Vec<Labels> = self.listeners.iter().map(Listener::labels).collect();
        let Some(first) = self.listeners.first() else { return Vec::new() };
        let namespace = first.workload.object.namespace_or_default();
        policies_selecting(context.world, namespace, &labels)
            .into_iter()
            .filter_map(|policy| {
                let rules = policy.spec().list("ingress");
                let edits: Vec<Edit> = rules
                    .filter_map(|rule| self.allow_high_port(rule.sequence("ports")?))
                    .collect();
                (!edits.is_empty()).then(|| document_edits(policy, edits))
            })
            .collect()
    }

    /// The edit that allows the new port where a rule allows the old one.
    fn allow_high_port(&self, ports: Node<'_>) -> Option<Edit> {
        let protocol = self.listeners.first()?.port.protocol();
        let allows = |wanted: i64| {
            ports.items().any(|item| {
                item.integer("port") == Some(wanted)
                    && item.field("endPort").is_none()
                    && item.string("protocol").unwrap_or("TCP") == protocol
            })
        };
        (allows(self.number) && !allows(self.high)).then(|| Edit::Append {
            path: ports.path(),
            value: Value::Mapping(vec![
                ("protocol".to_owned(), Value::Str(protocol.to_owned())),
                ("port".to_owned(), Value::Int(self.high)),
            ]),
        })
    }
}

/// 8000 above a low port, or the next one that none of the containers uses.
pub(super) fn high_port<'a>(containers: impl Iterator<Item = Container<'a>>, number: i64) -> i64 {
    let used: Vec<i64> =
        containers.flat_map(Container::ports).filter_map(ContainerPort::container_port).collect();
    let wanted = if number == 443 { 8443 } else { number + 8000 };
    (wanted..).find(|port| !used.contains(port)).unwrap_or(wanted)
}

fn is_by_name(target: ServicePort<'_>) -> bool {
    target.target_port().is_some_and(|target| target.as_str().is_some())
}

/// The Services' ports that lead to a container's port.
fn services_to<'a>(
    context: &Context<'a>,
    listener: Listener<'a>,
    number: i64,
) -> Vec<(Object<'a>, ServicePort<'a>)> {
    let labels = listener.workload.pod_labels();
    let namespace = listener.workload.object.namespace_or_default();
    let services = context.world.services_selecting(namespace, &labels);
    services
        .flat_map(|service| service.ports().map(move |target| (service.object, target)))
        .filter(|(_, target)| {
            target.target_port().is_some_and(|target| {
                target.as_int() == Some(number)
                    || target.as_str().is_some_and(|name| listener.port.name() == Some(name))
            })
        })
        .collect()
}
