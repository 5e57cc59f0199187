//! Step `node-logs`.

use super::escape::{for_each_host_path, node_of};
use crate::foothold::{Foothold, Link};
use crate::node_paths::worth;
use crate::rights::Right;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// The kubelet follows links in `/var/log` when it hands out logs. Root of a container with
    /// that directory writable puts a link there, and
    /// an identity that may read logs of the node gets the file.
    ///
    /// ## Way: shop/agent to secret/shop/shop-db
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: agent
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: host
    ///       hostPath:
    ///         path: /var/log
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    ///         allowPrivilegeEscalation: false
    ///       volumeMounts:
    ///         - name: host
    ///           mountPath: /host
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: logs
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [nodes/log]
    ///     verbs: [get]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRoleBinding
    /// metadata:
    ///   name: logs
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: ClusterRole
    ///   name: logs
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: default
    ///     namespace: shop
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: shop-db
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: s
    ///       secret:
    ///         secretName: shop-db
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: s
    ///           mountPath: /s
    /// ```
    ///
    /// ## Wall: shop/agent to secret/shop/shop-db
    ///
    /// Nobody in reach may read logs.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: agent
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: host
    ///       hostPath:
    ///         path: /var/log
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    ///         allowPrivilegeEscalation: false
    ///       volumeMounts:
    ///         - name: host
    ///           mountPath: /host
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: shop-db
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: s
    ///       secret:
    ///         secretName: shop-db
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: s
    ///           mountPath: /s
    /// ```
    STEP {
        id: "node-logs",
        technique: "T1552.001",
        summary: "read files of the node through links in its log directory"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for_each_host_path(scene, |mounted| {
        if !worth(&mounted.path).logs || mounted.is_read_only {
            return;
        }
        let node = node_of(scene, mounted.container.pod);
        let from = graph.vertex(Foothold::ContainerRoot(mounted.container.name.clone()));
        let logs = graph.link(Link::NodeLogs(node.clone()));
        let reason =
            format!("{} is mounted writable into {}", mounted.path, mounted.container.name);
        graph.add(from, logs, mounted.finish(scene, NewEdge::note(reason)));
        let to = graph.vertex(Foothold::NodeFiles(node));
        let namespace = scene.pod_of(mounted.container).name.namespace.clone();
        for right in [None, Some(namespace)] {
            let right = graph.link(Link::Right(Right::ReadLogs, right));
            let reason = "a link in the log directory leads the kubelet to any file of the node";
            graph.add_joint([right, logs], to, NewEdge::step(&STEP, Kind::Certain, reason));
        }
    });
}
