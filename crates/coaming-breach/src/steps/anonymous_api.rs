//! Step `anonymous-api`.

use crate::foothold::{Foothold, IdentityName};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// Rights of `system:anonymous` or `system:unauthenticated` belong to everyone who reaches the
    /// API server. Whether it can be reached from outside,
    /// and accepts anonymous requests, is unknown.
    ///
    /// ## Way: internet to secret/shop/shop-db
    ///
    /// ```yaml
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
    ///   - kind: User
    ///     name: system:anonymous
    ///     apiGroup: rbac.authorization.k8s.io
    /// ```
    ///
    /// ## Wall: internet to secret/shop/shop-db
    ///
    /// ```yaml
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
        id: "anonymous-api",
        technique: "T1078",
        summary: "use the API without credentials"
    }
}

pub(super) fn add(_: &Scene<'_>, graph: &mut AttackGraph) {
    let outside = graph.vertex(Foothold::Outside);
    for identity in [
        IdentityName::User("system:anonymous".to_owned()),
        IdentityName::Group("system:unauthenticated".to_owned()),
    ] {
        let reason = format!(
            "the API server takes requests without credentials as those of {identity}, if it can \
             be reached from outside"
        );
        let to = graph.vertex(Foothold::Identity(identity));
        graph.add(outside, to, NewEdge::step(&STEP, Kind::Unknown, reason));
    }
}
