//! Prints values as Go's `fmt` does.

use crate::budget::{Budget, MAX_DEPTH};
use crate::functions;
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
        Kind::Map(map) => {
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
        Object::Struct("common.KubeVersion", fields) => {
            let version = fields.iter().find(|(name, _)| *name == "Version");
            if let Some((_, version)) = version {
                write(version, out, budget, depth + 1)?;
            }
        }
        Object::Struct(_, fields) => {
            out.push('{');
            for (position, (_, field)) in fields.iter().enumerate() {
                if position > 0 {
                    out.push(' ');
                }
                write(field, out, budget, depth + 1)?;
            }
            out.push('}');
        }
        Object::Files(files) => {
            out.push_str("map[");
            let names: Vec<&str> = files.keys().map(String::as_str).collect();
            out.push_str(&names.join(" "));
            out.push(']');
        }
        Object::ApiVersions(versions) => write_list(versions, out, budget, depth)?,
        Object::Time(seconds) => out.push_str(&crate::dates::full(*seconds)),
        Object::Version(version) => out.push_str(&version.to_string()),
    }
    Ok(())
}

/// `%v` of a float: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
pub(crate) fn float(value: f64) -> String {
    general(value, None)
}

/// `%g`.
fn general(value: f64, precision: Option<usize>) -> String {
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
fn exponential(value: f64, precision: usize) -> String {
    let scientific = format!("{value:.precision$e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
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

/// The flags of a verb.
#[derive(Clone, Copy, Default)]
struct Flags {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// The widest field that a format may ask for.
const MAX_WIDTH: usize = 1 << 16;

/// `fmt.Sprintf`.
pub(crate) fn printf(format: &Value, values: &[Value], budget: &Budget) -> Result<Buffer, String> {
    let Kind::Text(marked) = &format.kind else { return Ok(Buffer::default()) };
    let text = marked.as_str();
    let mut out = Buffer::default();
    let mut next = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let length = rest.find('%').unwrap_or(rest.len());
        out.push_part(marked, at..at + length, format.origin);
        at += length;
        if at >= text.len() {
            break;
        }
        let start = at;
        at += 1;
        let mut flags = Flags::default();
        at += read_flags(text.get(at..).unwrap_or_default(), &mut flags, values, &mut next);
        let Some(verb) = text.get(at..).and_then(|rest| rest.chars().next()) else {
            out.push("%!(NOVERB)", format.origin);
            break;
        };
        at += verb.len_utf8();
        let origin = marked.origin_at(start, format.origin);
        if verb == '%' {
            out.push("%", origin);
            continue;
        }
        let Some(value) = values.get(next) else {
            out.push(&format!("%!{verb}(BADINDEX)").replace("BADINDEX", "MISSING"), origin);
            continue;
        };
        next += 1;
        verb_of(value, verb, flags, origin, &mut out, budget)?;
    }
    if next < values.len() {
        out.push("%!(EXTRA ", format.origin);
        for (position, value) in values.iter().skip(next).enumerate() {
            if position > 0 {
                out.push(", ", format.origin);
            }
            out.push(&described(value, budget)?, value.origin);
        }
        out.push(")", format.origin);
    }
    Ok(out)
}

fn described(value: &Value, budget: &Budget) -> Result<String, String> {
    if value.is_nil() {
        return Ok("<nil>".to_owned());
    }
    Ok(format!("{}={}", value.type_name(), plain(value, budget)?))
}

/// Reads flags, width and precision; returns how many bytes they are.
fn read_flags(text: &str, flags: &mut Flags, values: &[Value], next: &mut usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'-' => flags.minus = true,
            b'+' => flags.plus = true,
            b'#' => flags.sharp = true,
            b' ' => flags.space = true,
            b'0' => flags.zero = true,
            _ => break,
        }
        at += 1;
    }
    let number = |at: &mut usize, next: &mut usize| -> Option<usize> {
        if bytes.get(*at) == Some(&b'*') {
            *at += 1;
            let value = values.get(*next).map(functions::to_int);
            *next += 1;
            return value.and_then(|value| usize::try_from(value).ok());
        }
        let start = *at;
        while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
            *at += 1;
        }
        text.get(start..*at).and_then(|digits| digits.parse().ok())
    };
    flags.width = number(&mut at, next).map(|width| width.min(MAX_WIDTH));
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        flags.precision = Some(number(&mut at, next).unwrap_or(0).min(MAX_WIDTH));
    }
    at
}

