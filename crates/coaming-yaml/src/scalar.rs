//! What a scalar means to Kubernetes, and which texts need quotes to remain text.
//!
//! `kubectl` and the API server read YAML with `sigs.k8s.io/yaml`, which is go-yaml 2: YAML 1.1
//! booleans, octals with a leading zero, underscores in numbers, no base 60, dates as text. The
//! table in the tests was checked against `kubectl` 1.32.

use std::borrow::Cow;

use crate::arena::Typing;
use crate::tree::Scalar;

/// What `text` means, given how its type is determined.
pub(crate) fn typed(text: &str, typing: Typing) -> Scalar<'_> {
    match typing {
        Typing::Text => Scalar::Str(text),
        Typing::Resolved => resolve(text),
        #[expect(
            clippy::cast_precision_loss,
            reason = "the tag asks for a float, and go-yaml rounds as well"
        )]
        Typing::Float => match resolve(text) {
            Scalar::Int(value) => Scalar::Float(value as f64),
            Scalar::UInt(value) => Scalar::Float(value as f64),
            other => other,
        },
    }
}

/// Whether a plain text with this first byte may mean anything other than itself: a number, a YAML
/// keyword, or a merge key. `None` stands for the empty text, which is null.
pub(crate) fn may_be_typed(first: Option<u8>) -> bool {
    let starts_keyword =
        |first: u8| matches!(first.to_ascii_lowercase(), b'y' | b'n' | b't' | b'f' | b'o');
    first.is_none_or(|first| {
        matches!(first, b'0'..=b'9' | b'+' | b'-' | b'.' | b'~' | b'<') || starts_keyword(first)
    })
}

/// Resolves the text of a plain scalar as `sigs.k8s.io/yaml` does.
pub(crate) fn resolve(text: &str) -> Scalar<'_> {
    let Some(&first) = text.as_bytes().first() else {
        return Scalar::Null;
    };
    let known = match first {
        b'0'..=b'9' => return number(text),
        b'+' | b'-' => match text {
            "+.inf" | "+.Inf" | "+.INF" => Some(Scalar::Float(f64::INFINITY)),
            "-.inf" | "-.Inf" | "-.INF" => Some(Scalar::Float(f64::NEG_INFINITY)),
            _ => return number(text),
        },
        b'.' => match text {
            ".nan" | ".NaN" | ".NAN" => Some(Scalar::Float(f64::NAN)),
            ".inf" | ".Inf" | ".INF" => Some(Scalar::Float(f64::INFINITY)),
            _ => leading_point(text),
        },
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        _ => None,
    };
    known.unwrap_or(Scalar::Str(text))
}

/// The booleans and nulls.
fn word(text: &str) -> Option<Scalar<'_>> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some(Scalar::Bool(true))
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(Scalar::Bool(false))
        }
        "~" | "null" | "Null" | "NULL" => Some(Scalar::Null),
        _ => None,
    }
}

/// A text that begins with a digit or a sign.
fn number(text: &str) -> Scalar<'_> {
    let digits =
        if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
    integer(&digits)
        .or_else(|| is_float(&digits).then(|| finite(&digits)).flatten())
        .unwrap_or(Scalar::Str(text))
}

/// A whole number in Go's notation for "any base": `0x`, `0o`, `0b`, or a leading zero for octal.
fn integer(text: &str) -> Option<Scalar<'static>> {
    let (negative, magnitude) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (radix, digits) = match magnitude.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, magnitude.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, magnitude.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, magnitude.get(2..)?),
        [b'0', _, ..] => (8, magnitude.get(1..)?),
        _ => (10, magnitude),
    };
    // Rust would accept a second sign here; Go does not.
    if !digits.as_bytes().first()?.is_ascii_alphanumeric() {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0i64.checked_sub_unsigned(value).map(Scalar::Int);
    }
    match i64::try_from(value) {
        Ok(value) => Some(Scalar::Int(value)),
        // Go's second attempt, as an unsigned number, rejects a sign.
        Err(_) if text.starts_with('+') => None,
        Err(_) => Some(Scalar::UInt(value)),
    }
}

/// Whether the text has the form of a float: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn is_float(text: &str) -> bool {
    let skip_digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = text.as_bytes();
    if let [b'+' | b'-', tail @ ..] = rest {
        rest = tail;
    }
    let whole = skip_digits(rest);
    rest = rest.get(whole..).unwrap_or_default();
    let mut fraction = 0;
    if let [b'.', tail @ ..] = rest {
        fraction = skip_digits(tail);
        rest = tail.get(fraction..).unwrap_or_default();
    }
    if whole == 0 && fraction == 0 {
        return false;
    }
    let [b'e' | b'E', tail @ ..] = rest else {
        return rest.is_empty();
    };
    let exponent = match tail {
        [b'+' | b'-', tail @ ..] => tail,
        tail => tail,
    };
    !exponent.is_empty() && skip_digits(exponent) == exponent.len()
}

/// The float, unless it overflows: go-yaml treats a number that overflows as text.
fn finite(text: &str) -> Option<Scalar<'static>> {
    let value = text.parse::<f64>().ok()?;
    value.is_finite().then_some(Scalar::Float(value))
}

/// A float without an integer part. Go accepts underscores here only between digits.
fn leading_point(text: &str) -> Option<Scalar<'_>> {
    if !text.contains('_') {
        return is_float(text).then(|| finite(text)).flatten();
    }
    let bytes = text.as_bytes();
    let between_digits = bytes.iter().enumerate().all(|(position, &byte)| {
        let digit_at = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        byte != b'_' || (position > 0 && digit_at(position - 1) && digit_at(position + 1))
    });
    let digits = text.replace('_', "");
    (between_digits && is_float(&digits)).then(|| finite(&digits)).flatten()
}

/// The string that a key becomes in JSON, if it differs from the key's text.
pub(crate) fn key_text(text: &str, typing: Typing) -> Result<Option<Cow<'static, str>>, NullKey> {
    let name: Cow<'static, str> = match typed(text, typing) {
        Scalar::Str(_) => return Ok(None),
        Scalar::Null => return Err(NullKey),
        Scalar::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Scalar::Int(value) => Cow::Owned(value.to_string()),
        Scalar::UInt(value) => Cow::Owned(value.to_string()),
        Scalar::Float(value) => Cow::Owned(float_key(value)),
    };
    Ok((name != text).then_some(name))
}

/// The key is null, which JSON does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NullKey;

/// A float key as go-yaml writes it: shortest in 32 bits, with an exponent from 10⁶ and below 10⁻⁴.
fn float_key(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "go-yaml rounds keys to 32 bits")]
    let value = value as f32;
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests;
