//! Everything that a page needs to answer questions by itself: each foothold, each step, where an
//! attacker may start, and what reaches what.
//!
//! The numbers in a [`Map`] are positions in its own lists. Steps that lead neither to a container nor
//! to anything that is asked for are left out: a large cluster has many, and they answer nothing.

use std::collections::{BTreeMap, BTreeSet};

use coaming_finding::Finding;

use crate::answer::{Answer, is_asked_for, target_name};
use crate::cut;
use crate::evidence::Evidence;
use crate::foothold::{Foothold, WorkloadName};
use crate::graph::{AttackGraph, EdgeId, Kind, VertexId};
use crate::query::{self, Query, QueryError, Start};
use crate::scene::Scene;
use crate::steps::StepInfo;

/// A step between footholds of a [`Map`].
#[derive(Clone, Debug)]
pub struct MapStep {
    /// The footholds that it needs: one or two.
    pub premises: Vec<usize>,
    /// The foothold that it leads to.
    pub to: usize,
    /// The step; `None` only joins footholds.
    pub info: Option<&'static StepInfo>,
    /// How sure it is.
    pub kind: Kind,
    /// What it costs an attacker.
    pub weight: u32,
    /// Why it is possible.
    pub reason: String,
    /// Where that is written.
    pub evidence: Vec<Evidence>,
    /// The findings any one of which undoes it, by position among those of the query.
    pub undone_by: Vec<usize>,
}

/// Where an attacker may start.
#[derive(Clone, Debug)]
pub struct MapStart {
    /// What it is called.
    pub name: Foothold,
    /// What they hold there.
    pub holds: Vec<usize>,
    /// What leads in from outside.
    pub via: Vec<String>,
}

/// Something that is asked for.
#[derive(Clone, Debug)]
pub struct MapTarget {
    /// The foothold.
    pub foothold: usize,
    /// The name under which it is counted: all nodes are one.
    pub name: String,
    /// Whether cuts count it.
    pub is_counted: bool,
}

/// A workload, and what reaches what.
#[derive(Clone, Debug)]
pub struct MapWorkload {
    /// Its name.
    pub name: WorkloadName,
    /// Its group of workloads that reach the same, by position in [`Map::reach`].
    pub group: Option<usize>,
}

/// The attack graph as data.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// The footholds.
    pub footholds: Vec<Foothold>,
    /// The steps, in the order in which equally cheap ones are preferred.
    pub steps: Vec<MapStep>,
    /// The entries in the order of the answer, and then every other workload.
    pub starts: Vec<MapStart>,
    /// How many of the starts are entries.
    pub entry_count: usize,
    /// What is asked for.
    pub targets: Vec<MapTarget>,
    /// Every workload, sorted.
    pub workloads: Vec<MapWorkload>,
    /// The workloads with a port that each group can connect to, sorted.
    pub reach: Vec<Vec<usize>>,
    /// The most steps of a way.
    pub max_hops: Option<u32>,
}

