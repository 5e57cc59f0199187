//! Kubernetes' quantities: `500m`, `1Gi`, `1e3`.

use std::cmp::Ordering;

use super::opaque::Opaque;
use crate::lang::declarations::Library;
use crate::lang::eval::{EvalError, NO_OVERLOAD};
use crate::lang::value::Value;

const NANO: i128 = 1_000_000_000;

/// The largest magnitude, in nano units.
const MAX: i128 = i64::MAX as i128 * NANO;

/// A number with at most nine decimal places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quantity {
    nanos: i128,
    /// The digits and the power of ten, where upstream holds the number so. Only those numbers can
    /// be integers to its library.
    small: Option<(i64, i32)>,
}

impl Quantity {
    pub(crate) fn nanos(self) -> i128 {
        self.nanos
    }

    fn of_int(number: i64) -> Self {
        Self { nanos: i128::from(number) * NANO, small: Some((number, 0)) }
    }

    fn parse(text: &str) -> Result<Self, EvalError> {
        const SYNTAX: &str = "quantities must match the regular expression \
                              '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let end =
            unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let letters = suffix.trim_start_matches(|c: char| "eEinumkKMGTP".contains(c));
        let digits = letters.strip_prefix(['+', '-']).unwrap_or(letters);
        if number.is_empty()
            || fraction.contains('.')
            || !digits.bytes().all(|b| b.is_ascii_digit())
        {
            return Err(EvalError::new(SYNTAX));
        }
        let scale = Suffix::parse(suffix)
            .ok_or_else(|| EvalError::new("unable to parse quantity's suffix"))?;
        let whole = whole.trim_start_matches('0');
        let negative = text.starts_with('-');
        let small = small(whole, fraction, scale)
            .map(|(digits, power)| (if negative { -digits } else { digits }, power));
        let magnitude = magnitude(whole, fraction, scale);
        Ok(Self { nanos: if negative { -magnitude } else { magnitude }, small })
    }

    fn as_int(self) -> Option<i64> {
        let (digits, power) = self.small?;
        let power = u32::try_from(power).ok()?;
        10i64.checked_pow(power).and_then(|scale| digits.checked_mul(scale))
    }

    #[expect(clippy::cast_precision_loss, reason = "the function says approximate")]
    fn as_float(self) -> f64 {
        match self.small {
            Some((digits, power)) if power >= 0 => digits as f64 * 10f64.powi(power),
            Some((digits, power)) => digits as f64 / 10f64.powi(-power),
            None => self.nanos as f64 / NANO as f64,
        }
    }

    fn plus(self, other: Self) -> Self {
        let small = match (self.small, other.small) {
            (Some((0, _)), other) => other,
            (left, Some((0, _))) => left,
            (Some(left), Some(right)) => sum(left, right),
            _ => None,
        };
        Self { nanos: (self.nanos + other.nanos).clamp(-MAX, MAX), small }
    }

    fn negated(self) -> Self {
        Self { nanos: -self.nanos, small: self.small.map(|(digits, power)| (-digits, power)) }
    }
}

fn sum(left: (i64, i32), right: (i64, i32)) -> Option<(i64, i32)> {
    let power = left.1.min(right.1);
    let scaled = |(digits, own): (i64, i32)| {
        10i64.checked_pow(u32::try_from(own - power).ok()?)?.checked_mul(digits)
    };
    Some((scaled(left)?.checked_add(scaled(right)?)?, power))
}

/// The digits and power of ten of a number that is short enough.
fn small(whole: &str, fraction: &str, suffix: Suffix) -> Option<(i64, i32)> {
    let length = whole.len() + fraction.len();
    let (room, power, factor) = match suffix {
        Suffix::Ten(power) => (18, power, 1),
        Suffix::Two(power) if fraction.is_empty() => {
            (14 - i64::from(power) * 3 / 10, 0, 1i64.checked_shl(power)?)
        }
        Suffix::Two(_) => return None,
    };
    if i64::try_from(length).ok()? > room {
        return None;
    }
    let power = power - i32::try_from(fraction.len()).ok()?;
    if power < -9 {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let digits: i64 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    Some((digits.checked_mul(factor)?, power))
}

/// The number in nano units, rounded up, and capped.
fn magnitude(whole: &str, fraction: &str, suffix: Suffix) -> i128 {
    // More digits than these are beyond the cap, or below a nano unit.
    let shift = match suffix {
        Suffix::Ten(power) => power,
        Suffix::Two(_) => 0,
    };
    let factor = match suffix {
        Suffix::Two(power) => 1i128 << power,
        Suffix::Ten(_) => 1,
    };
    let digits = format!("{whole}{fraction}");
    let trimmed = digits.trim_start_matches('0');
    if trimmed.is_empty() {
        return 0;
    }
    let exponent = i64::from(shift) + 9 - i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let order = i64::try_from(trimmed.len()).unwrap_or(i64::MAX).saturating_add(exponent);
    if order > 30 {
        return MAX;
    }
    if order < -20 {
        return 1;
    }
    // At most 36 significant digits are read; the rest only decides the rounding.
    let kept = trimmed.get(..trimmed.len().min(24)).unwrap_or(trimmed);
    let dropped = trimmed.len() - kept.len();
    let rest_is_zero = trimmed.bytes().skip(kept.len()).all(|digit| digit == b'0');
    let exponent = exponent + i64::try_from(dropped).unwrap_or(0);
    let number: i128 = kept.parse().unwrap_or(0);
    let Some(number) = number.checked_mul(factor) else { return MAX };
    let power = |by: i64| 10i128.checked_pow(u32::try_from(by).unwrap_or(u32::MAX));
    let scaled = if exponent >= 0 {
        power(exponent).and_then(|scale| number.checked_mul(scale))
    } else {
        match power(-exponent) {
            Some(scale) => {
                let exact = number % scale == 0 && rest_is_zero;
                Some(number / scale + i128::from(!exact))
            }
            None => Some(1),
        }
    };
    scaled.map_or(MAX, |nanos| nanos.min(MAX))
}

/// What a number is multiplied by: a power of ten or of two.
#[derive(Clone, Copy, Debug)]
enum Suffix {
    Ten(i32),
    Two(u32),
}

impl Suffix {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "" => Self::Ten(0),
            "n" => Self::Ten(-9),
            "u" => Self::Ten(-6),
            "m" => Self::Ten(-3),
            "k" => Self::Ten(3),
            "M" => Self::Ten(6),
            "G" => Self::Ten(9),
            "T" => Self::Ten(12),
            "P" => Self::Ten(15),
            "E" => Self::Ten(18),
            "Ki" => Self::Two(10),
            "Mi" => Self::Two(20),
            "Gi" => Self::Two(30),
            "Ti" => Self::Two(40),
            "Pi" => Self::Two(50),
            "Ei" => Self::Two(60),
            _ => {
                let exponent: i32 = text.strip_prefix(['e', 'E'])?.parse().ok()?;
                Self::Ten(exponent)
            }
        })
    }
}

