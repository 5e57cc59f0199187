//! What is not known, and may hide ways or add some: counted and listed.

use std::collections::BTreeMap;

use coaming_finding::Note;
use coaming_network::model::PolicyKind;
use coaming_network::{Enforcement, UnevaluatedKind, enforcement, unevaluated};

use crate::scene::{ContainerInfo, PodSecurity, RunsAs, Scene};

/// What is not known of one thing, and of several.
type Words = (&'static str, &'static str);

const KYVERNO: Words = (
    "policy of Kyverno is not evaluated: it may refuse a step",
    "policies of Kyverno are not evaluated: they may refuse a step",
);

/// Kinds of other admission controllers and network engines, by API group.
const NOT_EVALUATED: &[(&str, Words)] = &[
    ("kyverno.io", KYVERNO),
    ("policies.kyverno.io", KYVERNO),
    (
        "constraints.gatekeeper.sh",
        (
            "constraint of Gatekeeper is not evaluated: it may refuse a step",
            "constraints of Gatekeeper are not evaluated: they may refuse a step",
        ),
    ),
];

/// How often each thing that is not known was met.
#[derive(Default)]
struct Counts(BTreeMap<Words, usize>);

impl Counts {
    fn add(&mut self, one: &'static str, several: &'static str, count: usize) {
        if count > 0 {
            *self.0.entry((one, several)).or_default() += count;
        }
    }

    fn notes(self) -> impl Iterator<Item = Note> {
        self.0.into_iter().map(|((one, several), count)| Note {
            message: if count == 1 { one } else { several }.to_owned(),
            count,
        })
    }
}

/// The notes of a scene. `all_are_entries` says that workloads are taken as entries although nothing
/// leads to one of them.
pub(crate) fn notes(scene: &Scene<'_>, all_are_entries: bool) -> Vec<Note> {
    let mut counts = Counts::default();
    of_containers(scene, &mut counts);
    of_rights(scene, &mut counts);
    of_admission(scene, &mut counts);
    of_network(scene, &mut counts);
    of_nodes(scene, &mut counts);
    if all_are_entries {
        counts.add(
            "workload is taken as an entry: nothing in the input leads to it from outside",
            "workloads are taken as entries: nothing in the input leads to one of them from outside",
            scene.pods.len(),
        );
    }
    let left_out = unevaluated(scene.reach.model(), None)
        .into_iter()
        .map(|kind| Note { message: not_evaluated(&kind), count: kind.count });
    let mut notes: Vec<Note> = counts.notes().chain(left_out).collect();
    notes.sort_by(|a, b| a.message.cmp(&b.message));
    notes
}

/// What images would tell of their containers.
fn of_containers(scene: &Scene<'_>, counts: &mut Counts) {
    let count = |matches: &dyn Fn(&ContainerInfo<'_>) -> bool| {
        scene.containers.iter().filter(|container| matches(container)).count()
    };
    counts.add(
        "image of a container was not inspected: its tools, users, credentials and programs with the \
         setuid bit are unknown",
        "images of containers were not inspected: their tools, users, credentials and programs with \
         the setuid bit are unknown",
        count(&|container| container.facts.is_none()),
    );
    counts.add(
        "container may run as root: neither its pod nor an inspected image sets its user",
        "containers may run as root: neither their pods nor inspected images set their user",
        count(&|container| container.runs_as == RunsAs::Unknown),
    );
    let looked_up = |container: &ContainerInfo<'_>| {
        let reference = container.reference.as_ref();
        reference.is_some_and(|reference| scene.images.vulnerabilities(reference).is_some())
    };
    counts.add(
        "image of a container was not matched with known vulnerabilities",
        "images of containers were not matched with known vulnerabilities",
        count(&|container| !looked_up(container)),
    );
}

