//! Prints values as Go's `fmt` does.

use crate::budget::{Budget, MAX_DEPTH};
use crate::bytes;
use crate::text::Buffer;
use crate::value::{Kind, Object, Value};

/// `fmt.Sprint(value)`.
pub(crate) fn plain(value: &Value, budget: &Budget) -> Result<String, String> {
    let mut out = String::new();
    write(value, &mut out, budget, 0)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String, budget: &Budget, depth: usize) -> Result<(), String> {
    budget.nodes(1)?;
    if depth > MAX_DEPTH {
        return Err("value is nested too deeply".to_owned());
    }
    match &value.kind {
        Kind::Nil => out.push_str("<nil>"),
        Kind::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Kind::Int(value) | Kind::Int64(value) => out.push_str(&value.to_string()),
        Kind::Float(value) => out.push_str(&float(*value)),
        Kind::Text(text) => {
            budget.bytes(text.as_str().len())?;
            out.push_str(text.as_str());
        }
        Kind::List(list) => write_list(&list.items, out, budget, depth)?,
        Kind::Map(map, _) => {
            out.push_str("map[");
            for (position, (key, value)) in map.borrow().iter().enumerate() {
                if position > 0 {
                    out.push(' ');
                }
                out.push_str(key);
                out.push(':');
                write(value, out, budget, depth + 1)?;
            }
            out.push(']');
        }
        Kind::Object(object) => write_object(object, out, budget, depth)?,
    }
    Ok(())
}

fn write_list(
    items: &[Value],
    out: &mut String,
    budget: &Budget,
    depth: usize,
) -> Result<(), String> {
    out.push('[');
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.push(' ');
        }
        write(item, out, budget, depth + 1)?;
    }
    out.push(']');
    Ok(())
}

fn write_object(
    object: &Object,
    out: &mut String,
    budget: &Budget,
    depth: usize,
) -> Result<(), String> {
    match object {
        Object::Struct(name, fields) => {
            out.push('{');
            for (position, (_, field)) in fields.iter().enumerate() {
                if position > 0 {
                    out.push(' ');
                }
                write(field, out, budget, depth + 1)?;
                // A field that is not exported repeats the version.
                if position == 0 && *name == "common.KubeVersion" {
                    out.push(' ');
                    write(field, out, budget, depth + 1)?;
                }
            }
            out.push('}');
        }
        Object::Files(files) => {
            out.push_str("map[");
            for (position, (name, content)) in files.iter().enumerate() {
                out.push_str(if position > 0 { " " } else { "" });
                out.push_str(name);
                out.push(':');
                write_bytes(content, out, budget)?;
            }
            out.push(']');
        }
        Object::ApiVersions(versions) => write_list(versions, out, budget, depth)?,
        Object::Time(seconds) => out.push_str(&crate::dates::full(*seconds)),
        Object::Version(version) => out.push_str(&version.to_string()),
        Object::Bytes(bytes) => write_bytes(&bytes.content(), out, budget)?,
        Object::Named { name, .. } => out.push_str(name),
    }
    Ok(())
}

fn write_bytes(content: &[u8], out: &mut String, budget: &Budget) -> Result<(), String> {
    budget.bytes(content.len().saturating_mul(4))?;
    let numbers: Vec<String> = content.iter().map(u8::to_string).collect();
    out.push_str(&format!("[{}]", numbers.join(" ")));
    Ok(())
}

/// `%v` of a float: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
pub(crate) fn float(value: f64) -> String {
    general(value, None)
}

