//! Step `create-token-secret`.

use crate::foothold::{Foothold, IdentityName, Link};
use crate::rights::Right;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// The control plane puts a token into every Secret of type `kubernetes.io/service-account-
    /// token`. An attacker who creates Secrets and reads them gets tokens of any account of the
    /// namespace. The two rights may belong to different identities.
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
    ///   - apiGroups: [""]
    ///     resources: [secrets]
    ///     verbs: [create, get]
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
    /// The Secret cannot be read.
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
    ///   - apiGroups: [""]
    ///     resources: [secrets]
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
    STEP {
        id: "create-token-secret",
        technique: "T1098",
        summary: "make a Secret with the token of a service account"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for (namespace, name) in &scene.accounts {
        let right = |right| Link::Right(right, Some(namespace.clone()));
        let create = graph.link(right(Right::CreateSecrets));
        let read = graph.link(right(Right::ReadSecrets));
        let account =
            IdentityName::ServiceAccount { namespace: namespace.clone(), name: name.clone() };
        let reason = format!("a new Secret gets a token of {account}");
        let to = graph.vertex(Foothold::Identity(account));
        graph.add_joint([create, read], to, NewEdge::step(&STEP, Kind::Certain, reason));
    }
}
