//! Functions on text that keep the origin of every byte.

use std::ops::Range;

use super::convert::{list_of_strings, string_of};
use super::{Outcome, Row, any, number, text};
use crate::bytes;
use crate::print;
use crate::template::Exec;
use crate::text::Buffer;
use crate::value::{ItemType, Kind, MapType, Value};

pub(super) const TABLE: &[Row] = &[
    ("print", "*", |exec, v| Ok(Value::from(print::print(v, &exec.budget)?))),
    ("println", "*", println),
    ("printf", "s*", |exec, v| {
        Ok(Value::from(crate::printf::printf(
            any(v, 0),
            v.get(1..).unwrap_or_default(),
            &exec.budget,
        )?))
    }),
    ("trim", "s", |_, v| Ok(kept(any(v, 0), str::trim))),
    ("trimAll", "ss", |_, v| Ok(trimmed(v))),
    ("trimall", "ss", |_, v| Ok(trimmed(v))),
    ("trimSuffix", "ss", |_, v| {
        Ok(kept(any(v, 1), |text| text.strip_suffix(self::text(v, 0)).unwrap_or(text)))
    }),
    ("trimPrefix", "ss", |_, v| {
        Ok(kept(any(v, 1), |text| text.strip_prefix(self::text(v, 0)).unwrap_or(text)))
    }),
    ("trunc", "is", |_, v| Ok(truncate(any(v, 1), number(v, 0)))),
    ("substr", "iis", |_, v| substring(v)),
    ("quote", "*", quote),
    ("squote", "*", squote),
    ("cat", "*", cat),
    ("indent", "is", |exec, v| indent(exec, v, false)),
    ("nindent", "is", |exec, v| indent(exec, v, true)),
    ("replace", "sss", |exec, v| replace(exec, v)),
    ("repeat", "is", repeat),
    ("join", "sa", join),
    ("contains", "ss", |_, v| Ok(Value::from(text(v, 1).contains(text(v, 0))))),
    ("hasPrefix", "ss", |_, v| Ok(Value::from(text(v, 1).starts_with(text(v, 0))))),
    ("hasSuffix", "ss", |_, v| Ok(Value::from(text(v, 1).ends_with(text(v, 0))))),
    ("splitList", "ss", |exec, v| Ok(Value::list_of(ItemType::Text, split(exec, v, usize::MAX)?))),
    ("split", "ss", |exec, v| Ok(numbered(split(exec, v, usize::MAX)?))),
    ("splitn", "sis", |exec, v| {
        let arguments = [any(v, 0).clone(), any(v, 2).clone()];
        let count = usize::try_from(number(v, 1)).unwrap_or(usize::MAX);
        Ok(numbered(split(exec, &arguments, count)?))
    }),
];

/// The part of a text that a function keeps.
fn kept(value: &Value, part: impl Fn(&str) -> &str) -> Value {
    let Some(text) = value.as_str() else { return Value::NIL };
    let part = part(text);
    if part.len() == text.len() {
        return value.clone();
    }
    let start = part.as_ptr() as usize - text.as_ptr() as usize;
    let start = if part.is_empty() { 0 } else { start };
    value.slice(start..start + part.len())
}

fn trimmed(v: &[Value]) -> Value {
    let set: Vec<char> = text(v, 0).chars().collect();
    kept(any(v, 1), |text| text.trim_matches(set.as_slice()))
}

/// Some of a text's bytes, also parts of characters.
fn cut(value: &Value, range: Range<usize>) -> Value {
    let text = value.as_str().unwrap_or_default();
    if text.get(range.clone()).is_some() && !bytes::has_strays(text) {
        return value.slice(range);
    }
    let part = bytes::of_text(text).get(range).map(bytes::to_text).unwrap_or_default();
    Value::from(part).at(value.first_origin())
}

/// How many bytes a text has.
pub(super) fn byte_length(value: &Value) -> usize {
    bytes::of_text(value.as_str().unwrap_or_default()).len()
}

fn truncate(value: &Value, count: i64) -> Value {
    let (wanted, length) = (usize::try_from(count.unsigned_abs()), byte_length(value));
    match wanted {
        Ok(wanted) if wanted < length && count >= 0 => cut(value, 0..wanted),
        Ok(wanted) if wanted < length => cut(value, length - wanted..length),
        _ => value.clone(),
    }
}

fn substring(v: &[Value]) -> Outcome {
    let (start, end, value) = (number(v, 0), number(v, 1), any(v, 2));
    let length = i64::try_from(byte_length(value)).unwrap_or(i64::MAX);
    let (start, end) = if start < 0 {
        (0, end)
    } else if end < 0 || end > length {
        (start, length)
    } else {
        (start, end)
    };
    if start > end || end < 0 || end > length {
        return Err(format!("slice bounds out of range [{start}:{end}]"));
    }
    let (start, end) = (usize::try_from(start).unwrap_or(0), usize::try_from(end).unwrap_or(0));
    Ok(cut(value, start..end))
}

fn println(exec: &Exec, v: &[Value]) -> Outcome {
    let mut out = Buffer::default();
    for (position, value) in v.iter().enumerate() {
        if position > 0 {
            out.push(" ", value.origin);
        }
        print::push(value, &mut out, &exec.budget)?;
    }
    out.push("\n", any(v, 0).origin);
    Ok(Value::from(out))
}

