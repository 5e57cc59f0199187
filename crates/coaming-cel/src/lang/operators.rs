//! Equality, order and arithmetic.

use std::cmp::Ordering;
use std::sync::Arc;

use super::declarations::Library;
use super::eval::{EvalError, Machine, NO_OVERLOAD};
use super::time::{Timestamp, add_durations};
use super::value::Value;

/// Whether two values are equal; values of different types are not, but numbers compare by value.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::String(left), Value::String(right)) | (Value::Type(left), Value::Type(right)) => {
            left == right
        }
        (Value::Bytes(left), Value::Bytes(right)) => left == right,
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(&**right).all(|(l, r)| equal(l, r))
        }
        (Value::Map(left), Value::Map(right)) => {
            left.entries().len() == right.entries().len()
                && left
                    .entries()
                    .iter()
                    .all(|(key, value)| right.get(key).is_some_and(|other| equal(value, other)))
        }
        (Value::Duration(left), Value::Duration(right)) => left == right,
        (Value::Timestamp(left), Value::Timestamp(right)) => left == right,
        (Value::Optional(left), Value::Optional(right)) => match (left, right) {
            (None, None) => true,
            (Some(left), Some(right)) => equal(left, right),
            _ => false,
        },
        (Value::Opaque(left), Value::Opaque(right)) => left.equals(right),
        _ => compare_numbers(left, right) == Some(Ordering::Equal),
    }
}

/// The order of two numbers of any types; `None` for what is not a number.
pub(crate) fn compare_numbers(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        (Value::Double(left), right) => whole(right).and_then(|right| with_double(*left, right)),
        (left, Value::Double(right)) => {
            whole(left).and_then(|left| with_double(*right, left)).map(Ordering::reverse)
        }
        (left, right) => Some(whole(left)?.cmp(&whole(right)?)),
    }
}

fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Int(value) => Some(i128::from(*value)),
        Value::Uint(value) => Some(i128::from(*value)),
        _ => None,
    }
}

/// A double that is beyond 64 bits orders by its sign.
fn with_double(double: f64, number: i128) -> Option<Ordering> {
    #[expect(clippy::cast_precision_loss, reason = "upstream compares as doubles")]
    let number = number as f64;
    double.partial_cmp(&number)
}

/// The order of two values; `None` if they have none.
pub(crate) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Bytes(left), Value::Bytes(right)) => Some(left.cmp(right)),
        (Value::Duration(left), Value::Duration(right)) => Some(left.cmp(right)),
        (Value::Timestamp(left), Value::Timestamp(right)) => Some(left.cmp(right)),
        _ => compare_numbers(left, right),
    }
}

/// Whether two values may be ordered at all; a NaN may, and is never less or more.
fn is_ordered(left: &Value, right: &Value) -> bool {
    let is_number =
        |value: &Value| matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_));
    compare(left, right).is_some() || (is_number(left) && is_number(right))
}

type Outcome = Result<Value, EvalError>;

fn relation(arguments: &[Value], name: &'static str, accepts: fn(Ordering) -> bool) -> Outcome {
    let [left, right] = arguments else { return NO_OVERLOAD };
    if !is_ordered(left, right) {
        if matches!(left, Value::Null) {
            return Err(EvalError::new(format!("no such overload: {name}")));
        }
        return NO_OVERLOAD;
    }
    Ok(Value::Bool(compare(left, right).is_some_and(accepts)))
}

/// Applies an operation on numbers of one type.
fn arithmetic(
    arguments: &[Value],
    of_int: fn(i64, i64) -> Option<i64>,
    of_uint: fn(u64, u64) -> Option<u64>,
    of_double: Option<fn(f64, f64) -> f64>,
) -> Outcome {
    match arguments {
        [Value::Int(left), Value::Int(right)] => {
            of_int(*left, *right).map(Value::Int).ok_or_else(|| EvalError::new("integer overflow"))
        }
        [Value::Uint(left), Value::Uint(right)] => of_uint(*left, *right)
            .map(Value::Uint)
            .ok_or_else(|| EvalError::new("unsigned integer overflow")),
        [Value::Double(left), Value::Double(right)] => match of_double {
            Some(apply) => Ok(Value::Double(apply(*left, *right))),
            None => NO_OVERLOAD,
        },
        _ => NO_OVERLOAD,
    }
}

