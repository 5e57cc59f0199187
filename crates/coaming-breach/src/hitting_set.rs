//! The cheapest set of numbers that has one of each given set.

use std::collections::{BTreeMap, BTreeSet};

/// The best set that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Best {
    pub(crate) chosen: BTreeSet<usize>,
    pub(crate) cost: u64,
    /// No set is cheaper than this; the cost itself if the set is proven to be the cheapest.
    pub(crate) at_least: u64,
}

/// How many sets are looked at, over all branches, before the best result so far has to do.
const MAX_LOOKS: usize = 4_000_000;

/// The cheapest set that has an element of each of `sets`: by branch and bound, one independent
/// part
/// of the problem at a time. Of equally cheap ones, the result is always the same.
pub(crate) fn smallest(sets: &[Vec<usize>], weight: impl Fn(usize) -> u64) -> Best {
    let mut best = Best::default();
    for part in parts(&without_supersets(sets)) {
        let found = Solver::new(&part, &weight).solve();
        best.chosen.extend(found.chosen);
        best.cost += found.cost;
        best.at_least += found.at_least;
    }
    best
}

/// A set that has another one as a part is hit whenever that one is.
fn without_supersets(sets: &[Vec<usize>]) -> Vec<BTreeSet<usize>> {
    let mut sorted: Vec<BTreeSet<usize>> =
        sets.iter().map(|set| set.iter().copied().collect()).collect();
    sorted.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    sorted.dedup();
    let mut kept: Vec<BTreeSet<usize>> = Vec::new();
    for set in sorted {
        if !kept.iter().any(|known| known.is_subset(&set)) {
            kept.push(set);
        }
    }
    kept
}

/// Groups of sets that share no element with other groups.
fn parts(sets: &[BTreeSet<usize>]) -> Vec<Vec<BTreeSet<usize>>> {
    let mut part_of: BTreeMap<usize, usize> = BTreeMap::new();
    let mut parts: Vec<Vec<BTreeSet<usize>>> = Vec::new();
    for set in sets {
        let joined: BTreeSet<usize> =
            set.iter().filter_map(|element| part_of.get(element).copied()).collect();
        let into = joined.first().copied().unwrap_or(parts.len());
        if into == parts.len() {
            parts.push(Vec::new());
        }
        for other in joined.into_iter().filter(|&other| other != into).collect::<Vec<_>>() {
            let moved = std::mem::take(&mut parts[other]);
            parts[into].extend(moved);
        }
        parts[into].push(set.clone());
        for part in &parts[into] {
            part_of.extend(part.iter().map(|&element| (element, into)));
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

struct Solver<'s, W> {
    sets: &'s [BTreeSet<usize>],
    weight: W,
    best: Option<(u64, BTreeSet<usize>)>,
    branches: usize,
    max_branches: usize,
}

impl<'s, W: Fn(usize) -> u64> Solver<'s, W> {
    fn new(sets: &'s [BTreeSet<usize>], weight: W) -> Self {
        let max_branches = (MAX_LOOKS / sets.len().max(1)).max(100);
        Self { sets, weight, best: None, branches: 0, max_branches }
    }

    fn solve(mut self) -> Best {
        let root = self.bound(&BTreeSet::new(), &BTreeSet::new());
        self.best = Some(self.greedy());
        self.branch(&mut BTreeSet::new(), 0, &mut BTreeSet::new());
        let (cost, chosen) = self.best.unwrap_or_default();
        let is_proven = self.branches < self.max_branches;
        Best { chosen, cost, at_least: if is_proven { cost } else { root.min(cost) } }
    }

    fn greedy(&self) -> (u64, BTreeSet<usize>) {
        let mut chosen = BTreeSet::new();
        let mut cost = 0;
        loop {
            let mut hits: BTreeMap<usize, u64> = BTreeMap::new();
            for set in self.sets.iter().filter(|set| set.is_disjoint(&chosen)) {
                set.iter().for_each(|&element| *hits.entry(element).or_default() += 1);
            }
            let best = hits.iter().max_by_key(|&(&element, &count)| {
                (count * 1000 / (self.weight)(element).max(1), std::cmp::Reverse(element))
            });
            let Some((&element, _)) = best else { return (cost, chosen) };
            chosen.insert(element);
            cost += (self.weight)(element);
        }
    }

    /// What at least is still to be paid: sets without a common element are paid for one by one.
    fn bound(&self, chosen: &BTreeSet<usize>, excluded: &BTreeSet<usize>) -> u64 {
        let mut used: BTreeSet<usize> = BTreeSet::new();
        let mut sum = 0;
        for set in self.sets.iter().filter(|set| set.is_disjoint(chosen)) {
            if set.is_disjoint(&used) {
                let open = set.iter().filter(|element| !excluded.contains(element));
                let Some(least) = open.map(|&element| (self.weight)(element)).min() else {
                    return u64::MAX / 2;
                };
                sum += least;
                used.extend(set);
            }
        }
        sum
    }

    fn branch(&mut self, chosen: &mut BTreeSet<usize>, cost: u64, excluded: &mut BTreeSet<usize>) {
        self.branches += 1;
        if self.branches >= self.max_branches {
            return;
        }
        let known = self.best.as_ref().map_or(u64::MAX, |(cost, _)| *cost);
        if cost + self.bound(chosen, excluded) >= known {
            return;
        }
        let open = self.sets.iter().filter(|set| set.is_disjoint(chosen));
        let next = open.min_by_key(|set| set.difference(excluded).count());
        let Some(set) = next else {
            self.best = Some((cost, chosen.clone()));
            return;
        };
        let mut elements: Vec<usize> = set.difference(excluded).copied().collect();
        elements.sort_by_key(|&element| ((self.weight)(element), element));
        let mut added = Vec::new();
        for element in elements {
            chosen.insert(element);
            self.branch(chosen, cost + (self.weight)(element), excluded);
            chosen.remove(&element);
            // The sets with this element have all been looked at.
            excluded.insert(element);
            added.push(element);
        }
        for element in added {
            excluded.remove(&element);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The cost of the cheapest set, by trying all.
    fn by_force(sets: &[Vec<usize>], weight: impl Fn(usize) -> u64, count: usize) -> u64 {
        (0_u32..1 << count)
            .filter(|subset| sets.iter().all(|set| set.iter().any(|&it| subset & (1 << it) != 0)))
            .map(|subset| (0..count).filter(|it| subset & (1 << it) != 0).map(&weight).sum())
            .min()
            .unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn is_the_cheapest(
            sets in prop::collection::vec(prop::collection::vec(0_usize..9, 1..5), 0..12),
            weights in prop::collection::vec(prop::sample::select(vec![1_u64, 3, 8]), 9),
        ) {
            let best = smallest(&sets, |element| weights[element]);
            prop_assert!(sets.iter().all(|set| set.iter().any(|it| best.chosen.contains(it))));
            prop_assert_eq!(best.cost, best.chosen.iter().map(|&it| weights[it]).sum::<u64>());
            prop_assert_eq!(best.cost, best.at_least);
            prop_assert_eq!(best.cost, by_force(&sets, |element| weights[element], 9));
        }
    }
}
