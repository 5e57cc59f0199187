//! Conversions between types, and questions about types.

use super::{Outcome, Row, any, text};
use crate::bytes;
use crate::print;
use crate::value::{ItemType, Kind, Value};

pub(super) const TABLE: &[Row] = &[
    ("int", "a", |_, v| Ok(Value::int(to_int(any(v, 0))).at(any(v, 0).first_origin()))),
    ("int64", "a", |_, v| Ok(Value::int64(to_int(any(v, 0))).at(any(v, 0).first_origin()))),
    ("float64", "a", |_, v| Ok(Value::float(to_float(any(v, 0))).at(any(v, 0).first_origin()))),
    ("atoi", "s", |_, v| {
        Ok(Value::int(text(v, 0).parse().unwrap_or(0)).at(any(v, 0).first_origin()))
    }),
    ("toDecimal", "a", |exec, v| {
        let octal = print::plain(any(v, 0), &exec.budget)?;
        Ok(Value::int64(i64::from_str_radix(&octal, 8).unwrap_or(0)).at(any(v, 0).first_origin()))
    }),
    ("toString", "a", |exec, v| string_of(exec, any(v, 0))),
    ("toStrings", "a", |exec, v| {
        let strings = list_of_strings(exec, any(v, 0))?;
        Ok(Value::list_of(ItemType::Text, strings))
    }),
    ("typeOf", "a", |_, v| Ok(Value::from(any(v, 0).type_name()))),
    ("typeIs", "sa", |_, v| Ok(Value::from(text(v, 0) == any(v, 1).type_name()))),
    ("typeIsLike", "sa", |_, v| {
        let name = any(v, 1).type_name();
        Ok(Value::from(text(v, 0) == name || format!("*{}", text(v, 0)) == name))
    }),
    ("kindOf", "a", |_, v| Ok(Value::from(any(v, 0).kind_name()))),
    ("kindIs", "sa", |_, v| Ok(Value::from(text(v, 0) == any(v, 1).kind_name()))),
];

/// A file's content as a text.
pub(crate) fn content(content: &[u8]) -> Value {
    Value::from(bytes::to_text(content))
}

/// As text, with its origin (Sprig's `strval`).
pub(super) fn string_of(exec: &crate::template::Exec, value: &Value) -> Outcome {
    match &value.kind {
        Kind::Text(_) => Ok(value.clone()),
        _ if let Some(bytes) = value.as_bytes() => {
            Ok(Value { kind: Kind::Text(bytes.text.clone()), origin: value.origin })
        }
        _ => Ok(Value::from(print::plain(value, &exec.budget)?).at(value.origin)),
    }
}

/// A list as texts without missing values; another value as the only text (`strslice`).
pub(super) fn list_of_strings(
    exec: &crate::template::Exec,
    value: &Value,
) -> Result<Vec<Value>, String> {
    if let Some(items) = value.as_list() {
        let present = items.iter().filter(|item| !item.is_nil());
        return present.map(|item| string_of(exec, item)).collect();
    }
    if value.is_nil() {
        return Ok(Vec::new());
    }
    Ok(vec![string_of(exec, value)?])
}

/// As an integer; 0 for what is not a number.
pub(crate) fn to_int(value: &Value) -> i64 {
    match &value.kind {
        Kind::Int(value) | Kind::Int64(value) => *value,
        Kind::Float(value) => from_float(*value),
        Kind::Bool(value) => i64::from(*value),
        Kind::Text(text) => integer_of(text.as_str()).unwrap_or(0),
        _ => value.as_int().unwrap_or(0),
    }
}

/// As processors convert: what is out of range is the least integer.
fn from_float(value: f64) -> i64 {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    if fits { value as i64 } else { i64::MIN }
}

/// An integer as `strconv.ParseInt(text, 0, 64)` reads it, also with a fraction of zeros.
fn integer_of(text: &str) -> Option<i64> {
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => {
            whole
        }
        _ => text,
    };
    i64::try_from(crate::number::integer(whole)?).ok()
}

/// As a floating-point number; 0 for what is not a number.
pub(crate) fn to_float(value: &Value) -> f64 {
    match &value.kind {
        Kind::Int(value) | Kind::Int64(value) => *value as f64,
        Kind::Float(value) => *value,
        Kind::Bool(value) => f64::from(u8::from(*value)),
        Kind::Text(text) => crate::number::float(text.as_str()).unwrap_or(0.0),
        _ => value.as_int().unwrap_or(0) as f64,
    }
}
