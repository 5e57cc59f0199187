//! Functions on lists and sets.

use std::cmp::Ordering;

use crate::lang::declarations::Library;
use crate::lang::eval::{EvalError, Machine, NO_OVERLOAD};
use crate::lang::operators::{add, compare};
use crate::lang::value::Value;

type Outcome = Result<Value, EvalError>;

fn int(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn is_sorted(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let [Value::List(list)] = arguments else { return NO_OVERLOAD };
    machine.charge(list.len())?;
    for pair in list.windows(2) {
        let [left, right] = pair else { continue };
        match compare(left, right) {
            Some(Ordering::Greater) => return Ok(Value::Bool(false)),
            Some(_) => {}
            // Elements of different types have no order, and break none.
            None if is_comparable(left) && is_comparable(right) => {}
            None => return NO_OVERLOAD,
        }
    }
    Ok(Value::Bool(true))
}

/// Whether values of its type have an order.
fn is_comparable(value: &Value) -> bool {
    matches!(value, Value::Double(_)) || compare(value, value).is_some()
}

fn sum(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let [Value::List(list)] = arguments else { return NO_OVERLOAD };
    machine.charge(list.len())?;
    let mut total = match list.first() {
        None | Some(Value::Int(_)) => Value::Int(0),
        Some(Value::Uint(_)) => Value::Uint(0),
        Some(Value::Double(_)) => Value::Double(0.0),
        Some(Value::Duration(_)) => Value::Duration(0),
        Some(_) => return NO_OVERLOAD,
    };
    for element in &**list {
        total = add(machine, &[total, element.clone()])?;
    }
    Ok(total)
}

fn extreme(
    machine: &mut Machine<'_>,
    arguments: &[Value],
    name: &str,
    wanted: Ordering,
) -> Outcome {
    let [Value::List(list)] = arguments else { return NO_OVERLOAD };
    machine.charge(list.len())?;
    let mut elements = list.iter();
    let Some(mut best) = elements.next() else {
        return Err(EvalError::new(format!("{name} called on empty list")));
    };
    for element in elements {
        match compare(element, best) {
            Some(order) if order == wanted => best = element,
            Some(_) => {}
            None => return NO_OVERLOAD,
        }
    }
    Ok(best.clone())
}

fn position(arguments: &[Value], last: bool) -> Outcome {
    let [Value::List(list), wanted] = arguments else { return NO_OVERLOAD };
    let found = if last {
        list.iter().rposition(|element| element == wanted)
    } else {
        list.iter().position(|element| element == wanted)
    };
    Ok(found.map_or(Value::Int(-1), int))
}

fn slice(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let [Value::List(list), Value::Int(start), Value::Int(end)] = arguments else {
        return NO_OVERLOAD;
    };
    machine.charge(list.len())?;
    let failed = |why: &str| EvalError::new(format!("cannot slice({start}, {end}), {why}"));
    let (Ok(from), Ok(to)) = (usize::try_from(*start), usize::try_from(*end)) else {
        return Err(failed("negative indexes not supported"));
    };
    if from > to {
        return Err(failed("start index must be less than or equal to end index"));
    }
    match list.get(from..to) {
        Some(part) => Ok(Value::list(part.to_vec())),
        None => Err(failed(&format!("list is length {}", list.len()))),
    }
}

fn flatten(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let (list, depth) = match arguments {
        [Value::List(list)] => (list, 1),
        [Value::List(list), Value::Int(depth)] => (list, *depth),
        _ => return NO_OVERLOAD,
    };
    if depth < 0 {
        return Err(EvalError::new("level must be non-negative"));
    }
    let mut out = Vec::new();
    flatten_into(machine, list, depth, &mut out)?;
    Ok(Value::list(out))
}

fn flatten_into(
    machine: &mut Machine<'_>,
    list: &[Value],
    depth: i64,
    out: &mut Vec<Value>,
) -> Result<(), EvalError> {
    for element in list {
        machine.charge(1)?;
        match element {
            Value::List(inner) if depth > 0 => flatten_into(machine, inner, depth - 1, out)?,
            other => out.push(other.clone()),
        }
    }
    Ok(())
}

fn range(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let [Value::Int(count)] = arguments else { return NO_OVERLOAD };
    if *count < 0 {
        return Err(EvalError::new(format!("lists.range: size must be non-negative, got {count}")));
    }
    machine.charge(usize::try_from(*count).unwrap_or(usize::MAX))?;
    Ok(Value::list((0..*count).map(Value::Int).collect()))
}

fn distinct(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let [Value::List(list)] = arguments else { return NO_OVERLOAD };
    let mut out: Vec<Value> = Vec::new();
    for element in &**list {
        machine.charge(out.len() + 1)?;
        if !out.contains(element) {
            out.push(element.clone());
        }
    }
    Ok(Value::list(out))
}

fn reverse(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let [Value::List(list)] = arguments else { return NO_OVERLOAD };
    machine.charge(list.len())?;
    Ok(Value::list(list.iter().rev().cloned().collect()))
}

fn sort(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let [Value::List(list)] = arguments else { return NO_OVERLOAD };
    sort_by_keys(machine, list, list)
}

/// The elements in the order of their keys.
pub(crate) fn sort_by_keys(
    machine: &mut Machine<'_>,
    elements: &[Value],
    keys: &[Value],
) -> Outcome {
    machine.charge(elements.len().saturating_mul(4))?;
    if let Some(first) = keys.first() {
        if !is_comparable(first) {
            return Err(EvalError::new("list elements must be comparable"));
        }
        if keys.iter().any(|key| key.type_name() != first.type_name()) {
            return Err(EvalError::new("list elements must have the same type"));
        }
    }
    let mut pairs: Vec<(&Value, &Value)> = keys.iter().zip(elements).collect();
    pairs.sort_by(|left, right| compare(left.0, right.0).unwrap_or(Ordering::Equal));
    Ok(Value::list(pairs.into_iter().map(|(_, element)| element.clone()).collect()))
}

/// Compares two lists as sets.
fn sets(
    machine: &mut Machine<'_>,
    arguments: &[Value],
    accepts: fn(&[Value], &[Value]) -> bool,
) -> Outcome {
    let [Value::List(left), Value::List(right)] = arguments else { return NO_OVERLOAD };
    machine.charge(left.len().saturating_mul(right.len()))?;
    Ok(Value::Bool(accepts(left, right)))
}

fn holds_all(list: &[Value], wanted: &[Value]) -> bool {
    wanted.iter().all(|element| list.contains(element))
}

pub(crate) const LIBRARY: Library = Library {
    signatures: "
        @list(int) isSorted() bool
        @list(uint) isSorted() bool
        @list(double) isSorted() bool
        @list(bool) isSorted() bool
        @list(string) isSorted() bool
        @list(bytes) isSorted() bool
        @list(google.protobuf.Duration) isSorted() bool
        @list(google.protobuf.Timestamp) isSorted() bool
        @list(int) sum() int
        @list(uint) sum() uint
        @list(double) sum() double
        @list(google.protobuf.Duration) sum() google.protobuf.Duration
        @list(int) max() int
        @list(uint) max() uint
        @list(double) max() double
        @list(bool) max() bool
        @list(string) max() string
        @list(bytes) max() bytes
        @list(google.protobuf.Duration) max() google.protobuf.Duration
        @list(google.protobuf.Timestamp) max() google.protobuf.Timestamp
        @list(int) min() int
        @list(uint) min() uint
        @list(double) min() double
        @list(bool) min() bool
        @list(string) min() string
        @list(bytes) min() bytes
        @list(google.protobuf.Duration) min() google.protobuf.Duration
        @list(google.protobuf.Timestamp) min() google.protobuf.Timestamp
        @list(A) indexOf(A) int
        @list(A) lastIndexOf(A) int
        @list(A) slice(int, int) list(A)
        @list(list(A)) flatten() list(A)
        @list(dyn) flatten(int) list(dyn)
        lists.range(int) list(int)
        @list(A) distinct() list(A)
        @list(A) reverse() list(A)
        @list(int) sort() list(int)
        @list(uint) sort() list(uint)
        @list(double) sort() list(double)
        @list(bool) sort() list(bool)
        @list(string) sort() list(string)
        @list(bytes) sort() list(bytes)
        @list(google.protobuf.Duration) sort() list(google.protobuf.Duration)
        @list(google.protobuf.Timestamp) sort() list(google.protobuf.Timestamp)
        @list(A) @sortByAssociatedKeys(list(int)) list(A)
        @list(A) @sortByAssociatedKeys(list(uint)) list(A)
        @list(A) @sortByAssociatedKeys(list(double)) list(A)
        @list(A) @sortByAssociatedKeys(list(bool)) list(A)
        @list(A) @sortByAssociatedKeys(list(string)) list(A)
        @list(A) @sortByAssociatedKeys(list(bytes)) list(A)
        @list(A) @sortByAssociatedKeys(list(google.protobuf.Duration)) list(A)
        @list(A) @sortByAssociatedKeys(list(google.protobuf.Timestamp)) list(A)
        sets.contains(list(A), list(A)) bool
        sets.equivalent(list(A), list(A)) bool
        sets.intersects(list(A), list(A)) bool
    ",
    natives: &[
        ("isSorted", is_sorted),
        ("sum", sum),
        ("max", |machine, arguments| extreme(machine, arguments, "max", Ordering::Greater)),
        ("min", |machine, arguments| extreme(machine, arguments, "min", Ordering::Less)),
        ("indexOf", |_, arguments| position(arguments, false)),
        ("lastIndexOf", |_, arguments| position(arguments, true)),
        ("slice", slice),
        ("flatten", flatten),
        ("lists.range", range),
        ("distinct", distinct),
        ("reverse", reverse),
        ("sort", sort),
        ("sets.contains", |machine, arguments| sets(machine, arguments, holds_all)),
        ("sets.equivalent", |machine, arguments| {
            sets(machine, arguments, |left, right| holds_all(left, right) && holds_all(right, left))
        }),
        ("sets.intersects", |machine, arguments| {
            sets(machine, arguments, |left, right| {
                left.iter().any(|element| right.contains(element))
            })
        }),
    ],
};
