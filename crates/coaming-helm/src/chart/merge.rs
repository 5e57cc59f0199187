//! Helm's rules for joining values: a user's over a chart's, a chart's over its subcharts'.

use std::cell::RefCell;
use std::rc::Rc;

use super::Chart;
use crate::budget::Budget;
use crate::functions::copy;
use crate::value::{Kind, Map, MapType, Value};

type Shared = Rc<RefCell<Map>>;

/// The values of a chart and its subcharts: `values` over the charts' own. A null deletes a key, or
/// with `merge` stays.
pub(crate) fn coalesce_values(
    chart: &Chart,
    values: &Value,
    merge: bool,
    budget: &Budget,
) -> Result<Value, String> {
    let copied = copy(values, budget, 0)?;
    let copied = if copied.as_map().is_some() { copied } else { Value::from(Map::new()) };
    if let Some(map) = copied.as_map() {
        coalesce(chart, map, merge, budget)?;
    }
    Ok(copied)
}

fn coalesce(chart: &Chart, target: &Shared, merge: bool, budget: &Budget) -> Result<(), String> {
    coalesce_own(chart, target, merge, budget)?;
    for subchart in &chart.dependencies {
        let name = subchart.name();
        let existing = target.borrow().get(name).cloned();
        let inner = match existing {
            None => {
                let created = Value::from(Map::new());
                target.borrow_mut().insert(name.into(), created.clone());
                created
            }
            Some(value) => value,
        };
        let Some(inner) = inner.as_map() else {
            return Err(format!("type mismatch on {name}: the values of a subchart are a mapping"));
        };
        coalesce_globals(inner, target, budget)?;
        coalesce(subchart, inner, merge, budget)?;
    }
    Ok(())
}

/// Hands `global` down to a subchart. As in Helm, only its entries are copied, not what is in them:
/// what a subchart adds further below is seen by its parent and its siblings, too.
fn coalesce_globals(inner: &Shared, outer: &Shared, budget: &Budget) -> Result<(), String> {
    let globals = |map: &Shared| -> Option<Shared> {
        match map.borrow().get("global") {
            None => Some(Rc::default()),
            Some(value) => value.as_map().map(Rc::clone),
        }
    };
    let (Some(target), Some(source)) = (globals(inner), globals(outer)) else { return Ok(()) };
    let origin = outer.borrow().get("global").map(|value| value.origin).unwrap_or_default();
    let entries: Vec<(Rc<str>, Value)> =
        source.borrow().iter().map(|(key, value)| (Rc::clone(key), value.clone())).collect();
    budget.nodes(entries.len())?;
    for (key, value) in entries {
        let existing = target.borrow().get(&key).cloned();
        if let Some(table) = value.as_map() {
            let copied: Shared = Rc::new(RefCell::new(table.borrow().clone()));
            match existing {
                None => {}
                Some(existing) => match existing.as_map() {
                    Some(existing) => coalesce_tables(&copied, existing, true, budget, 0)?,
                    None => continue,
                },
            }
            target
                .borrow_mut()
                .insert(key, Value::from(Kind::Map(copied, MapType::Any)).at(value.origin));
        } else if existing.is_none_or(|existing| existing.as_map().is_none()) {
            target.borrow_mut().insert(key, value);
        }
    }
    inner
        .borrow_mut()
        .insert("global".into(), Value::from(Kind::Map(target, MapType::Any)).at(origin));
    Ok(())
}

fn coalesce_own(
    chart: &Chart,
    target: &Shared,
    merge: bool,
    budget: &Budget,
) -> Result<(), String> {
    let own = copy(&chart.values, budget, 0)?;
    let Some(own) = own.as_map() else { return Ok(()) };
    for (key, value) in own.borrow().iter() {
        let existing = target.borrow().get(key).cloned();
        match existing {
            None => {
                target.borrow_mut().insert(Rc::clone(key), value.clone());
            }
            Some(existing) if existing.is_nil() && !merge => {
                target.borrow_mut().remove(key);
            }
            Some(existing) => {
                if let (Some(target), Some(source)) = (existing.as_map(), value.as_map()) {
                    let is_subchart = chart.dependencies.iter().any(|sub| *sub.name() == **key);
                    coalesce_tables(target, source, merge || is_subchart, budget, 0)?;
                }
            }
        }
    }
    Ok(())
}

/// `target` over `source`, in `target`.
pub(crate) fn coalesce_tables(
    target: &Shared,
    source: &Shared,
    merge: bool,
    budget: &Budget,
    depth: usize,
) -> Result<(), String> {
    if Rc::ptr_eq(target, source) {
        return Ok(());
    }
    if depth > crate::budget::MAX_DEPTH {
        return Err("values are nested too deeply".to_owned());
    }
    let entries: Vec<(Rc<str>, Value)> =
        source.borrow().iter().map(|(key, value)| (Rc::clone(key), value.clone())).collect();
    budget.nodes(entries.len())?;
    copy_nulls(target, source, budget)?;
    for (key, value) in entries {
        let existing = target.borrow().get(&key).cloned();
        match existing {
            // A null deletes a default; one that deletes nothing stays.
            Some(existing) if existing.is_nil() => {
                if !merge && !value.is_nil() {
                    target.borrow_mut().remove(&key);
                }
            }
            Some(existing) => {
                if let (Some(target), Some(source)) = (existing.as_map(), value.as_map()) {
                    coalesce_tables(target, source, merge, budget, depth + 1)?;
                }
            }
            None => {
                target.borrow_mut().insert(key, value);
            }
        }
    }
    Ok(())
}

/// Hands the nulls of `target` to `source`, which others may see: imported values are parts of the
/// values that they are imported from.
fn copy_nulls(target: &Shared, source: &Shared, budget: &Budget) -> Result<(), String> {
    let nulls: Vec<(Rc<str>, Value)> = target
        .borrow()
        .iter()
        .filter(|(_, value)| value.is_nil())
        .map(|(key, value)| (Rc::clone(key), value.clone()))
        .collect();
    budget.nodes(nulls.len())?;
    source.borrow_mut().extend(nulls);
    Ok(())
}

/// `over` over `base`, as `-f` files are joined. Both may be shared with the result.
pub(crate) fn merge_maps(base: &Value, over: &Value) -> Value {
    let (Some(left), Some(right)) = (base.as_map(), over.as_map()) else { return over.clone() };
    let mut merged = left.borrow().clone();
    for (key, value) in right.borrow().iter() {
        let joined = match merged.get(key) {
            Some(existing) if existing.as_map().is_some() && value.as_map().is_some() => {
                merge_maps(existing, value)
            }
            _ => value.clone(),
        };
        merged.insert(Rc::clone(key), joined);
    }
    Value::from(merged).at(over.origin)
}

/// A mapping by its path, as in conditions and `import-values`.
pub(crate) fn table(values: &Value, path: &str) -> Option<Value> {
    let mut value = values.clone();
    for key in path.split('.') {
        value = value.get(key)?;
        value.as_map()?;
    }
    Some(value)
}
