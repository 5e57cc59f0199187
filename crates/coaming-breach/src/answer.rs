//! The answer to a query: what each entry puts at risk, the cheapest way to each prize, the cut.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use coaming_finding::{Finding, Note};

use crate::cut::{self, Cut, CutOptions, PairName, Taken};
use crate::evidence::Evidence;
use crate::foothold::{ContainerName, Foothold, Prize, WorkloadName};
use crate::graph::{AttackGraph, EdgeId, Kind, VertexId};
use crate::query::{self, Query, QueryError, Start, To};
use crate::scene::Scene;
use crate::search::{Limits, Search};
use crate::steps::StepInfo;
use crate::unknown;

/// One step of a way.
#[derive(Clone, Debug)]
pub struct WayStep {
    /// The step.
    pub step: &'static StepInfo,
    /// How sure it is.
    pub kind: Kind,
    /// What it starts from.
    pub from: Foothold,
    /// What it needs as well.
    pub also: Vec<Foothold>,
    /// What it leads to.
    pub to: Foothold,
    /// Why it is possible.
    pub reason: String,
    /// Where that is written.
    pub evidence: Vec<Evidence>,
}

/// A way from an entry to what an attacker is after.
#[derive(Clone, Debug)]
pub struct Way {
    /// Where it starts.
    pub from: Foothold,
    /// Where it ends.
    pub to: Foothold,
    /// What it costs, for comparison with other ways.
    pub cost: u64,
    /// The steps, each after those that it needs.
    pub steps: Vec<WayStep>,
}

impl Way {
    /// The least sure kind among its steps.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.steps.iter().map(|step| step.kind).max().unwrap_or(Kind::Certain)
    }
}

/// What an attacker gets from one entry.
#[derive(Clone, Debug)]
pub struct EntryAnswer {
    /// The entry.
    pub from: Foothold,
    /// The objects that lead in from outside.
    pub via: Vec<String>,
    /// The containers in which they run commands, the entry's own included.
    pub runs: Vec<ContainerName>,
    /// The Secrets and data stores that they read.
    pub reads: Vec<Prize>,
    /// The workloads with a port that they can connect to.
    pub reaches: Vec<WorkloadName>,
    /// How much it puts at risk, for comparison with other entries.
    pub risk: u64,
    /// The cheapest way to each prize.
    pub ways: Vec<Way>,
}

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
            entry.ways.iter().map(|way| (entry.from.to_string(), target_name(&way.to)))
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
    let targets = Targets::new(&graph, query.to.as_ref());
    let mut search = Search::new(&graph);
    let mut entries: Vec<EntryAnswer> = starts
        .iter()
        .map(|start| {
            search.run(&graph, &start.vertices, limits(query), |_| false);
            entry(&graph, &search, start, &targets)
        })
        .collect();
    let cuts = if options.enabled {
        cut::cuts(scene, &graph, &starts, query, findings, options)
    } else {
        Vec::new()
    };
    entries.sort_by(|a, b| (b.risk, &a.from).cmp(&(a.risk, &b.from)));
    let prizes: BTreeSet<Foothold> =
        entries.iter().flat_map(|entry| entry.ways.iter().map(|way| way.to.clone())).collect();
    let all_are_entries = query.from.is_none() && query::entered(scene).is_empty();
    let unknown = unknown::notes(scene, all_are_entries);
    let finding_count = findings.iter().filter(|finding| finding.suppressed.is_none()).count();
    let prizes = prizes.into_iter().collect();
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

fn entry(graph: &AttackGraph, search: &Search, start: &Start, targets: &Targets) -> EntryAnswer {
    let reached = targets.reached(search, start).into_iter();
    let ways: Vec<Way> = reached.map(|vertex| way(graph, search, start, vertex)).collect();
    let (mut runs, mut reads, mut reaches) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for vertex in search.reached() {
        match graph.foothold(vertex) {
            Foothold::Container(container) => {
                runs.insert(container.clone());
            }
            Foothold::Port { workload, .. } => {
                reaches.insert(workload.clone());
            }
            foothold @ (Foothold::Secret { .. }
            | Foothold::Credential(_)
            | Foothold::DataStore(_)) => {
                reads.extend(foothold.prize());
            }
            _ => {}
        }
    }
    EntryAnswer {
        from: start.foothold.clone(),
        via: start.via.clone(),
        runs: runs.into_iter().collect(),
        reads: reads.into_iter().collect(),
        reaches: reaches.into_iter().collect(),
        risk: ways.iter().map(risk).sum(),
        ways,
    }
}

