//! Kubernetes objects: pods of all workloads, image volumes, custom resources, Helm values in them.

use std::collections::HashSet;

use coaming_kube::{ContainerKind, Fields, Object, Source, World};
use coaming_oci::Reference;
use coaming_yaml::{Node, NodeId};

use super::{Finder, values};

/// The depth to which a custom resource is searched.
const MAX_DEPTH: usize = 24;

pub(super) fn find(file: &Source, finder: &mut Finder<'_>) {
    let world = World::new(vec![file.clone()]);
    for object in world.objects() {
        let document = object.document as usize;
        let mut seen: HashSet<NodeId> = HashSet::new();
        for workload in world.workloads_of(object) {
            for container in workload.pod().containers() {
                // They are added to running pods and never occur in files that are applied.
                if container.kind() == ContainerKind::Ephemeral {
                    continue;
                }
                let Some(image) = container.node().field("image") else { continue };
                seen.insert(image.id());
                let subject = format!("{}, container {}", named(object), container.name());
                finder.scalar(subject, image, document);
            }
            for volume in workload.pod().volumes() {
                let Some(image) = volume.source("image").field("reference") else { continue };
                seen.insert(image.id());
                let name = volume.name().unwrap_or_default();
                finder.scalar(format!("{}, volume {name}", named(object)), image, document);
            }
        }
        for node in values_in(object) {
            values::find(node, node, document, finder);
        }
        if is_custom(object) {
            custom(object, &seen, finder);
        }
    }
}

fn named(object: Object<'_>) -> String {
    format!("{} {}", object.kind(), object.name())
}

/// Helm values in the resources of Flux and Argo CD.
fn values_in(object: Object<'_>) -> Vec<Node<'_>> {
    let spec = object.spec();
    match (object.group(), object.kind()) {
        ("helm.toolkit.fluxcd.io", "HelmRelease") => spec.mapping("values").into_iter().collect(),
        ("argoproj.io", "Application") => {
            let sources = spec.mapping("source").into_iter().chain(spec.list("sources"));
            let helm = sources.filter_map(|source| source.mapping("helm"));
            helm.flat_map(|helm| ["values", "valuesObject"].map(|field| helm.mapping(field)))
                .flatten()
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Whether an object is of a kind that Kubernetes does not define.
fn is_custom(object: Object<'_>) -> bool {
    let group = object.group();
    let own = group.is_empty()
        || group.ends_with(".k8s.io")
        || matches!(group, "apps" | "batch" | "extensions" | "policy" | "autoscaling");
    !own && !matches!(object.kind(), "HelmRelease" | "Application" | "ApplicationSet")
}

/// `image:` with a tag, anywhere in a custom resource's specification.
fn custom(object: Object<'_>, seen: &HashSet<NodeId>, finder: &mut Finder<'_>) {
    let mut stack: Vec<(Node<'_>, usize)> =
        object.spec().into_iter().map(|spec| (spec, 0)).collect();
    while let Some((node, depth)) = stack.pop() {
        if depth == MAX_DEPTH {
            continue;
        }
        for entry in node.entries() {
            let Some(text) = entry.value.as_str() else { continue };
            let is_image = entry.name() == "image" && !seen.contains(&entry.value.id());
            if is_image && Reference::parse(text).is_ok_and(|image| image.tag().is_some()) {
                let subject = format!("{}, {}", named(object), entry.value.path());
                finder.scalar(subject, entry.value, object.document as usize);
            }
        }
        let below: Vec<Node<'_>> =
            node.entries().map(|entry| entry.value).chain(node.items()).collect();
        stack.extend(below.into_iter().rev().map(|child| (child, depth + 1)));
    }
}
