//! Comparisons and tests of emptiness.

use super::{Outcome, Row, any};
use crate::budget::{Budget, MAX_DEPTH};
use crate::template::Exec;
use crate::value::{Kind, Value};

pub(super) const TABLE: &[Row] = &[
    ("eq", "a*", |_, v| equal_to_any(v)),
    ("ne", "aa", |_, v| Ok(Value::from(!equals(any(v, 0), any(v, 1))?))),
    ("lt", "aa", |_, v| Ok(Value::from(less(any(v, 0), any(v, 1))?))),
    ("le", "aa", |_, v| {
        Ok(Value::from(less(any(v, 0), any(v, 1))? || equals(any(v, 0), any(v, 1))?))
    }),
    ("gt", "aa", |_, v| {
        Ok(Value::from(!(less(any(v, 0), any(v, 1))? || equals(any(v, 0), any(v, 1))?)))
    }),
    ("ge", "aa", |_, v| Ok(Value::from(!less(any(v, 0), any(v, 1))?))),
    ("not", "a", |_, v| Ok(Value::from(!any(v, 0).is_true()))),
    ("empty", "a", |_, v| Ok(Value::from(is_empty(any(v, 0))))),
    ("default", "a*", |_, v| default(v)),
    ("coalesce", "*", |_, v| {
        Ok(v.iter().find(|value| !is_empty(value)).cloned().unwrap_or(Value::NIL))
    }),
    ("all", "*", |_, v| Ok(Value::from(v.iter().all(|value| !is_empty(value))))),
    ("any", "*", |_, v| Ok(Value::from(v.iter().any(|value| !is_empty(value))))),
    ("ternary", "aab", |_, v| {
        let yes = matches!(any(v, 2).kind, Kind::Bool(true));
        Ok(any(v, usize::from(!yes)).clone())
    }),
    ("deepEqual", "aa", deep_equal),
];

/// Sprig's emptiness: a struct never is, all else as for `if`.
pub(crate) fn is_empty(value: &Value) -> bool {
    !value.is_true()
}

fn default(values: &[Value]) -> Outcome {
    match values.get(1) {
        Some(given) if !is_empty(given) => Ok(given.clone()),
        _ => Ok(any(values, 0).clone()),
    }
}

fn deep_equal(exec: &Exec, values: &[Value]) -> Outcome {
    Ok(Value::from(same(any(values, 0), any(values, 1), &exec.budget, 0)?))
}

/// Go's kinds, as far as comparisons tell them apart.
#[derive(PartialEq, Eq)]
enum Basic {
    Bool,
    Int,
    Float,
    Text,
    Other,
}

fn basic(value: &Value) -> Basic {
    match &value.kind {
        Kind::Bool(_) => Basic::Bool,
        Kind::Int(_) | Kind::Int64(_) => Basic::Int,
        Kind::Float(_) => Basic::Float,
        Kind::Text(_) => Basic::Text,
        _ if value.as_int().is_some() => Basic::Int,
        _ => Basic::Other,
    }
}

fn equal_to_any(values: &[Value]) -> Outcome {
    let Some((first, others)) = values.split_first() else { return Ok(Value::from(false)) };
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        if equals(first, other)? {
            return Ok(Value::from(true));
        }
    }
    Ok(Value::from(false))
}

fn equals(a: &Value, b: &Value) -> Result<bool, String> {
    if basic(a) != basic(b) {
        return if a.is_nil() || b.is_nil() {
            Ok(false)
        } else {
            Err("incompatible types for comparison".to_owned())
        };
    }
    match (&a.kind, &b.kind) {
        (Kind::Bool(a), Kind::Bool(b)) => Ok(a == b),
        (Kind::Float(a), Kind::Float(b)) => Ok(a == b),
        (Kind::Text(a), Kind::Text(b)) => Ok(a.as_str() == b.as_str()),
        _ if is_nil(a) || is_nil(b) => Ok(is_nil(a) == is_nil(b)),
        _ if basic(a) == Basic::Int => Ok(a.as_int() == b.as_int()),
        _ => Err(format!("non-comparable type {}: {}", a.type_name(), b.type_name())),
    }
}

/// Whether it is nothing, or a list that nothing was put into.
fn is_nil(value: &Value) -> bool {
    value.is_nil() || matches!(&value.kind, Kind::List(list) if list.is_nil)
}

fn less(a: &Value, b: &Value) -> Result<bool, String> {
    if basic(a) != basic(b) {
        return Err("incompatible types for comparison".to_owned());
    }
    match (&a.kind, &b.kind) {
        (Kind::Float(a), Kind::Float(b)) => Ok(a < b),
        (Kind::Text(a), Kind::Text(b)) => Ok(a.as_str() < b.as_str()),
        _ if basic(a) == Basic::Int => Ok(a.as_int() < b.as_int()),
        _ => Err("invalid type for comparison".to_owned()),
    }
}

/// Whether two values are the same in type and content (`reflect.DeepEqual`).
pub(crate) fn same(a: &Value, b: &Value, budget: &Budget, depth: usize) -> Result<bool, String> {
    budget.nodes(1)?;
    if depth > MAX_DEPTH {
        return Err("value is nested too deeply".to_owned());
    }
    Ok(match (&a.kind, &b.kind) {
        (Kind::Nil, Kind::Nil) => true,
        (Kind::Bool(a), Kind::Bool(b)) => a == b,
        (Kind::Int(a), Kind::Int(b)) | (Kind::Int64(a), Kind::Int64(b)) => a == b,
        (Kind::Float(a), Kind::Float(b)) => a == b,
        (Kind::Text(a), Kind::Text(b)) => a.as_str() == b.as_str(),
        (Kind::List(a), Kind::List(b)) => {
            if a.items.len() != b.items.len() || a.of != b.of || a.is_nil != b.is_nil {
                return Ok(false);
            }
            for (a, b) in a.items.iter().zip(&b.items) {
                if !same(a, b, budget, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Kind::Map(a, of), Kind::Map(b, of_b)) => {
            if of != of_b {
                return Ok(false);
            }
            let (a, b) = (a.borrow(), b.borrow());
            if a.len() != b.len() {
                return Ok(false);
            }
            for (key, value) in a.iter() {
                match b.get(key) {
                    Some(other) if same(value, other, budget, depth + 1)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Kind::Object(_), Kind::Object(_)) => {
            crate::print::plain(a, budget)? == crate::print::plain(b, budget)?
        }
        _ => false,
    })
}
