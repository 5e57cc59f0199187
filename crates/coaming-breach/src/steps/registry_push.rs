//! Step `registry-push`.

use crate::evidence::Evidence;
use crate::foothold::Foothold;
use crate::host_names::HostNames;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// An attacker who writes to a registry in the cluster replaces the images that pods pull
    /// from it by tag. A digest is a wall: the image with it cannot be replaced. The registry is known by
    /// the name of its Service, or as a port of the node itself (`localhost:30500`).
    ///
    /// ## Way: shop/web to container/shop/db
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
    ///   name: store
    ///   namespace: shop
    ///   labels:
    ///     app: cache
    /// spec:
    ///   containers:
    ///     - name: registry
    ///       image: registry:2
    ///       ports:
    ///         - containerPort: 5000
    /// ---
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: registry
    ///   namespace: shop
    /// spec:
    ///   selector:
    ///     app: cache
    ///   ports:
    ///     - port: 5000
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: db
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: registry.shop.svc:5000/app:1
    /// ```
    ///
    /// ## Wall: shop/web to container/shop/db
    ///
    /// The image is pinned.
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
    ///   name: store
    ///   namespace: shop
    ///   labels:
    ///     app: cache
    /// spec:
    ///   containers:
    ///     - name: registry
    ///       image: registry:2
    ///       ports:
    ///         - containerPort: 5000
    /// ---
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: registry
    ///   namespace: shop
    /// spec:
    ///   selector:
    ///     app: cache
    ///   ports:
    ///     - port: 5000
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: db
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: registry.shop.svc:5000/app@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    /// ```
    STEP {
        id: "registry-push",
        technique: "T1525",
        summary: "replace an image in a registry of the cluster"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    let names = HostNames::new(scene);
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        let is_pulled = container.container.image_pull_policy() != Some("Never");
        let Some(reference) =
            container.reference.as_ref().filter(|it| is_pulled && it.digest().is_none())
        else {
            continue;
        };
        for &store in names.pods(reference.registry(), pod.namespace()) {
            let store = &scene.pods[store];
            let from = graph.vertex(Foothold::DataStore(store.name.clone()));
            let to = graph.vertex(Foothold::Container(container.name.clone()));
            let reason = format!("{} pulls its image from {} by tag", container.name, store.name);
            let edge = NewEdge::step(&STEP, Kind::Certain, reason)
                .at(Evidence::at(pod.object(), container.container.node()));
            graph.add(from, to, edge);
        }
    }
}
