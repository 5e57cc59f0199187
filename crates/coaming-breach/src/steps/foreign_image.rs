//! Step `foreign-image`.

use coaming_kube::Fields as _;

use super::step;
use crate::evidence::{Evidence, Undo};
use crate::foothold::Foothold;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// `registries.allow` in `coaming.yaml` names the registries that are yours. An image of another one
    /// is what its owner says, whenever it is pulled by a tag: who takes that registry over runs code
    /// in the container. A digest is always the same image. Without such a list, no registry is
    /// taken as foreign.
    ///
    /// ## Way: internet to container/shop/web
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
    ///       image: registry.foreign.example/web:latest
    /// ```
    ///
    /// ## Wall: internet to container/shop/web
    ///
    /// The image is pinned.
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
    ///       image: registry.foreign.example/web@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    /// ```
    ///
    /// ## Wall: internet to container/shop/web
    ///
    /// The registry is allowed.
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
    ///       image: registry.example.com/web:latest
    /// ```
    STEP {
        id: "foreign-image",
        technique: "T1195.002",
        summary: "replace an image in a registry that is not yours"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    if scene.allowed_registries.is_empty() {
        return;
    }
    for container in &scene.containers {
        let Some(reference) = container.reference.as_ref().filter(|it| it.digest().is_none())
        else {
            continue;
        };
        if scene.allowed_registries.iter().any(|place| reference.is_in(place)) {
            continue;
        }
        let pod = scene.pod_of(container).object();
        let image = container.container.node();
        let image = image.field("image").unwrap_or(image);
        let reason = format!(
            "{} pulls its image by tag from {}, which is not an allowed registry: it is unknown who \
             controls that",
            container.name,
            reference.registry()
        );
        let undo = Undo::of_container(&["image-registry"], pod.id, container.container.name());
        let edge = NewEdge::step(&STEP, Kind::Unknown, reason).at(Evidence::at(pod, image));
        let from = graph.vertex(Foothold::Outside);
        let to = graph.vertex(Foothold::Container(container.name.clone()));
        graph.add(from, to, edge.undone_by(undo));
    }
}
