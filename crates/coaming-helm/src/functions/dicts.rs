//! Functions on mappings. `set`, `unset` and `merge` change the mapping that they are given.

use std::rc::Rc;

use super::compare::is_empty;
use super::convert::string_of;
use super::{Outcome, Row, any, text};
use crate::budget::{Budget, MAX_DEPTH};
use crate::template::Exec;
use crate::text::Text;
use crate::value::{ItemType, Kind, Map, MapType, Value};

pub(super) const TABLE: &[Row] = &[
    ("dict", "*", dict),
    ("get", "ms", |_, v| Ok(any(v, 0).get(text(v, 1)).unwrap_or_else(|| Value::from("")))),
    ("set", "msa", |_, v| {
        if let Some(map) = any(v, 0).as_map() {
            map.borrow_mut().insert(text(v, 1).into(), any(v, 2).clone());
        }
        Ok(any(v, 0).as_type(MapType::Any))
    }),
    ("unset", "ms", |_, v| {
        if let Some(map) = any(v, 0).as_map() {
            map.borrow_mut().remove(text(v, 1));
        }
        Ok(any(v, 0).as_type(MapType::Any))
    }),
    ("hasKey", "ms", |_, v| Ok(Value::from(any(v, 0).get(text(v, 1)).is_some()))),
    ("keys", "&", keys),
    ("values", "m", |_, v| {
        let map = any(v, 0).as_map();
        Ok(Value::from(map.map_or_else(Vec::new, |map| map.borrow().values().cloned().collect())))
    }),
    ("pluck", "s&", |_, v| {
        let maps = v.iter().skip(1);
        Ok(Value::from(maps.filter_map(|map| map.get(text(v, 0))).collect::<Vec<_>>()))
    }),
    ("pick", "m$", |_, v| Ok(chosen(v, true))),
    ("omit", "m$", |_, v| Ok(chosen(v, false))),
    ("dig", "*", dig),
    ("merge", "m&", |exec, v| merge(exec, v, false)),
    ("mustMerge", "m&", |exec, v| merge(exec, v, false)),
    ("mergeOverwrite", "m&", |exec, v| merge(exec, v, true)),
    ("mustMergeOverwrite", "m&", |exec, v| merge(exec, v, true)),
    ("deepCopy", "a", deep_copy),
    ("mustDeepCopy", "a", deep_copy),
];

fn dict(exec: &Exec, v: &[Value]) -> Outcome {
    let mut map = Map::new();
    for pair in v.chunks(2) {
        let [key, rest @ ..] = pair else { continue };
        let key = string_of(exec, key)?;
        let value = rest.first().cloned().unwrap_or_else(|| Value::from(""));
        map.insert(key.as_str().unwrap_or_default().into(), value);
    }
    Ok(Value::from(map))
}

fn keys(_: &Exec, v: &[Value]) -> Outcome {
    let mut keys = Vec::new();
    for map in v {
        let Some(map) = map.as_map() else { continue };
        for (key, value) in map.borrow().iter() {
            let key = Kind::Text(Text::plain(Rc::clone(key)));
            keys.push(Value { kind: key, origin: value.origin });
        }
    }
    Ok(Value::list_of(ItemType::Text, keys))
}

fn chosen(v: &[Value], named: bool) -> Value {
    let names: Vec<&str> = v.iter().skip(1).filter_map(Value::as_str).collect();
    let Some(map) = any(v, 0).as_map() else { return Value::NIL };
    let entries = map.borrow();
    let kept = entries.iter().filter(|(key, _)| names.contains(&&***key) == named);
    let map: Map = kept.map(|(key, value)| (Rc::clone(key), value.clone())).collect();
    Value::from(map).at(any(v, 0).origin)
}

/// `dig "a" "b" default map`.
fn dig(_: &Exec, v: &[Value]) -> Outcome {
    let [keys @ .., default, map] = v else {
        return Err("dig needs at least three arguments".to_owned());
    };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".to_owned());
    }
    let Kind::Map(_, MapType::Any) = map.kind else {
        return Err(format!(
            "interface conversion: interface {{}} is {}, not map[string]interface {{}}",
            map.type_name()
        ));
    };
    let mut value = map.clone();
    for (position, key) in keys.iter().enumerate() {
        let Some(key) = key.as_str() else {
            return Err("interface conversion: interface {} is not string".to_owned());
        };
        let Kind::Map(_, MapType::Any) = value.kind else {
            let name = value.type_name();
            return Err(format!(
                "interface conversion: interface {{}} is {name}, not map[string]interface {{}}"
            ));
        };
        match value.get(key) {
            Some(next) => value = next,
            None => return Ok(default.clone()),
        }
        if position + 1 == keys.len() {
            return Ok(value);
        }
    }
    Ok(value)
}

/// Merges mappings into the first. Without `overwrite`, only empty values are replaced.
fn merge(exec: &Exec, v: &[Value], overwrite: bool) -> Outcome {
    let target = any(v, 0);
    for source in v.iter().skip(1) {
        merge_into(target, source, overwrite, &exec.budget, 0)?;
    }
    Ok(target.as_type(MapType::Any))
}

fn merge_into(
    target: &Value,
    source: &Value,
    overwrite: bool,
    budget: &Budget,
    depth: usize,
) -> Result<(), String> {
    let (Some(target), Some(source)) = (target.as_map(), source.as_map()) else { return Ok(()) };
    if Rc::ptr_eq(target, source) {
        return Ok(());
    }
    if depth > MAX_DEPTH {
        return Err("value is nested too deeply".to_owned());
    }
    let entries: Vec<(Rc<str>, Value)> =
        source.borrow().iter().map(|(key, value)| (Rc::clone(key), value.clone())).collect();
    budget.nodes(entries.len())?;
    for (key, value) in entries {
        let existing = target.borrow().get(&key).cloned();
        match existing {
            Some(existing) if existing.as_map().is_some() && value.as_map().is_some() => {
                merge_into(&existing, &value, overwrite, budget, depth + 1)?;
            }
            _ if value.is_nil() && !overwrite => {}
            Some(existing) if !overwrite && !is_empty(&existing) => {}
            _ => {
                target.borrow_mut().insert(key, value);
            }
        }
    }
    Ok(())
}

fn deep_copy(exec: &Exec, v: &[Value]) -> Outcome {
    if any(v, 0).is_nil() {
        return Err("reflect: call of reflect.Value.Type on zero Value".to_owned());
    }
    copy(any(v, 0), &exec.budget, 0)
}

/// A copy that shares nothing.
pub(crate) fn copy(value: &Value, budget: &Budget, depth: usize) -> Outcome {
    budget.nodes(1)?;
    if depth > MAX_DEPTH {
        return Err("value is nested too deeply".to_owned());
    }
    Ok(match &value.kind {
        Kind::List(list) if list.is_nil => value.clone(),
        Kind::List(list) => {
            let items: Result<Vec<Value>, String> =
                list.items.iter().map(|item| copy(item, budget, depth + 1)).collect();
            Value::list_of(list.of, items?).at(value.origin)
        }
        Kind::Map(map, of) => {
            let mut copied = Map::new();
            for (key, value) in map.borrow().iter() {
                copied.insert(Rc::clone(key), copy(value, budget, depth + 1)?);
            }
            Value::map_of(*of, copied).at(value.origin)
        }
        _ => value.clone(),
    })
}
