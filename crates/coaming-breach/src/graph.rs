//! Every step that is possible, as a graph: vertices are footholds, an edge has one or two
//! premises.

use std::collections::HashMap;

use crate::evidence::{Evidence, Undo};
use crate::foothold::{Foothold, Link};
use crate::scene::Scene;
use crate::steps::{self, StepInfo};

/// How sure a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It works as the objects say.
    Certain,
    /// It depends on something that the input does not show.
    Unknown,
    /// It needs a flaw in the target: a port is reachable and something listens, no more.
    NeedsFlaw,
}

impl Kind {
    /// Its name, for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Unknown => "unknown",
            Self::NeedsFlaw => "needs-a-flaw",
        }
    }

    /// What it costs an attacker, relative to a certain step.
    fn weight(self) -> u32 {
        match self {
            Self::Certain => 2,
            Self::Unknown => 6,
            Self::NeedsFlaw => 12,
        }
    }
}

/// A vertex by number.
pub(crate) type VertexId = u32;

/// An edge by number.
pub(crate) type EdgeId = u32;

/// A possible step.
#[derive(Debug)]
pub(crate) struct Edge {
    /// What it needs: one foothold, or two.
    pub(crate) premises: [VertexId; 2],
    pub(crate) to: VertexId,
    /// The step; `None` joins vertices without being one.
    pub(crate) step: Option<&'static StepInfo>,
    pub(crate) kind: Kind,
    pub(crate) weight: u32,
    pub(crate) reason: Box<str>,
    pub(crate) evidence: Box<[Evidence]>,
    pub(crate) undo: Box<[Undo]>,
    /// Whether it supposes a flaw that nobody knows of, in a neighbor.
    pub(crate) supposes_flaw: bool,
}

/// No second premise.
pub(crate) const NONE: VertexId = VertexId::MAX;

impl Edge {
    pub(crate) fn premises(&self) -> impl Iterator<Item = VertexId> {
        self.premises.into_iter().filter(|&premise| premise != NONE)
    }
}

/// A step before it is added.
#[derive(Debug)]
pub(crate) struct NewEdge {
    step: Option<&'static StepInfo>,
    kind: Kind,
    extra: u32,
    reason: String,
    evidence: Vec<Evidence>,
    undo: Vec<Undo>,
    supposes_flaw: bool,
}

impl NewEdge {
    /// A step.
    pub(crate) fn step(step: &'static StepInfo, kind: Kind, reason: impl Into<String>) -> Self {
        Self { step: Some(step), kind, reason: reason.into(), ..Self::link() }
    }

    /// A join of two vertices that is not a step by itself.
    pub(crate) fn link() -> Self {
        Self {
            step: None,
            kind: Kind::Certain,
            extra: 0,
            reason: String::new(),
            evidence: Vec::new(),
            undo: Vec::new(),
            supposes_flaw: false,
        }
    }

    /// A join that says something about the step that follows.
    pub(crate) fn note(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..Self::link() }
    }

    pub(crate) fn at(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    pub(crate) fn at_all(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    pub(crate) fn undone_by(mut self, undo: Undo) -> Self {
        self.undo.push(undo);
        self
    }

    /// Makes it cost more.
    pub(crate) fn harder(mut self, extra: u32) -> Self {
        self.extra += extra;
        self
    }

    /// Makes it depend on something unknown.
    pub(crate) fn unsure(self) -> Self {
        Self { kind: Kind::Unknown, ..self }
    }

    pub(crate) fn supposing_flaw(self) -> Self {
        Self { supposes_flaw: true, ..self }
    }
}

/// Every step that is possible in a scene.
#[derive(Debug, Default)]
pub struct AttackGraph {
    footholds: Vec<Foothold>,
    ids: HashMap<Foothold, VertexId>,
    edges: Vec<Edge>,
    /// The edges that have a vertex as a premise.
    leaving: Vec<Vec<EdgeId>>,
}

impl AttackGraph {
    /// The graph of a scene.
    #[must_use]
    pub fn new(scene: &Scene<'_>) -> Self {
        let mut graph = Self::default();
        for step in steps::ALL {
            (step.add)(scene, &mut graph);
        }
        graph
    }

    /// The vertex of a foothold, added if it is new.
    pub(crate) fn vertex(&mut self, foothold: Foothold) -> VertexId {
        if let Some(&id) = self.ids.get(&foothold) {
            return id;
        }
        let id = VertexId::try_from(self.footholds.len()).unwrap_or(NONE);
        self.footholds.push(foothold.clone());
        self.ids.insert(foothold, id);
        self.leaving.push(Vec::new());
        id
    }

    /// The vertex of a link.
    pub(crate) fn link(&mut self, link: Link) -> VertexId {
        self.vertex(Foothold::Link(link))
    }

    /// The vertex of a foothold, if it is known.
    pub(crate) fn find(&self, foothold: &Foothold) -> Option<VertexId> {
        self.ids.get(foothold).copied()
    }

    /// Adds an edge.
    pub(crate) fn add(&mut self, from: VertexId, to: VertexId, edge: NewEdge) {
        self.add_joint([from, NONE], to, edge);
    }

    /// Adds an edge that needs two footholds.
    pub(crate) fn add_joint(&mut self, premises: [VertexId; 2], to: VertexId, edge: NewEdge) {
        let [first, second] = premises;
        if first == to || second == to {
            return;
        }
        let id = EdgeId::try_from(self.edges.len()).unwrap_or(EdgeId::MAX);
        let is_shown = self.footholds[to as usize].is_shown();
        let weight = edge.extra
            + match edge.kind {
                Kind::Certain if !is_shown || edge.step.is_none() => 0,
                kind => kind.weight(),
            };
        for premise in premises.into_iter().filter(|&premise| premise != NONE) {
            let leaving = &mut self.leaving[premise as usize];
            if leaving.last() != Some(&id) {
                leaving.push(id);
            }
        }
        let premises = if first == second { [first, NONE] } else { premises };
        self.edges.push(Edge {
            premises,
            to,
            step: edge.step,
            kind: edge.kind,
            weight,
            reason: edge.reason.into(),
            evidence: edge.evidence.into(),
            undo: edge.undo.into(),
            supposes_flaw: edge.supposes_flaw,
        });
    }

    pub(crate) fn foothold(&self, vertex: VertexId) -> &Foothold {
        &self.footholds[vertex as usize]
    }

    pub(crate) fn footholds(&self) -> impl Iterator<Item = (VertexId, &Foothold)> {
        (0..).zip(&self.footholds)
    }

    pub(crate) fn edge(&self, edge: EdgeId) -> &Edge {
        &self.edges[edge as usize]
    }

    pub(crate) fn edges(&self) -> impl Iterator<Item = (EdgeId, &Edge)> {
        (0..).zip(&self.edges)
    }

    pub(crate) fn leaving(&self, vertex: VertexId) -> &[EdgeId] {
        &self.leaving[vertex as usize]
    }

    /// How many vertices it has.
    #[must_use]
    pub fn vertex_count(&self) -> usize {
        self.footholds.len()
    }

    /// How many edges it has.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.edges.len()
    }
}
