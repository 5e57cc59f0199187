//! What is not known, and may hide ways or add some: counted and listed.

use std::collections::BTreeMap;

use coaming_finding::Note;

use crate::scene::{PodSecurity, RunsAs, Scene};

/// Kinds of other admission controllers and network engines, by API group.
const NOT_EVALUATED: &[(&str, &str)] = &[
    ("kyverno.io", "policies of Kyverno are not evaluated: they may refuse a step"),
    ("policies.kyverno.io", "policies of Kyverno are not evaluated: they may refuse a step"),
    (
        "constraints.gatekeeper.sh",
        "constraints of Gatekeeper are not evaluated: they may refuse a step",
    ),
    ("cilium.io", "policies of Cilium are not evaluated: they may let through more or less"),
    (
        "crd.projectcalico.org",
        "policies of Calico are not evaluated: they may let through more or less",
    ),
    (
        "projectcalico.org",
        "policies of Calico are not evaluated: they may let through more or less",
    ),
    ("security.istio.io", "policies of Istio are not evaluated: they may refuse a connection"),
];

/// The notes of a scene.
pub(crate) fn notes(scene: &Scene<'_>, is_ranking: bool) -> Vec<Note> {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let mut add = |message: &str, count: usize| {
        if count > 0 {
            *found.entry(message.to_owned()).or_default() += count;
        }
    };
    let count = |matches: &dyn Fn(&crate::scene::ContainerInfo<'_>) -> bool| {
        scene.containers.iter().filter(|container| matches(container)).count()
    };
    add(
        "images of containers were not inspected: their tools, users, credentials and programs \
         with \
         the setuid bit are unknown",
        count(&|container| container.facts.is_none()),
    );
    add(
        "containers may run as root: neither their pods nor inspected images set their user",
        count(&|container| container.runs_as == RunsAs::Unknown),
    );
    let looked_up = |container: &crate::scene::ContainerInfo<'_>| {
        let reference = container.reference.as_ref();
        reference.is_some_and(|reference| scene.images.vulnerabilities(reference).is_some())
    };
    add(
        "images of containers were not matched with known vulnerabilities",
        count(&|container| !looked_up(container)),
    );
    add(
        "bindings refer to roles that are not part of the input: what they allow is unknown",
        scene.access.unresolved().count(),
    );
    let opaque = scene.reach.model().namespaces.values().filter(|namespace| namespace.opaque);
    add("namespaces have custom resources that may start pods which are not seen", opaque.count());
    for object in scene.world.objects() {
        let group = object.group();
        if let Some((_, message)) = NOT_EVALUATED.iter().find(|(known, _)| *known == group) {
            add(message, 1);
        }
        if matches!(
            object.kind(),
            "ValidatingAdmissionPolicy"
                | "ValidatingWebhookConfiguration"
                | "MutatingWebhookConfiguration"
        ) {
            add("other admission controllers are not evaluated: they may refuse a step", 1);
        }
    }
    add(
        "network policies: whether the cluster's network plugin enforces them is unknown",
        scene.reach.model().policies.len(),
    );
    let unlabeled = scene.namespaces.iter();
    add(
        "namespaces are not part of the input: what Pod Security admission enforces there is \
         unknown",
        unlabeled.filter(|name| scene.pod_security(name) == PodSecurity::Unknown).count(),
    );
    if scene.world.of_kind("Node").next().is_none() {
        add("pods run on unknown nodes: which of them share one is unknown", scene.pods.len());
    }
    if is_ranking && scene.entrances.is_empty() {
        add(
            "workloads are taken as entries: nothing in the input leads to one of them from \
             outside",
            scene.pods.len(),
        );
    }
    found.into_iter().map(|(message, count)| Note { message, count }).collect()
}
