//! Step `take-rights`.

use coaming_access::Request;
use coaming_kube::Object;

use crate::evidence::Evidence;
use crate::foothold::{Foothold, IdentityName, Link};
use crate::rights::Right;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// Everything is allowed, or more rights can be taken: `escalate` with `update` on roles,
    /// `bind` with the right to write bindings, `impersonate` on
    /// groups and users (then `system:masters`), and mutating webhooks, which change every request.
    /// In a namespace, that gives everything in it.
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
    ///   - apiGroups: ["rbac.authorization.k8s.io"]
    ///     resources: [clusterroles]
    ///     verbs: [escalate, update]
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
    /// Bindings cannot be written.
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
    ///   - apiGroups: ["rbac.authorization.k8s.io"]
    ///     resources: [clusterroles]
    ///     verbs: [bind]
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
    /// Creating bindings alone gives only rights that one has.
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
    ///   - apiGroups: ["rbac.authorization.k8s.io"]
    ///     resources: [clusterrolebindings]
    ///     verbs: [create]
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
        id: "take-rights",
        technique: "T1098",
        summary: "take every right"
    }
}

/// The rights that everything in a namespace includes.
const ALL_IN_NAMESPACE: &[Right] = &[
    Right::ReadSecrets,
    Right::CreateSecrets,
    Right::Exec,
    Right::PortForward,
    Right::StartPods,
    Right::RequestTokens,
    Right::ReadLogs,
];

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    let from = graph.link(Link::Right(Right::TakeRights, None));
    let admin = graph.vertex(Foothold::ClusterAdmin);
    let reason = "with these rights, they have or take every other one";
    graph.add(from, admin, NewEdge::step(&STEP, Kind::Certain, reason));
    for namespace in &scene.namespaces {
        let from = graph.link(Link::Right(Right::TakeRights, Some(namespace.clone())));
        for &right in ALL_IN_NAMESPACE {
            let to = graph.link(Link::Right(right, Some(namespace.clone())));
            let reason = format!("with these rights, they take every other one in {namespace}");
            graph.add(from, to, NewEdge::note(reason));
        }
    }
    let key = scene.world.find("ConfigMap", "kube-system", "aws-auth");
    if let Some(object) = key {
        add_aws(scene, graph, object);
    }
}

/// In EKS, a ConfigMap says which identity of the cloud is an administrator.
fn add_aws(scene: &Scene<'_>, graph: &mut AttackGraph, object: Object<'_>) {
    let admin = graph.vertex(Foothold::ClusterAdmin);
    for verb in ["update", "patch"] {
        let request = Request {
            verb,
            group: "",
            resource: "configmaps",
            subresource: "",
            namespace: Some("kube-system"),
            name: Some("aws-auth"),
        };
        for allowed in scene.access.allowing(&request) {
            for (subject, field) in allowed.binding.subjects() {
                let identity = IdentityName::of(subject);
                let reason = format!(
                    "{identity} may {verb} ConfigMap kube-system/aws-auth, which says who is an \
                     administrator"
                );
                let from = graph.vertex(Foothold::Identity(identity));
                let place =
                    field.find(scene.world).map(|(object, node)| Evidence::at(object, node));
                let edge = NewEdge::step(&STEP, Kind::Certain, reason)
                    .at_all(place)
                    .at(Evidence::of(object));
                graph.add(from, admin, edge);
            }
        }
    }
}