/// `%g`.
pub(crate) fn general(value: f64, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let scientific = match precision {
        Some(precision) => format!("{value:.*e}", precision.max(1) - 1),
        None => format!("{value:e}"),
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.chars().filter(char::is_ascii_digit).count();
    let limit = match precision {
        None => 6,
        Some(precision) => i32::try_from(precision.max(1)).unwrap_or(i32::MAX),
    };
    if exponent < -4 || exponent >= limit {
        let mantissa = if precision.is_some() && mantissa.contains('.') {
            mantissa.trim_end_matches('0').trim_end_matches('.')
        } else {
            mantissa
        };
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let places = match precision {
        None => i32::try_from(digits).unwrap_or(0) - 1 - exponent,
        Some(precision) => i32::try_from(precision.max(1)).unwrap_or(0) - 1 - exponent,
    };
    let text = format!("{value:.*}", usize::try_from(places).unwrap_or(0));
    if precision.is_some() && text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

/// `%e`.
pub(crate) fn exponential(value: f64, precision: usize) -> String {
    let scientific = format!("{value:.precision$e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// A finite number's sign, its 53 bits and the power of two of the last one.
fn parts(value: f64) -> (&'static str, u64, i64) {
    let bits = value.to_bits();
    let (exponent, fraction) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
    let sign = if value.is_sign_negative() { "-" } else { "" };
    match exponent {
        0 => (sign, fraction, -1074),
        _ => (sign, fraction | (1 << 52), i64::try_from(exponent).unwrap_or(0) - 1075),
    }
}

/// `%b`: `4503599627370496p-52`.
pub(crate) fn binary(value: f64) -> String {
    if !value.is_finite() {
        return float(value);
    }
    let (sign, mantissa, exponent) = parts(value);
    format!("{sign}{mantissa}p{exponent:+}")
}

/// `%x`: `0x1.8p+00`.
pub(crate) fn hexadecimal(value: f64, precision: Option<usize>) -> String {
    if !value.is_finite() {
        return float(value);
    }
    let (sign, mut mantissa, mut exponent) = parts(value);
    // The first digit is 1: 60 bits follow.
    let shift = mantissa.leading_zeros().saturating_sub(3);
    if mantissa == 0 {
        exponent = 0;
    } else {
        mantissa <<= shift;
        exponent += 60 - i64::from(shift);
    }
    if let Some(precision) = precision.filter(|precision| *precision < 15) {
        let dropped = 60 - 4 * precision;
        let (half, rest) = (1_u64 << (dropped - 1), mantissa & ((1 << dropped) - 1));
        mantissa >>= dropped;
        if rest > half || (rest == half && mantissa & 1 == 1) {
            mantissa += 1;
        }
        mantissa <<= dropped;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let all = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let digits = match precision {
        None => all.trim_end_matches('0').to_owned(),
        Some(precision) => {
            format!("{all:0<precision$}").get(..precision).unwrap_or(&all).to_owned()
        }
    };
    let point = if digits.is_empty() { "" } else { "." };
    let first = mantissa >> 60;
    let power = if exponent < 0 { '-' } else { '+' };
    format!("{sign}0x{first}{point}{digits}p{power}{:02}", exponent.abs())
}

/// `fmt.Sprint` of several values: a space between two that are not texts.
pub(crate) fn print(values: &[Value], budget: &Budget) -> Result<Buffer, String> {
    let mut out = Buffer::default();
    let mut was_text = true;
    for (position, value) in values.iter().enumerate() {
        let is_text = matches!(value.kind, Kind::Text(_));
        if position > 0 && !is_text && !was_text {
            out.push(" ", value.origin);
        }
        push(value, &mut out, budget)?;
        was_text = is_text;
    }
    Ok(out)
}

/// Appends a value as `%v`, with its origins.
pub(crate) fn push(value: &Value, out: &mut Buffer, budget: &Budget) -> Result<(), String> {
    match &value.kind {
        Kind::Text(text) => {
            budget.bytes(text.as_str().len())?;
            out.push_part(text, 0..text.as_str().len(), value.origin);
        }
        _ => out.push(&plain(value, budget)?, value.origin),
    }
    Ok(())
}

/// `%q` of a text: Go's quoting, which is also that of the function `quote`.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        quote_char(c, &mut out);
    }
    out.push('"');
    out
}

/// Appends one character of a quoted text.
pub(crate) fn quote_char(c: char, out: &mut String) {
    if let Some(byte) = bytes::stray(c) {
        return out.push_str(&format!("\\x{byte:02x}"));
    }
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        c if is_printable(c) => out.push(c),
        c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
    }
}

/// `unicode.IsPrint`, as far as characters differ in charts: no white space but the blank, no
/// format or private characters.
pub(crate) fn is_printable(c: char) -> bool {
    if c == ' ' {
        return true;
    }
    !(c.is_control()
        || c.is_whitespace()
        || matches!(
            u32::from(c),
            0xad | 0x200b..=0x200f
                | 0x202a..=0x202e
                | 0x2060..=0x206f
                | 0xe000..=0xf8ff
                | 0xfeff
                | 0xfff0..=0xfffb
                | 0xfffe..=0xffff
                | 0xe_0000..=0xe_0fff
                | 0xf_0000..=0x10_ffff
        ))
}
