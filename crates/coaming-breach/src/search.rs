//! The cheapest ways from some footholds to all others.
//!
//! Edges may have two premises, so a way is a derivation and not always a path. Knuth's
//! generalization of Dijkstra's algorithm finds the cheapest one: an edge can be used once both of
//! its premises are final, and costs the sum of their costs and its own.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use crate::graph::{AttackGraph, EdgeId, NONE, VertexId};

/// What a search may use.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    /// Also steps that suppose a flaw nobody knows of, in any neighbor.
    pub(crate) any_neighbor: bool,
    /// The most steps of a way.
    pub(crate) max_hops: Option<u32>,
}

/// The cost of a way: by weight and then by steps, or the other way round.
type Cost = (u64, u64);

/// What was found: reused from search to search, so that each costs only what it visits.
#[derive(Debug)]
pub(crate) struct Search {
    cost: Vec<Cost>,
    final_at: Vec<bool>,
    by: Vec<EdgeId>,
    visited: Vec<VertexId>,
    heap: BinaryHeap<Reverse<(Cost, VertexId)>>,
    by_hops: bool,
}

const FAR: Cost = (u64::MAX, u64::MAX);
const START: EdgeId = EdgeId::MAX;

impl Search {
    pub(crate) fn new(graph: &AttackGraph) -> Self {
        let count = graph.vertex_count();
        Self {
            cost: vec![FAR; count],
            final_at: vec![false; count],
            by: vec![START; count],
            visited: Vec::new(),
            heap: BinaryHeap::new(),
            by_hops: false,
        }
    }

    /// Finds the cheapest ways from `starts`, without the edges that `is_removed` names.
    pub(crate) fn run(
        &mut self,
        graph: &AttackGraph,
        starts: &[VertexId],
        limits: Limits,
        is_removed: impl Fn(EdgeId) -> bool,
    ) {
        self.clear();
        self.by_hops = limits.max_hops.is_some();
        for &start in starts {
            self.offer(start, (0, 0), START);
        }
        while let Some(Reverse((cost, vertex))) = self.heap.pop() {
            if std::mem::replace(&mut self.final_at[vertex as usize], true) {
                continue;
            }
            debug_assert_eq!(cost, self.cost[vertex as usize]);
            for &id in graph.leaving(vertex) {
                let edge = graph.edge(id);
                if self.final_at[edge.to as usize]
                    || edge.supposes_flaw && !limits.any_neighbor
                    || is_removed(id)
                {
                    continue;
                }
                let [first, second] = edge.premises;
                let sum = match second {
                    NONE => self.cost[first as usize],
                    _ if self.final_at[first as usize] && self.final_at[second as usize] => {
                        let (a, b) = (self.cost[first as usize], self.cost[second as usize]);
                        (a.0 + b.0, a.1 + b.1)
                    }
                    _ => continue,
                };
                let hop = u64::from(graph.foothold(edge.to).is_shown());
                let weight = u64::from(edge.weight);
                let own = if self.by_hops { (hop, weight) } else { (weight, hop) };
                let total = (sum.0 + own.0, sum.1 + own.1);
                if limits.max_hops.is_some_and(|most| total.0 > u64::from(most)) {
                    continue;
                }
                self.offer(edge.to, total, id);
            }
        }
    }

    fn clear(&mut self) {
        for &vertex in &self.visited {
            self.cost[vertex as usize] = FAR;
            self.final_at[vertex as usize] = false;
            self.by[vertex as usize] = START;
        }
        self.visited.clear();
        self.heap.clear();
    }

    fn offer(&mut self, vertex: VertexId, cost: Cost, by: EdgeId) {
        let known = &mut self.cost[vertex as usize];
        // Of equally cheap edges, the first one counts: the order is total.
        if cost > *known || cost == *known && by >= self.by[vertex as usize] {
            return;
        }
        if *known == FAR {
            self.visited.push(vertex);
        }
        let is_cheaper = cost < *known;
        *known = cost;
        self.by[vertex as usize] = by;
        if is_cheaper {
            self.heap.push(Reverse((cost, vertex)));
        }
    }

    /// Whether a vertex was reached.
    pub(crate) fn reaches(&self, vertex: VertexId) -> bool {
        self.final_at[vertex as usize]
    }

    /// The cost of the cheapest way to a vertex: weight and steps.
    pub(crate) fn cost(&self, vertex: VertexId) -> (u64, u64) {
        let (a, b) = self.cost[vertex as usize];
        if self.by_hops { (b, a) } else { (a, b) }
    }

    /// The vertices that were reached, in the order of their numbers.
    pub(crate) fn reached(&self) -> Vec<VertexId> {
        let mut reached: Vec<VertexId> =
            self.visited.iter().copied().filter(|&vertex| self.reaches(vertex)).collect();
        reached.sort_unstable();
        reached
    }

    /// The edges of the cheapest way to a vertex, premises before conclusions, each once.
    pub(crate) fn way(&self, graph: &AttackGraph, to: VertexId) -> Vec<EdgeId> {
        self.ways(graph, &[to])
    }

    /// The edges of the cheapest ways to vertices, premises before conclusions, each once.
    pub(crate) fn ways(&self, graph: &AttackGraph, to: &[VertexId]) -> Vec<EdgeId> {
        let last_edge =
            |vertex: VertexId| Some(self.by[vertex as usize]).filter(|&edge| edge != START);
        edges_of_ways(graph, to, last_edge)
    }
}

/// The edges of the ways to vertices, premises before conclusions, each once; `last_edge` leads to a
/// vertex, and `None` is where a way starts.
pub(crate) fn edges_of_ways(
    graph: &AttackGraph,
    to: &[VertexId],
    last_edge: impl Fn(VertexId) -> Option<EdgeId>,
) -> Vec<EdgeId> {
    let mut edges = Vec::new();
    let mut seen = HashSet::new();
    let mut stack = Vec::new();
    for &end in to {
        stack.push((end, false));
        while let Some((vertex, done)) = stack.pop() {
            let Some(edge) = last_edge(vertex) else { continue };
            if done {
                edges.push(edge);
            } else if seen.insert(vertex) {
                stack.push((vertex, true));
                let [first, second] = graph.edge(edge).premises;
                let premises = [second, first].into_iter().filter(|&premise| premise != NONE);
                stack.extend(premises.map(|premise| (premise, false)));
            }
        }
    }
    edges
}
