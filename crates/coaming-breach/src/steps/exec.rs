//! Step `exec`.

use crate::evidence::Evidence;
use crate::foothold::{Foothold, Link};
use crate::rights::Right;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// `create pods/exec` runs commands in any container of the namespace; before Kubernetes 1.35
    /// `get` sufficed. `pods/attach` speaks to the process that runs there already. Ephemeral containers are added
    /// to running pods, and share their network and processes. `nodes/proxy` reaches the kubelet
    /// itself, which lets `get` run commands in every pod
    /// of the cluster. `update` and `patch` on pods change their images.
    ///
    /// ## Way: shop/web to container/shop/db
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
    /// kind: Pod
    /// metadata:
    ///   name: db
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: registry.example.com/app:1.4.2
    ///       ports:
    ///         - containerPort: 8080
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: r
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [pods/exec]
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
    ///
    /// ## Way: shop/web to container/shop/db
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
    /// kind: Pod
    /// metadata:
    ///   name: db
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: registry.example.com/app:1.4.2
    ///       ports:
    ///         - containerPort: 8080
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: r
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [nodes/proxy]
    ///     verbs: [get]
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
    /// ## Wall: shop/web to container/shop/db
    ///
    /// Reading pods is not enough.
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
    /// kind: Pod
    /// metadata:
    ///   name: db
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: registry.example.com/app:1.4.2
    ///       ports:
    ///         - containerPort: 8080
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: r
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [pods]
    ///     verbs: [get, list]
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
        id: "exec",
        technique: "T1609",
        summary: "run commands in a container through the API"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for namespace in &scene.namespaces {
        let all = graph.link(Link::Containers(namespace.clone()));
        for (right, reason) in [
            (Right::Exec, ""),
            (Right::Debug, "a container that is added to the pod shares its network and processes"),
            (Right::KubeletApi, "the kubelet runs commands in every pod of its node"),
            (
                Right::ChangePods,
                "the containers start again with an image of the attacker's choice",
            ),
        ] {
            let right = graph.link(Link::Right(right, Some(namespace.clone())));
            graph.add(right, all, NewEdge::note(reason));
        }
    }
    for pod in &scene.pods {
        let from = graph.link(Link::Containers(pod.name.namespace.clone()));
        for container in scene.containers_of(pod) {
            let to = graph.vertex(Foothold::Container(container.name.clone()));
            let reason = format!("commands run in {}", container.name);
            let edge = NewEdge::step(&STEP, Kind::Certain, container.because(reason))
                .harder(container.extra())
                .at(Evidence::at(pod.object(), container.container.node()));
            graph.add(from, to, edge);
        }
    }
}
