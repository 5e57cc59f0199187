//! Step `host-processes`.

use coaming_kube::Fields as _;

use super::escape::add_escape;
use crate::evidence::{Evidence, Undo};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// With `hostPID`, the processes of the node are visible. Root with `SYS_PTRACE` can take one
    /// of them over. Without that
    /// capability, it only sees the environment of processes with no more rights than its own (see
    /// process-environment).
    ///
    /// ## Way: shop/agent to node
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: agent
    ///   namespace: shop
    /// spec:
    ///   hostPID: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    ///         capabilities:
    ///           add: [SYS_PTRACE]
    /// ```
    ///
    /// ## Wall: shop/agent to node
    ///
    /// The capability alone sees only its own processes.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: agent
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    ///         capabilities:
    ///           add: [SYS_PTRACE]
    /// ```
    ///
    /// ## Wall: shop/agent to node
    ///
    /// Without the capability, processes with more rights are protected.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: agent
    ///   namespace: shop
    /// spec:
    ///   hostPID: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    /// ```
    STEP {
        id: "host-processes",
        technique: "T1611",
        summary: "take over a process of the node"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        let is_able = pod.pod().host_pid() && pod.shares_kernel() && !container.is_privileged;
        if !is_able || !container.has_capability("SYS_PTRACE") {
            continue;
        }
        let Some(field) = pod.pod().node().field("hostPID") else { continue };
        let reason = format!(
            "root in {} sees the processes of the node (`hostPID`) and may trace them (SYS_PTRACE)",
            container.name
        );
        let name = container.container.name();
        let object = pod.object();
        let edge = NewEdge::step(&STEP, Kind::Certain, container.because(reason))
            .harder(container.extra())
            .at(Evidence::at(object, field))
            .undone_by(Undo::of_object(&["host-namespaces"], object.id))
            .undone_by(Undo::of_container(&["added-capabilities"], object.id, name));
        add_escape(scene, graph, container, edge);
    }
}
