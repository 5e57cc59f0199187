//! The cheapest set of findings whose fixes close the ways.
//!
//! The implicit hitting set method: every way that is found gives the set of findings of which one
//! must be fixed; the cheapest set that hits all of them is computed exactly; if a way avoids it,
//! that way gives one more set. When no way is left, the set is the smallest one. Its fixes are
//! then
//! made in memory, and all engines run again: a fix that does not undo what it promised is not
//! counted on, and the search goes on without it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use coaming_finding::{Applicability, Finding};
use coaming_kube::World;

use crate::answer::{Targets, limits, open_pairs, target_name};
use crate::evidence::Undo;
use crate::foothold::{Foothold, Prize};
use crate::graph::{AttackGraph, Edge, EdgeId, VertexId};
use crate::hitting_set;
use crate::query::{Query, Start, To};
use crate::remedy;
use crate::scene::Scene;
use crate::search::Search;

/// What the fix of a finding costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// A fix that does not affect a working application.
    pub safe: u64,
    /// A fix that may break it.
    pub unsafe_: u64,
    /// A fix that a person makes.
    pub manual: u64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { safe: 1, unsafe_: 3, manual: 8 }
    }
}

/// How cuts are searched for.
#[derive(Clone, Copy, Debug, Default)]
pub struct CutOptions {
    /// Whether any is.
    pub enabled: bool,
    /// What fixes cost.
    pub weights: Weights,
}

/// A verified set of changes.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The findings to fix, by position among those of the query.
    pub findings: Vec<usize>,
    /// What their fixes cost.
    pub cost: u64,
    /// How many pairs of entries and prizes are closed, as running all engines again showed.
    pub closed: usize,
    /// How many pairs there are.
    pub of: usize,
    /// How much cheaper a set that closes the same may be at most: none if it is proven smallest.
    pub gap: u64,
}

/// How often a cut is searched for again because a fix did not undo what it promised.
const MAX_ROUNDS: usize = 6;

/// How often the ways that are left give new sets of findings, before the set found so far is only
/// completed and not proven smallest any more.
const MAX_SEARCHES: usize = 40;

/// The cheapest cut for a query, verified.
pub(crate) fn cuts(
    scene: &Scene<'_>,
    graph: &AttackGraph,
    starts: &[Start],
    query: &Query,
    findings: &[Finding],
    options: &CutOptions,
) -> Vec<Cut> {
    let mut problem = Problem::new(scene.world, graph, starts, query, findings, options.weights);
    if problem.pairs.is_empty() {
        return Vec::new();
    }
    for round in 1..=MAX_ROUNDS {
        problem.find_closable();
        if problem.closable.is_empty() {
            return Vec::new();
        }
        let (chosen, gap) = problem.solve();
        let fixed: Vec<&Finding> = chosen.iter().map(|&finding| &findings[finding]).collect();
        let world = remedy::apply(scene.world, &fixed);
        let after = scene.of_world(&world);
        let mut after = AttackGraph::new(&after);
        let names: BTreeSet<PairName> = problem.pair_names();
        let promised = problem.promised();
        let open = open_pairs(&mut after, starts, query, |pair| promised.contains(pair));
        let is_right = promised.iter().all(|pair| !open.contains_key(pair));
        let has_learned = !is_right && problem.learn(&chosen, &open);
        let open: BTreeSet<&PairName> = names.iter().filter(|it| open.contains_key(*it)).collect();
        if !has_learned || round == MAX_ROUNDS {
            let closed = names.len() - open.len();
            if closed == 0 {
                return Vec::new();
            }
            let cost: u64 = chosen.iter().map(|&finding| problem.weight(finding)).sum();
            // A set that closes less than was expected is verified, but not proven smallest.
            let gap = if is_right { gap } else { cost.saturating_sub(1).max(gap) };
            let findings = chosen.into_iter().collect();
            return vec![Cut { findings, cost, closed, of: names.len(), gap }];
        }
    }
    Vec::new()
}

/// A pair of an entry and a target.
type Pair = (usize, String);

/// The same by the names of both.
pub(crate) type PairName = (String, String);

/// A step of a way: its name, and what it leads to.
pub(crate) type Taken = (&'static str, Foothold);

struct Problem<'p> {
    graph: &'p AttackGraph,
    starts: &'p [Start],
    query: &'p Query,
    findings: &'p [Finding],
    weights: Weights,
    targets: Targets,
    /// The findings that undo each edge.
    undoing: Vec<Vec<usize>>,
    /// Findings that turned out not to undo a step for a start: a policy keeps the flows that are
    /// needed, which are some workloads' and not those of others.
    useless: BTreeSet<(usize, EdgeId, usize)>,
    pairs: BTreeMap<Pair, VertexId>,
    closable: BTreeSet<Pair>,
}

