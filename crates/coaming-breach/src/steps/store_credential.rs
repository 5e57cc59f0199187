//! Step `store-credential`.

use super::use_secret::environment_secrets;
use crate::data_store::store;
use crate::evidence::Evidence;
use crate::foothold::{Foothold, Link};

use super::step;
use crate::graph::{AttackGraph, NewEdge};
use crate::scene::Scene;

step! {
    /// A Secret that the pod of a data store uses is taken as its credential. An attacker who
    /// knows it and reaches the port reads the data.
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
    ///       env:
    ///         - name: REDIS_PASSWORD
    ///           valueFrom:
    ///             secretKeyRef:
    ///               name: shop-db
    ///               key: password
    ///       ports:
    ///         - containerPort: 6379
    /// ```
    ///
    /// ## Wall: shop/web to data-store/shop/cache
    ///
    /// They do not know the Secret.
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
    ///       env:
    ///         - name: REDIS_PASSWORD
    ///           valueFrom:
    ///             secretKeyRef:
    ///               name: shop-db
    ///               key: password
    ///       ports:
    ///         - containerPort: 6379
    /// ```
    STEP {
        id: "store-credential",
        technique: "T1078",
        summary: "open a data store with a Secret"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        if store(pod, container).is_none() {
            continue;
        }
        let to = graph.link(Link::StoreCredential(pod.name.clone()));
        for (name, node) in environment_secrets(container) {
            let namespace = pod.name.namespace.clone();
            let from = graph.vertex(Foothold::Secret { namespace, name: name.to_owned() });
            let reason = format!("{} takes its password from Secret {name}", pod.name);
            graph.add(from, to, NewEdge::note(reason).at(Evidence::at(pod.object(), node)));
        }
    }
}
