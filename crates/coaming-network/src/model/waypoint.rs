//! Waypoints of Istio's ambient mesh: proxies that connections to some pods pass.

use super::{PeerKind, PodSelector, Policy, Rule};

/// A way to some pods through a waypoint, for the pods of the ambient mesh.
///
/// The source connects to a pod of the waypoint, through the port of the mesh; that one decides by
/// policies of its own, and connects to the target with its own identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waypoint {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its pods.
    pub pods: PodSelector,
    /// The pods that it leads to.
    pub target: PodSelector,
    /// The Service that leads through it: `shop/db`. Without one, the pods' own addresses do.
    pub service: Option<String>,
    /// Who uses it, and the ports of the target that it leads to.
    pub carries: Rule,
    /// What it authorizes, in terms of the target's ports.
    pub policies: Vec<Policy>,
}

impl Waypoint {
    /// `shop/waypoint`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// The pods that use it.
    pub fn users(&self) -> impl Iterator<Item = &PodSelector> {
        let peers = self.carries.peers.iter().flatten();
        peers.filter_map(|peer| match &peer.kind {
            PeerKind::Pods(selector) => Some(selector),
            _ => None,
        })
    }
}