type Outcome = Result<Value, EvalError>;

fn quantity(value: Option<&Value>) -> Option<Quantity> {
    match value? {
        Value::Opaque(opaque) => match &**opaque {
            Opaque::Quantity(quantity) => Some(*quantity),
            _ => None,
        },
        Value::Int(number) => Some(Quantity::of_int(*number)),
        _ => None,
    }
}

fn unary(arguments: &[Value], apply: fn(Quantity) -> Outcome) -> Outcome {
    match arguments {
        [value @ Value::Opaque(_)] => quantity(Some(value)).map_or(NO_OVERLOAD, apply),
        _ => NO_OVERLOAD,
    }
}

fn binary(arguments: &[Value], apply: fn(Quantity, Quantity) -> Value) -> Outcome {
    match (arguments, quantity(arguments.first()), quantity(arguments.get(1))) {
        ([Value::Opaque(_), _], Some(left), Some(right)) => Ok(apply(left, right)),
        _ => NO_OVERLOAD,
    }
}

fn made(quantity: Quantity) -> Value {
    Value::opaque(Opaque::Quantity(quantity))
}

pub(crate) const LIBRARY: Library = Library {
    signatures: "
        quantity(string) kubernetes.Quantity
        isQuantity(string) bool
        sign(kubernetes.Quantity) int
        @kubernetes.Quantity isGreaterThan(kubernetes.Quantity) bool
        @kubernetes.Quantity isLessThan(kubernetes.Quantity) bool
        @kubernetes.Quantity compareTo(kubernetes.Quantity) int
        @kubernetes.Quantity asApproximateFloat() double
        @kubernetes.Quantity asInteger() int
        @kubernetes.Quantity isInteger() bool
        @kubernetes.Quantity add(kubernetes.Quantity) kubernetes.Quantity
        @kubernetes.Quantity add(int) kubernetes.Quantity
        @kubernetes.Quantity sub(kubernetes.Quantity) kubernetes.Quantity
        @kubernetes.Quantity sub(int) kubernetes.Quantity
    ",
    natives: &[
        ("quantity", |_, arguments| match arguments {
            [Value::String(text)] => Quantity::parse(text).map(made),
            _ => NO_OVERLOAD,
        }),
        ("isQuantity", |_, arguments| match arguments {
            [Value::String(text)] => Ok(Value::Bool(Quantity::parse(text).is_ok())),
            _ => NO_OVERLOAD,
        }),
        ("sign", |_, arguments| {
            unary(arguments, |value| {
                Ok(Value::Int(match value.nanos.cmp(&0) {
                    Ordering::Less => -1,
                    Ordering::Equal => 0,
                    Ordering::Greater => 1,
                }))
            })
        }),
        ("isGreaterThan", |_, arguments| {
            binary(arguments, |left, right| Value::Bool(left.nanos > right.nanos))
        }),
        ("isLessThan", |_, arguments| {
            binary(arguments, |left, right| Value::Bool(left.nanos < right.nanos))
        }),
        ("compareTo", |_, arguments| {
            binary(arguments, |left, right| Value::Int(left.nanos.cmp(&right.nanos) as i64))
        }),
        ("asApproximateFloat", |_, arguments| {
            unary(arguments, |value| Ok(Value::Double(value.as_float())))
        }),
        ("asInteger", |_, arguments| {
            unary(arguments, |value| {
                let number = value.as_int().map(Value::Int);
                number.ok_or_else(|| EvalError::new("cannot convert value to integer"))
            })
        }),
        ("isInteger", |_, arguments| {
            unary(arguments, |value| Ok(Value::Bool(value.as_int().is_some())))
        }),
        ("add", |_, arguments| binary(arguments, |left, right| made(left.plus(right)))),
        ("sub", |_, arguments| binary(arguments, |left, right| made(left.plus(right.negated())))),
    ],
};