impl<'p> Problem<'p> {
    fn new(
        world: &World,
        graph: &'p AttackGraph,
        starts: &'p [Start],
        query: &'p Query,
        findings: &'p [Finding],
        weights: Weights,
    ) -> Self {
        let mut problem = Self {
            graph,
            starts,
            query,
            findings,
            weights,
            targets: Targets::new(graph, query.to.as_ref()),
            undoing: undoing(world, graph, findings),
            useless: BTreeSet::new(),
            pairs: BTreeMap::new(),
            closable: BTreeSet::new(),
        };
        problem.pairs = problem
            .open(&BTreeSet::new())
            .into_iter()
            .map(|(pair, (vertex, _))| (pair, vertex))
            .collect();
        problem
    }

    fn pair_names(&self) -> BTreeSet<PairName> {
        self.pairs.keys().map(|pair| self.name(pair)).collect()
    }

    /// The pairs that a set of fixes is expected to close.
    fn promised(&self) -> BTreeSet<PairName> {
        self.closable.iter().map(|pair| self.name(pair)).collect()
    }

    fn name(&self, (start, target): &Pair) -> PairName {
        (self.starts[*start].foothold.to_string(), target.clone())
    }

    fn weight(&self, finding: usize) -> u64 {
        match self.findings[finding].fix.as_ref().map(|fix| fix.applicability) {
            Some(Applicability::Safe) => self.weights.safe,
            Some(Applicability::Unsafe) => self.weights.unsafe_,
            Some(Applicability::Manual) | None => self.weights.manual,
        }
    }

    /// The findings that undo an edge for a start, as far as they are known to.
    fn undo(&self, start: usize, edge: EdgeId) -> impl Iterator<Item = usize> {
        let findings = self.undoing[edge as usize].iter().copied();
        findings.filter(move |&finding| !self.useless.contains(&(start, edge, finding)))
    }

    /// The pairs that are open after some fixes, with what each way could be undone by.
    fn open(&self, fixed: &BTreeSet<usize>) -> BTreeMap<Pair, (VertexId, Vec<usize>)> {
        let mut search = Search::new(self.graph);
        let mut open = BTreeMap::new();
        let to = self.query.to.as_ref();
        for (number, start) in self.starts.iter().enumerate() {
            let is_removed = |edge| self.undo(number, edge).any(|finding| fixed.contains(&finding));
            search.run(self.graph, &start.vertices, limits(self.query), is_removed);
            for vertex in self.targets.reached(&search, start) {
                let foothold = self.graph.foothold(vertex);
                if !is_chosen(foothold, to) {
                    continue;
                }
                let way = search.way(self.graph, vertex);
                let undo = way.iter().flat_map(|&edge| self.undo(number, edge));
                let mut undo: Vec<usize> = undo.collect();
                undo.sort_unstable();
                undo.dedup();
                open.insert((number, target_name(foothold)), (vertex, undo));
            }
        }
        open
    }

    /// Finds the pairs that are closed if everything is fixed.
    fn find_closable(&mut self) {
        let all: BTreeSet<usize> = self.undoing.iter().flatten().copied().collect();
        let open = self.open(&all);
        self.closable =
            self.pairs.keys().filter(|pair| !open.contains_key(*pair)).cloned().collect();
    }

    /// The cheapest set of findings that closes every pair that can be closed, and by how much a
    /// cheaper one may be missed.
    fn solve(&self) -> (BTreeSet<usize>, u64) {
        let mut sets: BTreeSet<Vec<usize>> = BTreeSet::new();
        let mut at_least = 0;
        let mut chosen: BTreeSet<usize> = BTreeSet::new();
        for search in 0.. {
            let open = self.open(&chosen);
            let missed = open.into_iter().filter(|(pair, _)| self.closable.contains(pair));
            let missed: Vec<Vec<usize>> =
                missed.map(|(_, (_, undo))| undo).filter(|undo| !undo.is_empty()).collect();
            if missed.is_empty() {
                break;
            }
            if search < MAX_SEARCHES {
                sets.extend(missed);
                let list: Vec<Vec<usize>> = sets.iter().cloned().collect();
                let best = hitting_set::smallest(&list, |finding| self.weight(finding));
                at_least = best.at_least;
                chosen = best.chosen;
            } else {
                let more = hitting_set::smallest(&missed, |finding| self.weight(finding));
                chosen.extend(more.chosen);
            }
        }
        let cost: u64 = chosen.iter().map(|&finding| self.weight(finding)).sum();
        (chosen, cost - at_least.min(cost))
    }

