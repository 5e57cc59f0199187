//! Regular expressions in Go's syntax.

use regex::{Regex, RegexBuilder};

use super::opaque::Opaque;
use crate::lang::Str;
use crate::lang::declarations::Library;
use crate::lang::eval::{EvalError, Machine, NO_OVERLOAD};
use crate::lang::value::Value;

/// The largest compiled expression, in bytes.
const MAX_SIZE: usize = 1 << 20;

/// Compiles an expression in Go's syntax.
pub(crate) fn compile(pattern: &str) -> Result<Regex, EvalError> {
    RegexBuilder::new(&translated(pattern)).size_limit(MAX_SIZE).build().map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim();
        let reason = reason.strip_prefix("error: ").unwrap_or(reason);
        EvalError::new(format!("error parsing regexp: {reason}: `{pattern}`"))
    })
}

/// The expression in this program's syntax: classes such as `\d` are ASCII only in Go, and `[`,
/// `&&`, `--` and `~~` have no meaning in brackets.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern.chars().peekable();
    let mut in_class = false;
    // Whether a bracket closes the class, which it does not as the first character.
    let mut at_start = false;
    while let Some(character) = rest.next() {
        let starts = std::mem::take(&mut at_start);
        match character {
            '\\' => match rest.next() {
                Some(letter @ ('d' | 'w' | 's')) if in_class => out.push_str(class(letter)),
                Some(letter @ ('d' | 'w' | 's')) => {
                    out.push('[');
                    out.push_str(class(letter));
                    out.push(']');
                }
                Some(letter @ ('D' | 'W' | 'S')) => {
                    out.push_str("[^");
                    out.push_str(class(letter.to_ascii_lowercase()));
                    out.push(']');
                }
                Some('b') if !in_class => out.push_str("(?-u:\\b)"),
                Some('Q') if !in_class => {
                    let text: String = rest.by_ref().collect();
                    let (quoted, after) = text.split_once("\\E").unwrap_or((&text, ""));
                    out.push_str(&regex::escape(quoted));
                    out.push_str(&translated(after));
                }
                Some('z') if !in_class => out.push_str("\\z"),
                Some(other) => {
                    out.push('\\');
                    out.push(other);
                }
                None => out.push('\\'),
            },
            '[' if in_class => {
                if rest.peek() == Some(&':') {
                    out.push('[');
                    for inner in rest.by_ref() {
                        out.push(inner);
                        if inner == ']' {
                            break;
                        }
                    }
                } else {
                    out.push_str("\\[");
                }
            }
            '[' => {
                in_class = true;
                at_start = true;
                out.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
            }
            ']' if in_class && starts => out.push_str("\\]"),
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(character);
            }
            '-' if in_class && rest.peek() == Some(&'-') => out.push_str("\\-"),
            other => out.push(other),
        }
    }
    out
}

fn class(letter: char) -> &'static str {
    match letter {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        _ => "\\t\\n\\x0c\\r ",
    }
}

/// The functions whose pattern is compiled once if it is a literal, which is the second argument.
pub(crate) const WITH_PATTERN: &[&str] = &["matches", "find", "findAll"];

/// The text and the compiled expression of a call.
fn search<'v>(
    machine: &mut Machine<'_>,
    text: &'v Value,
    pattern: &Value,
) -> Result<Option<(&'v Str, Regex)>, EvalError> {
    let Value::String(text) = text else { return Ok(None) };
    machine.charge_bytes(text.len())?;
    match pattern {
        Value::Opaque(opaque) => match &**opaque {
            Opaque::Pattern(regex) => Ok(Some((text, regex.clone()))),
            _ => Ok(None),
        },
        Value::String(pattern) => {
            machine.charge(100 + pattern.len())?;
            Ok(Some((text, compile(pattern)?)))
        }
        _ => Ok(None),
    }
}

type Outcome = Result<Value, EvalError>;

fn matches(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let [text, pattern] = arguments else { return NO_OVERLOAD };
    match search(machine, text, pattern)? {
        Some((text, regex)) => Ok(Value::Bool(regex.is_match(text))),
        None => NO_OVERLOAD,
    }
}

fn find(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let [text, pattern] = arguments else { return NO_OVERLOAD };
    match search(machine, text, pattern)? {
        Some((text, regex)) => {
            Ok(Value::string(regex.find(text).map_or("", |found| found.as_str())))
        }
        None => NO_OVERLOAD,
    }
}

fn find_all(machine: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let (text, pattern, limit) = match arguments {
        [text, pattern] => (text, pattern, -1),
        [text, pattern, Value::Int(limit)] => (text, pattern, *limit),
        _ => return NO_OVERLOAD,
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    match search(machine, text, pattern)? {
        Some((text, regex)) => {
            machine.charge(text.len())?;
            let found = regex.find_iter(text).take(limit);
            Ok(Value::list(found.map(|found| Value::string(found.as_str())).collect()))
        }
        None => NO_OVERLOAD,
    }
}

pub(crate) const LIBRARY: Library = Library {
    signatures: "
        matches(string, string) bool
        @string matches(string) bool
        @string find(string) string
        @string findAll(string) list(string)
        @string findAll(string, int) list(string)
    ",
    natives: &[("matches", matches), ("find", find), ("findAll", find_all)],
};
