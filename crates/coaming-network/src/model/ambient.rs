//! Istio's ambient mesh, as policies: connections between its pods go through one port.

use super::{
    Action, Mesh, Namespaces, Order, PeerKind, PodSelector, Policy, PolicyKind, PolicyPeer, Rule,
    Tier,
};
use crate::selector::{ISTIO, Labels, Operator, Selector};

/// The TCP port through which the pods of the ambient mesh reach each other.
pub const TUNNEL_PORT: u16 = 15008;

/// Who is carried to whom: what takes connections, with what makes them.
const CARRIED: [(Mesh, &[Mesh]); 2] = [
    (Mesh::Ambient, &[Mesh::Ambient, Mesh::Sidecar, Mesh::Gateway, Mesh::Waypoint]),
    (Mesh::Sidecar, &[Mesh::Ambient, Mesh::Waypoint]),
];

fn mesh_of(labels: &Labels) -> Option<&str> {
    labels.get(ISTIO).map(String::as_str)
}

/// Whether the mesh carries connections to pods with these labels.
pub(crate) fn is_carried(target: &Labels) -> bool {
    CARRIED.iter().any(|(mesh, _)| mesh_of(target) == Some(mesh.name()))
}

/// Whether the mesh carries connections from pods with these labels to those with others.
pub(crate) fn carries(source: &Labels, target: &Labels) -> bool {
    CARRIED.iter().any(|(mesh, sources)| {
        mesh_of(target) == Some(mesh.name())
            && sources.iter().any(|mesh| mesh_of(source) == Some(mesh.name()))
    })
}

/// Pods for which Istio does one of these.
pub(crate) fn in_mesh(mesh: &[Mesh]) -> PodSelector {
    let mut pods = Selector::everything();
    let values = mesh.iter().map(|mesh| mesh.name().to_owned()).collect();
    pods.require(ISTIO, Operator::In(values));
    PodSelector { namespaces: Namespaces::Selected(Selector::everything()), pods }
}

/// For each kind of pods a policy: with whom the mesh carries their connections.
pub(crate) fn ambient_policies() -> Vec<Policy> {
    let sources = [Mesh::Ambient, Mesh::Sidecar, Mesh::Gateway, Mesh::Waypoint];
    let policies = sources.into_iter().map(|mesh| {
        let takes = CARRIED.iter().filter(|(target, _)| *target == mesh);
        let ingress = takes.map(|(_, sources)| rule(sources));
        let makes = CARRIED.iter().filter(|(_, sources)| sources.contains(&mesh));
        let targets: Vec<Mesh> = makes.map(|(target, _)| *target).collect();
        Policy {
            kind: PolicyKind::AmbientMesh,
            namespace: String::new(),
            name: mesh.name().to_owned(),
            part: None,
            tier: Tier::Tunnel,
            priority: 0,
            order: Order::of_kubernetes(),
            subject: in_mesh(&[mesh]),
            ingress: Some(ingress.collect()),
            egress: Some(vec![rule(&targets)]),
            isolates: [false, false],
            dead_rules: Vec::new(),
            location: None,
        }
    });
    policies.collect()
}

fn rule(peers: &[Mesh]) -> Rule {
    let peer = PolicyPeer { kind: PeerKind::Pods(in_mesh(peers)), location: None };
    Rule {
        path: Some(format!("TCP port {TUNNEL_PORT}")),
        name: None,
        action: Action::Pass,
        peers: Some(vec![peer]),
        ports: None,
        limits: Vec::new(),
        location: None,
    }
}