    /// Finds out which fixes did not undo what they promised, by the steps of the ways that are still
    /// open: whether there is anything new to know.
    fn learn(&mut self, chosen: &BTreeSet<usize>, open: &BTreeMap<PairName, Vec<Taken>>) -> bool {
        let mut by_target: HashMap<(&str, &Foothold), Vec<EdgeId>> = HashMap::new();
        for (id, edge) in self.graph.edges() {
            if self.undoing[id as usize].iter().any(|finding| chosen.contains(finding)) {
                let to = self.graph.foothold(edge.to);
                by_target.entry((step_id(edge), to)).or_default().push(id);
            }
        }
        let mut found = BTreeSet::new();
        for pair in &self.closable {
            let steps = open.get(&self.name(pair)).into_iter().flatten();
            for (step, to) in steps {
                for &edge in by_target.get(&(*step, to)).into_iter().flatten() {
                    let counted = self.undo(pair.0, edge).filter(|it| chosen.contains(it));
                    found.extend(counted.map(|finding| (pair.0, edge, finding)));
                }
            }
        }
        let has_learned = !found.is_empty();
        self.useless.extend(found);
        has_learned
    }
}

/// The name of an edge's step; joins have none.
pub(crate) fn step_id(edge: &Edge) -> &'static str {
    edge.step.map_or("", |step| step.id)
}

/// Whether a target counts for cuts: a connection to the internet only if it is asked for.
pub(crate) fn is_chosen(foothold: &Foothold, to: Option<&To>) -> bool {
    to.is_some() || foothold.prize().is_some_and(|prize| prize != Prize::Exfiltration)
}

/// Findings by rule, and by object or namespace.
#[derive(Default)]
struct FindingIndex<'f> {
    by_object: HashMap<(&'f str, &'f str, &'f str, &'f str), Vec<usize>>,
    by_namespace: HashMap<(&'f str, &'f str), Vec<usize>>,
}

impl<'f> FindingIndex<'f> {
    /// The findings that count and whose fixes can be made in memory.
    fn new(findings: &'f [Finding]) -> Self {
        let mut index = Self::default();
        for (number, finding) in findings.iter().enumerate() {
            if finding.suppressed.is_some() || !remedy::is_possible(finding) {
                continue;
            }
            let Some(object) = &finding.object else { continue };
            let rule = finding.rule.id.as_str();
            let namespace = remedy::namespace_of(object);
            let key = (rule, object.kind.as_str(), namespace, object.name.as_str());
            index.by_object.entry(key).or_default().push(number);
            index.by_namespace.entry((rule, namespace)).or_default().push(number);
        }
        index
    }

    fn of(&self, undo: &Undo, world: &World, findings: &[Finding]) -> Vec<usize> {
        let Some(object) = world.object(undo.object) else { return Vec::new() };
        let namespace = object.namespace_or_default();
        let found = undo.rules.iter().filter_map(|rule| {
            if undo.of_namespace {
                self.by_namespace.get(&(*rule, namespace))
            } else {
                self.by_object.get(&(*rule, object.kind(), namespace, object.name()))
            }
        });
        let fits = |number: &usize| {
            let finding = &findings[*number];
            let own = finding.container.as_deref();
            let same_container =
                undo.container.as_deref().is_none_or(|it| own.is_none_or(|own| own == it));
            let first = finding.locations.first();
            let same_path = undo
                .path
                .as_ref()
                .is_none_or(|path| first.is_some_and(|location| location.path.starts_with(path)));
            same_container && same_path
        };
        found.flatten().copied().filter(fits).collect()
    }
}

/// The findings that undo each edge, and whose fixes can be made in memory.
pub(crate) fn undoing(world: &World, graph: &AttackGraph, findings: &[Finding]) -> Vec<Vec<usize>> {
    let index = FindingIndex::new(findings);
    let of_edge = |edge: &Edge| {
        let mut found: Vec<usize> =
            edge.undo.iter().flat_map(|undo| index.of(undo, world, findings)).collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    graph.edges().map(|(_, edge)| of_edge(edge)).collect()
}

#[cfg(test)]
mod tests;