/// Appends one value as its verb wants it.
fn verb_of(
    value: &Value,
    verb: char,
    flags: Flags,
    origin: crate::origin::Origin,
    out: &mut Buffer,
    budget: &Budget,
) -> Result<(), String> {
    let whole = value.first_origin().or(origin);
    if matches!(verb, 's' | 'v')
        && flags.width.is_none()
        && flags.precision.is_none()
        && !flags.sharp
        && matches!(value.kind, Kind::Text(_))
    {
        return push(value, out, budget);
    }
    if verb == 'T' {
        out.push(&padded(value.type_name(), flags, false), whole);
        return Ok(());
    }
    let text = match (&value.kind, verb) {
        (Kind::List(list), verb) if verb != 'v' => {
            out.push("[", whole);
            for (position, item) in list.items.iter().enumerate() {
                if position > 0 {
                    out.push(" ", whole);
                }
                verb_of(item, verb, flags, origin, out, budget)?;
            }
            out.push("]", whole);
            return Ok(());
        }
        (Kind::Nil, 'v') => padded("<nil>".to_owned(), flags, false),
        (Kind::Nil, verb) => format!("%!{verb}(<nil>)"),
        (Kind::Text(text), 's' | 'v') if !flags.sharp || verb == 's' => {
            padded(truncated(text.as_str(), flags), flags, false)
        }
        (Kind::Text(text), 'q' | 'v') => {
            padded(quote(&truncated(text.as_str(), flags)), flags, false)
        }
        (Kind::Text(text), 'x' | 'X') => {
            let hex: String = text.as_str().bytes().map(|byte| format!("{byte:02x}")).collect();
            padded(if verb == 'X' { hex.to_uppercase() } else { hex }, flags, false)
        }
        (Kind::Bool(value), 't' | 'v') => padded(value.to_string(), flags, false),
        (Kind::Int(value) | Kind::Int64(value), _) => match integer(*value, verb, flags) {
            Some(text) => text,
            None => format!("%!{verb}({})", described(&Value::int(*value), budget)?),
        },
        (Kind::Float(number), _) => match floating(*number, verb, flags) {
            Some(text) => text,
            None => format!("%!{verb}({})", described(value, budget)?),
        },
        (Kind::Object(_) | Kind::Map(_) | Kind::List(_), 's' | 'v') => {
            padded(plain(value, budget)?, flags, false)
        }
        _ => format!("%!{verb}({})", described(value, budget)?),
    };
    budget.bytes(text.len())?;
    out.push(&text, whole);
    Ok(())
}

fn truncated(text: &str, flags: Flags) -> String {
    match flags.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_owned(),
    }
}

fn padded(text: String, flags: Flags, is_number: bool) -> String {
    let missing = flags.width.unwrap_or(0).saturating_sub(text.chars().count());
    if missing == 0 {
        return text;
    }
    if flags.minus {
        return format!("{text}{}", " ".repeat(missing));
    }
    if flags.zero {
        let zeros = "0".repeat(missing);
        return match text.strip_prefix(['-', '+']) {
            Some(rest) if is_number => format!("{}{zeros}{rest}", &text[..1]),
            _ => format!("{zeros}{text}"),
        };
    }
    format!("{}{text}", " ".repeat(missing))
}

fn signed(text: String, flags: Flags) -> String {
    if text.starts_with('-') {
        text
    } else if flags.plus {
        format!("+{text}")
    } else if flags.space {
        format!(" {text}")
    } else {
        text
    }
}

fn integer(value: i64, verb: char, flags: Flags) -> Option<String> {
    let sign = if value < 0 { "-" } else { "" };
    let magnitude = value.unsigned_abs();
    let prefix = |prefix: &'static str| if flags.sharp { prefix } else { "" };
    let digits = match verb {
        'd' | 'v' => magnitude.to_string(),
        'b' => format!("{magnitude:b}"),
        'o' => format!("{}{magnitude:o}", prefix("0")),
        'O' => format!("0o{magnitude:o}"),
        'x' => format!("{}{magnitude:x}", prefix("0x")),
        'X' => format!("{}{magnitude:X}", prefix("0X")),
        'c' => char::from_u32(u32::try_from(value).ok()?)?.to_string(),
        'q' => format!("'{}'", char::from_u32(u32::try_from(value).ok()?)?),
        'U' => format!("U+{magnitude:04X}"),
        _ => return None,
    };
    let missing = flags.precision.unwrap_or(0).saturating_sub(digits.len());
    let text = signed(format!("{sign}{}{digits}", "0".repeat(missing)), flags);
    Some(padded(text, flags, true))
}

fn floating(value: f64, verb: char, flags: Flags) -> Option<String> {
    let text = match verb {
        'v' | 'g' | 'G' => match (flags.precision, verb) {
            (None, 'v') => float(value),
            (precision, _) => general(value, precision),
        },
        'f' | 'F' => format!("{value:.*}", flags.precision.unwrap_or(6)),
        'e' | 'E' => exponential(value, flags.precision.unwrap_or(6)),
        _ => return None,
    };
    let text = if verb == 'E' || verb == 'G' { text.to_uppercase() } else { text };
    Some(padded(signed(text, flags), flags, true))
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
fn is_printable(c: char) -> bool {
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