/// The map of a scene, for a query that was answered.
///
/// # Errors
///
/// If the query names a workload that does not exist, or more than one.
pub fn map(
    scene: &Scene<'_>,
    query: &Query,
    answer: &Answer,
    findings: &[Finding],
) -> Result<Map, QueryError> {
    let mut graph = AttackGraph::new(scene);
    let mut starts = query::starts(scene, &mut graph, query.from.as_ref())?;
    let rank = |start: &Start| answer.entries.iter().position(|it| it.from == start.foothold);
    starts.sort_by_key(rank);
    let entry_count = starts.len();
    let known: BTreeSet<Foothold> = starts.iter().map(|start| start.foothold.clone()).collect();
    let mut others = query::workload_starts(scene, &mut graph);
    others.retain(|start| !known.contains(&start.foothold));
    others.sort_by(|a, b| a.foothold.cmp(&b.foothold));
    starts.extend(others);
    let targets: BTreeMap<VertexId, String> = graph
        .footholds()
        .filter(|(_, foothold)| is_asked_for(foothold, query.to.as_ref()))
        .map(|(vertex, foothold)| (vertex, target_name(foothold)))
        .collect();
    // What an attacker runs is of interest even if it leads no further.
    let containers = graph.footholds().filter(|(_, it)| matches!(it, Foothold::Container(_)));
    let ends = targets.keys().copied().chain(containers.map(|(vertex, _)| vertex));
    let useful = leading_to(&graph, ends, query.any_neighbor);
    let undoing = cut::undoing(scene.world, &graph, findings);
    let mut map = Map { entry_count, max_hops: query.max_hops, ..Map::default() };
    let mut numbers: BTreeMap<VertexId, usize> = BTreeMap::new();
    let mut number = |vertex: VertexId| {
        *numbers.entry(vertex).or_insert_with(|| {
            map.footholds.push(graph.foothold(vertex).clone());
            map.footholds.len() - 1
        })
    };
    for (id, edge) in graph.edges().filter(|(id, _)| useful.contains(id)) {
        map.steps.push(MapStep {
            premises: edge.premises().map(&mut number).collect(),
            to: number(edge.to),
            info: edge.step,
            kind: edge.kind,
            weight: edge.weight,
            reason: edge.reason.to_string(),
            evidence: edge.evidence.to_vec(),
            undone_by: undoing[id as usize].clone(),
        });
    }
    for start in starts {
        let holds = start.vertices.iter().map(|&vertex| number(vertex)).collect();
        map.starts.push(MapStart { name: start.foothold, holds, via: start.via });
    }
    for (vertex, name) in targets {
        let is_counted = cut::is_chosen(graph.foothold(vertex), query.to.as_ref());
        map.targets.push(MapTarget { foothold: number(vertex), name, is_counted });
    }
    add_reach(scene, &mut map);
    Ok(map)
}

/// The steps that may be part of a way to one of `ends`.
fn leading_to(
    graph: &AttackGraph,
    ends: impl Iterator<Item = VertexId>,
    any_neighbor: bool,
) -> BTreeSet<EdgeId> {
    let mut entering: Vec<Vec<EdgeId>> = vec![Vec::new(); graph.vertex_count()];
    for (id, edge) in graph.edges().filter(|(_, edge)| any_neighbor || !edge.supposes_flaw) {
        entering[edge.to as usize].push(id);
    }
    let mut seen = vec![false; graph.vertex_count()];
    let mut open: Vec<VertexId> = ends.collect();
    let mut useful = BTreeSet::new();
    while let Some(vertex) = open.pop() {
        if std::mem::replace(&mut seen[vertex as usize], true) {
            continue;
        }
        for &id in &entering[vertex as usize] {
            useful.insert(id);
            open.extend(graph.edge(id).premises());
        }
    }
    useful
}

fn add_reach(scene: &Scene<'_>, map: &mut Map) {
    let mut order: Vec<usize> = (0..scene.pods.len()).collect();
    order.sort_by(|&a, &b| scene.pods[a].name.cmp(&scene.pods[b].name));
    let mut position = vec![0; scene.pods.len()];
    for (place, &pod) in order.iter().enumerate() {
        position[pod] = place;
        let info = &scene.pods[pod];
        let group = info.network.and_then(|network| scene.source_of.get(&network)).copied();
        map.workloads.push(MapWorkload { name: info.name.clone(), group });
    }
    // The workloads of a target that listen on a port which its policies let through.
    let targets: Vec<Vec<usize>> = scene
        .cells
        .targets
        .iter()
        .map(|target| {
            let pods = target.workloads.iter().filter_map(|id| scene.pods_of_network.get(id));
            let listens = |&&pod: &&usize| {
                let mut ports = scene.pods[pod].listens.keys();
                ports.any(|&(protocol, port)| target.allowed.contains(protocol, port))
            };
            pods.flatten().filter(listens).map(|&pod| position[pod]).collect()
        })
        .collect();
    for source in &scene.cells.sources {
        let reached: BTreeSet<usize> =
            source.targets.iter().flat_map(|&target| targets[target].iter().copied()).collect();
        map.reach.push(reached.into_iter().collect());
    }
}
