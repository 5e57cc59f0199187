//! What a service mesh needs by itself: ways through waypoints, and its control plane.

use std::collections::{BTreeMap, BTreeSet};

use super::found::{Flow, Found, Grant, Outer, Port, Source};
use super::is_system;
use crate::model::{
    Direction, Linkerd, LinkerdWish, Mesh, MeshWish, Model, Pods, PortNumbers, Role, TUNNEL_PORT,
    Waypoint,
};
use crate::ports::Protocol;
use crate::selector::{ISTIO, LINKERD};
use crate::space::selects;

/// Adds the two connections that each flow through a waypoint is.
pub(super) fn ways(model: &Model, found: &mut Found) {
    let mut pods_of: BTreeMap<usize, Vec<&Pods>> = BTreeMap::new();
    for (_, pods) in &model.pods {
        pods_of.entry(pods.workload).or_default().push(pods);
    }
    let of = |workload: &usize| pods_of.get(workload).map_or(&[][..], Vec::as_slice);
    let mut more: Vec<(Flow, String)> = Vec::new();
    for waypoint in &model.waypoints {
        let real = model.pods.iter().map(|(_, pods)| pods).filter(|it| it.role == Role::Real);
        let own = real.filter(|pods| selects(model, &waypoint.pods, pods));
        let own: BTreeSet<usize> = own.map(|pods| pods.workload).collect();
        for flow in found.flows.keys().filter(|flow| flow.protocol == Protocol::Tcp) {
            let Source::Workload(source) = flow.source else { continue };
            let leads = of(&flow.target).iter().any(|pods| {
                selects(model, &waypoint.target, pods) && carries(waypoint, pods, flow.port)
            });
            if !leads || !of(&source).iter().any(|pods| uses(model, waypoint, pods)) {
                continue;
            }
            for &middle in &own {
                let evidence = format!("through waypoint {}", waypoint.full_name());
                let first = Flow {
                    target: middle,
                    port: TUNNEL_PORT,
                    source: flow.source.clone(),
                    protocol: flow.protocol,
                };
                more.push((first, evidence.clone()));
                more.push((Flow { source: Source::Workload(middle), ..flow.clone() }, evidence));
            }
        }
    }
    more.into_iter().for_each(|(flow, evidence)| found.add(flow, evidence));
}

/// Whether a waypoint leads to this port of pods.
fn carries(waypoint: &Waypoint, pods: &Pods, port: u16) -> bool {
    waypoint.carries.ports.as_ref().is_none_or(|ports| {
        ports.iter().any(|it| match &it.numbers {
            PortNumbers::All => true,
            PortNumbers::Range(first, last) => (*first..=*last).contains(&port),
            PortNumbers::Named(name) => {
                Model::named_ports(pods, it.protocol, name).any(|it| it.number == port)
            }
        })
    })
}

/// Whether these pods use a waypoint.
fn uses(model: &Model, waypoint: &Waypoint, pods: &Pods) -> bool {
    waypoint.users().any(|users| selects(model, users, pods))
}

/// A part of a mesh's control plane: its namespace, what its name starts with, and its ports.
type Part = (&'static str, &'static str, &'static [u16]);

const ISTIOD: [Part; 1] = [("istio-system", "istiod", &[15012])];
const LINKERD_PARTS: [Part; 2] =
    [("linkerd", "linkerd-identity", &[8080]), ("linkerd", "linkerd-destination", &[8086, 8090])];

/// Lets proxies in pods connect to the control plane of their mesh, without which they do not start.
pub(super) fn control_planes(model: &Model, found: &mut Found) {
    let real = model.pods.iter().map(|(_, pods)| pods);
    let real = real.filter(|pods| pods.role == Role::Real && !pods.host_network);
    let mut proxies: BTreeSet<(usize, &Part)> = BTreeSet::new();
    for pods in real.filter(|pods| !is_system(&pods.namespace)) {
        if has_istio(model, pods) {
            proxies.extend(ISTIOD.iter().map(|part| (pods.workload, part)));
        }
        if has_linkerd(model, pods) {
            proxies.extend(LINKERD_PARTS.iter().map(|part| (pods.workload, part)));
        }
    }
    for (workload, (namespace, name, ports)) in proxies {
        let evidence = format!("its proxy needs {name}");
        let here = model.workloads.iter().filter(|(_, it)| {
            it.namespace == *namespace && it.name.starts_with(name) && it.kind != "Controller"
        });
        let here: Vec<usize> = here.map(|(id, _)| id).filter(|id| *id != workload).collect();
        for &port in *ports {
            let port: Port = (Protocol::Tcp, port);
            for &target in &here {
                let source = Source::Workload(workload);
                let flow = Flow { source, target, protocol: port.0, port: port.1 };
                found.add(flow, evidence.clone());
            }
            if here.is_empty() {
                let peer = Outer::Namespace((*namespace).to_owned());
                let direction = Direction::Egress;
                let grant = Grant { workload, direction, peer, port: Some(port) };
                found.grant(grant, evidence.clone());
            }
        }
    }
}

/// Whether these pods have a proxy of Istio of their own, or are one.
fn has_istio(model: &Model, pods: &Pods) -> bool {
    let Some(namespace) = model.namespaces.get(&*pods.namespace) else { return false };
    let label = pods.labels.get(ISTIO);
    let proxies = [Mesh::Sidecar, Mesh::Gateway, Mesh::Waypoint];
    let said = label.and_then(|it| MeshWish::from_name(it));
    label.is_some_and(|label| proxies.iter().any(|it| it.name() == label))
        || proxies.contains(&Mesh::of(said, pods.host_network, namespace))
}

/// Whether these pods have a proxy of Linkerd.
fn has_linkerd(model: &Model, pods: &Pods) -> bool {
    let Some(namespace) = model.namespaces.get(&*pods.namespace) else { return false };
    let label = pods.labels.get(LINKERD);
    let said = label.and_then(|it| LinkerdWish::of_name(it));
    label.is_some_and(|label| label == Linkerd::Proxy.name())
        || Linkerd::of(said, pods.host_network, namespace) == Linkerd::Proxy
}
