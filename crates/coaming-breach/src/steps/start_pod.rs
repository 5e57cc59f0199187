//! Step `start-pod`.

use crate::foothold::{Foothold, IdentityName, Link};
use crate::rights::Right;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// An identity that starts pods, or workloads that start them, chooses their service account
    /// and mounts any Secret of the namespace.
    ///
    /// ## Way: shop/web to serviceaccount/shop/robot
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
    /// kind: ServiceAccount
    /// metadata:
    ///   name: robot
    ///   namespace: shop
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: r
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: ["apps"]
    ///     resources: [deployments]
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
    /// ## Wall: shop/web to serviceaccount/shop/robot
    ///
    /// Deleting pods starts none of the attacker's.
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
    /// kind: ServiceAccount
    /// metadata:
    ///   name: robot
    ///   namespace: shop
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: r
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: ["apps"]
    ///     resources: [deployments]
    ///     verbs: [delete]
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
        id: "start-pod",
        technique: "T1610",
        summary: "start a pod with an account and Secrets of the namespace"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for namespace in &scene.namespaces {
        let right = graph.link(Link::Right(Right::StartPods, Some(namespace.clone())));
        let secrets = graph.link(Link::Secrets(namespace.clone()));
        graph.add(right, secrets, NewEdge::note("a new pod mounts any Secret of its namespace"));
        let accounts = graph.link(Link::Accounts(namespace.clone()));
        graph.add(right, accounts, NewEdge::note("a new pod runs as any account of its namespace"));
    }
    for (namespace, name) in &scene.accounts {
        let from = graph.link(Link::Accounts(namespace.clone()));
        let account =
            IdentityName::ServiceAccount { namespace: namespace.clone(), name: name.clone() };
        let reason = format!("they get a token of {account}");
        let to = graph.vertex(Foothold::Identity(account));
        graph.add(from, to, NewEdge::step(&STEP, Kind::Certain, reason));
    }
}
