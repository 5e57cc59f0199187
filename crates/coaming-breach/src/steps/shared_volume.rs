//! Step `shared-volume`.

use coaming_kube::{Fields as _, VolumeMount};

use crate::evidence::Evidence;
use crate::foothold::Foothold;
use crate::scene::{ContainerInfo, PodInfo};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// Containers of a pod that mount the same volume read what the others write there: settings,
    /// scripts, plug-ins. To run commands in another container that way, an attacker needs a flaw in what
    /// it does with the files.
    ///
    /// ## Way: shop/web/web to container/shop/web/helper
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: shared
    ///       emptyDir: {}
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: shared
    ///           mountPath: /shared
    ///     - name: helper
    ///       image: registry.example.com/helper:1.4.2
    ///       volumeMounts:
    ///         - name: shared
    ///           mountPath: /shared
    /// ```
    ///
    /// ## Wall: shop/web/web to container/shop/web/helper
    ///
    /// The attacker may not write there.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: shared
    ///       emptyDir: {}
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: shared
    ///           mountPath: /shared
    ///           readOnly: true
    ///     - name: helper
    ///       image: registry.example.com/helper:1.4.2
    ///       volumeMounts:
    ///         - name: shared
    ///           mountPath: /shared
    /// ```
    ///
    /// ## Wall: shop/web/web to container/shop/web/helper
    ///
    /// Each mounts another part of the volume.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: shared
    ///       emptyDir: {}
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: shared
    ///           mountPath: /shared
    ///           subPath: web
    ///     - name: helper
    ///       image: registry.example.com/helper:1.4.2
    ///       volumeMounts:
    ///         - name: shared
    ///           mountPath: /shared
    ///           subPath: helper
    /// ```
    STEP {
        id: "shared-volume",
        technique: "T1080",
        summary: "write files that another container of the pod uses"
    }
}

/// Volumes that containers write to.
const WRITABLE: &[&str] = &["emptyDir", "persistentVolumeClaim", "ephemeral"];

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for pod in scene.pods.iter().filter(|pod| pod.containers.len() > 1) {
        let containers = scene.containers_of(pod);
        for from in containers {
            for to in containers.iter().filter(|to| to.name != from.name) {
                add_pair(graph, pod, from, to);
            }
        }
    }
}

fn add_pair(
    graph: &mut AttackGraph,
    pod: &PodInfo<'_>,
    from: &ContainerInfo<'_>,
    to: &ContainerInfo<'_>,
) {
    let shared = from.container.volume_mounts().find(|mount| {
        !mount.read_only()
            && is_writable(pod, *mount)
            && to.container.volume_mounts().any(|other| overlap(*mount, other))
    });
    let Some(mount) = shared else { return };
    let reason = format!(
        "{} writes to volume {}, which container {} mounts: it takes a flaw in what that does with \
         the files",
        from.name,
        mount.name().unwrap_or_default(),
        to.name.container
    );
    let edge = NewEdge::step(&STEP, Kind::NeedsFlaw, from.because(reason))
        .harder(from.extra())
        .at(Evidence::at(pod.object(), mount.node()));
    let from = graph.vertex(Foothold::Container(from.name.clone()));
    let to = graph.vertex(Foothold::Container(to.name.clone()));
    graph.add(from, to, edge);
}

fn is_writable(pod: &PodInfo<'_>, mount: VolumeMount<'_>) -> bool {
    let volume = mount.name().and_then(|name| pod.pod().volume(name));
    volume.is_some_and(|volume| {
        WRITABLE.iter().any(|kind| {
            let source = volume.node().field(kind);
            source.is_some_and(|source| source.boolean("readOnly") != Some(true))
        })
    })
}

/// Whether two mounts have a part of a volume in common.
fn overlap(one: VolumeMount<'_>, other: VolumeMount<'_>) -> bool {
    let part = |mount: VolumeMount<'_>| {
        let path = mount.sub_path().unwrap_or_default().trim_matches('/').to_owned();
        if path.is_empty() { path } else { format!("{path}/") }
    };
    let (a, b) = (part(one), part(other));
    one.name() == other.name() && (a.starts_with(&b) || b.starts_with(&a))
}
