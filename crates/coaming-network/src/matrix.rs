//! The whole of reachability at once: every pair of pods, as rows of bitsets.
//!
//! The work is done between classes. A row takes a source's egress profile, and for the same
//! source the ingress profiles of all targets turned round, and intersects the two cell by cell.

use std::collections::{BTreeMap, HashMap};

use fixedbitset::FixedBitSet;

use crate::model::Direction;
use crate::ports::Connections;
use crate::reach::Reach;

/// How many ordered pairs of different pods may connect, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Ordered pairs of different groups of pods.
    pub pairs: u64,
    /// Pairs that may connect on at least one port.
    pub connected: u64,
    /// Pairs that may connect on every port.
    pub fully_connected: u64,
    /// How many pairs there are with each set of connections.
    pub by_connections: BTreeMap<Connections, u64>,
}

/// Computes every pair of pods of the model, and counts.
#[must_use]
pub fn summary(reach: &Reach) -> Summary {
    let turned = turned_ingress(reach);
    let sizes: Vec<u64> = reach.classes().iter().map(|class| class.pods.len() as u64).collect();
    let pods: u64 = sizes.iter().sum();
    let mut met: HashMap<(&Connections, &Connections), u64> = HashMap::new();
    for (class, row) in turned.iter().enumerate() {
        let Some(egress) = reach.profile(class, Direction::Egress) else { continue };
        let own = sizes.get(class).copied().unwrap_or_default();
        for (leaves, targets) in &egress.cells {
            for (enters, sources) in row {
                let common = targets.intersection(sources);
                let count: u64 = common
                    .filter_map(|target| {
                        Some(sizes.get(target)?.saturating_sub(u64::from(target == class)))
                    })
                    .sum();
                if count > 0 {
                    *met.entry((leaves, enters)).or_default() += own * count;
                }
            }
        }
    }
    let mut summary = Summary { pairs: pods * pods.saturating_sub(1), ..Summary::default() };
    for ((leaves, enters), count) in met {
        let allowed = leaves.intersection(enters);
        if allowed.is_empty() {
            continue;
        }
        summary.connected += count;
        if allowed.is_all() {
            summary.fully_connected += count;
        }
        *summary.by_connections.entry(allowed).or_default() += count;
    }
    summary
}

/// For each source class: what the targets let in from it, with the targets that do.
fn turned_ingress(reach: &Reach) -> Vec<Vec<(&Connections, FixedBitSet)>> {
    let count = reach.classes().len();
    // Targets under the same policies share a profile: turned round once, for all of them.
    let mut groups: HashMap<*const crate::evaluate::Profile, FixedBitSet> = HashMap::new();
    let mut order = Vec::new();
    for target in 0..count {
        let Some(profile) = reach.profile(target, Direction::Ingress) else { continue };
        let group = groups.entry(std::ptr::from_ref(profile)).or_insert_with(|| {
            order.push(profile);
            FixedBitSet::with_capacity(count)
        });
        group.insert(target);
    }
    let mut turned: Vec<Vec<(&Connections, FixedBitSet)>> = vec![Vec::new(); count];
    for profile in order {
        let Some(targets) = groups.get(&std::ptr::from_ref(profile)) else { continue };
        let few: Option<Vec<usize>> =
            (targets.count_ones(..) <= 8).then(|| targets.ones().collect());
        for (connections, sources) in &profile.cells {
            for source in sources.ones().take_while(|&source| source < count) {
                let Some(row) = turned.get_mut(source) else { continue };
                let cell = match row.iter_mut().position(|(known, _)| *known == connections) {
                    Some(position) => position,
                    None => {
                        row.push((connections, FixedBitSet::with_capacity(count)));
                        row.len() - 1
                    }
                };
                let Some((_, cell)) = row.get_mut(cell) else { continue };
                match &few {
                    Some(few) => few.iter().for_each(|&target| cell.insert(target)),
                    None => cell.union_with(targets),
                }
            }
        }
    }
    turned
}
