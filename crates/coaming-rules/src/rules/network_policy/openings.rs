//! How clients outside the cluster reach a Service: its type, and the Ingresses, and routes of
//! gateways and controllers, that lead to it.
//!
//! Invariants: what is open to a private network alone (an internal load balancer, a list of
//! source ranges) is not an opening; nothing is guessed of Services without a selector.

use coaming_kube::{Fields as _, Object, Service, Workload, World};
use coaming_yaml::Node;

/// How clients reach a Service.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Opening<'a> {
    LoadBalancer,
    NodePort,
    Ingress(Object<'a>),
}

/// Kinds that lead clients to Services as an Ingress does, with their groups.
const ROUTES: &[(&str, &str)] = &[
    ("Ingress", "networking.k8s.io"),
    ("Ingress", "extensions"),
    ("HTTPRoute", "gateway.networking.k8s.io"),
    ("TCPRoute", "gateway.networking.k8s.io"),
    ("TLSRoute", "gateway.networking.k8s.io"),
    ("IngressRoute", "traefik.io"),
    ("IngressRoute", "traefik.containo.us"),
    ("IngressRouteTCP", "traefik.io"),
    ("IngressRouteTCP", "traefik.containo.us"),
    ("HTTPProxy", "projectcontour.io"),
    ("Route", "route.openshift.io"),
    ("TCPIngress", "configuration.konghq.com"),
    ("VirtualService", "networking.istio.io"),
];

/// Whether a route leads bytes of any protocol, and not web pages alone.
pub(crate) fn leads_any_protocol(route: Object<'_>) -> bool {
    matches!(route.kind(), "TCPRoute" | "TLSRoute" | "IngressRouteTCP" | "TCPIngress")
}

/// How clients outside the cluster reach a Service, and on which of its ports: all of them, or the
/// one that an Ingress leads to.
pub(crate) fn openings<'a>(world: &'a World, service: Service<'a>) -> Vec<Opening<'a>> {
    let mut openings = Vec::new();
    match service.service_type() {
        "LoadBalancer" if !is_restricted(service) => openings.push(Opening::LoadBalancer),
        "NodePort" => openings.push(Opening::NodePort),
        _ => {}
    }
    let namespace = service.object.namespace_or_default();
    let mut kinds: Vec<&str> = ROUTES.iter().map(|(kind, _)| *kind).collect();
    kinds.dedup();
    let ingresses = kinds.into_iter().flat_map(|kind| world.of_kind_in(kind, namespace));
    let ingresses = ingresses.filter(|it| ROUTES.contains(&(it.kind(), it.group())));
    let leads_here = |ingress: &Object<'_>| backends(*ingress).contains(&service.object.name());
    openings.extend(ingresses.filter(leads_here).map(Opening::Ingress));
    openings
}

/// The Service or Ingress through which clients outside the cluster reach a workload.
pub(crate) fn opening_of<'a>(world: &'a World, workload: Workload<'a>) -> Option<Object<'a>> {
    let labels = workload.pod_labels();
    let namespace = workload.object.namespace_or_default();
    let near: Vec<Object<'a>> = world.services_near(namespace, &labels).collect();
    near.into_iter().map(|object| Service { object }).filter(|it| it.selects(&labels)).find_map(
        |service| match openings(world, service).first()? {
            Opening::Ingress(ingress) => Some(*ingress),
            Opening::LoadBalancer | Opening::NodePort => Some(service.object),
        },
    )
}

/// The Services that an Ingress leads to.
pub(crate) fn backends<'a>(ingress: Object<'a>) -> Vec<&'a str> {
    let spec = ingress.spec();
    let name = |backend: Option<Node<'a>>| -> Option<&'a str> {
        backend.mapping("service").string("name").or_else(move || backend.string("serviceName"))
    };
    let of_rules = spec
        .list("rules")
        .flat_map(|rule| rule.mapping("http").list("paths"))
        .map(|path| path.mapping("backend"));
    let default = [spec.mapping("defaultBackend"), spec.mapping("backend")];
    of_rules.chain(default).filter_map(name).chain(of_routes(ingress)).collect()
}

/// The Services that a route leads to, as gateways and controllers name them.
fn of_routes<'a>(route: Object<'a>) -> Vec<&'a str> {
    let spec = route.spec();
    let named = |node: Node<'a>| node.string("name");
    match route.kind() {
        "HTTPRoute" | "TCPRoute" | "TLSRoute" => {
            let backends = spec.list("rules").flat_map(|rule| rule.list("backendRefs"));
            let is_service = |node: &Node<'a>| node.string("kind").is_none_or(|it| it == "Service");
            backends.filter(is_service).filter_map(named).collect()
        }
        "IngressRoute" | "IngressRouteTCP" | "HTTPProxy" => {
            spec.list("routes").flat_map(|it| it.list("services")).filter_map(named).collect()
        }
        "Route" => spec
            .mapping("to")
            .into_iter()
            .chain(spec.list("alternateBackends"))
            .filter_map(named)
            .collect(),
        "TCPIngress" => spec
            .list("rules")
            .filter_map(|rule| rule.mapping("backend").string("serviceName"))
            .collect(),
        // Without a gateway, it is for the pods of the mesh.
        "VirtualService" if spec.strings("gateways").any(|it| it != "mesh") => {
            ["http", "tcp", "tls"]
                .into_iter()
                .flat_map(|protocol| spec.list(protocol))
                .flat_map(|it| it.list("route"))
                .filter_map(|route| route.mapping("destination").string("host"))
                .filter_map(|host| host.split('.').next())
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a Service is a load balancer that serves a private network, or certain addresses.
#[must_use]
pub fn is_restricted_balancer(object: Object<'_>) -> bool {
    let service = Service { object };
    object.kind() == "Service" && service.service_type() == "LoadBalancer" && is_restricted(service)
}

/// Whether a load balancer serves a private network, or certain addresses.
fn is_restricted(service: Service<'_>) -> bool {
    let spec = service.object.spec();
    let open = |range: &str| matches!(range, "0.0.0.0/0" | "::/0");
    let has_ranges = spec.list("loadBalancerSourceRanges").next().is_some();
    if has_ranges && !spec.strings("loadBalancerSourceRanges").any(open) {
        return true;
    }
    service.object.metadata().pairs("annotations").any(|entry| {
        let key = entry.name().to_ascii_lowercase();
        let text = entry.value.as_str().map(str::to_ascii_lowercase).unwrap_or_default();
        let is_on =
            entry.value.as_bool() == Some(true) || matches!(text.as_str(), "true" | "0.0.0.0/0");
        key.contains("internal") && is_on
            || key.contains("load-balancer") && text == "internal"
            || key.ends_with("load-balancer-source-ranges") && !open(&text)
    })
}
