//! Step `anonymous-api`.

use crate::foothold::{Foothold, IdentityName, Link};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// Rights of `system:anonymous` or `system:unauthenticated` belong to everyone who reaches the
    /// API server: also to a pod that has no token, if policies let it connect to anything outside of
    /// the pods. Whether the API server can be reached from outside, and accepts anonymous requests, is
    /// unknown.
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

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    let outside = graph.vertex(Foothold::Outside);
    for identity in [
        IdentityName::User("system:anonymous".to_owned()),
        IdentityName::Group("system:unauthenticated".to_owned()),
    ] {
        let has_rights = is_bound(scene, &identity);
        let takes = format!(
            "the API server takes requests without credentials as those of {identity}, if it \
             accepts any"
        );
        let to = graph.vertex(Foothold::Identity(identity));
        let reason = format!("{takes}, and can be reached from outside");
        graph.add(outside, to, NewEdge::step(&STEP, Kind::Unknown, reason));
        if !has_rights {
            continue;
        }
        for (number, source) in scene.cells.sources.iter().enumerate() {
            let is_open = source.outside.iter().any(|(allowed, _)| !allowed.is_empty());
            if is_open {
                let from = graph.link(Link::Source(number));
                graph.add(from, to, NewEdge::step(&STEP, Kind::Unknown, takes.clone()));
            }
        }
    }
}

/// Whether any binding names an identity.
fn is_bound(scene: &Scene<'_>, identity: &IdentityName) -> bool {
    let mut subjects = scene.access.bindings().flat_map(|binding| binding.subjects());
    subjects.any(|(subject, _)| IdentityName::of(subject) == *identity)
}
