//! Notes about objects that no rule evaluates, so that their absence from a report is not mistaken
//! for safety.

use coaming_finding::Note;
use coaming_kube::World;
use coaming_network::UnevaluatedKind;
use coaming_network::model::Influence;

/// The notes about a world, sorted.
pub(crate) fn of(world: &World) -> Vec<Note> {
    coaming_network::unevaluated_kinds(world).iter().map(not_evaluated).collect()
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
