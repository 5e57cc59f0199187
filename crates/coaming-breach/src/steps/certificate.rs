//! Step `client-certificate`.

use crate::foothold::{Foothold, Link};
use crate::rights::Right;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// An attacker who requests certificates, approves them and may approve for the signer
    /// `kubernetes.io/kube- apiserver-client` becomes any user, such as `system:kube-controller-
    /// manager`, which issues tokens of every account. Requesting and approving may be rights of
    /// different identities.
    ///
    /// ## Way: shop/web to admin
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
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: r
    /// rules:
    ///   - apiGroups: ["certificates.k8s.io"]
    ///     resources: [certificatesigningrequests]
    ///     verbs: [create]
    ///   - apiGroups: ["certificates.k8s.io"]
    ///     resources: [certificatesigningrequests/approval]
    ///     verbs: [update]
    ///   - apiGroups: ["certificates.k8s.io"]
    ///     resources: [signers]
    ///     verbs: [approve]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRoleBinding
    /// metadata:
    ///   name: r
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: ClusterRole
    ///   name: r
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: default
    ///     namespace: shop
    /// ```
    ///
    /// ## Wall: shop/web to admin
    ///
    /// Nobody in reach may approve for a signer.
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
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: r
    /// rules:
    ///   - apiGroups: ["certificates.k8s.io"]
    ///     resources: [certificatesigningrequests]
    ///     verbs: [create]
    ///   - apiGroups: ["certificates.k8s.io"]
    ///     resources: [certificatesigningrequests/approval]
    ///     verbs: [update]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRoleBinding
    /// metadata:
    ///   name: r
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: ClusterRole
    ///   name: r
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: default
    ///     namespace: shop
    /// ```
    STEP {
        id: "client-certificate",
        technique: "T1098",
        summary: "sign a client certificate for another user"
    }
}

pub(super) fn add(_: &Scene<'_>, graph: &mut AttackGraph) {
    let request = graph.link(Link::Right(Right::RequestCertificates, None));
    let approve = graph.link(Link::Right(Right::ApproveCertificates, None));
    let to = graph.vertex(Foothold::ClusterAdmin);
    let reason =
        "a certificate for user system:kube-controller-manager issues tokens of every account";
    graph.add_joint([request, approve], to, NewEdge::step(&STEP, Kind::Certain, reason));
}
