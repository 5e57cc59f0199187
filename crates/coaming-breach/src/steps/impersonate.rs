//! Step `impersonate`.

use crate::foothold::{Foothold, IdentityName, Link};
use crate::rights::Right;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// `impersonate` on service accounts acts as any of them, and on users as any user. Groups
    /// need a user as well: see take-rights.
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
    ///     resources: [serviceaccounts]
    ///     verbs: [impersonate]
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
    ///     resources: [serviceaccounts]
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
        id: "impersonate",
        technique: "T1134.001",
        summary: "act as another identity"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for (namespace, name) in &scene.accounts {
        let from = graph.link(Link::Right(Right::ImpersonateAccounts, Some(namespace.clone())));
        let account =
            IdentityName::ServiceAccount { namespace: namespace.clone(), name: name.clone() };
        let reason = format!("requests count as those of {account}");
        let to = graph.vertex(Foothold::Identity(account));
        graph.add(from, to, NewEdge::step(&STEP, Kind::Certain, reason));
    }
    let users: Vec<String> = graph
        .footholds()
        .filter_map(|(_, foothold)| match foothold {
            Foothold::Identity(IdentityName::User(name)) => Some(name.clone()),
            _ => None,
        })
        .collect();
    let from = graph.link(Link::Right(Right::ImpersonateUsers, None));
    let admin = graph.vertex(Foothold::ClusterAdmin);
    let reason = "requests count as those of user system:kube-controller-manager, which issues \
        tokens of every account";
    graph.add(from, admin, NewEdge::step(&STEP, Kind::Certain, reason).harder(1));
    for name in users {
        let reason = format!("requests count as those of user {name}");
        let to = graph.vertex(Foothold::Identity(IdentityName::User(name)));
        graph.add(from, to, NewEdge::step(&STEP, Kind::Certain, reason));
    }
}
