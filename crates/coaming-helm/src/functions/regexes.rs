//! Regular expressions.

use regex::Regex;

use super::{Outcome, Row, any, number, text};
use crate::bytes;
use crate::template::Exec;
use crate::value::{ItemType, Value};

pub(super) const TABLE: &[Row] = &[
    ("regexMatch", "ss", |_, v| {
        Ok(Value::from(compile(v).is_ok_and(|regex| regex.is_match(text(v, 1)))))
    }),
    ("mustRegexMatch", "ss", |_, v| Ok(Value::from(compile(v)?.is_match(text(v, 1))))),
    ("regexFind", "ss", |_, v| find(v)),
    ("mustRegexFind", "ss", |_, v| find(v)),
    ("regexFindAll", "ssi", find_all),
    ("mustRegexFindAll", "ssi", find_all),
    ("regexReplaceAll", "sss", |exec, v| replace(exec, v, false)),
    ("mustRegexReplaceAll", "sss", |exec, v| replace(exec, v, false)),
    ("regexReplaceAllLiteral", "sss", |exec, v| replace(exec, v, true)),
    ("mustRegexReplaceAllLiteral", "sss", |exec, v| replace(exec, v, true)),
    ("regexSplit", "ssi", split),
    ("mustRegexSplit", "ssi", split),
    ("regexQuoteMeta", "s", |_, v| {
        let mut quoted = String::new();
        for c in text(v, 0).chars() {
            if r"\.+*?()|[]{}^$".contains(c) {
                quoted.push('\\');
            }
            quoted.push(c);
        }
        Ok(Value::from(quoted).at(any(v, 0).first_origin()))
    }),
];

/// The largest compiled expression, in bytes.
const MAX_SIZE: usize = 4 << 20;

fn compile(v: &[Value]) -> Result<Regex, String> {
    if bytes::has_strays(text(v, 0)) {
        return Err("error parsing regexp: invalid UTF-8".to_owned());
    }
    regex::RegexBuilder::new(&translated(text(v, 0)))
        .size_limit(MAX_SIZE)
        .build()
        .map_err(|error| format!("regexp: Compile(`{}`): {error}", text(v, 0)))
}

/// An expression of Go's in the syntax of the crate `regex`: Go's classes are ASCII, a `[` in a class
/// and a brace that does not repeat are characters, and classes have no operations.
fn translated(pattern: &str) -> String {
    let mut out = String::new();
    let mut chars = pattern.char_indices().peekable();
    let mut in_class = false;
    while let Some((at, c)) = chars.next() {
        let rest = pattern.get(at..).unwrap_or_default();
        match c {
            '\\' => match chars.next() {
                Some((at, escaped)) => {
                    escape(escaped, in_class, &mut out);
                    // `\p{Greek}`, `\x{10ffff}`
                    let rest = pattern.get(at + 1..).unwrap_or_default();
                    if matches!(escaped, 'p' | 'P' | 'x') && rest.starts_with('{') {
                        let name = rest.split_inclusive('}').next().unwrap_or_default();
                        out.push_str(name);
                        while chars.next_if(|(next, _)| *next <= at + name.len()).is_some() {}
                    }
                }
                None => out.push('\\'),
            },
            '[' if in_class && rest.starts_with("[:") && rest.contains(":]") => {
                let name = rest.split_inclusive(":]").next().unwrap_or_default();
                out.push_str(name);
                while chars.next_if(|(next, _)| *next < at + name.len()).is_some() {}
            }
            '[' if in_class => out.push_str("\\["),
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            '[' => {
                in_class = true;
                out.push(c);
                if chars.next_if(|(_, next)| *next == '^').is_some() {
                    out.push('^');
                }
                // The first `]` is a character of the class.
                if chars.next_if(|(_, next)| *next == ']').is_some() {
                    out.push_str("\\]");
                }
            }
            ']' => {
                out.push_str(if in_class { "]" } else { "\\]" });
                in_class = false;
            }
            '{' if !in_class && !is_repetition(rest) => out.push_str("\\{"),
            _ => out.push(c),
        }
    }
    out
}

/// What is after a backslash.
fn escape(escaped: char, in_class: bool, out: &mut String) {
    match escaped {
        'd' => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str(if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str(if in_class { r"\t\n\f\r " } else { r"[\t\n\f\r ]" }),
        'S' => out.push_str(r"[^\t\n\f\r ]"),
        'b' if !in_class => out.push_str(r"(?-u:\b)"),
        '<' | '>' => out.push(escaped),
        _ => {
            out.push('\\');
            out.push(escaped);
        }
    }
}

/// Whether a text starts with `{2}`, `{2,}` or `{2,3}`.
fn is_repetition(text: &str) -> bool {
    let Some((inside, _)) = text.get(1..).unwrap_or_default().split_once('}') else { return false };
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}

fn find(v: &[Value]) -> Outcome {
    match compile(v)?.find(text(v, 1)) {
        Some(found) => Ok(any(v, 1).slice(found.range())),
        None => Ok(Value::from("")),
    }
}

fn find_all(exec: &Exec, v: &[Value]) -> Outcome {
    let limit = usize::try_from(number(v, 2)).unwrap_or(usize::MAX);
    let regex = compile(v)?;
    let mut found = Vec::new();
    for part in regex.find_iter(text(v, 1)).take(limit) {
        exec.budget.nodes(1)?;
        found.push(any(v, 1).slice(part.range()));
    }
    if found.is_empty() {
        return Ok(Value::nil_list(ItemType::Text));
    }
    Ok(Value::list_of(ItemType::Text, found))
}

fn replace(exec: &Exec, v: &[Value], literally: bool) -> Outcome {
    let regex = compile(v)?;
    let (whole, replacement) = (text(v, 1), text(v, 2));
    let mut out = crate::text::Buffer::default();
    let crate::value::Kind::Text(marked) = &any(v, 1).kind else { return Ok(Value::NIL) };
    let origin = any(v, 1).origin;
    let mut at = 0;
    for captures in regex.captures_iter(whole) {
        let Some(found) = captures.get(0) else { continue };
        let mut expanded = String::new();
        if literally {
            expanded.push_str(replacement);
        } else {
            captures.expand(replacement, &mut expanded);
        }
        exec.budget.bytes(expanded.len() + 16)?;
        out.push_part(marked, at..found.start(), origin);
        out.push(&expanded, marked.origin_at(found.start(), origin));
        at = found.end();
    }
    out.push_part(marked, at..whole.len(), origin);
    Ok(Value::from(out))
}

fn split(exec: &Exec, v: &[Value]) -> Outcome {
    let limit = number(v, 2);
    if limit == 0 {
        return Ok(Value::nil_list(ItemType::Text));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (regex, whole) = (compile(v)?, text(v, 1));
    if whole.is_empty() && !text(v, 0).is_empty() {
        return Ok(Value::list_of(ItemType::Text, vec![any(v, 1).clone()]));
    }
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for found in regex.find_iter(whole) {
        exec.budget.nodes(1)?;
        if parts.len() + 1 == limit {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(any(v, 1).slice(start..end));
        }
        start = found.end();
    }
    if end != whole.len() {
        parts.push(any(v, 1).slice(start..whole.len()));
    }
    Ok(Value::list_of(ItemType::Text, parts))
}
