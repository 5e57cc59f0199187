//! Notes about objects that no rule evaluates, so that their absence from a report is not mistaken
//! for safety.

use coaming_finding::Note;
use coaming_kube::World;
use coaming_network::UnevaluatedKind;
use coaming_network::model::Influence;

/// Kinds that install a chart or a directory from elsewhere, by API group.
const DELIVERY_KINDS: &[(&str, &[&str])] = &[
    ("helm.toolkit.fluxcd.io", &["HelmRelease"]),
    ("kustomize.toolkit.fluxcd.io", &["Kustomization"]),
    ("argoproj.io", &["Application", "ApplicationSet"]),
    ("helm.cattle.io", &["HelmChart", "HelmChartConfig"]),
    ("fleet.cattle.io", &["Bundle", "GitRepo"]),
    ("helm.crossplane.io", &["Release"]),
    ("source.werf.io", &["Bundle"]),
];

/// The notes about a world, sorted.
pub(crate) fn of(world: &World) -> Vec<Note> {
    let mut notes: Vec<Note> =
        coaming_network::unevaluated_kinds(world).iter().map(not_evaluated).collect();
    notes.extend(DELIVERY_KINDS.iter().flat_map(|(group, kinds)| {
        kinds.iter().filter_map(|kind| not_installed(world, group, kind))
    }));
    notes.sort();
    notes
}

/// The note about objects of a kind that installs something from elsewhere.
fn not_installed(world: &World, group: &str, kind: &str) -> Option<Note> {
    let count = world.of_kind(kind).filter(|object| object.group() == group).count();
    let what = "is elsewhere: render it, and scan the result";
    let message = match count {
        0 => return None,
        1 => format!("1 {kind} is not evaluated: what it installs {what}"),
        _ => format!("{count} objects of kind {kind} are not evaluated: what they install {what}"),
    };
    Some(Note { message, count })
}

fn not_evaluated(kind: &UnevaluatedKind) -> Note {
    let UnevaluatedKind { kind: name, count, .. } = kind;
    let effect = match kind.influence {
        Influence::Policy => "pods may reach less or more than reported",
        Influence::Mesh => "the mesh may refuse requests on connections that are possible",
        Influence::Entrance => "more may be reachable from outside than reported",
        Influence::Network => "pods may be on other networks, with other rules",
    };
    let message = match count {
        1 => format!("1 {name} is not evaluated: {effect}"),
        _ => format!("{count} objects of kind {name} are not evaluated: {effect}"),
    };
    Note { message, count: *count }
}
