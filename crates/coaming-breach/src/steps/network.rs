//! Step `network-connection`.

use coaming_network::Protocol;

use crate::evidence::{Evidence, Undo};
use crate::foothold::{Foothold, Link};
use crate::graph::VertexId;
use crate::scene::PodInfo;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// The policies of both sides let the connection through, exactly as `coaming net` says, and
    /// something listens there. This gives the
    /// port, not what is behind it.
    ///
    /// ## Way: shop/web to port/shop/db
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
    ///         runAsUser: 1000
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: db
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: registry.example.com/app:1.4.2
    ///       ports:
    ///         - containerPort: 8080
    /// ```
    ///
    /// ## Wall: shop/web to port/shop/db
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
    ///         runAsUser: 1000
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: db
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: registry.example.com/app:1.4.2
    ///       ports:
    ///         - containerPort: 8080
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata:
    ///   name: deny
    ///   namespace: shop
    /// spec:
    ///   podSelector: {}
    ///   policyTypes: [Ingress]
    /// ```
    STEP {
        id: "network-connection",
        technique: "T1046",
        summary: "connect to a port of another workload"
    }
}

const NO_POLICY: &[&str] = &["no-ingress-policy"];

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        let Some(cell) = pod.network.and_then(|network| scene.source_of.get(&network)) else {
            continue;
        };
        let from = graph.vertex(Foothold::Container(container.name.clone()));
        let to = graph.link(Link::Source(*cell));
        let reason = container.missing_tools().map_or_else(String::new, |missing| {
            format!("harder from {}: {missing}", container.name)
        });
        graph.add(from, to, NewEdge::note(reason).harder(container.extra()));
    }
    for (number, source) in scene.cells.sources.iter().enumerate() {
        let from = graph.link(Link::Source(number));
        for &target in &source.targets {
            let to = graph.link(Link::Target(target));
            graph.add(from, to, NewEdge::link());
        }
    }
    for (number, target) in scene.cells.targets.iter().enumerate() {
        let from = graph.link(Link::Target(number));
        for pods in target.workloads.iter().filter_map(|id| scene.pods_of_network.get(id)) {
            for pod in pods.iter().map(|&pod| &scene.pods[pod]) {
                for &(protocol, port) in pod.listens.keys() {
                    if target.allowed.contains(protocol, port) {
                        add_port(graph, from, pod, protocol, port);
                    }
                }
            }
        }
    }
    add_neighbors_in_pod(scene, graph);
}

fn add_port(
    graph: &mut AttackGraph,
    from: VertexId,
    pod: &PodInfo<'_>,
    protocol: Protocol,
    port: u16,
) {
    let to = graph.vertex(Foothold::Port { workload: pod.name.clone(), protocol, port });
    let reason =
        format!("the network policies let connections to port {port} of {} through", pod.name);
    let edge = NewEdge::step(&STEP, Kind::Certain, reason)
        .at(Evidence::of(pod.object()))
        .undone_by(Undo::of_namespace(NO_POLICY, pod.object().id));
    graph.add(from, to, edge);
}

/// Containers of one pod share its network: no policy is between them.
fn add_neighbors_in_pod(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        for (&(protocol, port), owner) in &pod.listens {
            let is_own = owner.is_some_and(|owner| scene.containers[owner].name == container.name);
            if is_own || pod.containers.len() < 2 {
                continue;
            }
            let from = graph.vertex(Foothold::Container(container.name.clone()));
            let to = graph.vertex(Foothold::Port { workload: pod.name.clone(), protocol, port });
            let reason = format!("the containers of {} share one network", pod.name);
            let edge = NewEdge::step(&STEP, Kind::Certain, container.because(reason));
            graph.add(from, to, edge.harder(container.extra()).at(Evidence::of(pod.object())));
        }
    }
}
