//! Where a fact is written, for the user.

use coaming_finding::Position;
use coaming_kube::{Object, World};
use coaming_yaml::Node;

/// The location of a field in the input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Evidence {
    /// The file, as the user named it.
    pub file: String,
    /// The field, as a path in its object.
    pub path: String,
    /// The line, from 1; `None` where the text is not the user's own (a rendered chart).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl Evidence {
    /// The location of a node of an object.
    #[must_use]
    pub fn of(world: &World, object: Object<'_>, node: Node<'_>) -> Self {
        let source = world.source(object.source());
        let line = source
            .filter(|source| source.origin.has_own_lines())
            .and_then(|source| Some(Position::of(&source.text, node.span()?.start).line));
        Self {
            file: source.map_or_else(String::new, |source| source.name.clone()),
            path: node.path().to_string(),
            line,
        }
    }
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => write!(f, "{}", self.file),
        }
    }
}
