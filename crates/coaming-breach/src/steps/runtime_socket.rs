//! Step `runtime-socket`.

use super::escape::{add_escape, for_each_host_path};
use crate::node_paths::worth;

use super::step;
use crate::graph::{AttackGraph, NewEdge};
use crate::scene::Scene;

step! {
    /// A process that can write to the socket of the container runtime starts containers with all
    /// rights of the node. A read-only mount does not prevent it: connecting is not writing to a
    /// file. The socket belongs to root.
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
    ///         path: /var/run/docker.sock
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
    /// ## Way: shop/web to node
    ///
    /// The socket is in the mounted directory.
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
    ///         path: /run
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
    /// `/var/run` is a link to `/run`, which is not in this volume.
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
    ///         path: /var/lib/app
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
    /// Only root may connect.
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
    ///         path: /var/run/docker.sock
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
        id: "runtime-socket",
        technique: "T1611",
        summary: "start a privileged container through the socket of the container runtime"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for_each_host_path(scene, |mounted| {
        let Some(socket) = worth(&mounted.path).runtime_socket else { return };
        let pod = scene.pod_of(mounted.container);
        // A sandbox does not let connections to sockets of the node through.
        if pod.sandbox.is_some() {
            return;
        }
        let reason = format!(
            "{} is mounted from the node into {}: its root starts a privileged container through \
             {socket}",
            mounted.path, mounted.container.name
        );
        let edge = NewEdge::step(&STEP, mounted.kind(scene), mounted.container.because(reason))
            .harder(mounted.container.extra());
        add_escape(scene, graph, mounted.container, mounted.finish(scene, edge));
    });
}
