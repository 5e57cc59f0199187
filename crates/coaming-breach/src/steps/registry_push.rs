//! Step `registry-push`.

use std::collections::HashMap;

use coaming_network::Pods;

use crate::evidence::Evidence;
use crate::foothold::Foothold;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// An attacker who writes to a registry in the cluster replaces the images that pods pull
    /// from it by tag. A digest is a wall: the image with it cannot be replaced.
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
    let model = scene.reach.model();
    // The workloads of each Service, by its namespace and name.
    let mut behind: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    let mut pods_in: HashMap<&str, Vec<&Pods>> = HashMap::new();
    for (_, pods) in &model.pods {
        pods_in.entry(&pods.namespace).or_default().push(pods);
    }
    for (_, service) in &model.services {
        let near = pods_in.get(service.namespace.as_str()).into_iter().flatten();
        for pods in near {
            if service.selects(pods) {
                let numbers = scene.pods_of_network.get(&pods.workload).into_iter().flatten();
                let key = (service.namespace.as_str(), service.name.as_str());
                behind.entry(key).or_default().extend(numbers);
            }
        }
    }
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        let Some(reference) = container.reference.as_ref().filter(|it| it.digest().is_none())
        else {
            continue;
        };
        let host = reference.registry().split(':').next().unwrap_or_default();
        let mut parts = host.split('.');
        let service = parts.next().unwrap_or_default();
        let namespace = parts.next().unwrap_or(pod.namespace());
        let is_of_cluster = parts.next().is_none_or(|part| part == "svc");
        let stores = behind.get(&(namespace, service)).filter(|_| is_of_cluster);
        for store in stores.into_iter().flatten().map(|&store| &scene.pods[store]) {
            let from = graph.vertex(Foothold::DataStore(store.name.clone()));
            let to = graph.vertex(Foothold::Container(container.name.clone()));
            let reason = format!("{} pulls its image from {} by tag", container.name, store.name);
            let edge = NewEdge::step(&STEP, Kind::Certain, reason)
                .at(Evidence::at(pod.object(), container.container.node()));
            graph.add(from, to, edge);
        }
    }
}
