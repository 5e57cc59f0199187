//! Step `control-plane-node`.

use super::escape::node_of;
use crate::evidence::Evidence;
use crate::foothold::{Foothold, NodeName};
use crate::placement::OnControlPlane;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// Root on a node of the control plane has the keys that sign every identity of the cluster.
    /// Pods run there if they require it, or tolerate
    /// its taint. In a managed cluster, the control plane is not a node.
    ///
    /// ## Way: shop/web to admin
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   nodeSelector:
    ///     node-role.kubernetes.io/control-plane: ""
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         privileged: true
    ///         runAsUser: 0
    /// ```
    ///
    /// ## Wall: shop/web to admin
    ///
    /// The pod does not tolerate the taint of the control plane.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         privileged: true
    ///         runAsUser: 0
    /// ```
    STEP {
        id: "control-plane-node",
        technique: "T1552.004",
        summary: "take the keys of the control plane from its node"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    let admin = graph.vertex(Foothold::ClusterAdmin);
    for (number, pod) in scene.pods.iter().enumerate() {
        let (kind, how) = match scene.placements.on_control_plane(number) {
            OnControlPlane::Always => (Kind::Certain, "runs on the control plane"),
            OnControlPlane::Maybe => (Kind::Unknown, "may run on the control plane"),
            OnControlPlane::No => continue,
        };
        let from = graph.vertex(Foothold::Node(node_of(scene, number)));
        let reason = format!("{} {how}: its node has the keys of the cluster", pod.name);
        graph.add(from, admin, NewEdge::step(&STEP, kind, reason).at(Evidence::of(pod.object())));
    }
    let any = graph.vertex(Foothold::Node(NodeName::Any));
    let reason = "a pod may name a node of the control plane, if the cluster has one as a node";
    graph.add(any, admin, NewEdge::step(&STEP, Kind::Unknown, reason));
}
