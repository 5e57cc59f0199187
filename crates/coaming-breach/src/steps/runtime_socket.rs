//! Step `runtime-socket`.

use super::escape::{Mounted, add_escape, for_each_host_path, node_of};
use crate::foothold::Foothold;
use crate::node_paths::worth;
use crate::scene::RunsAs;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// A process that can write to the socket of the container runtime starts containers with all
    /// rights of the node. A read-only mount does not prevent it: connecting is not writing to a
    /// file. The socket belongs to root and to a group: a process that gets a group by name
    /// (`supplementalGroups`, or group 0) may be in it.
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
    /// ## Way: shop/web to node
    ///
    /// The process is in a group that may be the socket's.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   securityContext:
    ///     supplementalGroups: [998]
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
        let groups = mounted.container.granted_groups(pod.pod());
        if matches!(mounted.container.runs_as, RunsAs::Other(_)) && !groups.is_empty() {
            add_by_group(scene, graph, mounted, &groups);
        }
    });
}

/// The socket belongs to a group as well, whose number only the node knows.
fn add_by_group(
    scene: &Scene<'_>,
    graph: &mut AttackGraph,
    mounted: &Mounted<'_, '_>,
    groups: &[i64],
) {
    let name = &mounted.container.name;
    let groups = groups.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let reason = format!(
        "{} is mounted from the node into {name}, which starts a privileged container through the \
         socket of the runtime if that belongs to one of its groups ({groups})",
        mounted.path
    );
    let edge = NewEdge::step(&STEP, Kind::Unknown, mounted.container.because(reason))
        .harder(mounted.container.extra());
    let from = graph.vertex(Foothold::Container(name.clone()));
    let to = graph.vertex(Foothold::Node(node_of(scene, mounted.container.pod)));
    graph.add(from, to, mounted.finish(scene, edge));
}