/// How bad it is that a way exists: by what it leads to, and how sure it is.
fn risk(way: &Way) -> u64 {
    let value = match way.to.prize() {
        Some(Prize::Admin) => 100,
        Some(Prize::Node) => 50,
        Some(Prize::CloudIdentity) => 20,
        Some(Prize::DataStore(_)) => 10,
        Some(Prize::Secret { .. } | Prize::Credential(_)) => 3,
        Some(Prize::Exfiltration) | None => 1,
    };
    let sure = match way.kind() {
        Kind::Certain => 3,
        Kind::NeedsFlaw => 2,
        Kind::Unknown => 1,
    };
    value * sure
}

/// What leads to a vertex that is not shown: it becomes part of the step that follows.
#[derive(Clone, Default)]
struct Pending {
    sources: Vec<Foothold>,
    reasons: Vec<String>,
    evidence: Vec<Evidence>,
    kind: Option<Kind>,
    step: Option<&'static StepInfo>,
}

impl Pending {
    fn add(&mut self, other: &Self) {
        let add_new = |own: &mut Vec<Foothold>, source: &Foothold| {
            if !own.contains(source) {
                own.push(source.clone());
            }
        };
        other.sources.iter().for_each(|source| add_new(&mut self.sources, source));
        for reason in &other.reasons {
            if !self.reasons.contains(reason) {
                self.reasons.push(reason.clone());
            }
        }
        for place in &other.evidence {
            if !self.evidence.contains(place) {
                self.evidence.push(*place);
            }
        }
        self.kind = self.kind.max(other.kind);
        self.step = other.step.or(self.step);
    }
}

/// The cheapest way to a vertex, as steps between footholds that are shown.
pub(crate) fn way(graph: &AttackGraph, search: &Search, start: &Start, to: VertexId) -> Way {
    let edges: Vec<EdgeId> = search.way(graph, to);
    let mut pending: HashMap<VertexId, Pending> = HashMap::new();
    let mut steps: Vec<WayStep> = Vec::new();
    let mut first = None;
    for edge in edges.iter().map(|&edge| graph.edge(edge)) {
        let mut own = Pending::default();
        for premise in edge.premises() {
            match pending.get(&premise) {
                Some(known) => own.add(known),
                None => {
                    let foothold = graph.foothold(premise).clone();
                    if start.vertices.contains(&premise) {
                        first.get_or_insert_with(|| foothold.clone());
                    }
                    own.sources.push(foothold);
                }
            }
        }
        own.add(&Pending {
            reasons: if edge.reason.is_empty() {
                Vec::new()
            } else {
                vec![edge.reason.to_string()]
            },
            evidence: edge.evidence.to_vec(),
            kind: Some(edge.kind),
            step: edge.step,
            ..Pending::default()
        });
        match own.step {
            Some(step) if graph.foothold(edge.to).is_shown() => {
                let mut sources = own.sources.into_iter();
                steps.push(WayStep {
                    step,
                    kind: own.kind.unwrap_or(Kind::Certain),
                    from: sources.next().unwrap_or(Foothold::Outside),
                    also: sources.collect(),
                    to: graph.foothold(edge.to).clone(),
                    reason: own.reasons.join("; "),
                    evidence: own.evidence,
                });
            }
            _ => {
                pending.insert(edge.to, own);
            }
        }
    }
    let from = first.unwrap_or_else(|| start.foothold.clone());
    Way { from, to: graph.foothold(to).clone(), cost: search.cost(to).0, steps }
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
