//! Step `container-root`.

use coaming_image::PrivilegedFile;

use crate::evidence::{Evidence, Undo};
use crate::foothold::Foothold;
use crate::scene::{ContainerInfo, RunsAs};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// Most steps to the node need root of the container. A process that already runs as root has
    /// it. If neither the pod nor the image sets the user, that is unknown. Another user becomes
    /// root through a program of the image with the setuid bit, where escalation is allowed: that
    /// needs such a program and a flaw in it, or a password.
    ///
    /// ## Way: shop/web to node
    ///
    /// Nothing sets its user.
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
    ///         readOnlyRootFilesystem: true
    ///         allowPrivilegeEscalation: false
    ///       volumeMounts:
    ///         - name: host
    ///           mountPath: /host
    /// ```
    ///
    /// ## Wall: shop/web to node
    ///
    /// It runs as another user, and may not become root.
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
        id: "container-root",
        technique: "T1068",
        summary: "become root in the container"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        let from = graph.vertex(Foothold::Container(container.name.clone()));
        let to = graph.vertex(Foothold::ContainerRoot(container.name.clone()));
        match container.runs_as {
            RunsAs::Root => graph.add(from, to, NewEdge::link()),
            RunsAs::Unknown => {
                let reason = format!(
                    "it is unknown whether {} runs as root: neither its pod nor its image (which \
                     was not inspected) says so",
                    container.name
                );
                let edge =
                    NewEdge::step(&STEP, Kind::Unknown, reason).undone_by(Undo::of_container(
                        &[
                            "run-as-root",
                            "run-as-non-root",
                            "missing-security-context",
                            "image-user",
                        ],
                        pod.object().id,
                        container.container.name(),
                    ));
                graph.add(from, to, edge);
            }
            RunsAs::Other(_) if container.may_escalate => {
                let Some(reason) = setuid(container) else { continue };
                let edge = NewEdge::step(&STEP, Kind::NeedsFlaw, reason)
                    .at(Evidence::at(pod.object(), container.container.node()))
                    .undone_by(Undo::of_container(
                        &["privilege-escalation", "missing-security-context"],
                        pod.object().id,
                        container.container.name(),
                    ));
                graph.add(from, to, edge);
            }
            RunsAs::Other(_) => {}
        }
    }
}

/// Which programs give root; `None` if the image is known to have none.
fn setuid(container: &ContainerInfo<'_>) -> Option<String> {
    let Some(facts) = container.facts else {
        return Some(format!(
            "a program with the setuid bit in {} may give root: its image was not inspected",
            container.name
        ));
    };
    let is_strong = |file: &&PrivilegedFile| {
        file.mode & 0o4000 != 0 && file.uid == 0 || !file.capabilities.is_empty()
    };
    let file = facts.privileged_files.iter().find(is_strong)?;
    Some(format!("{} in {} gives more rights than its caller has", file.place.path, container.name))
}
