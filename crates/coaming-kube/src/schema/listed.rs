//! The values of fields of Kubernetes' own kinds that take one of a closed list.
//!
//! The table (`data/values.txt`, by what the API server's validation compares) has one line per field:
//!
//! ```text
//! core.v1.Container imagePullPolicy Always IfNotPresent Never     a type, a field of it, its values
//! batch.v1.JobSpec template.spec.restartPolicy! OnFailure Never   a field further in; `!`: it has to be set
//! ```
//!
//! Invariant: only lists that the API server refuses every other value of. A list that an implementation may
//! extend (the medium of an `emptyDir`, conditions of pods) is not in the table.

use std::collections::HashMap;
use std::sync::OnceLock;

use coaming_text::nearest;
use coaming_yaml::Node;

use super::{Limit, Places, SchemaProblem, SchemaProblemKind};
use crate::Fields;

static VALUES: &str = include_str!("../../data/values.txt");

/// A field that takes one of some values.
#[derive(Debug)]
struct Listed {
    path: Vec<&'static str>,
    values: Vec<&'static str>,
    is_required: bool,
}

/// The listed fields, by the places of their types.
#[derive(Debug, Default)]
pub(super) struct Lists(HashMap<usize, Vec<Listed>>);

impl Lists {
    /// Reads the table, once.
    pub(super) fn of(places: &Places) -> &'static Self {
        static PARSED: OnceLock<Lists> = OnceLock::new();
        PARSED.get_or_init(|| {
            let mut lists: HashMap<usize, Vec<Listed>> = HashMap::new();
            for line in VALUES.lines() {
                let mut words = line.split(' ');
                let (Some(place), Some(path)) =
                    (words.next().and_then(|name| places.get(name)), words.next())
                else {
                    continue;
                };
                let is_required = path.ends_with('!');
                let path = path.trim_end_matches('!').split('.').collect();
                lists.entry(*place).or_default().push(Listed {
                    path,
                    values: words.collect(),
                    is_required,
                });
            }
            Self(lists)
        })
    }

    /// Adds the values in an object of the type at `place` that its lists do not have. To be asked before
    /// the objects in it are: what a list further out refuses is not refused again.
    pub(super) fn check<'a>(
        &'static self,
        node: Node<'a>,
        place: usize,
        problems: &mut Vec<SchemaProblem<'a>>,
    ) {
        for listed in self.0.get(&place).into_iter().flatten() {
            let Some((name, parents)) = listed.path.split_last() else { continue };
            let parent = parents.iter().try_fold(node, |node, name| node.get(name));
            let Some(parent) = parent.filter(|parent| parent.is_mapping()) else { continue };
            match parent.get(name) {
                Some(value) if value.is_sequence() => {
                    for item in value.items() {
                        listed.value(name, item, problems);
                    }
                }
                Some(value) => listed.value(name, value, problems),
                None if listed.is_required && is_whole(parent) => {
                    let kind = SchemaProblemKind::Missing { name };
                    problems.push(SchemaProblem { node: parent, kind });
                }
                None => {}
            }
        }
    }
}

impl Listed {
    fn value<'a>(
        &'static self,
        name: &'static str,
        node: Node<'a>,
        problems: &mut Vec<SchemaProblem<'a>>,
    ) {
        let Some(text) = node.as_str() else { return };
        let is_known = problems.iter().any(|problem| problem.node == node);
        // The API server sets the default where the text is empty.
        if text.is_empty() || self.values.contains(&text) || is_known || !self.is_value(text) {
            return;
        }
        let kind = SchemaProblemKind::Refused { name, limit: Limit::Listed(&self.values) };
        problems.push(SchemaProblem { node, kind });
    }

    /// Whether a text is meant as a value: not a placeholder such as `__TYPE__`, and not qualified by a
    /// domain, as types of others are.
    fn is_value(&self, text: &str) -> bool {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric())
            || !text.contains(['/', '$', '{', '<', '%', '@'])
                && nearest(text, self.values.iter().copied()).is_some()
    }
}

/// Whether a pod's spec is the whole of one: a part that is applied to it names no images.
fn is_whole(spec: Node<'_>) -> bool {
    let mut containers = spec.list("containers").peekable();
    containers.peek().is_some() && containers.all(|container| container.get("image").is_some())
}
