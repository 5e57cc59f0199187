//! Step `process-environment`.

use std::collections::BTreeSet;

use coaming_kube::Fields as _;

use super::use_secret::environment_secrets;
use crate::evidence::{Evidence, Undo};
use crate::foothold::{Foothold, Link, ProcessUsers};
use crate::scene::{ContainerInfo, DEFAULT_CAPABILITIES, RunsAs};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// With `hostPID`, root reads the environment of other processes on the node that have no more than
    /// the usual capabilities, and with it the Secrets that other pods have there: as root those of
    /// root, and as any user, unless it lacks `SETUID` or `SETGID`, those of that user. Another user
    /// reads only its own. Which pods share the node is unknown.
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
    let mut links: BTreeSet<(usize, ProcessUsers)> = BTreeSet::new();
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        if !pod.pod().host_pid() || !pod.shares_kernel() {
            continue;
        }
        let Some(field) = pod.pod().node().field("hostPID") else { continue };
        let demand = scene.placements.of(container.pod);
        for (from, users, who) in readers(container) {
            let from = graph.vertex(from);
            let to = graph.link(Link::ProcessesBeside(demand, users));
            links.insert((demand, users));
            let reason = format!("{who} reads the environment of processes on the node");
            let edge = NewEdge::note(container.because(reason))
                .harder(container.extra())
                .at(Evidence::at(pod.object(), field))
                .undone_by(Undo::of_object(&["host-namespaces"], pod.object().id));
            graph.add(from, to, edge);
        }
    }
    for (demand, users) in links {
        add_environments(scene, graph, demand, users);
    }
}

/// What reads the environment of processes in a container, of which users, and who that is in words.
fn readers(container: &ContainerInfo<'_>) -> Vec<(Foothold, ProcessUsers, String)> {
    let root = Foothold::ContainerRoot(container.name.clone());
    let who = format!("root in {}", container.name);
    let mut found = Vec::new();
    if has_usual_capabilities(container) {
        found.push((root.clone(), ProcessUsers::Root, who.clone()));
    }
    if container.becomes_any_user() {
        found.push((root, ProcessUsers::Others, who));
    }
    if let RunsAs::Other(Some(user)) = container.runs_as {
        let own = Foothold::Container(container.name.clone());
        let who = format!("user {user} in {}", container.name);
        found.push((own, ProcessUsers::One(user), who));
    }
    found
}

/// Whether a process has what the runtime gives by default: it reads the processes with no more.
fn has_usual_capabilities(container: &ContainerInfo<'_>) -> bool {
    DEFAULT_CAPABILITIES.iter().all(|name| container.has_capability(name))
}

/// Whether a process of these users in a container is readable, if it is on the same node.
fn is_readable(container: &ContainerInfo<'_>, users: ProcessUsers) -> bool {
    match (users, container.runs_as) {
        // The environment of a process with more rights is protected.
        (ProcessUsers::Root, RunsAs::Root | RunsAs::Unknown) => {
            let mut own = container.capabilities.iter();
            !container.is_privileged
                && own.all(|name| DEFAULT_CAPABILITIES.contains(&name.as_str()))
        }
        (ProcessUsers::Root, RunsAs::Other(_)) | (_, RunsAs::Root) => false,
        (ProcessUsers::Others, RunsAs::Other(_) | RunsAs::Unknown) => true,
        (ProcessUsers::One(user), RunsAs::Other(other)) => other == Some(user),
        (ProcessUsers::One(_), RunsAs::Unknown) => false,
    }
}

/// The Secrets in environments of processes of these users that may be on the same node.
fn add_environments(
    scene: &Scene<'_>,
    graph: &mut AttackGraph,
    demand: usize,
    users: ProcessUsers,
) {
    let from = graph.link(Link::ProcessesBeside(demand, users));
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        let is_near = scene.placements.may_meet(demand, scene.placements.of(container.pod));
        if !is_near || !pod.shares_kernel() || !is_readable(container, users) {
            continue;
        }
        for (name, node) in environment_secrets(container) {
            let namespace = pod.name.namespace.clone();
            let to = graph.vertex(Foothold::Secret { namespace, name: name.to_owned() });
            let reason =
                format!("{} may run on the same node, with it in its environment", container.name);
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
