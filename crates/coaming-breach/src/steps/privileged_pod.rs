//! Step `privileged-pod`.

use crate::evidence::Evidence;
use crate::foothold::{Foothold, Link, NodeName};
use crate::rights::Right;
use crate::scene::PodSecurity;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// An identity that starts pods also starts privileged ones, on a node of their choice,
    /// unless Pod Security admission of the namespace enforces `baseline` or `restricted`. If the
    /// namespace is not part of the input, its labels are unknown.
    ///
    /// ## Way: shop/web to node
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
    /// kind: Namespace
    /// metadata:
    ///   name: shop
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: r
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [pods]
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
    /// ```
    ///
    /// ## Wall: shop/web to node
    ///
    /// The namespace enforces a standard.
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
    /// kind: Namespace
    /// metadata:
    ///   name: shop
    ///   labels:
    ///     pod-security.kubernetes.io/enforce: baseline
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: r
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [pods]
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
    /// ```
    ///
    /// ## Wall: shop/web to node
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
    /// kind: Namespace
    /// metadata:
    ///   name: shop
    /// ```
    STEP {
        id: "privileged-pod",
        technique: "T1610",
        summary: "start a privileged pod"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for namespace in &scene.namespaces {
        let (kind, how) = match scene.pod_security(namespace) {
            PodSecurity::Enforced => continue,
            PodSecurity::Privileged => (Kind::Certain, "does not enforce a Pod Security Standard"),
            PodSecurity::Unknown => (
                Kind::Unknown,
                "has labels that are unknown here, and may not enforce a Pod Security Standard",
            ),
        };
        let object = scene.world.of_kind("Namespace").find(|object| object.name() == namespace);
        let from = graph.link(Link::Right(Right::StartPods, Some(namespace.clone())));
        let to = graph.vertex(Foothold::Node(NodeName::Any));
        let reason = format!("a new pod may be privileged: namespace {namespace} {how}");
        let edge = NewEdge::step(&STEP, kind, reason).at_all(object.map(Evidence::of));
        graph.add(from, to, edge);
    }
}
