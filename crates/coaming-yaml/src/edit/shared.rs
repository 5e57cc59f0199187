//! Changes that all users of an anchor have in common: they are made once, in the anchored text.
//!
//! Invariant: only edits are left out here. [`super::apply`] compares the text with what all edits
//! together mean, so an anchor whose users do not all change alike is never edited.

use super::Edit;
use crate::path::{Path, Step};
use crate::tree::{Document, Node};

/// The edits without those that lead through an alias; `None` if none does.
pub(super) fn without_aliased(document: &Document, edits: &[Edit]) -> Option<Vec<Edit>> {
    let root = document.root();
    let direct: Vec<Edit> =
        edits.iter().filter(|edit| !leads_through_alias(root, path_of(edit))).cloned().collect();
    (!direct.is_empty() && direct.len() < edits.len()).then_some(direct)
}

fn path_of(edit: &Edit) -> &Path {
    match edit {
        Edit::Set { path, .. }
        | Edit::Remove { path }
        | Edit::Rename { path, .. }
        | Edit::Append { path, .. } => path,
    }
}

/// Whether the node at a path, or the nearest one around it, is written elsewhere.
fn leads_through_alias(root: Node<'_>, path: &Path) -> bool {
    let mut node = root;
    for step in path.steps() {
        let below = match step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.items().nth(*index),
        };
        let Some(below) = below else { break };
        node = below;
    }
    node.alias().is_some()
}
