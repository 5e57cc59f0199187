//! Step `host-path-write`.

use super::escape::{add_escape, for_each_host_path};
use crate::node_paths::worth;

use super::step;
use crate::graph::{AttackGraph, NewEdge};
use crate::scene::Scene;

step! {
    /// Root of a container that mounts certain directories of the node writable puts a job, a
    /// program or a static pod there. What counts
    /// is the mounted directory with the mount's `subPath`, and what is above and below it.
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
    ///   volumes:
    ///     - name: host
    ///       hostPath:
    ///         path: /etc
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    ///         allowPrivilegeEscalation: false
    ///       volumeMounts:
    ///         - name: host
    ///           mountPath: /host
    /// ```
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
    ///   volumes:
    ///     - name: host
    ///       hostPath:
    ///         path: /etc/kubernetes/manifests
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    ///         allowPrivilegeEscalation: false
    ///       volumeMounts:
    ///         - name: host
    ///           mountPath: /host
    /// ```
    ///
    /// ## Wall: shop/web to node
    ///
    /// Read-only.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: host
    ///       hostPath:
    ///         path: /etc
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    ///         allowPrivilegeEscalation: false
    ///       volumeMounts:
    ///         - name: host
    ///           mountPath: /host
    ///           readOnly: true
    /// ```
    ///
    /// ## Wall: shop/web to node
    ///
    /// Only this directory of the volume is mounted.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: host
    ///       hostPath:
    ///         path: /var/lib
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    ///         allowPrivilegeEscalation: false
    ///       volumeMounts:
    ///         - name: host
    ///           mountPath: /host
    ///           subPath: app
    /// ```
    ///
    /// ## Wall: shop/web to node
    ///
    /// Nothing in it runs.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: host
    ///       hostPath:
    ///         path: /data
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    ///         allowPrivilegeEscalation: false
    ///       volumeMounts:
    ///         - name: host
    ///           mountPath: /host
    /// ```
    ///
    /// ## Wall: shop/web to node
    ///
    /// The files belong to root.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: host
    ///       hostPath:
    ///         path: /etc
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 1000
    ///         allowPrivilegeEscalation: false
    ///       volumeMounts:
    ///         - name: host
    ///           mountPath: /host
    /// ```
    STEP {
        id: "host-path-write",
        technique: "T1611",
        summary: "write a file of the node that it runs as root"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for_each_host_path(scene, |mounted| {
        let Some(how) = worth(&mounted.path).write.filter(|_| !mounted.is_read_only) else {
            return;
        };
        let reason = format!(
            "{} of the node is mounted writable into {}: {how}",
            mounted.path, mounted.container.name
        );
        let edge = NewEdge::step(&STEP, mounted.kind(scene), mounted.container.because(reason))
            .harder(mounted.container.extra());
        add_escape(scene, graph, mounted.container, mounted.finish(scene, edge));
    });
}
