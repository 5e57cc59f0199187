//! The output of `coaming breach`: one module per format.
//!
//! The breach engine returns data; every word beyond its reasons is chosen here. What is unknown is
//! in every format.

mod compare;
mod graph;
mod html;
mod json;
mod opengraph;
mod text;

use std::cell::RefCell;
use std::collections::HashMap;

use coaming_breach::{Answer, Evidence};
use coaming_finding::{Finding, SourceId};
use coaming_kube::World;
use coaming_yaml::LineIndex;

pub use compare::{compare_json, compare_text};
pub use graph::{dot, mermaid};
pub use html::html;
pub use json::json;
pub use opengraph::{opengraph, opengraph_schema};
pub use text::text;

/// An answer with what it points into.
pub struct View<'a> {
    /// The answer.
    pub answer: &'a Answer,
    /// The objects of its evidence.
    pub world: &'a World,
    /// The findings of its cuts.
    pub findings: &'a [Finding],
    lines: RefCell<HashMap<SourceId, Option<LineIndex>>>,
}

/// A place that some evidence is at.
struct Place {
    file: String,
    path: String,
    /// Line and column, from 1; `None` where the text is not the user's own.
    position: Option<(u32, u32)>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.position {
            Some((line, _)) => write!(f, "{}:{line}", self.file),
            None if self.path.is_empty() => f.write_str(&self.file),
            None => write!(f, "{}: {}", self.file, self.path),
        }
    }
}

impl<'a> View<'a> {
    /// A view of an answer.
    #[must_use]
    pub fn new(answer: &'a Answer, world: &'a World, findings: &'a [Finding]) -> Self {
        Self { answer, world, findings, lines: RefCell::new(HashMap::new()) }
    }

    fn place(&self, evidence: &Evidence) -> Option<Place> {
        let (object, node) = evidence.find(self.world)?;
        let source = self.world.source(object.source())?;
        let mut lines = self.lines.borrow_mut();
        let index = lines
            .entry(object.source())
            .or_insert_with(|| source.origin.has_own_lines().then(|| LineIndex::new(&source.text)));
        let position =
            index.as_ref().and_then(|index| Some(index.position(&source.text, node.span()?.start)));
        Some(Place { file: source.name.clone(), path: node.path().to_string(), position })
    }
}
