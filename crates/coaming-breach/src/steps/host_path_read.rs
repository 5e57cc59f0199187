//! Step `host-path-read`.

use super::escape::{for_each_host_path, node_of};
use crate::foothold::Foothold;
use crate::node_paths::worth;
use crate::placement::OnControlPlane;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// Some directories of the node have credentials: `/var/lib/kubelet` those of every pod on the
    /// node, `/etc/kubernetes` those of the
    /// control plane if the pod runs there. Reading suffices, as root.
    ///
    /// ## Way: shop/agent to secret/shop/shop-db
    ///
    /// The Secrets of every pod on the node are below the directory.
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
    ///         path: /var/lib/kubelet
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
    /// ## Way: shop/web to admin
    ///
    /// The pod only runs on the control plane.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   nodeSelector:
    ///     node-role.kubernetes.io/control-plane: ""
    ///   volumes:
    ///     - name: host
    ///       hostPath:
    ///         path: /etc/kubernetes
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
    /// ## Wall: shop/web to admin
    ///
    /// The pod does not run on the control plane.
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
    ///         path: /etc/kubernetes
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
    STEP {
        id: "host-path-read",
        technique: "T1552.001",
        summary: "read credentials in files of the node"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for_each_host_path(scene, |mounted| {
        let worth = worth(&mounted.path);
        let pod = mounted.container.pod;
        let root = Foothold::ContainerRoot(mounted.container.name.clone());
        let what = |of: &str| {
            let text = format!(
                "{} of the node is mounted into {}: its root reads {of}",
                mounted.path, mounted.container.name
            );
            mounted.container.because(text)
        };
        if worth.pod_files {
            let edge = NewEdge::step(
                &STEP,
                mounted.kind(scene),
                what("the Secrets and tokens of its pods"),
            );
            let edge = mounted.finish(scene, edge.harder(mounted.container.extra()));
            let from = graph.vertex(root.clone());
            let to = graph.vertex(Foothold::NodeFiles(node_of(scene, pod)));
            graph.add(from, to, edge);
        }
        let kind = match scene.placements.on_control_plane(pod) {
            OnControlPlane::Always => mounted.kind(scene),
            OnControlPlane::Maybe => Kind::Unknown,
            OnControlPlane::No => return,
        };
        if worth.control_plane {
            let of = match kind {
                Kind::Certain => "the keys of the control plane",
                _ => "the keys of the control plane, if it runs there, which it tolerates",
            };
            let edge = NewEdge::step(&STEP, kind, what(of)).harder(mounted.container.extra());
            let from = graph.vertex(root);
            let to = graph.vertex(Foothold::ClusterAdmin);
            graph.add(from, to, mounted.finish(scene, edge));
        }
    });
}
