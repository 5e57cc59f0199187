//! What the steps to the node have in common.

use coaming_kube::{Fields as _, VolumeMount};

use crate::evidence::{Evidence, Undo};
use crate::foothold::{Foothold, NodeName};
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::node_paths::normalized;
use crate::scene::{ContainerInfo, Scene};

/// The node that a pod runs on.
pub(super) fn node_of(scene: &Scene<'_>, pod: usize) -> NodeName {
    match scene.placements.named_node(pod) {
        Some(node) => NodeName::Named(node.to_owned()),
        None => NodeName::Of(scene.pods[pod].name.clone()),
    }
}

/// A step from root of a container to root on its node.
pub(super) fn add_escape(
    scene: &Scene<'_>,
    graph: &mut AttackGraph,
    container: &ContainerInfo<'_>,
    edge: NewEdge,
) {
    let from = graph.vertex(Foothold::ContainerRoot(container.name.clone()));
    let to = graph.vertex(Foothold::Node(node_of(scene, container.pod)));
    graph.add(from, to, edge);
}

/// A directory or file of the node that a container mounts.
pub(super) struct Mounted<'s, 'a> {
    pub(super) container: &'s ContainerInfo<'a>,
    /// With the mount's `subPath`, normalized.
    pub(super) path: String,
    pub(super) is_read_only: bool,
    volume: coaming_yaml::Node<'a>,
    mount: coaming_yaml::Node<'a>,
}

impl Mounted<'_, '_> {
    /// How sure it is that root of the container counts as root for the files: in a user namespace,
    /// it does if the file system maps users.
    pub(super) fn kind(&self, scene: &Scene<'_>) -> Kind {
        if scene.pod_of(self.container).has_own_users { Kind::Unknown } else { Kind::Certain }
    }

    /// A step with the evidence of the mount, and what undoes it.
    pub(super) fn finish(&self, scene: &Scene<'_>, edge: NewEdge) -> NewEdge {
        let object = scene.pod_of(self.container).object();
        edge.at(Evidence::at(object, self.volume))
            .at(Evidence::at(object, self.mount))
            .undone_by(Undo::at_node(&["host-path"], object.id, self.volume.path()))
    }
}

/// Calls `each` for every mount of a path of the node, also through a PersistentVolume.
pub(super) fn for_each_host_path(scene: &Scene<'_>, mut each: impl FnMut(&Mounted<'_, '_>)) {
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        if pod.is_windows {
            continue;
        }
        for mount in container.container.volume_mounts() {
            let volume = mount.name().and_then(|name| pod.pod().volume(name));
            let Some(volume) = volume else { continue };
            let Some((base, is_read_only)) = host_path(scene, pod.namespace(), volume) else {
                continue;
            };
            each(&Mounted {
                container,
                path: joined(&base, mount),
                is_read_only: is_read_only || mount.read_only(),
                volume: volume.node(),
                mount: mount.node(),
            });
        }
    }
}

/// The path of the node that is mounted. A `subPathExpr` may be any part of the volume.
fn joined(base: &str, mount: VolumeMount<'_>) -> String {
    match mount.sub_path() {
        Some(part) if !part.is_empty() => normalized(&format!("{base}/{part}")),
        _ => normalized(base),
    }
}

/// The path of the node that a volume is, and whether the volume itself is read-only.
fn host_path(
    scene: &Scene<'_>,
    namespace: &str,
    volume: coaming_kube::Volume<'_>,
) -> Option<(String, bool)> {
    if let Some(path) = volume.host_path() {
        return Some((path.to_owned(), false));
    }
    let claim = volume.source("persistentVolumeClaim")?;
    let name = claim.string("claimName")?;
    let is_read_only = claim.boolean("readOnly") == Some(true);
    let object = scene.world.find("PersistentVolumeClaim", namespace, name);
    let bound = object.and_then(|object| object.spec().string("volumeName"));
    let volume = scene.world.of_kind("PersistentVolume").find(|volume| {
        let reference = volume.spec().mapping("claimRef");
        let is_claimed = reference.string("name") == Some(name)
            && reference.string("namespace").is_none_or(|own| own == namespace);
        bound == Some(volume.name()) || is_claimed
    })?;
    let path = volume.spec().mapping("hostPath").string("path")?;
    Some((path.to_owned(), is_read_only))
}
