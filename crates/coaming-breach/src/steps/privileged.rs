//! Step `privileged-container`.

use super::escape::add_escape;
use crate::evidence::{Evidence, Undo};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// A privileged container has every capability, every device and no filter of system calls: its
    /// root mounts the node's disk.
    /// A user namespace (`hostUsers: false`) or a sandboxed runtime class is a wall: the kernel or
    /// the users are not the node's.
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
    ///         privileged: true
    ///         runAsUser: 0
    /// ```
    ///
    /// ## Wall: shop/web to node
    ///
    /// Root of the container is nobody on the node.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   hostUsers: false
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         privileged: true
    ///         runAsUser: 0
    /// ```
    ///
    /// ## Wall: shop/web to node
    ///
    /// A sandbox has a kernel of its own.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   runtimeClassName: gvisor
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         privileged: true
    ///         runAsUser: 0
    /// ```
    STEP {
        id: "privileged-container",
        technique: "T1611",
        summary: "use the devices and the kernel of the node from a privileged container"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for container in scene.containers.iter().filter(|container| container.is_privileged) {
        let pod = scene.pod_of(container);
        if !pod.shares_kernel() || pod.is_windows {
            continue;
        }
        let Some(node) = container.effective.privileged() else { continue };
        let reason =
            format!("{} is privileged: its root mounts the disk of the node", container.name);
        let edge = NewEdge::step(&STEP, Kind::Certain, container.because(reason))
            .harder(container.extra())
            .at(Evidence::at(pod.object(), node))
            .undone_by(Undo::of_container(
                &["privileged"],
                pod.object().id,
                container.container.name(),
            ));
        add_escape(scene, graph, container, edge);
    }
}
