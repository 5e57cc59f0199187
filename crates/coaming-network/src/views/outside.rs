//! The ways in from outside of the cluster: Ingress, OpenShift Route, Gateway API routes, and
//! Services of type NodePort and LoadBalancer.

use std::sync::Arc;

use coaming_kube::{Fields, Object};
use coaming_yaml::Node;

use super::Reader;
use crate::ip::IpSet;
use crate::model::{
    Knocker, Model, Pods, PortNumbers, Role, Service, ServicePort, WayIn, Workload,
};
use crate::ports::Protocol;
use crate::selector::Labels;

/// Reads every way in.
pub(crate) fn read(reader: &Reader<'_>, model: &mut Model) {
    let mut ways = Vec::new();
    for object in reader.inventory.of_kind("Ingress") {
        if matches!(object.group(), "networking.k8s.io" | "extensions") {
            ingress(model, object, &mut ways);
        }
    }
    for object in reader.inventory.of_kind("Route") {
        if object.group() == "route.openshift.io" || object.api_version() == "v1" {
            route(model, object, &mut ways);
        }
    }
    for (kind, protocol) in [
        ("HTTPRoute", Protocol::Tcp),
        ("GRPCRoute", Protocol::Tcp),
        ("TLSRoute", Protocol::Tcp),
        ("TCPRoute", Protocol::Tcp),
        ("UDPRoute", Protocol::Udp),
    ] {
        for object in reader.inventory.of_kind(kind) {
            if object.group() == "gateway.networking.k8s.io" {
                gateway_route(reader, model, object, protocol, &mut ways);
            }
        }
    }
    for object in reader.inventory.of_kind("Service").filter(|object| object.group().is_empty()) {
        open_service(model, object, &mut ways);
    }
    ways.sort_by(|a, b| {
        (a.pods, a.protocol, a.port, &a.via).cmp(&(b.pods, b.protocol, b.port, &b.via))
    });
    ways.dedup();
    model.ways_in = ways;
    if model.ways_in.iter().any(|way| way.knocker == Knocker::Controller) {
        add_controllers(model);
    }
}

/// Which port of a Service a backend means.
enum Wanted<'a> {
    /// All of them.
    Any,
    /// The one of this name.
    Name(&'a str),
    /// The one of this number.
    Number(i64),
}

impl<'a> Wanted<'a> {
    fn of(node: Option<Node<'a>>) -> Self {
        match node.map(|node| (node.as_int(), node.as_str())) {
            Some((Some(number), _)) => Self::Number(number),
            Some((None, Some(name))) if !name.is_empty() => Self::Name(name),
            _ => Self::Any,
        }
    }

    fn fits(&self, port: &ServicePort) -> bool {
        match self {
            Self::Any => true,
            Self::Name(name) => port.name == *name,
            Self::Number(number) => i64::from(port.port) == *number,
        }
    }

    /// An OpenShift Route may also mean the pods' side of a port.
    fn fits_target(&self, port: &ServicePort) -> bool {
        match (self, &port.target) {
            (Self::Name(name), PortNumbers::Named(target)) => name == target,
            (Self::Number(number), PortNumbers::Range(target, _)) => i64::from(*target) == *number,
            _ => false,
        }
    }
}

fn find<'m>(model: &'m Model, namespace: &str, name: &str) -> Option<&'m Service> {
    let mut services = model.services.iter();
    services.find(|service| service.namespace == namespace && service.name == name)
}

fn via(object: Object<'_>) -> String {
    format!("{} {}/{}", object.kind(), object.namespace_or_default(), object.name())
}

/// The ways to a Service's pods through those of its ports that fit.
fn through(
    model: &Model,
    service: &Service,
    protocol: Option<Protocol>,
    knocker: &Knocker,
    via: &str,
    fits: impl Fn(&ServicePort) -> bool,
    ways: &mut Vec<WayIn>,
) {
    let ports: Vec<_> = service
        .ports
        .iter()
        .filter(|port| protocol.is_none_or(|protocol| protocol == port.protocol) && fits(port))
        .collect();
    for place in service.pods(model) {
        let Some(pods) = model.pods.get(place) else { continue };
        for port in &ports {
            ways.extend(port.targets(pods).into_iter().map(|number| WayIn {
                pods: place,
                protocol: port.protocol,
                port: number,
                knocker: knocker.clone(),
                via: via.to_owned(),
            }));
        }
    }
}

fn ingress(model: &Model, object: Object<'_>, ways: &mut Vec<WayIn>) {
    let spec = object.spec();
    let paths = spec
        .list("rules")
        .flat_map(|rule| rule.mapping("http").list("paths"))
        .filter_map(|path| path.mapping("backend"));
    let default = spec.mapping("defaultBackend").or_else(|| spec.mapping("backend"));
    for backend in default.into_iter().chain(paths) {
        // The form before networking.k8s.io/v1 has the Service's name and port side by side.
        let (name, port) = match backend.mapping("service") {
            Some(service) => {
                let port = service.mapping("port");
                (service.string("name"), port.field("name").or_else(|| port.field("number")))
            }
            None => (backend.string("serviceName"), backend.field("servicePort")),
        };
        let service = name.and_then(|name| find(model, object.namespace_or_default(), name));
        if let Some(service) = service {
            let wanted = Wanted::of(port);
            let fits = |port: &ServicePort| wanted.fits(port);
            let protocol = Some(Protocol::Tcp);
            through(model, service, protocol, &Knocker::Controller, &via(object), fits, ways);
        }
    }
}

