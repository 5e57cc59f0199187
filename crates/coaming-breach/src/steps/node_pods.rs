//! Step `node-pods`.

use super::account_token::account_of;
use super::escape::node_of;
use super::image_credential;
use crate::evidence::Evidence;
use crate::foothold::{Foothold, Link, NodeName};
use crate::graph::VertexId;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// Root on a node has every container on it, their tokens and their Secrets: those of the pod
    /// itself and of pods that run on every node for
    /// certain, and those of any pod that may have been scheduled there. With the rights of the node, they
    /// request tokens of the accounts of these pods, whether one is mounted or not.
    ///
    /// ## Way: shop/web to secret/shop/shop-db
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
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: shop-db
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: s
    ///       secret:
    ///         secretName: shop-db
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: s
    ///           mountPath: /s
    /// ```
    ///
    /// ## Wall: shop/web to secret/shop/shop-db
    ///
    /// The pods select different nodes.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   nodeSelector: {pool: a}
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         privileged: true
    ///         runAsUser: 0
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: shop-db
    ///   namespace: shop
    /// spec:
    ///   nodeSelector: {pool: b}
    ///   volumes:
    ///     - name: s
    ///       secret:
    ///         secretName: shop-db
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: s
    ///           mountPath: /s
    /// ```
    STEP {
        id: "node-pods",
        technique: "T1552.007",
        summary: "take what runs on the node"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    add_own(scene, graph);
    let every = graph.link(Link::OnEveryNode);
    for (number, pod) in scene.pods.iter().enumerate() {
        if scene.placements.is_on_every_node(number) {
            let reason = format!("{} runs on every node", pod.name);
            add_pod(scene, graph, every, number, Kind::Certain, &reason);
        }
    }
    for demand in 0..scene.placements.count() {
        let from = graph.link(Link::BesideDemand(demand));
        for (number, pod) in scene.pods.iter().enumerate() {
            let is_near = scene.placements.may_meet(demand, scene.placements.of(number));
            if is_near && !scene.placements.is_on_every_node(number) {
                let reason = format!("{} may run on the same node", pod.name);
                add_pod(scene, graph, from, number, Kind::Unknown, &reason);
            }
        }
    }
    let any = graph.vertex(Foothold::Node(NodeName::Any));
    graph.add(any, every, NewEdge::link());
    for number in 0..scene.pods.len() {
        let reason =
            format!("{} runs on some node, and the attacker chooses", scene.pods[number].name);
        add_pod(scene, graph, any, number, Kind::Certain, &reason);
    }
}

/// A node has the pod that it was reached from, and gives its files.
fn add_own(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for number in 0..scene.pods.len() {
        let name = node_of(scene, number);
        let node = graph.vertex(Foothold::Node(name.clone()));
        let files = graph.vertex(Foothold::NodeFiles(name));
        graph.add(node, files, NewEdge::link());
        let reason = format!("{} runs on it", scene.pods[number].name);
        add_pod(scene, graph, node, number, Kind::Certain, &reason);
        let every = graph.link(Link::OnEveryNode);
        graph.add(node, every, NewEdge::link());
        let beside = graph.link(Link::BesideDemand(scene.placements.of(number)));
        graph.add(node, beside, NewEdge::link());
        let from = graph.link(Link::FilesBeside(scene.placements.of(number)));
        graph.add(files, from, NewEdge::link());
    }
    for demand in 0..scene.placements.count() {
        let from = graph.link(Link::FilesBeside(demand));
        for (number, pod) in scene.pods.iter().enumerate() {
            if !scene.placements.may_meet(demand, scene.placements.of(number)) {
                continue;
            }
            let (kind, how) = if scene.placements.is_on_every_node(number) {
                (Kind::Certain, "runs on every node")
            } else {
                (Kind::Unknown, "may run on the same node")
            };
            add_files(scene, graph, from, number, kind, &format!("{} {how}", pod.name));
        }
    }
}

/// Root on a node takes the containers of a pod.
fn add_pod(
    scene: &Scene<'_>,
    graph: &mut AttackGraph,
    from: VertexId,
    number: usize,
    kind: Kind,
    reason: &str,
) {
    let pod = &scene.pods[number];
    for container in scene.containers_of(pod) {
        // What a node can read is more than what a process in the container can.
        let to = graph.vertex(Foothold::ContainerRoot(container.name.clone()));
        graph.add(from, to, NewEdge::step(&STEP, kind, reason).at(Evidence::of(pod.object())));
        let plain = graph.vertex(Foothold::Container(container.name.clone()));
        graph.add(to, plain, NewEdge::link());
    }
    // The node may request tokens of the accounts of its pods, also of those that no token is mounted into.
    let to = graph.vertex(Foothold::Identity(account_of(pod)));
    let token = format!("{reason}, and the node gets tokens of its account");
    let edge = NewEdge::step(&STEP, kind, token).at(Evidence::of(pod.object()));
    graph.add(from, to, edge);
    add_files(scene, graph, from, number, kind, reason);
    image_credential::add_hidden(scene, graph, from, pod, kind, reason);
}

/// The files of a node have the Secrets and tokens of a pod.
fn add_files(
    scene: &Scene<'_>,
    graph: &mut AttackGraph,
    from: VertexId,
    number: usize,
    kind: Kind,
    reason: &str,
) {
    let pod = &scene.pods[number];
    for found in pod.pod().secret_uses() {
        let namespace = pod.name.namespace.clone();
        let to = graph.vertex(Foothold::Secret { namespace, name: found.secret.to_owned() });
        let edge = NewEdge::step(&STEP, kind, format!("{reason} and uses it"));
        graph.add(from, to, edge.at(Evidence::at(pod.object(), found.node)));
    }
    for (secret, evidence) in super::granted_secret::in_pod(scene, pod) {
        let to = graph.vertex(secret);
        let edge = NewEdge::step(&STEP, kind, format!("{reason} and is granted it"));
        graph.add(from, to, edge.at(evidence));
    }
    if coaming_access::has_token(scene.world, pod.workload) {
        let to = graph.vertex(Foothold::Identity(account_of(pod)));
        let edge = NewEdge::step(&STEP, kind, format!("{reason} with its token"));
        graph.add(from, to, edge.at(Evidence::of(pod.object())));
    }
}
