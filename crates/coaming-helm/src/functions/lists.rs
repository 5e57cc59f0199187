//! Functions on lists.

use super::compare::{is_empty, same};
use super::convert::{list_of_strings, string_of};
use super::strings::byte_length;
use super::{Outcome, Row, any, number, to_int};
use crate::bytes;
use crate::template::{Exec, missing};
use crate::value::{Bytes, ItemType, Kind, Object, Value};

pub(super) const TABLE: &[Row] = &[
    ("list", "*", |_, v| Ok(Value::from(v.to_vec()))),
    ("tuple", "*", |_, v| Ok(Value::from(v.to_vec()))),
    ("append", "aa", append),
    ("push", "aa", append),
    ("mustAppend", "aa", append),
    ("mustPush", "aa", append),
    ("prepend", "aa", prepend),
    ("mustPrepend", "aa", prepend),
    ("concat", "*", concat),
    ("first", "a", |_, v| Ok(items(any(v, 0), "first")?.first().cloned().unwrap_or(Value::NIL))),
    ("mustFirst", "a", |_, v| {
        Ok(items(any(v, 0), "first")?.first().cloned().unwrap_or(Value::NIL))
    }),
    ("last", "a", |_, v| Ok(items(any(v, 0), "last")?.last().cloned().unwrap_or(Value::NIL))),
    ("mustLast", "a", |_, v| Ok(items(any(v, 0), "last")?.last().cloned().unwrap_or(Value::NIL))),
    ("rest", "a", |exec, v| part(exec, any(v, 0), "rest", |length| (1, length))),
    ("mustRest", "a", |exec, v| part(exec, any(v, 0), "rest", |length| (1, length))),
    ("initial", "a", |exec, v| part(exec, any(v, 0), "initial", |length| (0, length - 1))),
    ("mustInitial", "a", |exec, v| part(exec, any(v, 0), "initial", |length| (0, length - 1))),
    ("reverse", "a", reverse),
    ("mustReverse", "a", reverse),
    ("compact", "a", compact),
    ("mustCompact", "a", compact),
    ("uniq", "a", uniq),
    ("mustUniq", "a", uniq),
    ("without", "a*", without),
    ("mustWithout", "a*", without),
    ("has", "aa", has),
    ("mustHas", "aa", has),
    ("slice", "a*", slice),
    ("mustSlice", "a*", slice),
    ("chunk", "ia", chunk),
    ("mustChunk", "ia", chunk),
    ("sortAlpha", "a", sort_alpha),
    ("len", "a", |_, v| length(any(v, 0))),
    ("index", "a*", index),
    ("until", "i", |exec, v| {
        let count = number(v, 0);
        steps(exec, 0, count, if count < 0 { -1 } else { 1 })
    }),
    ("untilStep", "iii", |exec, v| steps(exec, number(v, 0), number(v, 1), number(v, 2))),
    ("seq", "#", seq),
];

/// The items of a list argument.
fn items<'v>(value: &'v Value, function: &str) -> Result<&'v [Value], String> {
    match value.as_list() {
        Some(items) => Ok(items),
        None => Err(format!("Cannot find {function} on type {}", value.kind_name())),
    }
}

/// Pays for a copy.
fn copied(exec: &Exec, items: &[Value]) -> Result<Vec<Value>, String> {
    exec.budget.nodes(items.len() / 4 + 1)?;
    Ok(items.to_vec())
}

fn part(
    exec: &Exec,
    value: &Value,
    function: &str,
    range: impl Fn(usize) -> (usize, usize),
) -> Outcome {
    let items = items(value, function)?;
    if items.is_empty() {
        return Ok(Value::nil_list(ItemType::Any).at(value.origin));
    }
    let (start, end) = range(items.len());
    Ok(Value::from(copied(exec, items.get(start..end).unwrap_or_default())?).at(value.origin))
}

fn append(exec: &Exec, v: &[Value]) -> Outcome {
    let list = any(v, 0);
    let Some(items) = list.as_list() else {
        return Err(format!("Cannot push on type {}", list.kind_name()));
    };
    let mut items = copied(exec, items)?;
    items.push(any(v, 1).clone());
    Ok(Value::from(items).at(list.origin))
}

fn prepend(exec: &Exec, v: &[Value]) -> Outcome {
    let list = any(v, 0);
    let Some(items) = list.as_list() else {
        return Err(format!("Cannot prepend on type {}", list.kind_name()));
    };
    let mut items = copied(exec, items)?;
    items.insert(0, any(v, 1).clone());
    Ok(Value::from(items).at(list.origin))
}

