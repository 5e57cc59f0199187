//! Step `process-environment`.

use coaming_kube::Fields as _;

use super::use_secret::environment_secrets;
use crate::evidence::{Evidence, Undo};
use crate::foothold::{Foothold, Link, NodeName};
use crate::scene::RunsAs;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// With `hostPID`, root reads the environment of other processes on the node that run as root
    /// with the usual capabilities, and
    /// with it the Secrets that other pods have in their environment. Which pods share the node is
    /// unknown.
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
    ///   hostPID: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: shop-db
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    ///       env:
    ///         - name: PASSWORD
    ///           valueFrom:
    ///             secretKeyRef:
    ///               name: shop-db
    ///               key: password
    /// ```
    ///
    /// ## Wall: shop/agent to secret/shop/shop-db
    ///
    /// Other processes are not visible.
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
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: shop-db
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    ///       env:
    ///         - name: PASSWORD
    ///           valueFrom:
    ///             secretKeyRef:
    ///               name: shop-db
    ///               key: password
    /// ```
    STEP {
        id: "process-environment",
        technique: "T1552",
        summary: "read the environment of processes of other pods"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        if !pod.pod().host_pid() || !pod.shares_kernel() || container.runs_as == RunsAs::Other(None)
        {
            continue;
        }
        let Some(field) = pod.pod().node().field("hostPID") else { continue };
        let from = graph.vertex(Foothold::ContainerRoot(container.name.clone()));
        let to = graph.link(Link::NodeProcesses(NodeName::Of(pod.name.clone())));
        let reason =
            format!("root in {} reads the environment of processes on the node", container.name);
        let edge = NewEdge::note(container.because(reason))
            .harder(container.extra())
            .at(Evidence::at(pod.object(), field))
            .undone_by(Undo::of_object(&["host-namespaces"], pod.object().id));
        graph.add(from, to, edge);
        let demand = scene.placements.of(container.pod);
        let all = graph.link(Link::ProcessesBeside(demand));
        graph.add(to, all, NewEdge::link());
    }
    for demand in 0..scene.placements.count() {
        let Some(from) = graph.find(&Foothold::Link(Link::ProcessesBeside(demand))) else {
            continue;
        };
        for container in &scene.containers {
            let pod = scene.pod_of(container);
            let is_near = scene.placements.may_meet(demand, scene.placements.of(container.pod));
            // The environment of a process with more rights is protected.
            let is_readable = !matches!(container.runs_as, RunsAs::Other(_))
                && !container.is_privileged
                && pod.shares_kernel();
            if !is_near || !is_readable {
                continue;
            }
            for (name, node) in environment_secrets(container) {
                let namespace = pod.name.namespace.clone();
                let to = graph.vertex(Foothold::Secret { namespace, name: name.to_owned() });
                let reason = format!(
                    "{} may run on the same node, with it in its environment",
                    container.name
                );
                let edge = NewEdge::step(&STEP, Kind::Unknown, reason)
                    .at(Evidence::at(pod.object(), node))
                    .undone_by(Undo::of_container(
                        &["secret-in-environment"],
                        pod.object().id,
                        container.container.name(),
                    ));
                graph.add(from, to, edge);
            }
        }
    }
}
