//! Step `administrator`.

use crate::foothold::{Foothold, Link, NodeName};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// An administrator reads every Secret, runs commands in every container, and starts privileged
    /// pods on every node.
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
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: r
    /// rules:
    ///   - apiGroups: ["*"]
    ///     resources: ["*"]
    ///     verbs: ["*"]
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
        id: "administrator",
        technique: "T1078",
        summary: "use the rights of an administrator"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    let admin = graph.vertex(Foothold::ClusterAdmin);
    for namespace in &scene.namespaces {
        let secrets = graph.link(Link::Secrets(namespace.clone()));
        let containers = graph.link(Link::Containers(namespace.clone()));
        let accounts = graph.link(Link::Accounts(namespace.clone()));
        let ports = graph.link(Link::Ports(namespace.clone()));
        for to in [secrets, containers, accounts, ports] {
            graph.add(admin, to, NewEdge::note("an administrator may do everything"));
        }
    }
    let node = graph.vertex(Foothold::Node(NodeName::Any));
    let reason = "an administrator starts privileged pods on any node";
    graph.add(admin, node, NewEdge::step(&STEP, Kind::Certain, reason));
}
