//! A way: the steps between footholds that are shown.

use std::collections::HashMap;

use crate::evidence::Evidence;
use crate::foothold::Foothold;
use crate::graph::{AttackGraph, EdgeId, Kind, VertexId};
use crate::steps::StepInfo;

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

/// The steps of a way, and what of the start it begins with, if it has a step.
pub(crate) struct Steps {
    pub(crate) first: Option<Foothold>,
    pub(crate) steps: Vec<WayStep>,
}

/// Steps between the footholds that are shown, of the edges of a way, premises before conclusions.
/// `starts` are the vertices that an attacker holds at the beginning.
pub(crate) fn steps(graph: &AttackGraph, edges: &[EdgeId], starts: &[VertexId]) -> Steps {
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
                    if starts.contains(&premise) {
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
    Steps { first, steps }
}
