//! `string.format`: clauses such as `%s` and `%.2f`.

use crate::lang::Mistake;
use crate::lang::eval::{EvalError, Machine, NO_OVERLOAD};
use crate::lang::number::general;
use crate::lang::time::show_duration;
use crate::lang::types::Type;
use crate::lang::value::Value;

/// A part of a format.
#[derive(Debug, PartialEq)]
enum Part {
    Text(String),
    /// A clause, with its precision.
    Clause(char, Option<usize>),
}

/// The highest precision: upstream's limit.
const MAX_PRECISION: usize = 1000;

/// Splits a format into its parts.
fn parts(format: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = format.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        if rest.peek() == Some(&'%') {
            rest.next();
            text.push('%');
            continue;
        }
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        let mut precision = None;
        if rest.peek() == Some(&'.') {
            rest.next();
            let mut digits = String::new();
            while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            let number = digits.parse().ok().filter(|number| *number <= MAX_PRECISION);
            precision = Some(
                number.ok_or("could not parse formatting clause: error while parsing precision")?,
            );
        }
        let Some(clause) = rest.next() else { return Err("unexpected end of string".to_owned()) };
        if !matches!(clause, 's' | 'd' | 'f' | 'e' | 'b' | 'x' | 'X' | 'o') {
            return Err(format!(
                "could not parse formatting clause: unrecognized formatting clause \"{clause}\""
            ));
        }
        parts.push(Part::Clause(clause, precision));
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

/// Checks a literal format against the places and types of its literal arguments.
pub(crate) fn check(
    text: &str,
    at: u32,
    list_at: u32,
    arguments: &[(u32, Type)],
) -> Result<(), Mistake> {
    let mut wanted = 0;
    for part in parts(text).map_err(|message| Mistake { at, message })? {
        let Part::Clause(clause, _) = part else { continue };
        let Some((at, of)) = arguments.get(wanted) else {
            return Err(Mistake { at: list_at, message: format!("index {wanted} out of range") });
        };
        if let Some(message) = refusal(clause, of) {
            return Err(Mistake { at: *at, message });
        }
        wanted += 1;
    }
    if arguments.len() > wanted {
        return Err(Mistake { at: list_at, message: too_many(wanted, arguments.len()) });
    }
    Ok(())
}

fn too_many(wanted: usize, found: usize) -> String {
    format!("too many arguments supplied to string.format (expected {wanted}, got {found})")
}

/// The complaint about an argument of this type, if the clause does not take it.
fn refusal(clause: char, of: &Type) -> Option<String> {
    let Type::Named(name, _) = of else { return None };
    let takes = match clause {
        's' => {
            !name.contains("kubernetes.") && !name.starts_with("net.") && &**name != "optional_type"
        }
        'd' | 'o' => matches!(&**name, "int" | "uint"),
        'b' => matches!(&**name, "int" | "uint" | "bool"),
        'x' | 'X' => matches!(&**name, "int" | "uint" | "string" | "bytes"),
        // A text may be `NaN` or `Infinity`, which only its value tells.
        _ => matches!(&**name, "double" | "string"),
    };
    (!takes).then(|| complaint(clause, name))
}

fn complaint(clause: char, of: &str) -> String {
    let what = match clause {
        's' => {
            "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, \
             types, durations, and timestamps"
        }
        'd' => "decimal clause can only be used on integers",
        'o' => "octal clause can only be used on integers",
        'b' => "only integers and bools can be formatted as binary",
        'x' | 'X' => "only integers, byte buffers, and strings can be formatted as hex",
        'f' => "fixed-point clause can only be used on doubles",
        _ => "scientific clause can only be used on doubles",
    };
    format!("error during formatting: {what}, was given {of}")
}

pub(crate) fn format(machine: &mut Machine<'_>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [Value::String(format), Value::List(values)] = arguments else { return NO_OVERLOAD };
    let parts = parts(format).map_err(EvalError::new)?;
    let mut out = String::new();
    let mut position = 0;
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(&text),
            Part::Clause(clause, precision) => {
                let value = values
                    .get(position)
                    .ok_or_else(|| EvalError::new(format!("index {position} out of range")))?;
                position += 1;
                let refused = || EvalError::new(complaint(clause, value.type_name()));
                out.push_str(&apply(clause, precision, value).ok_or_else(refused)?);
            }
        }
        machine.charge_bytes(out.len())?;
    }
    if position < values.len() {
        return Err(EvalError::new(too_many(position, values.len())));
    }
    Ok(Value::String(out.into()))
}