fn quote(exec: &Exec, v: &[Value]) -> Outcome {
    let mut out = Buffer::default();
    for value in v.iter().filter(|value| !value.is_nil()) {
        if out.len() > 0 {
            out.push(" ", value.origin);
        }
        let value = string_of(exec, value)?;
        let Kind::Text(text) = &value.kind else { continue };
        out.push("\"", value.first_origin());
        for (part, origin) in text.parts(0..text.as_str().len(), value.origin) {
            let mut quoted = String::new();
            part.chars().for_each(|c| print::quote_char(c, &mut quoted));
            out.push(&quoted, origin);
        }
        out.push("\"", value.origin);
    }
    Ok(Value::from(out))
}

fn squote(exec: &Exec, v: &[Value]) -> Outcome {
    let mut out = Buffer::default();
    for value in v.iter().filter(|value| !value.is_nil()) {
        if out.len() > 0 {
            out.push(" ", value.origin);
        }
        out.push("'", value.first_origin());
        print::push(value, &mut out, &exec.budget)?;
        out.push("'", value.origin);
    }
    Ok(Value::from(out))
}

fn cat(exec: &Exec, v: &[Value]) -> Outcome {
    let mut out = Buffer::default();
    for value in v.iter().filter(|value| !value.is_nil()) {
        if out.len() > 0 {
            out.push(" ", value.origin);
        }
        print::push(value, &mut out, &exec.budget)?;
    }
    Ok(Value::from(out))
}

fn indent(exec: &Exec, v: &[Value], on_new_line: bool) -> Outcome {
    let value = any(v, 1);
    let Kind::Text(text) = &value.kind else { return Ok(Value::NIL) };
    let Ok(count) = usize::try_from(number(v, 0)) else {
        return Err("strings: negative Repeat count".to_owned());
    };
    let whole = text.as_str();
    let lines = whole.matches('\n').count() + 1;
    exec.budget.bytes(count.saturating_mul(lines))?;
    let pad = " ".repeat(count);
    let mut out = Buffer::default();
    if on_new_line {
        out.push("\n", value.first_origin());
    }
    let mut at = 0;
    for line in whole.split('\n') {
        // The indentation belongs to the line that it is for.
        out.push(&pad, text.origin_at(at, value.origin));
        let end = (at + line.len() + 1).min(whole.len());
        out.push_part(text, at..end, value.origin);
        at = end;
    }
    Ok(Value::from(out))
}

fn replace(exec: &Exec, v: &[Value]) -> Outcome {
    let (old, new, value) = (text(v, 0), any(v, 1), any(v, 2));
    let Kind::Text(marked) = &value.kind else { return Ok(Value::NIL) };
    let whole = marked.as_str();
    let Kind::Text(replacement) = &new.kind else { return Ok(Value::NIL) };
    let length = replacement.as_str().len();
    let mut out = Buffer::default();
    let mut at = 0;
    for (start, found) in whole.match_indices(old) {
        exec.budget.bytes(length + 16)?;
        out.push_part(marked, at..start, value.origin);
        let origin = marked.origin_at(start, value.origin);
        out.push_part(replacement, 0..length, new.origin.or(origin));
        at = start + found.len();
    }
    out.push_part(marked, at..whole.len(), value.origin);
    Ok(Value::from(out))
}

fn repeat(exec: &Exec, v: &[Value]) -> Outcome {
    let Ok(count) = usize::try_from(number(v, 0)) else {
        return Err("strings: negative Repeat count".to_owned());
    };
    exec.budget.bytes(text(v, 1).len().saturating_mul(count))?;
    Ok(Value::from(text(v, 1).repeat(count)).at(any(v, 1).first_origin()))
}

fn join(exec: &Exec, v: &[Value]) -> Outcome {
    let separator = any(v, 0);
    let mut out = Buffer::default();
    for (position, item) in list_of_strings(exec, any(v, 1))?.iter().enumerate() {
        if position > 0 {
            print::push(separator, &mut out, &exec.budget)?;
        }
        print::push(item, &mut out, &exec.budget)?;
    }
    Ok(Value::from(out))
}

/// The parts of the second text between the occurrences of the first.
fn split(exec: &Exec, v: &[Value], limit: usize) -> Result<Vec<Value>, String> {
    let (separator, value) = (text(v, 0), any(v, 1));
    let whole = text(v, 1);
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    let mut at = 0;
    if separator.is_empty() {
        for (start, c) in whole.char_indices() {
            exec.budget.nodes(1)?;
            if parts.len() + 1 == limit {
                parts.push(value.slice(start..whole.len()));
                return Ok(parts);
            }
            parts.push(value.slice(start..start + c.len_utf8()));
        }
        return Ok(parts);
    }
    for (start, found) in whole.match_indices(separator) {
        exec.budget.nodes(1)?;
        if parts.len() + 1 == limit {
            break;
        }
        parts.push(value.slice(at..start));
        at = start + found.len();
    }
    parts.push(value.slice(at..whole.len()));
    Ok(parts)
}

/// The map `_0`, `_1`, … that `split` returns.
fn numbered(parts: Vec<Value>) -> Value {
    let entries = parts.into_iter().enumerate();
    let map: crate::value::Map =
        entries.map(|(number, part)| (format!("_{number}").into(), part)).collect();
    Value::map_of(MapType::Texts, map)
}
