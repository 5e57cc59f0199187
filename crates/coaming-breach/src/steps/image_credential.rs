//! Step `image-credential`.

use coaming_image::Credential;
use coaming_kube::Fields as _;

use super::step;
use crate::evidence::{Evidence, Undo};
use crate::foothold::Foothold;
use crate::graph::{AttackGraph, Kind, NewEdge, VertexId};
use crate::scene::{ContainerInfo, PodInfo, Scene};

step! {
    /// Credentials that were built into an image are in every container of it, and in the hands of
    /// everyone who can pull it. A file that an upper layer deletes is not in the container, but still
    /// in the image: root of a node reads it in the layers.
    /// Images must be inspected for this (`--images require`).
    STEP {
        id: "image-credential",
        technique: "T1552.001",
        summary: "read a credential that is part of the image"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for container in &scene.containers {
        for (credential, to, place) in credentials(container) {
            if credential.deleted {
                continue;
            }
            let (from, kind) = match credential.readable {
                Some(true) => (Foothold::Container(container.name.clone()), Kind::Certain),
                None => (Foothold::Container(container.name.clone()), Kind::Unknown),
                Some(false) => (Foothold::ContainerRoot(container.name.clone()), Kind::Certain),
            };
            let reason = format!("the image of {} has it at {place}", container.name);
            let edge = edge(scene, container, kind, container.because(reason));
            let (from, to) = (graph.vertex(from), graph.vertex(to));
            graph.add(from, to, edge.harder(container.extra()));
        }
    }
}

/// The credentials that only the layers of a pod's images have, for the holder of its node.
pub(super) fn add_hidden(
    scene: &Scene<'_>,
    graph: &mut AttackGraph,
    from: VertexId,
    pod: &PodInfo<'_>,
    kind: Kind,
    reason: &str,
) {
    for container in scene.containers_of(pod) {
        for (_, to, _) in credentials(container).filter(|(credential, ..)| credential.deleted) {
            let reason = format!(
                "{reason}; a lower layer of the image of {} has it, although an upper layer deletes it",
                container.name
            );
            let edge = edge(scene, container, kind, reason);
            let to = graph.vertex(to);
            graph.add(from, to, edge);
        }
    }
}

/// The credentials of a container's image, each with what they are called and where they are.
fn credentials<'c>(
    container: &'c ContainerInfo<'_>,
) -> impl Iterator<Item = (&'c Credential, Foothold, &'c str)> {
    let image = container.reference.as_ref().map(ToString::to_string).unwrap_or_default();
    let found = container.facts.into_iter().flat_map(|facts| &facts.credentials);
    found.map(move |credential| {
        let path = credential.place.path.as_str();
        let place = if path.is_empty() { credential.label.as_str() } else { path };
        let name = format!("{} at {place} of {image}", credential.kind);
        (credential, Foothold::Credential(name), place)
    })
}

fn edge(scene: &Scene<'_>, container: &ContainerInfo<'_>, kind: Kind, reason: String) -> NewEdge {
    let object = scene.pod_of(container).object();
    let node = container.container.node();
    NewEdge::step(&STEP, kind, reason)
        .at(Evidence::at(object, node.field("image").unwrap_or(node)))
        .undone_by(Undo::of_container(&["image-credential"], object.id, container.container.name()))
}
