//! JSON Patch (RFC 6902) on trees, with the exceptions of the library that Kustomize uses: an index
//! may count from the end, a missing key can be replaced and copied, and a missing `value` is null.

use crate::value::{Kind, Value};

/// Applies the operations of a patch.
pub(crate) fn apply(root: &mut Value, operations: &Value) -> Result<(), String> {
    operations.items().iter().try_for_each(|operation| one(root, operation))
}

/// Whether a document has the form of a patch: a list of operations.
pub(crate) fn is_patch(value: &Value) -> bool {
    value.is_list() && value.items().iter().all(Value::is_map)
}

fn one(root: &mut Value, operation: &Value) -> Result<(), String> {
    let text = |key| operation.get(key).map(Value::str).unwrap_or_default();
    let path = steps(text("path"))?;
    let value = || operation.get("value").cloned().unwrap_or_else(|| null(operation));
    let failed = |reason: String| format!("`{} {}`: {reason}", text("op"), text("path"));
    match text("op") {
        "add" => add(root, &path, value()).map_err(failed),
        "remove" => remove(root, &path).map(drop).map_err(failed),
        "replace" => {
            let new = value();
            if let Some(old) = find(root, &path) {
                *old = new;
                return Ok(());
            }
            if is_in_mapping(root, &path) {
                return add(root, &path, new).map_err(failed);
            }
            Err(failed("the path does not exist".to_owned()))
        }
        "test" => {
            let wanted = value();
            let is_equal = match find(root, &path) {
                Some(found) => equals(found, &wanted),
                None => wanted.is_null(),
            };
            if is_equal { Ok(()) } else { Err(failed("the value differs".to_owned())) }
        }
        "move" => {
            let taken = remove(root, &steps(text("from"))?).map_err(failed)?;
            add(root, &path, taken).map_err(failed)
        }
        "copy" => {
            let from = steps(text("from"))?;
            if from.is_empty() {
                return Err(failed("the whole object cannot be copied".to_owned()));
            }
            let copied = find(root, &from).cloned();
            let copied = match copied {
                Some(copied) => copied,
                None if is_in_mapping(root, &from) => null(operation),
                None => return Err(failed("`from` does not exist".to_owned())),
            };
            add(root, &path, copied).map_err(failed)
        }
        other => Err(format!("`{other}` is not an operation of a JSON patch")),
    }
}

fn null(operation: &Value) -> Value {
    Value::plain("null", operation.source)
}

/// Whether the last step of a path is a key of an existing mapping, set or not.
fn is_in_mapping(root: &mut Value, path: &[String]) -> bool {
    let Some((_, parents)) = path.split_last() else { return false };
    find(root, parents).is_some_and(|parent| parent.is_map())
}

/// The names of a JSON pointer. What is before the first `/` is passed over, as in the original.
fn steps(pointer: &str) -> Result<Vec<String>, String> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let (_, rest) =
        pointer.split_once('/').ok_or_else(|| format!("the path `{pointer}` has no `/`"))?;
    Ok(rest.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect())
}

fn find<'v>(root: &'v mut Value, steps: &[String]) -> Option<&'v mut Value> {
    steps.iter().try_fold(root, |value, step| match &value.kind {
        Kind::Map(_) => value.get_mut(step),
        Kind::List(items) => {
            let index = index(step, items.len())?;
            match &mut value.kind {
                Kind::List(items) => items.get_mut(index),
                Kind::Map(_) | Kind::Scalar(_) => None,
            }
        }
        Kind::Scalar(_) => None,
    })
}

/// An index of a list; from its end if it is negative.
fn index(step: &str, length: usize) -> Option<usize> {
    let index: i64 = step.parse().ok()?;
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

fn add(root: &mut Value, steps: &[String], value: Value) -> Result<(), String> {
    let (last, parents) = steps.split_last().ok_or("only `replace` is for the whole object")?;
    let parent = find(root, parents).ok_or("the parent of the path does not exist")?;
    match &mut parent.kind {
        Kind::Map(_) => {
            parent.set(last, value);
            Ok(())
        }
        Kind::List(items) if last == "-" => {
            items.push(value);
            Ok(())
        }
        Kind::List(items) => {
            let length = items.len() + usize::from(last.starts_with('-'));
            let index = index(last, length).filter(|index| *index <= items.len());
            items.insert(index.ok_or("the index does not exist")?, value);
            Ok(())
        }
        Kind::Scalar(_) => Err("the parent of the path is not a collection".to_owned()),
    }
}

fn remove(root: &mut Value, steps: &[String]) -> Result<Value, String> {
    let (last, parents) = steps.split_last().ok_or("the whole object cannot be removed")?;
    let parent = find(root, parents).ok_or("the path does not exist")?;
    let removed = match &mut parent.kind {
        Kind::List(items) => {
            let index = index(last, items.len()).filter(|index| *index < items.len());
            index.map(|index| items.remove(index))
        }
        Kind::Map(_) | Kind::Scalar(_) => parent.remove(last),
    };
    removed.ok_or_else(|| "the path does not exist".to_owned())
}

/// Whether two values mean the same.
pub(crate) fn equals(one: &Value, other: &Value) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::Map(entries), Kind::Map(others)) => {
            entries.len() == others.len()
                && entries
                    .iter()
                    .all(|entry| other.get(&entry.key).is_some_and(|it| equals(&entry.value, it)))
        }
        (Kind::List(items), Kind::List(others)) => {
            items.len() == others.len()
                && items.iter().zip(others).all(|(one, other)| equals(one, other))
        }
        (Kind::Scalar(one), Kind::Scalar(other)) => one.resolved() == other.resolved(),
        _ => false,
    }
}
