//! Step `read-secrets`.

use crate::foothold::{Foothold, Link};
use crate::rights::Right;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// `get`, `list` and `watch` all return the values of Secrets. A validating webhook gets them when
    /// they are written, which may never happen.
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
    ///         runAsUser: 1000
    /// ---
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: shop-db
    ///   namespace: shop
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: r
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [secrets]
    ///     verbs: [list]
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
    /// ```
    ///
    /// ## Wall: shop/web to secret/shop/shop-db
    ///
    /// The right is in another namespace.
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
    /// kind: Secret
    /// metadata:
    ///   name: shop-db
    ///   namespace: shop
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: r
    ///   namespace: other
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [secrets]
    ///     verbs: [list]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: RoleBinding
    /// metadata:
    ///   name: r
    ///   namespace: other
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: Role
    ///   name: r
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: default
    ///     namespace: shop
    /// ```
    STEP {
        id: "read-secrets",
        technique: "T1552.007",
        summary: "read Secrets through the API"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for namespace in &scene.namespaces {
        let right = graph.link(Link::Right(Right::ReadSecrets, Some(namespace.clone())));
        let all = graph.link(Link::Secrets(namespace.clone()));
        graph.add(right, all, NewEdge::note("the API server returns their values"));
        let sees = graph.link(Link::Right(Right::SeeWrites, Some(namespace.clone())));
        let reason = "a validating webhook of theirs gets every Secret when it is next written";
        graph.add(sees, all, NewEdge::note(reason).unsure());
    }
    for ((namespace, name), evidence) in &scene.secrets {
        let from = graph.link(Link::Secrets(namespace.clone()));
        let to =
            graph.vertex(Foothold::Secret { namespace: namespace.clone(), name: name.clone() });
        let reason = format!("one of them is Secret {namespace}/{name}");
        graph.add(from, to, NewEdge::step(&STEP, Kind::Certain, reason).at(*evidence));
    }
}
