//! The two back ends without text: JSON values, and JSON Patch (RFC 6902).

use serde_json::{Value as Json, json};

use super::plan::{Change, Within, plan, step_into};
use super::{Edit, EditError, Value};
use crate::path::{Path, Step};
use crate::tree::Node;

/// Applies the edits to a JSON value: what the text of a document means after [`super::apply`].
///
/// # Errors
///
/// As [`super::apply`], where that is not about text. The value is then changed in part.
pub fn apply_to_value(value: &mut Json, edits: &[Edit]) -> Result<(), EditError> {
    change_value(value, &plan(edits)?, &Path::root())
}

/// The value that a node has after a change.
pub(super) fn changed(node: Node<'_>, change: &Change, path: &Path) -> Result<Json, EditError> {
    let mut value = node.to_json();
    change_value(&mut value, change, path)?;
    Ok(value)
}

fn change_value(slot: &mut Json, change: &Change, path: &Path) -> Result<(), EditError> {
    match change {
        Change::Set(value) => *slot = value.into(),
        Change::Remove | Change::Rename(_) => return Err(EditError::Root),
        Change::Within(within) if slot.is_null() => {
            if within.creates() {
                *slot = (&within.created(path)?).into();
            }
        }
        Change::Within(within) => {
            check_kind(slot, within, path)?;
            match slot {
                Json::Object(members) => {
                    for (step, change) in &within.members {
                        let Step::Key(key) = step else { continue };
                        let below = step_into(path, step);
                        if let Change::Rename(name) = change {
                            if members.contains_key(&**key) && members.contains_key(name) {
                                return Err(EditError::Conflict { path: below });
                            }
                            if let Some(member) = members.remove(&**key) {
                                members.insert(name.clone(), member);
                            }
                            continue;
                        }
                        match (members.get_mut(&**key), change) {
                            (_, Change::Remove) => drop(members.remove(&**key)),
                            (Some(member), change) => change_value(member, change, &below)?,
                            (None, change) if change.creates() => {
                                let value = change.created(&below)?;
                                members.insert(key.to_string(), (&value).into());
                            }
                            (None, _) => {}
                        }
                    }
                }
                Json::Array(items) => change_items(items, within, path)?,
                _ => {}
            }
        }
    }
    Ok(())
}

fn change_items(items: &mut Vec<Json>, within: &Within, path: &Path) -> Result<(), EditError> {
    let mut removed = Vec::new();
    for (step, change) in &within.members {
        let Step::Index(index) = step else { continue };
        let below = step_into(path, step);
        match (items.get_mut(*index), change) {
            (Some(_), Change::Remove) => removed.push(*index),
            (Some(item), change) => change_value(item, change, &below)?,
            (None, change) if change.creates() => {
                return Err(EditError::NoSuchItem { path: below });
            }
            (None, _) => {}
        }
    }
    removed.sort_unstable();
    for index in removed.into_iter().rev() {
        items.remove(index);
    }
    items.extend(within.appended.iter().map(Json::from));
    Ok(())
}

/// Whether a value that is not null can take the changes: those that create need a mapping or a
/// sequence; a removal finds nothing elsewhere, and that is fine.
fn check_kind(value: &Json, within: &Within, path: &Path) -> Result<(), EditError> {
    let creating = |is_key: bool| {
        within
            .members
            .iter()
            .any(|(step, change)| matches!(step, Step::Key(_)) == is_key && change.creates())
    };
    if !value.is_object() && creating(true) {
        return Err(EditError::NotAMapping { path: path.clone() });
    }
    if !value.is_array() && (creating(false) || !within.appended.is_empty()) {
        return Err(EditError::NotASequence { path: path.clone() });
    }
    Ok(())
}

/// The edits as a JSON Patch for the object at `root`, parents created where they are absent.
/// Nothing is patched that has its value already.
///
/// # Errors
///
/// As [`super::apply`], where that is not about text.
pub fn to_json_patch(root: Node<'_>, edits: &[Edit]) -> Result<Json, EditError> {
    let mut operations = Vec::new();
    add_operations(root, &plan(edits)?, &Path::root(), &mut operations)?;
    Ok(Json::Array(operations))
}

fn add_operations(
    node: Node<'_>,
    change: &Change,
    path: &Path,
    operations: &mut Vec<Json>,
) -> Result<(), EditError> {
    let replace = |value: &Value| json!({"op": "replace", "path": path.to_json_pointer(), "value": Json::from(value)});
    match change {
        Change::Set(value) if node.to_json() == Json::from(value) => {}
        Change::Set(value) => operations.push(replace(value)),
        Change::Remove | Change::Rename(_) => return Err(EditError::Root),
        Change::Within(within) if node.is_null() => {
            if within.creates() {
                operations.push(replace(&within.created(path)?));
            }
        }
        Change::Within(within) => {
            check_node_kind(node, within, path)?;
            add_member_operations(node, within, path, operations)?;
        }
    }
    Ok(())
}

/// As [`check_kind`], for a node.
pub(super) fn check_node_kind(
    node: Node<'_>,
    within: &Within,
    path: &Path,
) -> Result<(), EditError> {
    let kind = if node.is_mapping() {
        json!({})
    } else if node.is_sequence() {
        json!([])
    } else {
        json!(false)
    };
    check_kind(&kind, within, path)
}

fn add_member_operations(
    node: Node<'_>,
    within: &Within,
    path: &Path,
    operations: &mut Vec<Json>,
) -> Result<(), EditError> {
    let mut removed = Vec::new();
    for (step, change) in &within.members {
        let below = step_into(path, step);
        let member = match step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.items().nth(*index),
        };
        match (member, change, step) {
            (Some(_), Change::Remove, Step::Index(index)) => removed.push((*index, below)),
            (Some(_), Change::Remove, Step::Key(_)) => {
                operations.push(json!({"op": "remove", "path": below.to_json_pointer()}));
            }
            (Some(_), Change::Rename(name), _) if node.get(name).is_some() => {
                return Err(EditError::Conflict { path: below });
            }
            (Some(_), Change::Rename(name), _) => operations.push(json!({
                "op": "move",
                "from": below.to_json_pointer(),
                "path": step_into(path, &Step::from(name.as_str())).to_json_pointer(),
            })),
            (Some(member), change, _) => add_operations(member, change, &below, operations)?,
            (None, change, Step::Key(_)) if change.creates() => operations.push(json!({
                "op": "add",
                "path": below.to_json_pointer(),
                "value": Json::from(&change.created(&below)?),
            })),
            (None, change, Step::Index(_)) if change.creates() => {
                return Err(EditError::NoSuchItem { path: below });
            }
            (None, ..) => {}
        }
    }
    let end = format!("{}/-", path.to_json_pointer());
    for value in &within.appended {
        operations.push(json!({"op": "add", "path": end, "value": Json::from(value)}));
    }
    // From the end, so that no removal moves what another one means.
    removed.sort_unstable_by_key(|(index, _)| std::cmp::Reverse(*index));
    for (_, item) in removed {
        operations.push(json!({"op": "remove", "path": item.to_json_pointer()}));
    }
    Ok(())
}
