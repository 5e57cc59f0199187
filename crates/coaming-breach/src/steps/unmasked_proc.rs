//! Step `writable-proc-sys`.

use super::escape::add_escape;
use crate::evidence::{Evidence, Undo};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// With `procMount: Unmasked`, `/proc/sys` is writable for root: `kernel/core_pattern` names a
    /// program that the kernel of the node runs
    /// as root. In a user namespace, these files are the node's and stay protected.
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
    ///         runAsUser: 0
    ///         procMount: Unmasked
    /// ```
    ///
    /// ## Wall: shop/web to node
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
    ///         runAsUser: 0
    ///         procMount: Unmasked
    /// ```
    STEP {
        id: "writable-proc-sys",
        technique: "T1611",
        summary: "set the program that the kernel starts when a process crashes"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for container in scene.containers.iter().filter(|container| !container.is_privileged) {
        let pod = scene.pod_of(container);
        let own = container.container.security_context();
        let unmasked = own.filter(|own| own.proc_mount() == Some("Unmasked"));
        let Some(own) = unmasked.filter(|_| pod.shares_kernel()) else { continue };
        let reason = format!("`/proc/sys` is writable for root in {}", container.name);
        let edge = NewEdge::step(&STEP, Kind::Certain, container.because(reason))
            .harder(container.extra())
            .at(Evidence::at(pod.object(), own.node()))
            .undone_by(Undo::of_container(
                &["proc-mount"],
                pod.object().id,
                container.container.name(),
            ));
        add_escape(scene, graph, container, edge);
    }
}
