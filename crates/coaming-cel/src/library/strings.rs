//! Functions on strings.

use super::format;
use crate::lang::declarations::Library;
use crate::lang::eval::{EvalError, Machine, NO_OVERLOAD};
use crate::lang::value::Value;

type Outcome = Result<Value, EvalError>;

fn int(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn out_of_range(index: i64) -> EvalError {
    EvalError::new(format!("index out of range: {index}"))
}

/// An index into a text of this many characters.
fn index(index: i64, length: usize) -> Result<usize, EvalError> {
    usize::try_from(index).ok().filter(|at| *at <= length).ok_or_else(|| out_of_range(index))
}

fn test(
    machine: &mut Machine<'_>,
    arguments: &[Value],
    accepts: fn(&str, &str) -> bool,
) -> Outcome {
    let [Value::String(text), Value::String(part)] = arguments else { return NO_OVERLOAD };
    machine.charge_bytes(text.len())?;
    Ok(Value::Bool(accepts(text, part)))
}

fn char_at(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let [Value::String(text), Value::Int(at)] = arguments else { return NO_OVERLOAD };
    let position = index(*at, text.chars().count())?;
    let found: String = text.chars().skip(position).take(1).collect();
    Ok(Value::string(&found))
}

/// The position of a part, in characters.
fn position_of(machine: &mut Machine<'_>, arguments: &[Value], last: bool) -> Outcome {
    let (text, part, from) = match arguments {
        [Value::String(text), Value::String(part)] => (text, part, None),
        [Value::String(text), Value::String(part), Value::Int(from)] => (text, part, Some(*from)),
        _ => return NO_OVERLOAD,
    };
    machine.charge_bytes(text.len())?;
    let text: Vec<char> = text.chars().collect();
    let part: Vec<char> = part.chars().collect();
    if part.is_empty() && from.is_none() {
        return Ok(int(if last { text.len() } else { 0 }));
    }
    let from = match from {
        Some(from) if from < 0 => return Err(out_of_range(from)),
        Some(from) if part.is_empty() => return Ok(Value::Int(from)),
        Some(from) => usize::try_from(from).unwrap_or(usize::MAX),
        None if last => text.len(),
        None => 0,
    };
    machine.charge(text.len().saturating_mul(part.len()) / 100)?;
    let mut windows = text.windows(part.len());
    let found = if last {
        text.windows(part.len()).take(from.saturating_add(1)).rposition(|window| window == part)
    } else {
        windows.by_ref().skip(from).position(|window| window == part).map(|at| at + from)
    };
    Ok(found.map_or(Value::Int(-1), int))
}

fn index_of(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    position_of(machine, arguments, false)
}

fn last_index_of(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    position_of(machine, arguments, true)
}

fn mapped(machine: &mut Machine<'_>, arguments: &[Value], apply: fn(&str) -> String) -> Outcome {
    let [Value::String(text)] = arguments else { return NO_OVERLOAD };
    machine.charge_bytes(text.len())?;
    Ok(Value::String(apply(text).into()))
}

fn replace(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let (text, old, new, limit) = match arguments {
        [Value::String(text), Value::String(old), Value::String(new)] => (text, old, new, -1),
        [Value::String(text), Value::String(old), Value::String(new), Value::Int(limit)] => {
            (text, old, new, *limit)
        }
        _ => return NO_OVERLOAD,
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let count = text.matches(&**old).count().min(limit);
    machine.charge_bytes(text.len() + count.saturating_mul(new.len()))?;
    Ok(Value::String(text.replacen(&**old, new, limit).into()))
}

fn split(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let (text, separator, limit) = match arguments {
        [Value::String(text), Value::String(separator)] => (text, separator, -1),
        [Value::String(text), Value::String(separator), Value::Int(limit)] => {
            (text, separator, *limit)
        }
        _ => return NO_OVERLOAD,
    };
    machine.charge(text.len())?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let parts: Vec<Value> = if limit == 0 {
        Vec::new()
    } else if separator.is_empty() {
        // Between all characters.
        let mut parts = Vec::new();
        let mut rest = &**text;
        while let Some(first) = rest.chars().next() {
            if parts.len() + 1 == limit {
                break;
            }
            let (head, tail) = rest.split_at(first.len_utf8());
            parts.push(Value::string(head));
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(Value::string(rest));
        }
        parts
    } else {
        text.splitn(limit, &**separator).map(Value::string).collect()
    };
    Ok(Value::list(parts))
}

fn substring(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let (text, start, end) = match arguments {
        [Value::String(text), Value::Int(start)] => (text, *start, None),
        [Value::String(text), Value::Int(start), Value::Int(end)] => (text, *start, Some(*end)),
        _ => return NO_OVERLOAD,
    };
    machine.charge_bytes(text.len())?;
    let length = text.chars().count();
    if let Some(end) = end
        && start > end
    {
        return Err(EvalError::new(format!("invalid substring range. start: {start}, end: {end}")));
    }
    let from = index(start, length)?;
    let to = end.map_or(Ok(length), |end| index(end, length))?;
    let part: String = text.chars().skip(from).take(to - from).collect();
    Ok(Value::string(&part))
}

fn join(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let (list, separator) = match arguments {
        [Value::List(list)] => (list, ""),
        [Value::List(list), Value::String(separator)] => (list, &**separator),
        _ => return NO_OVERLOAD,
    };
    let mut parts = Vec::with_capacity(list.len());
    for element in &**list {
        let Value::String(text) = element else { return NO_OVERLOAD };
        machine.charge_bytes(text.len() + separator.len())?;
        parts.push(&**text);
    }
    Ok(Value::String(parts.join(separator).into()))
}

fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

pub(crate) const LIBRARY: Library = Library {
    signatures: "
        @string contains(string) bool
        @string endsWith(string) bool
        @string startsWith(string) bool
        @string charAt(int) string
        @string indexOf(string) int
        @string indexOf(string, int) int
        @string lastIndexOf(string) int
        @string lastIndexOf(string, int) int
        @string lowerAscii() string
        @string upperAscii() string
        @string replace(string, string) string
        @string replace(string, string, int) string
        @string split(string) list(string)
        @string split(string, int) list(string)
        @string substring(int) string
        @string substring(int, int) string
        @string trim() string
        @string format(list(dyn)) string
        @list(string) join() string
        @list(string) join(string) string
        strings.quote(string) string
    ",
    natives: &[
        ("contains", |machine, arguments| {
            test(machine, arguments, |text, part| text.contains(part))
        }),
        ("endsWith", |machine, arguments| {
            test(machine, arguments, |text, part| text.ends_with(part))
        }),
        ("startsWith", |machine, arguments| {
            test(machine, arguments, |text, part| text.starts_with(part))
        }),
        ("charAt", char_at),
        ("indexOf", index_of),
        ("lastIndexOf", last_index_of),
        ("lowerAscii", |machine, arguments| mapped(machine, arguments, str::to_ascii_lowercase)),
        ("upperAscii", |machine, arguments| mapped(machine, arguments, str::to_ascii_uppercase)),
        ("replace", replace),
        ("split", split),
        ("substring", substring),
        ("trim", |machine, arguments| mapped(machine, arguments, |text| text.trim().to_owned())),
        ("format", format::format),
        ("join", join),
        ("strings.quote", |machine, arguments| mapped(machine, arguments, quote)),
    ],
};
