//! Step `shared-processes`.

use coaming_kube::Fields as _;

use crate::evidence::{Evidence, Undo};
use crate::foothold::Foothold;
use crate::scene::{ContainerInfo, RunsAs};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// With `shareProcessNamespace`, the containers of a pod see each other's processes. A process
    /// with the same user and no fewer capabilities, or one with `SYS_PTRACE`, reads their environment
    /// and, below `/proc`, their files. Root becomes any user, unless it lacks `SETUID` or `SETGID`.
    ///
    /// ## Way: shop/web/web to secret/shop/shop-db
    ///
    /// Both containers have the same user.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   shareProcessNamespace: true
    ///   securityContext:
    ///     runAsUser: 1000
    ///   volumes:
    ///     - name: s
    ///       secret:
    ///         secretName: shop-db
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///     - name: helper
    ///       image: registry.example.com/helper:1.4.2
    ///       volumeMounts:
    ///         - name: s
    ///           mountPath: /s
    /// ```
    ///
    /// ## Way: shop/web/web to secret/shop/shop-db
    ///
    /// Root becomes the user of the other container.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   shareProcessNamespace: true
    ///   volumes:
    ///     - name: s
    ///       secret:
    ///         secretName: shop-db
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext: {runAsUser: 0}
    ///     - name: helper
    ///       image: registry.example.com/helper:1.4.2
    ///       securityContext: {runAsUser: 1000}
    ///       volumeMounts:
    ///         - name: s
    ///           mountPath: /s
    /// ```
    ///
    /// ## Wall: shop/web/web to secret/shop/shop-db
    ///
    /// The containers have different users, and neither is root.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   shareProcessNamespace: true
    ///   volumes:
    ///     - name: s
    ///       secret:
    ///         secretName: shop-db
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext: {runAsUser: 2000, allowPrivilegeEscalation: false}
    ///     - name: helper
    ///       image: registry.example.com/helper:1.4.2
    ///       securityContext: {runAsUser: 1000}
    ///       volumeMounts:
    ///         - name: s
    ///           mountPath: /s
    /// ```
    ///
    /// ## Wall: shop/web/web to secret/shop/shop-db
    ///
    /// The containers do not see each other's processes.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: s
    ///       secret:
    ///         secretName: shop-db
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///     - name: helper
    ///       image: registry.example.com/helper:1.4.2
    ///       volumeMounts:
    ///         - name: s
    ///           mountPath: /s
    /// ```
    STEP {
        id: "shared-processes",
        technique: "T1057",
        summary: "take over processes of other containers of the pod"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for pod in &scene.pods {
        let node = pod.pod().node();
        let Some(field) =
            node.field("shareProcessNamespace").filter(|it| it.as_bool() == Some(true))
        else {
            continue;
        };
        let containers = scene.containers_of(pod);
        for from in containers {
            for to in containers.iter().filter(|to| to.name != from.name) {
                let Some(kind) = takes_over(from, to) else { continue };
                let how = match kind {
                    Kind::Certain => "and may read them",
                    _ => "and may read them if both have the same user, which is unknown",
                };
                let reason = format!(
                    "{} sees the processes of container {} {how}",
                    from.name, to.name.container
                );
                let edge = NewEdge::step(&STEP, kind, from.because(reason))
                    .harder(from.extra())
                    .at(Evidence::at(pod.object(), field))
                    .undone_by(Undo::of_object(&["share-process-namespace"], pod.object().id));
                let source = graph.vertex(Foothold::Container(from.name.clone()));
                let target = graph.vertex(Foothold::Container(to.name.clone()));
                graph.add(source, target, edge);
            }
        }
    }
}

/// Whether one container may read the processes of another one, and how sure that is.
fn takes_over(from: &ContainerInfo<'_>, to: &ContainerInfo<'_>) -> Option<Kind> {
    let is_root = from.runs_as == RunsAs::Root;
    if is_root && from.has_capability("SYS_PTRACE") {
        return Some(Kind::Certain);
    }
    // A process with more capabilities is protected. Other users than root have none.
    let is_weaker = to.runs_as != RunsAs::Root
        || from.is_privileged
        || !to.is_privileged && to.capabilities.is_subset(&from.capabilities);
    match (from.runs_as, to.runs_as) {
        (RunsAs::Root, RunsAs::Root) => is_weaker.then_some(Kind::Certain),
        (RunsAs::Other(Some(one)), RunsAs::Other(Some(other))) => {
            (one == other).then_some(Kind::Certain)
        }
        (RunsAs::Root, RunsAs::Other(_)) => from.becomes_any_user().then_some(Kind::Certain),
        (RunsAs::Other(_), RunsAs::Root) => None,
        _ => Some(Kind::Unknown),
    }
}
