//! What lets traffic enter from outside of the cluster: Ingress, OpenShift Route, Gateway API
//! routes, and Services of type `NodePort` and `LoadBalancer`.

use coaming_kube::{Fields, Object};
use coaming_yaml::Node;

use crate::facts::{Entrance, Grant, Name, WantedPort};
use crate::ip::IpSet;
use crate::model::ExternalSource;
use crate::ports::Protocol;

impl WantedPort {
    fn of(node: Option<Node<'_>>) -> Self {
        match node.map(|node| (node.as_int(), node.as_str())) {
            Some((Some(number), _)) => Self::Number(number),
            Some((None, Some(name))) if !name.is_empty() => Self::Name(name.to_owned()),
            _ => Self::Any,
        }
    }
}

fn via(object: Object<'_>) -> String {
    format!("{} {}/{}", object.kind(), object.namespace_or_default(), object.name())
}

/// An entrance from an ingress controller.
fn controlled(object: Object<'_>, service: Name, wanted: WantedPort) -> Entrance {
    Entrance {
        service,
        protocol: Some(Protocol::Tcp),
        source: ExternalSource::Controller,
        wanted,
        by_target: false,
        via: via(object),
        needs_grant: None,
        namespace: object.namespace_or_default().to_owned(),
        gateways: Vec::new(),
    }
}

/// The entrances of an Ingress.
pub(super) fn ingress(object: Object<'_>) -> Vec<Entrance> {
    let spec = object.spec();
    let paths = spec
        .list("rules")
        .flat_map(|rule| rule.mapping("http").list("paths"))
        .filter_map(|path| path.mapping("backend"));
    let class = object.metadata().mapping("annotations").string("kubernetes.io/ingress.class");
    let source = match spec.string("ingressClassName").or(class) {
        Some("istio") => ExternalSource::Gateway,
        _ => ExternalSource::Controller,
    };
    let default = spec.mapping("defaultBackend").or_else(|| spec.mapping("backend"));
    let entrances = default.into_iter().chain(paths).filter_map(|backend| {
        // The form before networking.k8s.io/v1 has the Service's name and port side by side.
        let (name, port) = match backend.mapping("service") {
            Some(service) => {
                let port = service.mapping("port");
                (service.string("name"), port.field("name").or_else(|| port.field("number")))
            }
            None => (backend.string("serviceName"), backend.field("servicePort")),
        };
        let service = (object.namespace_or_default().to_owned(), name?.to_owned());
        let entrance = controlled(object, service, WantedPort::of(port));
        Some(Entrance { source: source.clone(), ..entrance })
    });
    entrances.collect()
}

/// The entrances of an OpenShift Route.
pub(super) fn route(object: Object<'_>) -> Vec<Entrance> {
    let spec = object.spec();
    let backends = spec.mapping("to").into_iter().chain(spec.list("alternateBackends"));
    let services =
        backends.filter(|backend| backend.string("kind").is_none_or(|kind| kind == "Service"));
    let entrances = services.filter_map(|backend| {
        let service =
            (object.namespace_or_default().to_owned(), backend.string("name")?.to_owned());
        let wanted = WantedPort::of(spec.mapping("port").field("targetPort"));
        Some(Entrance { by_target: true, ..controlled(object, service, wanted) })
    });
    entrances.collect()
}

/// The entrances of a route of the Gateway API.
pub(super) fn gateway_route(object: Object<'_>, protocol: Protocol) -> Vec<Entrance> {
    let spec = object.spec();
    let parents: Vec<_> = spec.list("parentRefs").collect();
    let is_mesh = |parent: &Node<'_>| matches!(parent.string("kind"), Some("Service" | "Server"));
    if !parents.is_empty() && parents.iter().all(is_mesh) {
        return Vec::new();
    }
    let own = object.namespace_or_default();
    let others = parents.iter().filter(|parent| !is_mesh(parent));
    // Something else than a Gateway may take any route.
    let gateways: Option<Vec<Name>> = others
        .map(|parent| {
            let is_gateway = parent.string("kind").is_none_or(|kind| kind == "Gateway");
            let namespace = parent.string("namespace").unwrap_or(own).to_owned();
            Some((namespace, parent.string("name").filter(|_| is_gateway)?.to_owned()))
        })
        .collect();
    let gateways = gateways.unwrap_or_default();
    let backends = spec.list("rules").flat_map(|rule| rule.list("backendRefs"));
    let services = backends.filter(|backend| {
        backend.string("kind").is_none_or(|kind| kind == "Service")
            && backend.string("group").unwrap_or_default().is_empty()
    });
    let entrances = services.filter_map(|backend| {
        let namespace = backend.string("namespace").unwrap_or(own);
        let service = (namespace.to_owned(), backend.string("name")?.to_owned());
        let wanted = WantedPort::of(backend.field("port"));
        let route = [object.group(), object.kind(), own].map(str::to_owned);
        let needs_grant = (namespace != own).then_some(route);
        let entrance = controlled(object, service, wanted);
        // The class of its Gateway is not looked at.
        let source = ExternalSource::ControllerOrGateway;
        let gateways = gateways.clone();
        Some(Entrance { protocol: Some(protocol), needs_grant, source, gateways, ..entrance })
    });
    entrances.collect()
}

