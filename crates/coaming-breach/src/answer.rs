//! The answer to a query: what each entry puts at risk, the cheapest way to each prize, the cut.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use coaming_finding::{Finding, Note};

use crate::cut::{self, Cut, CutOptions, PairName, Taken};
use crate::entry::EntryAnswer;
use crate::foothold::{Foothold, Prize};
use crate::graph::{AttackGraph, VertexId};
use crate::query::{self, Query, QueryError, Start, To};
use crate::scene::Scene;
use crate::search::{Limits, Search};
use crate::unknown;

/// The answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The entries, those that put most at risk first.
    pub entries: Vec<EntryAnswer>,
    /// Everything that some way leads to.
    pub prizes: Vec<Foothold>,
    /// The cheapest verified sets of changes; none if no prize is in reach, or none can be closed.
    pub cuts: Vec<Cut>,
    /// What is not known, and may hide or add ways.
    pub unknown: Vec<Note>,
    /// How many findings there are, suppressed ones left out.
    pub finding_count: usize,
}

impl Answer {
    /// The pairs of entries and prizes, as texts.
    #[must_use]
    pub fn pairs(&self) -> BTreeSet<(String, String)> {
        let pairs = self.entries.iter().flat_map(|entry| {
            entry.ends().map(|end| (entry.from.to_string(), target_name(end.foothold)))
        });
        pairs.collect()
    }
}

/// Answers a query.
///
/// # Errors
///
/// If it names a workload that does not exist, or more than one.
pub fn answer(
    scene: &Scene<'_>,
    query: &Query,
    findings: &[Finding],
    options: &CutOptions,
) -> Result<Answer, QueryError> {
    let mut graph = AttackGraph::new(scene);
    let starts = query::starts(scene, &mut graph, query.from.as_ref())?;
    let graph = Arc::new(graph);
    let targets = Targets::new(&graph, query.to.as_ref());
    let mut search = Search::new(&graph);
    let mut entries: Vec<EntryAnswer> = starts
        .iter()
        .map(|start| {
            search.run(&graph, &start.vertices, limits(query), |_| false);
            EntryAnswer::new(&graph, &search, start, &targets)
        })
        .collect();
    let cuts = if options.enabled {
        cut::cuts(scene, &graph, &starts, query, findings, options)
    } else {
        Vec::new()
    };
    entries.sort_by(|a, b| (b.risk, &a.from).cmp(&(a.risk, &b.from)));
    let ends: HashSet<VertexId> = entries.iter().flat_map(EntryAnswer::end_vertices).collect();
    let mut prizes: Vec<Foothold> =
        ends.into_iter().map(|vertex| graph.foothold(vertex).clone()).collect();
    prizes.sort_unstable();
    let all_are_entries = query.from.is_none() && query::entered(scene).is_empty();
    let unknown = unknown::notes(scene, all_are_entries);
    let finding_count = findings.iter().filter(|finding| finding.suppressed.is_none()).count();
    Ok(Answer { entries, prizes, cuts, unknown, finding_count })
}

pub(crate) fn limits(query: &Query) -> Limits {
    Limits { any_neighbor: query.any_neighbor, max_hops: query.max_hops }
}

/// The name under which a target is counted: all nodes are one.
#[must_use]
pub fn target_name(foothold: &Foothold) -> String {
    match foothold.prize() {
        Some(prize) => prize.to_string(),
        None => foothold.to_string(),
    }
}

/// Whether a foothold is asked for; without a target, every prize is.
pub(crate) fn is_asked_for(foothold: &Foothold, to: Option<&To>) -> bool {
    to.map_or_else(|| foothold.prize().is_some(), |to| to.matches(foothold))
}

/// What is asked for: worked out once, for many searches.
pub(crate) struct Targets {
    /// The vertices, with the numbers of their names and the places of their prizes in the order.
    wanted: Vec<(VertexId, usize, usize)>,
    name_count: usize,
}

impl Targets {
    pub(crate) fn new(graph: &AttackGraph, to: Option<&To>) -> Self {
        let mut names: HashMap<String, usize> = HashMap::new();
        let mut by_prize: BTreeMap<Option<Prize>, Vec<(VertexId, usize)>> = BTreeMap::new();
        for (vertex, foothold) in graph.footholds().filter(|(_, it)| is_asked_for(it, to)) {
            let next = names.len();
            let name = *names.entry(target_name(foothold)).or_insert(next);
            by_prize.entry(foothold.prize()).or_default().push((vertex, name));
        }
        let wanted = by_prize.into_values().enumerate().flat_map(|(place, vertices)| {
            vertices.into_iter().map(move |(vertex, name)| (vertex, name, place))
        });
        Self { wanted: wanted.collect(), name_count: names.len() }
    }

    /// The vertices that a search from a start reached, one per name: the cheapest.
    pub(crate) fn reached(&self, search: &Search, start: &Start) -> Vec<VertexId> {
        let mut best = vec![None; self.name_count];
        for &(vertex, name, place) in &self.wanted {
            if search.reaches(vertex) && !start.vertices.contains(&vertex) {
                let (weight, hops) = search.cost(vertex);
                let found = (weight, hops, vertex, place);
                if best[name].is_none_or(|known| found < known) {
                    best[name] = Some(found);
                }
            }
        }
        let mut found: Vec<_> = best.into_iter().flatten().collect();
        found.sort_unstable_by_key(|&(weight, hops, vertex, place)| (place, weight, hops, vertex));
        found.into_iter().map(|(_, _, vertex, _)| vertex).collect()
    }
}

/// The pairs of entries and prizes that are open in another graph, for a query; with the steps of the
/// cheapest way of those that `wants_way` names.
pub(crate) fn open_pairs(
    graph: &mut AttackGraph,
    starts: &[Start],
    query: &Query,
    wants_way: impl Fn(&PairName) -> bool,
) -> BTreeMap<PairName, Vec<Taken>> {
    let mut open = BTreeMap::new();
    let starts: Vec<Start> = starts
        .iter()
        .map(|start| {
            let footholds: Vec<Foothold> = start.shown.clone();
            if let Foothold::Identity(identity) = &start.foothold {
                query::join_groups(graph, identity);
            }
            let vertices = footholds.into_iter().map(|foothold| graph.vertex(foothold)).collect();
            Start { vertices, ..start.clone() }
        })
        .collect();
    let targets = Targets::new(graph, query.to.as_ref());
    let mut search = Search::new(graph);
    for start in &starts {
        search.run(graph, &start.vertices, limits(query), |_| false);
        for vertex in targets.reached(&search, start) {
            let name = (start.foothold.to_string(), target_name(graph.foothold(vertex)));
            let mut steps = Vec::new();
            if wants_way(&name) {
                let edges = search.way(graph, vertex).into_iter().map(|edge| graph.edge(edge));
                steps.extend(edges.map(|it| (cut::step_id(it), graph.foothold(it.to).clone())));
            }
            open.insert(name, steps);
        }
    }
    open
}