/// Roles and pods that the input only hints at.
fn of_rights(scene: &Scene<'_>, counts: &mut Counts) {
    counts.add(
        "binding refers to a role that is not part of the input: what it allows is unknown",
        "bindings refer to roles that are not part of the input: what they allow is unknown",
        scene.access.unresolved().count(),
    );
    let opaque = scene.reach.model().namespaces.values().filter(|namespace| namespace.opaque);
    counts.add(
        "namespace has custom resources that may start pods which are not seen",
        "namespaces have custom resources that may start pods which are not seen",
        opaque.count(),
    );
}

/// What may refuse a step that is counted as possible.
fn of_admission(scene: &Scene<'_>, counts: &mut Counts) {
    for object in scene.world.objects() {
        let group = object.group();
        if let Some((_, (one, several))) = NOT_EVALUATED.iter().find(|(known, _)| *known == group) {
            counts.add(one, several, 1);
        }
        if matches!(
            object.kind(),
            "ValidatingAdmissionPolicy"
                | "ValidatingWebhookConfiguration"
                | "MutatingWebhookConfiguration"
        ) {
            counts.add(
                "other admission controller is not evaluated: it may refuse a step",
                "other admission controllers are not evaluated: they may refuse a step",
                1,
            );
        }
    }
    let unlabeled = scene.namespaces.iter();
    counts.add(
        "namespace is not part of the input: what Pod Security admission enforces there is unknown",
        "namespaces are not part of the input: what Pod Security admission enforces there is unknown",
        unlabeled.filter(|name| scene.pod_security(name) == PodSecurity::Unknown).count(),
    );
}

/// Whether policies hold, and what comes in by load balancers.
fn of_network(scene: &Scene<'_>, counts: &mut Counts) {
    let policies = scene.reach.model().policies.iter();
    let policies = policies.filter(|(_, policy)| is_of_plugin(policy.kind)).count();
    match enforcement(scene.world) {
        Enforcement::Applied(_) => {}
        Enforcement::Ignored(_) => counts.add(
            "network policy is taken for a wall, but the cluster's network plugin ignores it",
            "network policies are taken for walls, but the cluster's network plugin ignores them",
            policies,
        ),
        Enforcement::Unknown => counts.add(
            "network policy: whether the cluster's network plugin enforces it is unknown",
            "network policies: whether the cluster's network plugin enforces them is unknown",
            policies,
        ),
    }
    let services = scene.world.of_kind("Service");
    counts.add(
        "load balancer serves a private network: what comes in through it is not counted",
        "load balancers serve a private network: what comes in through them is not counted",
        services.filter(|it| coaming_rules::is_restricted_balancer(*it)).count(),
    );
}

/// Which nodes pods run on.
fn of_nodes(scene: &Scene<'_>, counts: &mut Counts) {
    if scene.world.of_kind("Node").next().is_none() {
        counts.add(
            "pod runs on an unknown node: which others run there is unknown",
            "pods run on unknown nodes: which of them share one is unknown",
            scene.pods.len(),
        );
    }
}

/// Whether the cluster's network plugin must enforce policies of a kind, and not a mesh. Networks that
/// are apart are apart without it.
fn is_of_plugin(kind: PolicyKind) -> bool {
    !matches!(
        kind,
        PolicyKind::AuthorizationPolicy
            | PolicyKind::PeerAuthentication
            | PolicyKind::AmbientMesh
            | PolicyKind::Server
            | PolicyKind::InboundPolicy
            | PolicyKind::UserDefinedNetwork
            | PolicyKind::ClusterUserDefinedNetwork
    )
}

/// What the network engine leaves out of its answers.
fn not_evaluated(kind: &UnevaluatedKind) -> String {
    let UnevaluatedKind { kind, group, field, count, .. } = kind;
    let (objects, verb) = if *count == 1 { ("object", "is") } else { ("objects", "are") };
    let what = match field {
        Some(field) => {
            format!("{objects} of kind {kind} ({group}) {verb} evaluated without `{field}`")
        }
        None => format!("{objects} of kind {kind} ({group}) {verb} not evaluated"),
    };
    format!("{what}: other connections may be possible")
}
