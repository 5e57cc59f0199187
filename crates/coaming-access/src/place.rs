//! Where something is written.

use coaming_finding::Position;
use coaming_kube::{Inventory, Object};
use coaming_yaml::Node;

/// A place in the user's files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Place {
    /// The file, as the user named it.
    pub file: String,
    /// The field, as a path in its object.
    pub path: String,
    /// The line, from 1; `None` where the text is not the user's own (a rendered chart).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl Place {
    /// The place of a node of an object.
    #[must_use]
    pub fn of(inventory: &Inventory, object: Object<'_>, node: Node<'_>) -> Self {
        let file = inventory.source(object.source());
        let line = file
            .filter(|file| file.origin.has_own_lines())
            .and_then(|file| Some(Position::of(&file.text, node.span()?.start).line));
        Self {
            file: file.map_or_else(String::new, |file| file.name.clone()),
            path: node.path().to_string(),
            line,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => write!(f, "{}", self.file),
        }
    }
}