fn concat(exec: &Exec, v: &[Value]) -> Outcome {
    let mut all = Vec::new();
    for list in v {
        let Some(items) = list.as_list() else {
            return Err(format!("Cannot concat type {} as list", list.kind_name()));
        };
        all.append(&mut copied(exec, items)?);
    }
    Ok(if all.is_empty() { Value::nil_list(ItemType::Any) } else { Value::from(all) })
}

fn reverse(exec: &Exec, v: &[Value]) -> Outcome {
    let mut items = copied(exec, items(any(v, 0), "reverse")?)?;
    items.reverse();
    Ok(Value::from(items).at(any(v, 0).origin))
}

fn compact(exec: &Exec, v: &[Value]) -> Outcome {
    let mut items = copied(exec, items(any(v, 0), "compact")?)?;
    items.retain(|item| !is_empty(item));
    Ok(Value::from(items).at(any(v, 0).origin))
}

/// Whether `needle` is among the items, by deep equality.
fn is_in(exec: &Exec, needle: &Value, items: &[Value]) -> Result<bool, String> {
    for item in items {
        if same(needle, item, &exec.budget, 0)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn uniq(exec: &Exec, v: &[Value]) -> Outcome {
    let mut kept = Vec::new();
    for item in items(any(v, 0), "uniq")? {
        if !is_in(exec, item, &kept)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::from(kept).at(any(v, 0).origin))
}

fn without(exec: &Exec, v: &[Value]) -> Outcome {
    let mut kept = Vec::new();
    for item in items(any(v, 0), "without")? {
        if !is_in(exec, item, v.get(1..).unwrap_or_default())? {
            kept.push(item.clone());
        }
    }
    Ok(Value::from(kept).at(any(v, 0).origin))
}

fn has(exec: &Exec, v: &[Value]) -> Outcome {
    if any(v, 1).is_nil() {
        return Ok(Value::from(false));
    }
    let items = items(any(v, 1), "has")?;
    Ok(Value::from(is_in(exec, any(v, 0), items)?))
}

fn slice(exec: &Exec, v: &[Value]) -> Outcome {
    let list = any(v, 0);
    let items = items(list, "slice")?;
    if items.is_empty() {
        return Ok(Value::NIL);
    }
    let start = v.get(1).map_or(0, to_int);
    let end = v.get(2).map_or(i64::try_from(items.len()).unwrap_or(i64::MAX), to_int);
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    match range.and_then(|(start, end)| items.get(start..end)) {
        Some(part) => Ok(Value::list_of(item_type(list), copied(exec, part)?).at(list.origin)),
        None => Err("slice bounds out of range".to_owned()),
    }
}

/// The type of a list's items.
fn item_type(list: &Value) -> ItemType {
    match &list.kind {
        Kind::List(list) => list.of,
        _ => ItemType::Any,
    }
}

fn chunk(exec: &Exec, v: &[Value]) -> Outcome {
    let items = copied(exec, items(any(v, 1), "chunk")?)?;
    let size = number(v, 0);
    if size == 0 {
        return Err("reflect: makeslice: cap out of range".to_owned());
    }
    let Ok(size) = usize::try_from(size) else { return negative_chunks(items, size) };
    let chunks = items.chunks(size).map(|part| Value::from(part.to_vec())).collect();
    Ok(Value::list_of(ItemType::List, chunks))
}

/// Chunks of a negative size, as Sprig computes how many there are.
fn negative_chunks(items: Vec<Value>, size: i64) -> Outcome {
    let size = usize::try_from(size.unsigned_abs()).unwrap_or(usize::MAX);
    match items.len() {
        1 if size > 1 => Ok(Value::list_of(ItemType::List, vec![Value::from(items)])),
        length if length > 1 && length - 1 <= size => {
            Ok(Value::list_of(ItemType::List, Vec::new()))
        }
        _ => Err("makeslice: len out of range".to_owned()),
    }
}

fn sort_alpha(exec: &Exec, v: &[Value]) -> Outcome {
    let value = any(v, 0);
    let mut texts = match value.as_list() {
        Some(_) => list_of_strings(exec, value)?,
        None => vec![string_of(exec, value)?],
    };
    exec.budget.nodes(texts.len())?;
    texts.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    Ok(Value::list_of(ItemType::Text, texts).at(value.origin))
}

fn length(value: &Value) -> Outcome {
    let length = match &value.kind {
        Kind::Text(_) => byte_length(value),
        Kind::List(list) => list.items.len(),
        Kind::Map(map, _) => map.borrow().len(),
        Kind::Object(object) => match &**object {
            Object::Files(files) => files.len(),
            Object::ApiVersions(versions) => versions.len(),
            Object::Bytes(bytes) => bytes.content().len(),
            _ => return Err(format!("len of type {}", value.type_name())),
        },
        Kind::Nil => return Err("len of nil pointer".to_owned()),
        _ => return Err(format!("len of type {}", value.type_name())),
    };
    Ok(Value::int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn index(_: &Exec, v: &[Value]) -> Outcome {
    let mut value = any(v, 0).clone();
    if value.is_nil() {
        return Err("index of untyped nil".to_owned());
    }
    for key in v.iter().skip(1) {
        value = match (&value.kind, &key.kind) {
            (Kind::Map(map, of), Kind::Text(text)) => {
                let found = map.borrow().get(text.as_str()).cloned();
                found.unwrap_or_else(|| missing(*of))
            }
            (Kind::Map(..), _) if key.is_nil() => {
                return Err("value is nil; should be of type string".to_owned());
            }
            (Kind::Map(..), _) => {
                return Err(format!("value has type {}; should be string", key.type_name()));
            }
            (Kind::Text(text), _) if let Some(at) = key.as_int() => {
                let bytes = bytes::of_text(text.as_str());
                match usize::try_from(at).ok().and_then(|at| bytes.get(at)) {
                    Some(byte) => Value::int(i64::from(*byte)),
                    None => return Err(format!("index out of range: {at}")),
                }
            }
            (Kind::Object(object), Kind::Text(path)) if let Object::Files(files) = &**object => {
                let content = files.get(path.as_str()).map_or(&[][..], |content| &**content);
                Object::Bytes(Bytes::new(content)).into()
            }
            (Kind::Nil, _) => return Err("index of nil pointer".to_owned()),
            _ if let Some(at) = key.as_int() => match value.as_list() {
                Some(items) => match usize::try_from(at).ok().and_then(|at| items.get(at)) {
                    Some(item) => item.clone(),
                    None => return Err(format!("index out of range: {at}")),
                },
                None => return Err(format!("can't index item of type {}", value.type_name())),
            },
            _ if value.as_list().is_some() => {
                return Err(format!("cannot index slice/array with type {}", key.type_name()));
            }
            _ => return Err(format!("can't index item of type {}", value.type_name())),
        };
    }
    Ok(value)
}

/// `start`, `start + step`, … before `stop`.
fn steps(exec: &Exec, start: i64, stop: i64, step: i64) -> Outcome {
    let ends = if stop < start { step >= 0 } else { step <= 0 };
    if ends {
        return Ok(Value::list_of(ItemType::Int, Vec::new()));
    }
    let count = usize::try_from(start.abs_diff(stop) / step.unsigned_abs()).unwrap_or(usize::MAX);
    exec.budget.nodes(count.saturating_add(1))?;
    let mut numbers = Vec::new();
    let mut at = start;
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        numbers.push(Value::int(at));
        at = at.saturating_add(step);
    }
    Ok(Value::list_of(ItemType::Int, numbers))
}

/// Numbers from 1 or from the first argument to the last, as text.
fn seq(exec: &Exec, v: &[Value]) -> Outcome {
    let numbers: Vec<i64> = v.iter().map(to_int).collect();
    let (start, step, end) = match numbers.as_slice() {
        [] => return Ok(Value::from("")),
        [end] => (1, if *end < 1 { -1 } else { 1 }, *end),
        [start, end] => (*start, if end < start { -1 } else { 1 }, *end),
        [start, step, end] => (*start, *step, *end),
        _ => return Ok(Value::from("")),
    };
    if numbers.len() == 3 && ((step <= 0 && end > start) || (step >= 0 && end < start)) {
        return Ok(Value::from(""));
    }
    let stop = if step < 0 { end - 1 } else { end + 1 };
    let list = steps(exec, start, stop, step)?;
    let texts: Vec<String> =
        list.as_list().unwrap_or_default().iter().map(|item| to_int(item).to_string()).collect();
    Ok(Value::from(texts.join(" ")))
}