fn apply(clause: char, precision: Option<usize>, value: &Value) -> Option<String> {
    Some(match (clause, value) {
        ('s', value) => show(value, false)?,
        ('d', Value::Int(number)) => number.to_string(),
        ('d', Value::Uint(number)) => number.to_string(),
        ('b', Value::Bool(value)) => u8::from(*value).to_string(),
        ('f', Value::Double(number)) => match special(*number) {
            Some(text) => text.to_owned(),
            None => grouped(&format!("{number:.*}", precision.unwrap_or(6))),
        },
        ('e', Value::Double(number)) => scientific(*number),
        ('f' | 'e', Value::String(text)) => {
            let number = match &**text {
                "NaN" => f64::NAN,
                "Infinity" => f64::INFINITY,
                "-Infinity" => f64::NEG_INFINITY,
                _ => return None,
            };
            special(number)?.to_owned()
        }
        ('x' | 'X', Value::String(text)) => hex(text.as_bytes(), clause),
        ('x' | 'X', Value::Bytes(bytes)) => hex(bytes, clause),
        (_, Value::Int(number)) => {
            let sign = if *number < 0 { "-" } else { "" };
            format!("{sign}{}", radix(clause, number.unsigned_abs())?)
        }
        (_, Value::Uint(number)) => radix(clause, *number)?,
        _ => return None,
    })
}

/// With a comma between groups of three digits, as upstream prints `%f` for readers.
fn grouped(text: &str) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let whole = digits.find('.').unwrap_or(digits.len());
    let mut out = String::from(sign);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && position < whole && (whole - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn special(number: f64) -> Option<&'static str> {
    if number.is_nan() {
        Some("NaN")
    } else if number.is_infinite() {
        Some(if number > 0.0 { "∞" } else { "-∞" })
    } else {
        None
    }
}

fn radix(clause: char, number: u64) -> Option<String> {
    Some(match clause {
        'b' => format!("{number:b}"),
        'o' => format!("{number:o}"),
        'x' => format!("{number:x}"),
        'X' => format!("{number:X}"),
        _ => return None,
    })
}

fn hex(bytes: &[u8], clause: char) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if clause == 'X' { digits.to_uppercase() } else { digits }
}

/// As upstream prints for readers: `1.500000×10⁰³`.
fn scientific(number: f64) -> String {
    if let Some(text) = special(number) {
        return text.to_owned();
    }
    let text = format!("{number:.6e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let raised = |digit: char| {
        let digit = digit.to_digit(10).unwrap_or(0) as usize;
        "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit).unwrap_or('⁰')
    };
    let sign = if exponent < 0 { "⁻" } else { "" };
    let exponent: String = format!("{:02}", exponent.abs()).chars().map(raised).collect();
    format!("{digits}×10{sign}{exponent}")
}

/// A value as `%s` shows it; parts of lists and maps are shown as literals.
fn show(value: &Value, is_part: bool) -> Option<String> {
    Some(match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(number) if is_part => match special(*number) {
            Some(text) => text.to_owned(),
            None => format!("{number:.6}"),
        },
        Value::Double(number) => general(*number),
        Value::String(text) if is_part => format!("\"{text}\""),
        Value::String(text) => text.to_string(),
        Value::Bytes(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            if is_part { format!("b\"{text}\"") } else { text.into_owned() }
        }
        Value::Duration(nanos) => wrapped("duration", show_duration(*nanos), is_part),
        Value::Timestamp(time) => wrapped("timestamp", time.show(), is_part),
        Value::Type(name) => name.to_string(),
        Value::List(list) => {
            let parts: Option<Vec<String>> = list.iter().map(|part| show(part, true)).collect();
            format!("[{}]", parts?.join(", "))
        }
        Value::Map(map) => {
            let entry = |(key, value): &(Value, Value)| {
                Some(format!("{}:{}", show(key, true)?, show(value, true)?))
            };
            let parts: Option<Vec<String>> = map.entries().iter().map(entry).collect();
            format!("{{{}}}", parts?.join(", "))
        }
        Value::Optional(_) | Value::Opaque(_) => return None,
    })
}

fn wrapped(name: &str, text: String, is_part: bool) -> String {
    if is_part { format!("{name}(\"{text}\")") } else { text }
}
