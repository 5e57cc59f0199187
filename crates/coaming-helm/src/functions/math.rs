//! Arithmetic.

use super::{Outcome, Row, any, number, to_float, to_int};
use crate::number::Decimal;
use crate::value::Value;

pub(super) const TABLE: &[Row] = &[
    ("add", "*", |_, v| Ok(Value::int64(integers(v).fold(0, i64::wrapping_add)))),
    ("add1", "a", |_, v| Ok(Value::int64(to_int(any(v, 0)).wrapping_add(1)))),
    ("sub", "aa", |_, v| Ok(Value::int64(to_int(any(v, 0)).wrapping_sub(to_int(any(v, 1)))))),
    ("div", "aa", |_, v| match to_int(any(v, 1)) {
        0 => Err(by_zero()),
        divisor => Ok(Value::int64(to_int(any(v, 0)).wrapping_div(divisor))),
    }),
    ("mod", "aa", |_, v| match to_int(any(v, 1)) {
        0 => Err(by_zero()),
        divisor => Ok(Value::int64(to_int(any(v, 0)).wrapping_rem(divisor))),
    }),
    ("mul", "a*", |_, v| Ok(Value::int64(integers(v).fold(1, i64::wrapping_mul)))),
    ("max", "a*", |_, v| Ok(Value::int64(integers(v).max().unwrap_or(0)))),
    ("biggest", "a*", |_, v| Ok(Value::int64(integers(v).max().unwrap_or(0)))),
    ("min", "a*", |_, v| Ok(Value::int64(integers(v).min().unwrap_or(0)))),
    ("addf", "*", |_, v| {
        let mut sum = Decimal::of(0.0)?;
        for value in v {
            sum = sum.add(Decimal::of(to_float(value))?);
        }
        Ok(Value::float(sum.to_float()))
    }),
    ("add1f", "a", |_, v| {
        let sum = Decimal::of(to_float(any(v, 0)))?.add(Decimal::of(1.0)?);
        Ok(Value::float(sum.to_float()))
    }),
    ("subf", "a*", |_, v| decimals(v, |a, b| Some(a.subtract(b)))),
    ("mulf", "a*", |_, v| decimals(v, |a, b| Some(a.multiply(b)))),
    ("divf", "a*", |_, v| decimals(v, Decimal::divide)),
    ("maxf", "a*", |_, v| Ok(Value::float(extreme(v, f64::max)))),
    ("minf", "a*", |_, v| Ok(Value::float(extreme(v, f64::min)))),
    ("ceil", "a", |_, v| Ok(Value::float(to_float(any(v, 0)).ceil()))),
    ("floor", "a", |_, v| Ok(Value::float(to_float(any(v, 0)).floor()))),
    ("round", "ai%", round),
];

fn by_zero() -> String {
    "runtime error: integer divide by zero".to_owned()
}

fn integers(v: &[Value]) -> impl Iterator<Item = i64> {
    v.iter().map(to_int)
}

/// Combines numbers as decimals; `None` is a division by zero.
fn decimals(v: &[Value], with: fn(Decimal, Decimal) -> Option<Decimal>) -> Outcome {
    let mut result = Decimal::of(to_float(any(v, 0)))?;
    for value in v.iter().skip(1) {
        let other = Decimal::of(to_float(value))?;
        result = with(result, other).ok_or("decimal division by 0")?;
    }
    Ok(Value::float(result.to_float()))
}

/// The largest or the smallest number; what is not a number stays so.
fn extreme(v: &[Value], choose: fn(f64, f64) -> f64) -> f64 {
    let numbers = v.iter().map(to_float);
    let choice = |a: f64, b: f64| if a.is_nan() || b.is_nan() { f64::NAN } else { choose(a, b) };
    numbers.reduce(choice).unwrap_or(0.0)
}

fn round(_: &crate::template::Exec, v: &[Value]) -> Outcome {
    let value = to_float(any(v, 0));
    let round_on = v.get(2).map_or(0.5, to_float);
    let factor = match i32::try_from(number(v, 1)) {
        Ok(places) => 10_f64.powi(places),
        Err(_) if number(v, 1) > 0 => f64::INFINITY,
        Err(_) => 0.0,
    };
    let digit = factor * value;
    let fraction = digit - digit.trunc();
    let rounded = if fraction >= round_on { digit.ceil() } else { digit.floor() };
    Ok(Value::float(rounded / factor))
}
