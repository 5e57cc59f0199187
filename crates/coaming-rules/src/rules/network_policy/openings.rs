//! How clients outside the cluster reach a Service: its type, and the Ingresses that lead to it.
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
    let ingresses = world.of_kind_in("Ingress", namespace);
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
    of_rules.chain(default).filter_map(name).collect()
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
