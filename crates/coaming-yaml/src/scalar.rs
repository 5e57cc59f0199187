//! What a plain scalar means to Kubernetes.
//!
//! `sigs.k8s.io/yaml` resolves by YAML 1.1 where YAML 1.2 differs: `yes` and `on` are booleans,
//! `0777` is octal. On the way to JSON, timestamps are text, and so are base-60 numbers, which
//! its parser never took.

use crate::tree::Scalar;

/// Resolves the text of a plain scalar as `sigs.k8s.io/yaml` does.
pub(crate) fn resolve(text: &str) -> Scalar<'_> {
    match text.as_bytes().first() {
        None => Scalar::Null,
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => {
            word(text).unwrap_or(Scalar::Str(text))
        }
        Some(b'.') => point(text).unwrap_or(Scalar::Str(text)),
        Some(b'+' | b'-' | b'0'..=b'9') => number(text).unwrap_or(Scalar::Str(text)),
        Some(_) => Scalar::Str(text),
    }
}

fn word(text: &str) -> Option<Scalar<'static>> {
    match text {
        "~" | "null" | "Null" | "NULL" => Some(Scalar::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some(Scalar::Bool(true))
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(Scalar::Bool(false))
        }
        _ => None,
    }
}

fn point(text: &str) -> Option<Scalar<'static>> {
    match text {
        ".nan" | ".NaN" | ".NAN" => Some(Scalar::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" => Some(Scalar::Float(f64::INFINITY)),
        _ => float(text),
    }
}

fn number(text: &str) -> Option<Scalar<'static>> {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Some(Scalar::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => return Some(Scalar::Float(f64::NEG_INFINITY)),
        _ => {}
    }
    if text.contains('_') {
        let plain: String = text.chars().filter(|&c| c != '_').collect();
        return whole(&plain).or_else(|| float(&plain));
    }
    whole(text).or_else(|| float(text))
}

/// A whole number in base 10, or in another by its prefix, as Go's `strconv.ParseInt(s, 0, 64)`.
fn whole(text: &str) -> Option<Scalar<'static>> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    match u64::from_str_radix(digits, radix) {
        Ok(value) => Some(match (negative, i64::try_from(value)) {
            (false, Ok(value)) => Scalar::Int(value),
            (false, Err(_)) => Scalar::UInt(value),
            (true, Ok(value)) => Scalar::Int(-value),
            (true, Err(_)) if value == i64::MIN.unsigned_abs() => Scalar::Int(i64::MIN),
            (true, Err(_)) => float(text)?,
        }),
        // Too large for 64 bits: a number all the same.
        Err(_) => digits
            .chars()
            .try_fold(0.0, |sum, digit| {
                Some(f64::from(radix).mul_add(sum, f64::from(digit.to_digit(radix)?)))
            })
            .map(|value| Scalar::Float(if negative { -value } else { value })),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn float(text: &str) -> Option<Scalar<'static>> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digits = !before.is_empty() || !after.is_empty();
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    if !has_digits || !digits(before) || !digits(after) || !exponent_fits {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(Scalar::Float(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        format!("{:?}", resolve(text))
    }

    #[test]
    fn as_sigs_yaml_has_it() {
        for (text, meaning) in [
            ("yes", "Bool(true)"),
            ("y", "Bool(true)"),
            ("N", "Bool(false)"),
            ("on", "Bool(true)"),
            ("Off", "Bool(false)"),
            ("tRue", "Str(\"tRue\")"),
            ("0777", "Int(511)"),
            ("0o777", "Int(511)"),
            ("0x1F", "Int(31)"),
            ("-0b11", "Int(-3)"),
            ("1_000", "Int(1000)"),
            ("08", "Float(8.0)"),
            ("1e3", "Float(1000.0)"),
            ("1.", "Float(1.0)"),
            (".5", "Float(0.5)"),
            (".inf", "Float(inf)"),
            ("-.INF", "Float(-inf)"),
            (".nan", "Float(NaN)"),
            (".", "Str(\".\")"),
            ("~", "Null"),
            ("", "Null"),
            ("NULL", "Null"),
            ("nULL", "Str(\"nULL\")"),
            ("12:30:45", "Str(\"12:30:45\")"),
            ("2001-01-01", "Str(\"2001-01-01\")"),
            ("1.2.3", "Str(\"1.2.3\")"),
            ("9223372036854775808", "UInt(9223372036854775808)"),
            ("-9223372036854775808", "Int(-9223372036854775808)"),
            ("18446744073709551616", "Float(1.8446744073709552e19)"),
            ("0x", "Str(\"0x\")"),
            ("+", "Str(\"+\")"),
            ("-", "Str(\"-\")"),
            ("500m", "Str(\"500m\")"),
            ("1e999", "Str(\"1e999\")"),
        ] {
            assert_eq!(shown(text), meaning, "{text}");
        }
    }
}
