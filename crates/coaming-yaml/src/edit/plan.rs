//! Combine several edits into one change: a tree that is independent of the document.
//!
//! All paths refer to the document before any of the edits, so the order of edits to different
//! paths does not matter. Contradictions between edits are detected here.

use super::{Edit, EditError, Value};
use crate::path::{Path, Step};

/// The change to one node.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// Replace it with this value.
    Set(Value),
    /// Remove it.
    Remove,
    /// Gives the member another key.
    Rename(String),
    /// Keep it; something below it changes.
    Within(Within),
}

/// Changes below a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Within {
    /// The changes to members, in the order of the edits.
    pub(super) members: Vec<(Step, Change)>,
    /// New items for the end of the node, which is a sequence.
    pub(super) appended: Vec<Value>,
}

/// What one edit does at the end of its path.
enum Operation<'e> {
    Set(&'e Value),
    Remove,
    Append(&'e Value),
    Rename(&'e str),
}

/// The combined change of all `edits`.
pub(super) fn plan(edits: &[Edit]) -> Result<Change, EditError> {
    let mut root = Change::Within(Within::default());
    for edit in edits {
        let (path, operation) = match edit {
            Edit::Set { path, value } => (path, Operation::Set(value)),
            Edit::Remove { path } => (path, Operation::Remove),
            Edit::Append { path, value } => (path, Operation::Append(value)),
            Edit::Rename { path, key } => (path, Operation::Rename(key)),
        };
        let names_a_key = !matches!(operation, Operation::Rename(_))
            || matches!(path.steps().last(), Some(Step::Key(_)));
        let fits = names_a_key && root.add(path.steps(), operation) && root.has_one_per_key();
        if !fits || root == Change::Remove {
            return Err(if path.is_root() && root == Change::Remove {
                EditError::Root
            } else {
                EditError::Conflict { path: path.clone() }
            });
        }
    }
    Ok(root)
}

impl Change {
    /// Adds one edit below; `false` if it contradicts an earlier one.
    fn add(&mut self, steps: &[Step], operation: Operation<'_>) -> bool {
        match self {
            Self::Within(within) => match (steps, operation) {
                ([], Operation::Append(value)) => {
                    within.appended.push(value.clone());
                    true
                }
                ([], operation) => {
                    let untouched = within.members.is_empty() && within.appended.is_empty();
                    if untouched {
                        *self = match operation {
                            Operation::Set(value) => Self::Set(value.clone()),
                            Operation::Rename(key) => Self::Rename(key.to_owned()),
                            Operation::Remove | Operation::Append(_) => Self::Remove,
                        };
                    }
                    untouched
                }
                ([step, rest @ ..], operation) => within.member(step).add(rest, operation),
            },
            Self::Set(value) => add_to_value(value, steps, operation),
            Self::Remove => steps.is_empty() && matches!(operation, Operation::Remove),
            Self::Rename(known) => {
                steps.is_empty() && matches!(operation, Operation::Rename(key) if *known == *key)
            }
        }
    }

    /// Whether no member gets a name that another changed member has or gets.
    fn has_one_per_key(&self) -> bool {
        let Self::Within(within) = self else { return true };
        let new_names = within.members.iter().filter_map(|(_, change)| match change {
            Self::Rename(key) => Some(key.as_str()),
            _ => None,
        });
        new_names.clone().all(|name| {
            within.members.iter().all(|(step, _)| *step != Step::from(name))
                && new_names.clone().filter(|other| *other == name).count() == 1
        }) && within.members.iter().all(|(_, change)| change.has_one_per_key())
    }

    /// Whether it creates a value if the node is absent.
    pub(super) fn creates(&self) -> bool {
        match self {
            Self::Set(_) => true,
            Self::Remove | Self::Rename(_) => false,
            Self::Within(within) => within.creates(),
        }
    }

    /// The value that it creates if the node at `path` is absent.
    pub(super) fn created(&self, path: &Path) -> Result<Value, EditError> {
        match self {
            Self::Set(value) => Ok(value.clone()),
            Self::Remove | Self::Rename(_) => Ok(Value::Null),
            Self::Within(within) => within.created(path),
        }
    }
}

impl Within {
    fn member(&mut self, step: &Step) -> &mut Change {
        let known = self.members.iter().position(|(other, _)| other == step);
        let position = known.unwrap_or_else(|| {
            self.members.push((step.clone(), Change::Within(Self::default())));
            self.members.len() - 1
        });
        &mut self.members[position].1
    }

    pub(super) fn creates(&self) -> bool {
        !self.appended.is_empty() || self.members.iter().any(|(_, change)| change.creates())
    }

    /// See [`Change::created`].
    pub(super) fn created(&self, path: &Path) -> Result<Value, EditError> {
        let mut entries = Vec::new();
        for (step, change) in self.members.iter().filter(|(_, change)| change.creates()) {
            let member = step_into(path, step);
            match step {
                Step::Key(key) => entries.push((key.to_string(), change.created(&member)?)),
                Step::Index(_) => return Err(EditError::NoSuchItem { path: member }),
            }
        }
        match (entries.is_empty(), self.appended.is_empty()) {
            (true, false) => Ok(Value::Sequence(self.appended.clone())),
            (_, true) => Ok(Value::Mapping(entries)),
            (false, false) => Err(EditError::Conflict { path: path.clone() }),
        }
    }
}

/// The path with one more step.
pub(super) fn step_into(path: &Path, step: &Step) -> Path {
    match step {
        Step::Key(key) => path.join(&**key),
        Step::Index(index) => path.join(*index),
    }
}

/// Applies an edit at, or below, a path that an earlier edit sets to `value`.
fn add_to_value(value: &mut Value, steps: &[Step], operation: Operation<'_>) -> bool {
    match (steps, value) {
        ([], value) => match operation {
            Operation::Set(new) => value == new,
            Operation::Remove | Operation::Rename(_) => false,
            Operation::Append(item) => {
                let Value::Sequence(items) = value else { return false };
                items.push(item.clone());
                true
            }
        },
        ([Step::Key(key), rest @ ..], Value::Mapping(entries)) => {
            let known = entries.iter().position(|(name, _)| **name == **key);
            match (known, operation) {
                (Some(position), Operation::Remove) if rest.is_empty() => {
                    entries.remove(position);
                    true
                }
                (Some(position), Operation::Set(new)) if rest.is_empty() => {
                    entries[position].1 = new.clone();
                    true
                }
                (Some(position), Operation::Rename(key)) if rest.is_empty() => {
                    entries[position].0 = key.to_owned();
                    true
                }
                (Some(position), operation) => {
                    add_to_value(&mut entries[position].1, rest, operation)
                }
                (None, Operation::Remove | Operation::Rename(_)) => true,
                (None, operation) => {
                    let mut change = Change::Within(Within::default());
                    let path = Path::root();
                    change.add(rest, operation)
                        && change
                            .created(&path)
                            .map(|value| entries.push((key.to_string(), value)))
                            .is_ok()
                }
            }
        }
        ([Step::Index(index), rest @ ..], Value::Sequence(items)) if !rest.is_empty() => {
            items.get_mut(*index).is_some_and(|item| add_to_value(item, rest, operation))
        }
        _ => false,
    }
}
