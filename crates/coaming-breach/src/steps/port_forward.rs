//! Step `port-forward`.

use std::collections::HashSet;

use coaming_network::Protocol;

use crate::evidence::Evidence;
use crate::foothold::{Foothold, Link};
use crate::rights::Right;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// Port forwarding ends in the pod's own network, so network policies do not apply to it. The
    /// proxies of pods and Services connect from the
    /// API server.
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
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: r
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [pods/portforward]
    ///     verbs: [create]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: RoleBinding
    /// metadata:
    ///   name: r
    ///   namespace: shop
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: Role
    ///   name: r
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: default
    ///     namespace: shop
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata:
    ///   name: deny
    ///   namespace: shop
    /// spec:
    ///   podSelector: {}
    ///   policyTypes: [Ingress, Egress]
    /// ```
    ///
    /// ## Wall: shop/web to port/shop/db
    ///
    /// Policies allow no connection, and nothing leads around them.
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
    ///   policyTypes: [Ingress, Egress]
    /// ```
    STEP {
        id: "port-forward",
        technique: "T1090",
        summary: "connect to a port of a pod through the API server"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    let behind = behind_services(scene);
    for (number, pod) in scene.pods.iter().enumerate() {
        let namespace = pod.name.namespace.clone();
        let right = graph.link(Link::Right(Right::PortForward, Some(namespace.clone())));
        let proxy = graph.link(Link::Right(Right::ServiceProxy, Some(namespace.clone())));
        let all = graph.link(Link::Ports(namespace));
        if graph.leaving(right).is_empty() {
            graph.add(right, all, NewEdge::link());
        }
        for &(protocol, port) in pod.listens.keys() {
            let to = graph.vertex(Foothold::Port { workload: pod.name.clone(), protocol, port });
            let reason = format!("the API server connects to port {port} of {}", pod.name);
            let edge = NewEdge::step(&STEP, Kind::Certain, reason).at(Evidence::of(pod.object()));
            graph.add(all, to, edge);
            if behind.contains(&(number, protocol, port)) {
                let reason =
                    format!("a Service leads the API server to port {port} of {}", pod.name);
                let edge = NewEdge::step(&STEP, Kind::Certain, reason);
                graph.add(proxy, to, edge.at(Evidence::of(pod.object())));
            }
        }
    }
}

/// The ports of pods that Services lead to.
fn behind_services(scene: &Scene<'_>) -> HashSet<(usize, Protocol, u16)> {
    let mut found = HashSet::new();
    scene.for_each_service_target(|_, protocol, port, pod| {
        found.insert((pod, protocol, port));
    });
    found
}
