//! Step `data-access`.

use crate::data_store::{Door, store};
use crate::evidence::Evidence;
use crate::foothold::{Foothold, Link};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// A container that is a data store gives its data to an attacker who runs commands in it.
    /// Through the network, it depends on the password: none is asked for, or the credential is
    /// known, or nothing says whether one is needed, which is unknown. Stores are recognized by
    /// image, name and port.
    ///
    /// ## Way: shop/web to data-store/shop/cache
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
    ///   name: cache
    ///   namespace: shop
    ///   labels:
    ///     app: cache
    /// spec:
    ///   containers:
    ///     - name: cache
    ///       image: redis:7.4
    ///       ports:
    ///         - containerPort: 6379
    /// ```
    ///
    /// ## Wall: shop/web to data-store/shop/cache
    ///
    /// It asks for a password, which the attacker does not know.
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
    ///   name: cache
    ///   namespace: shop
    ///   labels:
    ///     app: cache
    /// spec:
    ///   containers:
    ///     - name: cache
    ///       image: redis:7.4
    ///       args: [--requirepass, $(PASSWORD)]
    ///       ports:
    ///         - containerPort: 6379
    /// ```
    ///
    /// ## Wall: shop/web to data-store/shop/cache
    ///
    /// The network lets nobody in.
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
    ///   name: cache
    ///   namespace: shop
    ///   labels:
    ///     app: cache
    /// spec:
    ///   containers:
    ///     - name: cache
    ///       image: redis:7.4
    ///       ports:
    ///         - containerPort: 6379
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
        id: "data-access",
        technique: "T1213",
        summary: "read what a data store holds"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        let Some(store) = store(pod, container) else { continue };
        let data = graph.vertex(Foothold::DataStore(pod.name.clone()));
        let inside = graph.vertex(Foothold::Container(container.name.clone()));
        let reason = format!("{} holds the data itself ({})", container.name, store.product);
        let place = Evidence::at(pod.object(), container.container.node());
        graph.add(inside, data, NewEdge::step(&STEP, Kind::Certain, reason).at(place));
        for (&(protocol, port), owner) in &pod.listens {
            let is_own = owner.is_none_or(|owner| scene.containers[owner].name == container.name);
            let is_it = store.ports.is_empty() || store.ports.contains(&port);
            if !is_own || !is_it {
                continue;
            }
            let from = graph.vertex(Foothold::Port { workload: pod.name.clone(), protocol, port });
            match &store.door {
                Door::Open(why) => {
                    let edge = NewEdge::step(&STEP, Kind::Certain, format!("{}: {why}", pod.name));
                    graph.add(from, data, edge.at(place));
                }
                Door::Unknown => {
                    let reason = format!("nothing says that {} asks for a password", pod.name);
                    let edge = NewEdge::step(&STEP, Kind::Unknown, reason);
                    graph.add(from, data, edge.at(place));
                }
                Door::Password => {
                    let key = graph.link(Link::StoreCredential(pod.name.clone()));
                    let reason = format!("{} asks for a password, which they know", pod.name);
                    let edge = NewEdge::step(&STEP, Kind::Certain, reason).at(place);
                    graph.add_joint([from, key], data, edge);
                }
            }
        }
    }
}
