//! What a change of manifests changes in reachability: by meaning, not by text.

use std::collections::BTreeMap;

use crate::ip::IpSet;
use crate::list::{Connection, Peer, list};
use crate::model::{Model, Workload};
use crate::ports::Connections;
use crate::reach::Reach;

/// A pair of peers whose connections differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The peer that connects.
    pub source: Peer,
    /// The peer that is connected to.
    pub target: Peer,
    /// What was possible.
    pub before: Connections,
    /// What is possible now.
    pub after: Connections,
}

impl Change {
    /// `added`, `removed` or `changed`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match (self.before.is_empty(), self.after.is_empty()) {
            (true, _) => "added",
            (_, true) => "removed",
            _ => "changed",
        }
    }
}

/// All that differs between two states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Workloads that are new.
    pub workloads_added: Vec<Workload>,
    /// Workloads that are gone.
    pub workloads_removed: Vec<Workload>,
    /// The connections that differ, sorted.
    pub changes: Vec<Change>,
}

impl Diff {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What differs between an old and a new state.
#[must_use]
pub fn diff(mut old: Model, mut new: Model) -> Diff {
    let has_v6 = |model: &Model| model.ipv6 || model.address_sets().any(IpSet::has_v6);
    let ipv6 = has_v6(&old) || has_v6(&new);
    old.ipv6 = ipv6;
    new.ipv6 = ipv6;
    let names = |model: &Model| -> Vec<Workload> {
        let ids = crate::find::real_workloads(model);
        ids.iter().filter_map(|&id| model.workloads.get(id).cloned()).collect()
    };
    let (names_before, names_after) = (names(&old), names(&new));
    let before = by_pair(&list(&Reach::new(old)));
    let after = by_pair(&list(&Reach::new(new)));
    let mut changes = Vec::new();
    let keys: std::collections::BTreeSet<&Pair> = before.keys().chain(after.keys()).collect();
    for pair in keys {
        let empty = Vec::new();
        let old = before.get(pair).unwrap_or(&empty);
        let new = after.get(pair).unwrap_or(&empty);
        changes.extend(compare(pair, old, new));
    }
    changes.sort_unstable();
    let missing = |from: &[Workload], other: &[Workload]| -> Vec<Workload> {
        from.iter().filter(|workload| !other.contains(workload)).cloned().collect()
    };
    Diff {
        workloads_added: missing(&names_after, &names_before),
        workloads_removed: missing(&names_before, &names_after),
        changes,
    }
}

/// A pair of peers, with all outside addresses as one; these come with the connections.
type Pair = (Option<Peer>, Option<Peer>);
type Addressed = Vec<(IpSet, Connections)>;

fn by_pair(connections: &[Connection]) -> BTreeMap<Pair, Addressed> {
    let mut pairs: BTreeMap<Pair, Addressed> = BTreeMap::new();
    for connection in connections {
        let (mut pair, mut addresses) =
            ((Some(connection.source.clone()), Some(connection.target.clone())), IpSet::all());
        for peer in [&mut pair.0, &mut pair.1] {
            if let Some(Peer::Ip(set)) = peer {
                addresses = std::mem::take(set);
                *peer = None;
            }
        }
        pairs.entry(pair).or_default().push((addresses, connection.allowed.clone()));
    }
    pairs
}

fn compare(pair: &Pair, old: &Addressed, new: &Addressed) -> Vec<Change> {
    let with_rest = |known: &Addressed| -> Addressed {
        let all = known.iter().fold(IpSet::none(), |all, (set, _)| all.union(set));
        let rest = IpSet::all().difference(&all);
        known.iter().cloned().chain([(rest, Connections::none())]).collect()
    };
    let mut merged: BTreeMap<(Connections, Connections), IpSet> = BTreeMap::new();
    for (old_set, before) in with_rest(old) {
        for (new_set, after) in with_rest(new) {
            let common = old_set.intersection(&new_set);
            if before != after && !common.is_empty() {
                let known = merged.entry((before.clone(), after)).or_default();
                *known = known.union(&common);
            }
        }
    }
    let end =
        |peer: &Option<Peer>, set: &IpSet| peer.clone().unwrap_or_else(|| Peer::Ip(set.clone()));
    merged
        .into_iter()
        .map(|((before, after), set)| Change {
            source: end(&pair.0, &set),
            target: end(&pair.1, &set),
            before,
            after,
        })
        .collect()
}