pub(crate) fn add(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    match arguments {
        [Value::String(left), Value::String(right)] => {
            machine.charge_bytes(left.len() + right.len())?;
            Ok(Value::String(format!("{left}{right}").into()))
        }
        [Value::Bytes(left), Value::Bytes(right)] => {
            machine.charge_bytes(left.len() + right.len())?;
            Ok(Value::Bytes([&left[..], &right[..]].concat().into()))
        }
        [Value::List(left), Value::List(right)] => {
            machine.charge_elements(left.len() + right.len())?;
            let joined = left.iter().chain(&**right).cloned().collect();
            Ok(Value::List(Arc::new(joined)))
        }
        [Value::Duration(left), Value::Duration(right)] => {
            add_durations(*left, *right).map(Value::Duration)
        }
        [Value::Timestamp(time), Value::Duration(by)]
        | [Value::Duration(by), Value::Timestamp(time)] => {
            time.plus(i128::from(*by)).map(Value::Timestamp)
        }
        _ => arithmetic(arguments, i64::checked_add, u64::checked_add, Some(|l, r| l + r)),
    }
}

fn subtract(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    match arguments {
        [Value::Duration(left), Value::Duration(right)] => left
            .checked_sub(*right)
            .map(Value::Duration)
            .ok_or_else(|| EvalError::new("integer overflow")),
        [Value::Timestamp(time), Value::Duration(by)] => {
            time.plus(-i128::from(*by)).map(Value::Timestamp)
        }
        [Value::Timestamp(left), Value::Timestamp(right)] => {
            Timestamp::between(*left, *right).map(Value::Duration)
        }
        _ => arithmetic(arguments, i64::checked_sub, u64::checked_sub, Some(|l, r| l - r)),
    }
}

fn multiply(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    arithmetic(arguments, i64::checked_mul, u64::checked_mul, Some(|l, r| l * r))
}

fn divide(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    if matches!(arguments, [Value::Int(_), Value::Int(0)] | [Value::Uint(_), Value::Uint(0)]) {
        return Err(EvalError::new("division by zero"));
    }
    arithmetic(arguments, i64::checked_div, u64::checked_div, Some(|l, r| l / r))
}

fn modulus(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    if matches!(arguments, [Value::Int(_), Value::Int(0)] | [Value::Uint(_), Value::Uint(0)]) {
        return Err(EvalError::new("modulus by zero"));
    }
    arithmetic(arguments, i64::checked_rem, u64::checked_rem, None)
}

fn negate(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    match arguments {
        [Value::Int(value)] => {
            value.checked_neg().map(Value::Int).ok_or_else(|| EvalError::new("integer overflow"))
        }
        [Value::Double(value)] => Ok(Value::Double(-value)),
        _ => NO_OVERLOAD,
    }
}

fn not(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    match arguments {
        [Value::Bool(value)] => Ok(Value::Bool(!value)),
        _ => NO_OVERLOAD,
    }
}

fn contained(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    match arguments {
        [value, Value::List(list)] => {
            machine.charge(list.len())?;
            Ok(Value::Bool(list.iter().any(|element| equal(value, element))))
        }
        [key, Value::Map(map)] => Ok(Value::Bool(map.get(key).is_some())),
        _ => NO_OVERLOAD,
    }
}

