//! What the template of pods says about Istio.

use coaming_kube::{Fields, PodSpec};
use coaming_yaml::Node;

use super::waypoints::CLASS;
use crate::model::{Mesh, MeshWish};

/// What a template says by labels, annotations and containers; most say nothing.
pub(in crate::views) fn wish(template: Node<'_>, spec: Option<PodSpec<'_>>) -> Option<MeshWish> {
    let metadata = template.mapping("metadata");
    let text = |field: &str, key: &str| {
        let node = metadata.mapping(field)?.field(key)?;
        Some(node.text())
    };
    let either = |key: &str| text("labels", key).or_else(|| text("annotations", key));
    if text("annotations", "inject.istio.io/templates").is_some_and(|it| it.contains("gateway")) {
        return Some(MeshWish::Has(Mesh::Gateway));
    }
    if text("labels", "gateway.networking.k8s.io/gateway-class-name").is_some_and(|it| it == CLASS)
    {
        return Some(MeshWish::Has(Mesh::Waypoint));
    }
    let mut containers = spec.into_iter().flat_map(PodSpec::containers);
    let proxy = containers.find(|container| container.name() == "istio-proxy");
    if let Some(proxy) = proxy {
        let routes = proxy.args().any(|argument| argument == "router");
        if proxy.args().any(|argument| argument == "waypoint") {
            return Some(MeshWish::Has(Mesh::Waypoint));
        }
        return Some(MeshWish::Has(if routes { Mesh::Gateway } else { Mesh::Sidecar }));
    }
    if text("annotations", "sidecar.istio.io/status").is_some() {
        return Some(MeshWish::Has(Mesh::Sidecar));
    }
    let around = ["excludeInboundPorts", "includeInboundPorts"].into_iter().any(|field| {
        let ports = text("annotations", &format!("traffic.sidecar.istio.io/{field}"));
        ports.is_some_and(|ports| !matches!(ports.trim(), "" | "*"))
    });
    match either("sidecar.istio.io/inject") {
        Some("false") => return Some(MeshWish::NoSidecar),
        _ if around => return Some(MeshWish::Unclear),
        Some("true") => return Some(MeshWish::Sidecar),
        _ => {}
    }
    match text("labels", "istio.io/dataplane-mode") {
        Some("ambient") => return Some(MeshWish::Ambient),
        Some("none") => return Some(MeshWish::NoAmbient),
        _ => {}
    }
    text("labels", "istio.io/rev").map(|_| MeshWish::Sidecar)
}
