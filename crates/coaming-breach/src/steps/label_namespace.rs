//! Step `label-namespace`.

use crate::foothold::{Foothold, Link, NodeName};
use crate::rights::Right;
use crate::scene::PodSecurity;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// Pod Security admission follows the labels of the namespace. An attacker who may change
    /// these, and may start pods there, starts privileged ones. So does one who may create namespaces, and
    /// start pods in all of them. The two rights may belong to different identities.
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
    ///   labels:
    ///     pod-security.kubernetes.io/enforce: restricted
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
    ///   - apiGroups: [""]
    ///     resources: [namespaces]
    ///     verbs: [patch]
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
    /// The labels cannot be changed.
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
    ///     pod-security.kubernetes.io/enforce: restricted
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
    ///   - apiGroups: [""]
    ///     resources: [namespaces]
    ///     verbs: [get]
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
    STEP {
        id: "label-namespace",
        technique: "T1562",
        summary: "lift Pod Security admission from a namespace"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for namespace in &scene.namespaces {
        if scene.pod_security(namespace) == PodSecurity::Privileged {
            continue;
        }
        let right = |right| Link::Right(right, Some(namespace.clone()));
        let start = graph.link(right(Right::StartPods));
        let label = graph.link(right(Right::LabelNamespace));
        let to = graph.vertex(Foothold::Node(NodeName::Any));
        let reason = format!("without its label, namespace {namespace} lets privileged pods start");
        graph.add_joint([start, label], to, NewEdge::step(&STEP, Kind::Certain, reason));
    }
    let start = graph.link(Link::Right(Right::StartPods, None));
    let create = graph.link(Link::Right(Right::CreateNamespaces, None));
    let to = graph.vertex(Foothold::Node(NodeName::Any));
    let reason = "a new namespace without labels lets privileged pods start";
    graph.add_joint([start, create], to, NewEdge::step(&STEP, Kind::Certain, reason));
}