fn size(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let [value] = arguments else { return NO_OVERLOAD };
    let size = match value {
        Value::String(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.entries().len(),
        _ => return NO_OVERLOAD,
    };
    Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
}

pub(crate) const LIBRARY: Library = Library {
    signatures: "
        _?_:_(bool, A, A) A
        _==_(A, A) bool
        _!=_(A, A) bool
        !_(bool) bool
        _+_(bytes, bytes) bytes
        _+_(double, double) double
        _+_(google.protobuf.Duration, google.protobuf.Duration) google.protobuf.Duration
        _+_(google.protobuf.Duration, google.protobuf.Timestamp) google.protobuf.Timestamp
        _+_(google.protobuf.Timestamp, google.protobuf.Duration) google.protobuf.Timestamp
        _+_(int, int) int
        _+_(list(A), list(A)) list(A)
        _+_(string, string) string
        _+_(uint, uint) uint
        _-_(double, double) double
        _-_(google.protobuf.Duration, google.protobuf.Duration) google.protobuf.Duration
        _-_(int, int) int
        _-_(google.protobuf.Timestamp, google.protobuf.Duration) google.protobuf.Timestamp
        _-_(google.protobuf.Timestamp, google.protobuf.Timestamp) google.protobuf.Duration
        _-_(uint, uint) uint
        _*_(double, double) double
        _*_(int, int) int
        _*_(uint, uint) uint
        _/_(double, double) double
        _/_(int, int) int
        _/_(uint, uint) uint
        _%_(int, int) int
        _%_(uint, uint) uint
        -_(double) double
        -_(int) int
        _[_](list(A), int) A
        _[_](map(A, B), A) B
        _[_](optional_type(list(A)), int) optional_type(A)
        _[_](optional_type(map(A, B)), A) optional_type(B)
        _[?_](list(A), int) optional_type(A)
        _[?_](map(A, B), A) optional_type(B)
        _[?_](optional_type(list(A)), int) optional_type(A)
        _[?_](optional_type(map(A, B)), A) optional_type(B)
        @in(A, list(A)) bool
        @in(A, map(A, B)) bool
        size(bytes) int
        size(list(A)) int
        size(map(A, B)) int
        size(string) int
        @bytes size() int
        @list(A) size() int
        @map(A,B) size() int
        @string size() int
        _<_(bool, bool) bool
        _<_(int, int) bool
        _<_(int, double) bool
        _<_(int, uint) bool
        _<_(uint, uint) bool
        _<_(uint, double) bool
        _<_(uint, int) bool
        _<_(double, double) bool
        _<_(double, int) bool
        _<_(double, uint) bool
        _<_(string, string) bool
        _<_(bytes, bytes) bool
        _<_(google.protobuf.Timestamp, google.protobuf.Timestamp) bool
        _<_(google.protobuf.Duration, google.protobuf.Duration) bool
        _<=_(bool, bool) bool
        _<=_(int, int) bool
        _<=_(int, double) bool
        _<=_(int, uint) bool
        _<=_(uint, uint) bool
        _<=_(uint, double) bool
        _<=_(uint, int) bool
        _<=_(double, double) bool
        _<=_(double, int) bool
        _<=_(double, uint) bool
        _<=_(string, string) bool
        _<=_(bytes, bytes) bool
        _<=_(google.protobuf.Timestamp, google.protobuf.Timestamp) bool
        _<=_(google.protobuf.Duration, google.protobuf.Duration) bool
        _>_(bool, bool) bool
        _>_(int, int) bool
        _>_(int, double) bool
        _>_(int, uint) bool
        _>_(uint, uint) bool
        _>_(uint, double) bool
        _>_(uint, int) bool
        _>_(double, double) bool
        _>_(double, int) bool
        _>_(double, uint) bool
        _>_(string, string) bool
        _>_(bytes, bytes) bool
        _>_(google.protobuf.Timestamp, google.protobuf.Timestamp) bool
        _>_(google.protobuf.Duration, google.protobuf.Duration) bool
        _>=_(bool, bool) bool
        _>=_(int, int) bool
        _>=_(int, double) bool
        _>=_(int, uint) bool
        _>=_(uint, uint) bool
        _>=_(uint, double) bool
        _>=_(uint, int) bool
        _>=_(double, double) bool
        _>=_(double, int) bool
        _>=_(double, uint) bool
        _>=_(string, string) bool
        _>=_(bytes, bytes) bool
        _>=_(google.protobuf.Timestamp, google.protobuf.Timestamp) bool
        _>=_(google.protobuf.Duration, google.protobuf.Duration) bool
    ",
    natives: &[
        ("_==_", |_, arguments| match arguments {
            [left, right] => Ok(Value::Bool(equal(left, right))),
            _ => NO_OVERLOAD,
        }),
        ("_!=_", |_, arguments| match arguments {
            [left, right] => Ok(Value::Bool(!equal(left, right))),
            _ => NO_OVERLOAD,
        }),
        ("!_", not),
        ("-_", negate),
        ("_+_", add),
        ("_-_", subtract),
        ("_*_", multiply),
        ("_/_", divide),
        ("_%_", modulus),
        ("@in", contained),
        ("size", size),
        ("_<_", |_, arguments| relation(arguments, "_<_", Ordering::is_lt)),
        ("_<=_", |_, arguments| relation(arguments, "_<=_", Ordering::is_le)),
        ("_>_", |_, arguments| relation(arguments, "_>_", Ordering::is_gt)),
        ("_>=_", |_, arguments| relation(arguments, "_>=_", Ordering::is_ge)),
    ],
};
