//! Semantic versions.

use std::cmp::Ordering;

use semver::Version;

use super::opaque::Opaque;
use crate::lang::declarations::Library;
use crate::lang::eval::{EvalError, NO_OVERLOAD};
use crate::lang::value::Value;

type Outcome = Result<Value, EvalError>;

fn parse(arguments: &[Value]) -> Option<Result<Version, EvalError>> {
    let (text, normalizes) = match arguments {
        [Value::String(text)] => (text, false),
        [Value::String(text), Value::Bool(normalizes)] => (text, *normalizes),
        _ => return None,
    };
    let text = if normalizes { normalized(text) } else { Ok(text.to_string()) };
    Some(text.and_then(|text| {
        if text.split('.').count() < 3 {
            return Err(EvalError::new("No Major.Minor.Patch elements found"));
        }
        Version::parse(&text).map_err(|error| EvalError::new(error.to_string()))
    }))
}

/// Without a leading `v` and leading zeros, with all three numbers.
fn normalized(text: &str) -> Result<String, EvalError> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<String> = text.splitn(3, '.').map(without_zeros).collect();
    if parts.len() < 3 && parts.last().is_some_and(|last| last.contains(['+', '-'])) {
        return Err(EvalError::new("short version cannot contain PreRelease/Build meta data"));
    }
    while parts.len() < 3 {
        parts.push("0".to_owned());
    }
    Ok(parts.join("."))
}

fn without_zeros(part: &str) -> String {
    if part.len() < 2 {
        return part.to_owned();
    }
    let trimmed = part.trim_start_matches('0');
    if trimmed.starts_with(|c: char| c.is_ascii_digit()) {
        trimmed.to_owned()
    } else {
        format!("0{trimmed}")
    }
}

fn version(value: &Value) -> Option<&Version> {
    match value {
        Value::Opaque(opaque) => match &**opaque {
            Opaque::Semver(version) => Some(version),
            _ => None,
        },
        _ => None,
    }
}

fn number(arguments: &[Value], part: fn(&Version) -> u64) -> Outcome {
    let [value] = arguments else { return NO_OVERLOAD };
    match version(value) {
        Some(version) => Ok(Value::Int(i64::try_from(part(version)).unwrap_or(i64::MAX))),
        None => NO_OVERLOAD,
    }
}

fn comparison(arguments: &[Value], result: fn(Ordering) -> Value) -> Outcome {
    let [left, right] = arguments else { return NO_OVERLOAD };
    match (version(left), version(right)) {
        (Some(left), Some(right)) => Ok(result(left.cmp_precedence(right))),
        _ => NO_OVERLOAD,
    }
}

pub(crate) const LIBRARY: Library = Library {
    signatures: "
        semver(string) kubernetes.Semver
        semver(string, bool) kubernetes.Semver
        isSemver(string) bool
        isSemver(string, bool) bool
        @kubernetes.Semver major() int
        @kubernetes.Semver minor() int
        @kubernetes.Semver patch() int
        @kubernetes.Semver isGreaterThan(kubernetes.Semver) bool
        @kubernetes.Semver isLessThan(kubernetes.Semver) bool
        @kubernetes.Semver compareTo(kubernetes.Semver) int
    ",
    natives: &[
        ("semver", |_, arguments| match parse(arguments) {
            Some(parsed) => parsed.map(Opaque::Semver).map(Value::opaque),
            None => NO_OVERLOAD,
        }),
        ("isSemver", |_, arguments| match parse(arguments) {
            Some(parsed) => Ok(Value::Bool(parsed.is_ok())),
            None => NO_OVERLOAD,
        }),
        ("major", |_, arguments| number(arguments, |version| version.major)),
        ("minor", |_, arguments| number(arguments, |version| version.minor)),
        ("patch", |_, arguments| number(arguments, |version| version.patch)),
        ("isGreaterThan", |_, arguments| comparison(arguments, |order| Value::Bool(order.is_gt()))),
        ("isLessThan", |_, arguments| comparison(arguments, |order| Value::Bool(order.is_lt()))),
        ("compareTo", |_, arguments| comparison(arguments, |order| Value::Int(order as i64))),
    ],
};
