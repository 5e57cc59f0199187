//! Arithmetic.

use super::{Outcome, Row, any, number, to_float, to_int};
use crate::value::Value;

pub(super) const TABLE: &[Row] = &[
    ("add", "*", |_, v| Ok(Value::int64(integers(v).fold(0, i64::wrapping_add)))),
    ("add1", "a", |_, v| Ok(Value::int64(to_int(any(v, 0)).wrapping_add(1)))),
    ("sub", "aa", |_, v| Ok(Value::int64(to_int(any(v, 0)).wrapping_sub(to_int(any(v, 1)))))),
    ("mul", "a*", |_, v| Ok(Value::int64(integers(v).fold(1, i64::wrapping_mul)))),
    ("div", "aa", |_, v| {
        to_int(any(v, 0)).checked_div(to_int(any(v, 1))).map(Value::int64).ok_or_else(by_zero)
    }),
    ("mod", "aa", |_, v| {
        to_int(any(v, 0)).checked_rem(to_int(any(v, 1))).map(Value::int64).ok_or_else(by_zero)
    }),
    ("max", "a*", |_, v| Ok(Value::int64(integers(v).max().unwrap_or(0)))),
    ("biggest", "a*", |_, v| Ok(Value::int64(integers(v).max().unwrap_or(0)))),
    ("min", "a*", |_, v| Ok(Value::int64(integers(v).min().unwrap_or(0)))),
    ("addf", "*", |_, v| Ok(Value::float(floats(v, |a, b| a + b)))),
    ("add1f", "a", |_, v| Ok(Value::float(exactly(to_float(any(v, 0)) + 1.0)))),
    ("subf", "a*", |_, v| Ok(Value::float(floats(v, |a, b| a - b)))),
    ("mulf", "a*", |_, v| Ok(Value::float(floats(v, |a, b| a * b)))),
    ("divf", "a*", |_, v| {
        if v.iter().skip(1).any(|divisor| to_float(divisor) == 0.0) {
            return Err("decimal division by 0".to_owned());
        }
        Ok(Value::float(floats(v, |a, b| a / b)))
    }),
    ("maxf", "a*", |_, v| Ok(Value::float(v.iter().map(to_float).fold(f64::NAN, f64::max)))),
    ("minf", "a*", |_, v| Ok(Value::float(v.iter().map(to_float).fold(f64::NAN, f64::min)))),
    ("ceil", "a", |_, v| Ok(Value::float(to_float(any(v, 0)).ceil()))),
    ("floor", "a", |_, v| Ok(Value::float(to_float(any(v, 0)).floor()))),
    ("round", "ai*", round),
];

fn by_zero() -> String {
    "runtime error: integer divide by zero".to_owned()
}

fn integers(v: &[Value]) -> impl Iterator<Item = i64> {
    v.iter().map(to_int)
}

fn floats(v: &[Value], with: fn(f64, f64) -> f64) -> f64 {
    exactly(v.iter().map(to_float).reduce(with).unwrap_or(0.0))
}

/// Sprig computes with decimals: `0.1 + 0.2` is `0.3`.
fn exactly(value: f64) -> f64 {
    let rounded: f64 = format!("{value:.15e}").parse().unwrap_or(value);
    let shorter: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    if (shorter - value).abs() <= f64::EPSILON * value.abs() * 2.0 { shorter } else { rounded }
}

fn round(_: &crate::template::Exec, v: &[Value]) -> Outcome {
    let value = to_float(any(v, 0));
    let round_on = v.get(2).map_or(0.5, to_float);
    let factor = 10_f64.powi(i32::try_from(number(v, 1)).unwrap_or(0));
    let digit = factor * value;
    let fraction = digit - digit.trunc();
    let rounded = if fraction >= round_on { digit.ceil() } else { digit.floor() };
    Ok(Value::float(rounded / factor))
}
