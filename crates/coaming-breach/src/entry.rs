//! What an attacker gets from one entry.
//!
//! A large cluster has millions of pairs of an entry and a prize, so an entry keeps which edge led to
//! each vertex, and puts a way into words only when it is asked for.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::answer::Targets;
use crate::foothold::{ContainerName, Foothold, Prize, WorkloadName};
use crate::graph::{AttackGraph, EdgeId, Kind, VertexId};
use crate::query::Start;
use crate::search::{self, Search};
use crate::way::{self, Way};

/// What an attacker gets from one entry.
#[derive(Clone, Debug)]
pub struct EntryAnswer {
    /// The entry.
    pub from: Foothold,
    /// The objects that lead in from outside.
    pub via: Vec<String>,
    /// How much it puts at risk, for comparison with other entries.
    pub risk: u64,
    graph: Arc<AttackGraph>,
    starts: Vec<VertexId>,
    /// The vertices in reach that are listed by themselves, in the order of their numbers.
    listed: Box<[VertexId]>,
    ends: Box<[EndOfWay]>,
    /// The last edges of the cheapest ways to all vertices on the way to an end, by vertex.
    last_edges: Box<[(VertexId, EdgeId)]>,
}

/// What the cheapest way leads to, without its steps.
#[derive(Clone, Copy, Debug)]
pub struct End<'e> {
    /// Where it ends.
    pub foothold: &'e Foothold,
    /// What it costs, for comparison with other ways.
    pub cost: u64,
    /// The least sure kind among its steps.
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug)]
struct EndOfWay {
    vertex: VertexId,
    cost: u64,
    kind: Kind,
}

impl EntryAnswer {
    /// What a search from `start` found.
    pub(crate) fn new(
        graph: &Arc<AttackGraph>,
        search: &Search,
        start: &Start,
        targets: &Targets,
    ) -> Self {
        let reached = targets.reached(search, start);
        let edges = search.ways(graph, &reached);
        let kinds = kinds(graph, &edges);
        let end = |&vertex: &VertexId| {
            let kind = kinds.get(&vertex).copied().unwrap_or(Kind::Certain);
            EndOfWay { vertex, cost: search.cost(vertex).0, kind }
        };
        let ends: Box<[EndOfWay]> = reached.iter().map(end).collect();
        let mut last_edges: Vec<_> = edges.iter().map(|&id| (graph.edge(id).to, id)).collect();
        last_edges.sort_unstable();
        let is_listed = |vertex: &VertexId| is_listed(graph.foothold(*vertex));
        Self {
            from: start.foothold.clone(),
            via: start.via.clone(),
            risk: ends.iter().map(|end| risk(graph.foothold(end.vertex), end.kind)).sum(),
            graph: Arc::clone(graph),
            starts: start.vertices.clone(),
            listed: search.reached().into_iter().filter(is_listed).collect(),
            ends,
            last_edges: last_edges.into(),
        }
    }

    /// What an attacker holds at the beginning: one container, several of a pod, or an identity with its
    /// groups.
    pub fn holds(&self) -> impl Iterator<Item = &Foothold> {
        self.starts.iter().map(|&vertex| self.graph.foothold(vertex))
    }

    /// The containers in which they run commands, the entry's own included.
    #[must_use]
    pub fn runs(&self) -> BTreeSet<&ContainerName> {
        let containers = self.listed().filter_map(|foothold| match foothold {
            Foothold::Container(container) => Some(container),
            _ => None,
        });
        containers.collect()
    }

    /// The Secrets, credentials and data stores that they read.
    #[must_use]
    pub fn reads(&self) -> BTreeSet<Prize> {
        let prizes = self.listed().filter_map(|foothold| match foothold {
            Foothold::Secret { .. } | Foothold::Credential(_) | Foothold::DataStore(_) => {
                foothold.prize()
            }
            _ => None,
        });
        prizes.collect()
    }

    /// The workloads with a port that they can connect to.
    #[must_use]
    pub fn reaches(&self) -> BTreeSet<&WorkloadName> {
        let workloads = self.listed().filter_map(|foothold| match foothold {
            Foothold::Port { workload, .. } => Some(workload),
            _ => None,
        });
        workloads.collect()
    }

    /// What the cheapest ways lead to, in the order of [`EntryAnswer::ways`].
    pub fn ends(&self) -> impl Iterator<Item = End<'_>> {
        self.ends.iter().map(|&EndOfWay { vertex, cost, kind }| End {
            foothold: self.graph.foothold(vertex),
            cost,
            kind,
        })
    }

    /// The cheapest way to each end. Each is made when the iterator gets to it.
    pub fn ways(&self) -> impl Iterator<Item = Way> {
        self.ends.iter().map(|end| self.way(end))
    }

    /// The cheapest ways to the ends that `is_wanted` names.
    pub fn ways_to(&self, mut is_wanted: impl FnMut(End<'_>) -> bool) -> impl Iterator<Item = Way> {
        let wanted = self.ends().zip(&self.ends).filter(move |(end, _)| is_wanted(*end));
        wanted.map(|(_, end)| self.way(end))
    }

    pub(crate) fn end_vertices(&self) -> impl Iterator<Item = VertexId> {
        self.ends.iter().map(|end| end.vertex)
    }

    fn listed(&self) -> impl Iterator<Item = &Foothold> {
        self.listed.iter().map(|&vertex| self.graph.foothold(vertex))
    }

    fn way(&self, end: &EndOfWay) -> Way {
        let last_edge = |vertex: VertexId| {
            let place = self.last_edges.binary_search_by_key(&vertex, |&(of, _)| of).ok()?;
            Some(self.last_edges[place].1)
        };
        let edges = search::edges_of_ways(&self.graph, &[end.vertex], last_edge);
        let way = way::steps(&self.graph, &edges, &self.starts);
        let from = way.first.unwrap_or_else(|| self.from.clone());
        let to = self.graph.foothold(end.vertex).clone();
        Way { from, to, cost: end.cost, steps: way.steps }
    }
}

/// The least sure kind on the way to each vertex; `edges` has premises before conclusions.
fn kinds(graph: &AttackGraph, edges: &[EdgeId]) -> HashMap<VertexId, Kind> {
    let mut kinds: HashMap<VertexId, Kind> = HashMap::new();
    for edge in edges.iter().map(|&edge| graph.edge(edge)) {
        let before = edge.premises().filter_map(|premise| kinds.get(&premise).copied()).max();
        kinds.insert(edge.to, before.map_or(edge.kind, |before| before.max(edge.kind)));
    }
    kinds
}

fn is_listed(foothold: &Foothold) -> bool {
    matches!(
        foothold,
        Foothold::Container(_)
            | Foothold::Port { .. }
            | Foothold::Secret { .. }
            | Foothold::Credential(_)
            | Foothold::DataStore(_)
    )
}

/// How bad it is that a way exists: by what it leads to, and how sure it is.
fn risk(to: &Foothold, kind: Kind) -> u64 {
    let value = match to.prize() {
        Some(Prize::Admin) => 100,
        Some(Prize::Node) => 50,
        Some(Prize::CloudIdentity) => 20,
        Some(Prize::DataStore(_)) => 10,
        Some(Prize::Secret { .. } | Prize::Credential(_)) => 3,
        Some(Prize::Exfiltration) | None => 1,
    };
    let sure = match kind {
        Kind::Certain => 3,
        Kind::NeedsFlaw => 2,
        Kind::Unknown => 1,
    };
    value * sure
}
