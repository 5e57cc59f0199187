//! Step `token-secret`.

use coaming_kube::{Fields as _, Object};

use crate::evidence::{Evidence, Undo};
use crate::foothold::{Foothold, IdentityName};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// A Secret of type `kubernetes.io/service-account-token` has a token of a service account that
    /// does not expire.
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
    ///   volumes:
    ///     - name: s
    ///       secret:
    ///         secretName: shop-db
    ///   automountServiceAccountToken: false
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: s
    ///           mountPath: /s
    /// ---
    /// apiVersion: v1
    /// kind: Secret
    /// type: kubernetes.io/service-account-token
    /// metadata:
    ///   name: shop-db
    ///   namespace: shop
    ///   annotations:
    ///     kubernetes.io/service-account.name: robot
    /// ```
    ///
    /// ## Wall: shop/web to serviceaccount/shop/robot
    ///
    /// It is another Secret.
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
    ///   automountServiceAccountToken: false
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: s
    ///           mountPath: /s
    /// ---
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: shop-db
    ///   namespace: shop
    /// ```
    STEP {
        id: "token-secret",
        technique: "T1528",
        summary: "use the token in a Secret"
    }
}

const TYPE: &str = "kubernetes.io/service-account-token";

/// The account whose token a Secret has.
pub(super) fn account(secret: Object<'_>) -> Option<&str> {
    let account = secret.annotation("kubernetes.io/service-account.name");
    account.filter(|_| secret.node().string("type") == Some(TYPE))
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for object in scene.world.of_kind("Secret") {
        let Some(account) = account(object) else { continue };
        let namespace = object.namespace_or_default().to_owned();
        let from = graph.vertex(Foothold::Secret {
            namespace: namespace.clone(),
            name: object.name().to_owned(),
        });
        let account = IdentityName::ServiceAccount { namespace, name: account.to_owned() };
        let reason = format!("it has a token of {account}");
        let to = graph.vertex(Foothold::Identity(account));
        let edge = NewEdge::step(&STEP, Kind::Certain, reason)
            .at(Evidence::of(object))
            .undone_by(Undo::of_object(&["long-lived-token"], object.id));
        graph.add(from, to, edge);
    }
}