fn route(model: &Model, object: Object<'_>, ways: &mut Vec<WayIn>) {
    let spec = object.spec();
    let wanted = Wanted::of(spec.mapping("port").field("targetPort"));
    let backends = spec.mapping("to").into_iter().chain(spec.list("alternateBackends"));
    for backend in backends {
        if backend.string("kind").is_some_and(|kind| kind != "Service") {
            continue;
        }
        let service = backend.string("name");
        let service = service.and_then(|name| find(model, object.namespace_or_default(), name));
        if let Some(service) = service {
            let fits = |port: &ServicePort| wanted.fits(port) || wanted.fits_target(port);
            let protocol = Some(Protocol::Tcp);
            through(model, service, protocol, &Knocker::Controller, &via(object), fits, ways);
        }
    }
}

fn gateway_route(
    reader: &Reader<'_>,
    model: &Model,
    object: Object<'_>,
    protocol: Protocol,
    ways: &mut Vec<WayIn>,
) {
    let spec = object.spec();
    let parents: Vec<_> = spec.list("parentRefs").collect();
    let is_mesh = |parent: &Node<'_>| parent.string("kind") == Some("Service");
    if !parents.is_empty() && parents.iter().all(is_mesh) {
        return;
    }
    let own = object.namespace_or_default();
    for backend in spec.list("rules").flat_map(|rule| rule.list("backendRefs")) {
        let is_service = backend.string("kind").is_none_or(|kind| kind == "Service")
            && backend.string("group").unwrap_or_default().is_empty();
        let namespace = backend.string("namespace").unwrap_or(own);
        let granted = namespace == own || is_granted(reader, object, namespace, backend);
        let service = backend.string("name").and_then(|name| find(model, namespace, name));
        if let (true, true, Some(service)) = (is_service, granted, service) {
            let wanted = Wanted::of(backend.field("port"));
            let fits = |port: &ServicePort| wanted.fits(port);
            let knocker = Knocker::Controller;
            through(model, service, Some(protocol), &knocker, &via(object), fits, ways);
        }
    }
}

/// Whether a `ReferenceGrant` lets the route use a Service of another namespace.
fn is_granted(reader: &Reader<'_>, route: Object<'_>, namespace: &str, backend: Node<'_>) -> bool {
    let name = backend.string("name");
    reader
        .inventory
        .of_kind("ReferenceGrant")
        .filter(|grant| grant.namespace_or_default() == namespace)
        .filter_map(Object::spec)
        .any(|spec| {
            let from = spec.list("from").any(|from| {
                from.string("group") == Some(route.group())
                    && from.string("kind") == Some(route.kind())
                    && from.string("namespace") == Some(route.namespace_or_default())
            });
            let to = spec.list("to").any(|to| {
                to.string("kind") == Some("Service")
                    && (to.string("name").is_none() || to.string("name") == name)
            });
            from && to
        })
}

fn open_service(model: &Model, object: Object<'_>, ways: &mut Vec<WayIn>) {
    let spec = object.spec();
    let kind = spec.string("type").unwrap_or_default();
    if !matches!(kind, "NodePort" | "LoadBalancer") {
        return;
    }
    let Some(service) = find(model, object.namespace_or_default(), object.name()) else { return };
    let local = spec.string("externalTrafficPolicy") == Some("Local");
    let ranges = spec.strings("loadBalancerSourceRanges");
    let ranges = ranges.filter_map(|range| IpSet::cidr(range.trim()).ok());
    let ranges = ranges.fold(IpSet::none(), |found, range| found.union(&range));
    // Unless the traffic policy is Local, pods see a node's address, which may be any.
    let from =
        if local && kind == "LoadBalancer" && !ranges.is_empty() { ranges } else { IpSet::all() };
    let via = format!("{} ({kind})", via(object));
    through(model, service, None, &Knocker::Address(from), &via, |_| true, ways);
}

/// Namespaces in which ingress controllers usually live, with the labels of the namespace and of
/// the controller's pods; the first stands for any other.
type Controller = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, &'static str)],
);
const CONTROLLERS: [Controller; 5] = [
    ("coaming-some-ingress-controller", &[], &[]),
    (
        "ingress-nginx",
        &[
            ("app.kubernetes.io/name", "ingress-nginx"),
            ("app.kubernetes.io/instance", "ingress-nginx"),
        ],
        &[
            ("app.kubernetes.io/name", "ingress-nginx"),
            ("app.kubernetes.io/instance", "ingress-nginx"),
            ("app.kubernetes.io/component", "controller"),
        ],
    ),
    (
        "openshift-ingress",
        &[
            ("network.openshift.io/policy-group", "ingress"),
            ("policy-group.network.openshift.io/ingress", ""),
        ],
        &[("ingresscontroller.operator.openshift.io/deployment-ingresscontroller", "default")],
    ),
    (
        "openshift-ingress-operator",
        &[("name", "openshift-ingress-operator"), ("openshift.io/cluster-monitoring", "true")],
        &[("name", "ingress-operator")],
    ),
    ("traefik", &[], &[("app.kubernetes.io/name", "traefik")]),
];

/// Adds stand-ins for ingress controllers.
fn add_controllers(model: &mut Model) {
    let owned = |labels: &[(&str, &str)]| -> Labels {
        labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    for (namespace, namespace_labels, labels) in CONTROLLERS {
        if !model.namespaces.contains_key(namespace) {
            model.add_namespace(namespace, owned(namespace_labels), None);
        }
        let workload = model.workloads.len();
        model.workloads.push(Workload {
            namespace: namespace.to_owned(),
            name: "ingress-controller".to_owned(),
            kind: "Controller".to_owned(),
        });
        model.pods.push(Pods {
            workload,
            namespace: Arc::from(namespace),
            labels: Arc::new(owned(labels)),
            ports: Vec::new(),
            host_network: false,
            addresses: IpSet::none(),
            role: Role::Controller,
            place: None,
        });
    }
}