/// The entrances of an Istio VirtualService that is bound to a gateway; without one it is about
/// traffic between pods.
pub(super) fn virtual_service(object: Object<'_>) -> Vec<Entrance> {
    let spec = object.spec();
    if !spec.strings("gateways").any(|gateway| gateway != "mesh") {
        return Vec::new();
    }
    let own = object.namespace_or_default();
    let routes = ["http", "tls", "tcp"].into_iter().flat_map(|field| spec.list(field));
    let destinations = routes
        .flat_map(|route| route.list("route"))
        .filter_map(|target| target.mapping("destination"));
    let entrances = destinations.filter_map(|destination| {
        let service = service_of_host(destination.string("host")?, own);
        let wanted = WantedPort::of(destination.mapping("port").field("number"));
        let source = ExternalSource::Gateway;
        Some(Entrance { source, ..controlled(object, service, wanted) })
    });
    entrances.collect()
}

/// The Service that a host names: `web`, `web.shop` or `web.shop.svc.cluster.local`.
fn service_of_host(host: &str, own: &str) -> Name {
    let mut parts = host.split('.');
    let name = parts.next().unwrap_or_default().to_owned();
    (parts.next().unwrap_or(own).to_owned(), name)
}

/// The entrances of a Traefik IngressRoute, for HTTP, TCP or UDP.
pub(super) fn traefik_route(object: Object<'_>, protocol: Protocol) -> Vec<Entrance> {
    let own = object.namespace_or_default();
    let services = object.spec().list("routes").flat_map(|route| route.list("services"));
    let entrances = services
        .filter(|service| service.string("kind").is_none_or(|kind| kind == "Service"))
        .filter_map(|service| {
            let namespace = service.string("namespace").unwrap_or(own).to_owned();
            let name = (namespace, service.string("name")?.to_owned());
            let entrance = controlled(object, name, WantedPort::of(service.field("port")));
            Some(Entrance { protocol: Some(protocol), ..entrance })
        });
    entrances.collect()
}

/// The entrances of a Contour HTTPProxy.
pub(super) fn http_proxy(object: Object<'_>) -> Vec<Entrance> {
    let spec = object.spec();
    let services = spec
        .list("routes")
        .flat_map(|route| route.list("services"))
        .chain(spec.mapping("tcpproxy").list("services"));
    let entrances = services.filter_map(|service| {
        let name = (object.namespace_or_default().to_owned(), service.string("name")?.to_owned());
        Some(controlled(object, name, WantedPort::of(service.field("port"))))
    });
    entrances.collect()
}

/// What a `ReferenceGrant` grants.
pub(super) fn grant(object: Object<'_>) -> Grant {
    let spec = object.spec();
    let from = spec.list("from").filter_map(|from| {
        let part = |field: &str| from.string(field).map(str::to_owned);
        Some([part("group")?, part("kind")?, part("namespace")?])
    });
    let to = spec.list("to").filter(|to| to.string("kind") == Some("Service"));
    Grant {
        namespace: object.namespace_or_default().to_owned(),
        from: from.collect(),
        to: to.map(|to| to.string("name").map(str::to_owned)).collect(),
    }
}

/// The entrance that a Service of type `NodePort` or `LoadBalancer` is.
pub(super) fn open_service(object: Object<'_>) -> Option<Entrance> {
    let spec = object.spec();
    let kind = spec.string("type").unwrap_or_default();
    if !matches!(kind, "NodePort" | "LoadBalancer") {
        return None;
    }
    let local = spec.string("externalTrafficPolicy") == Some("Local");
    let ranges = spec.strings("loadBalancerSourceRanges");
    let ranges = ranges.filter_map(|range| IpSet::cidr(range.trim()).ok());
    let ranges = ranges.fold(IpSet::none(), |found, range| found.union(&range));
    let from = match (local, kind) {
        (true, "LoadBalancer") if !ranges.is_empty() => ranges,
        (true, _) => IpSet::all(),
        // Pods see the address of a node instead of the client's.
        (false, _) => node_addresses(),
    };
    Some(Entrance {
        service: (object.namespace_or_default().to_owned(), object.name().to_owned()),
        protocol: None,
        source: ExternalSource::Address(from),
        wanted: WantedPort::Any,
        by_target: false,
        via: format!("{} ({kind})", via(object)),
        needs_grant: None,
        namespace: object.namespace_or_default().to_owned(),
        gateways: Vec::new(),
    })
}

/// Where the addresses of nodes are: in the ranges for private use, and of IPv6 anywhere.
pub(crate) fn node_addresses() -> IpSet {
    const PRIVATE: [&str; 5] =
        ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "::/0"];
    let blocks = PRIVATE.into_iter().filter_map(|block| IpSet::cidr(block).ok());
    blocks.fold(IpSet::none(), |all, block| all.union(&block))
}
