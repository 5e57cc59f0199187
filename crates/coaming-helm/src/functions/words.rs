//! Functions that rewrite text character by character: its origin is that of its first byte.

use super::{Outcome, Row, any, letters, number, text};
use crate::budget::Budget;
use crate::bytes;
use crate::value::{Kind, Value};

pub(super) const TABLE: &[Row] = &[
    ("hello", "", |_, _| Ok(Value::from("Hello!"))),
    ("upper", "s", |_, v| rewritten(v, 0, |text| text.chars().map(letters::upper).collect())),
    ("lower", "s", |_, v| rewritten(v, 0, |text| text.chars().map(letters::lower).collect())),
    ("title", "s", |_, v| rewritten(v, 0, |text| first_letters(text, true))),
    ("untitle", "s", |_, v| rewritten(v, 0, |text| first_letters(text, false))),
    ("nospace", "s", |_, v| rewritten_bytes(v, without_spaces)),
    ("initials", "s", |_, v| rewritten_bytes(v, initials)),
    ("swapcase", "s", |_, v| rewritten(v, 0, swap_case)),
    ("snakecase", "s", |_, v| rewritten(v, 0, |text| super::cases::separated(text, '_'))),
    ("kebabcase", "s", |_, v| rewritten(v, 0, |text| super::cases::separated(text, '-'))),
    ("camelcase", "s", |_, v| rewritten(v, 0, super::cases::camel)),
    ("wrap", "is", |_, v| rewritten(v, 1, |text| wrap(text, number(v, 0), "\n", false))),
    ("wrapWith", "iss", |_, v| {
        rewritten(v, 2, |whole| wrap(whole, number(v, 0), text(v, 1), true))
    }),
    ("abbrev", "is", |_, v| rewritten(v, 1, |text| abbreviate(text, 0, number(v, 0)))),
    ("abbrevboth", "iis", |_, v| {
        rewritten(v, 2, |text| abbreviate(text, number(v, 0), number(v, 1)))
    }),
    ("plural", "ssi", |_, v| Ok(any(v, usize::from(number(v, 2) != 1)).clone())),
    ("html", "*", |exec, v| {
        let text = printed(&exec.budget, v)?;
        let text = text.replace('&', "&amp;").replace('\'', "&#39;").replace('<', "&lt;");
        let text = text.replace('>', "&gt;").replace('"', "&#34;");
        Ok(Value::from(text.replace('\0', "\u{fffd}")).at(any(v, 0).first_origin()))
    }),
    ("js", "*", |exec, v| {
        let text = printed(&exec.budget, v)?;
        Ok(Value::from(javascript(&text)).at(any(v, 0).first_origin()))
    }),
    ("urlquery", "*", |exec, v| {
        let text = printed(&exec.budget, v)?;
        Ok(Value::from(super::paths::query_escape(&text)).at(any(v, 0).first_origin()))
    }),
];

/// Arguments of the escaping functions as one text: for them, nothing is what a template shows of it.
fn printed(budget: &Budget, v: &[Value]) -> Result<String, String> {
    let shown = |value: &Value| match value.kind {
        Kind::Nil => Value::from("<no value>"),
        _ => value.clone(),
    };
    let shown: Vec<Value> = v.iter().map(shown).collect();
    Ok(crate::print::print(&shown, budget)?.text)
}

/// A text that is made of the characters of another: bytes that are not part of one become the
/// replacement character, as in Go.
fn rewritten(v: &[Value], index: usize, with: impl Fn(&str) -> String) -> Outcome {
    let made = with(&bytes::replaced(text(v, index)));
    Ok(Value::from(made).at(any(v, index).first_origin()))
}

/// A text that is made of the bytes of another.
fn rewritten_bytes(v: &[Value], with: fn(&str) -> String) -> Outcome {
    Ok(Value::from(with(text(v, 0))).at(any(v, 0).first_origin()))
}

fn first_letters(text: &str, upper: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut previous = ' ';
    for c in text.chars() {
        let starts = if upper {
            if previous.is_ascii() {
                !(previous.is_ascii_alphanumeric() || previous == '_')
            } else {
                previous.is_whitespace()
            }
        } else {
            previous.is_whitespace()
        };
        match (starts, upper) {
            (true, true) => out.push(letters::title(c)),
            (true, false) => out.push(letters::lower(c)),
            _ => out.push(c),
        }
        previous = c;
    }
    out
}

/// The bytes of a text, each taken for a character, as some of Sprig's functions do.
fn characters_of_bytes(text: &str) -> impl Iterator<Item = char> {
    bytes::of_text(text).into_owned().into_iter().map(char::from)
}

/// A text that has no spaces stays as it is; of another, each byte becomes a character.
fn without_spaces(text: &str) -> String {
    if !characters_of_bytes(text).any(char::is_whitespace) {
        return text.to_owned();
    }
    characters_of_bytes(text).filter(|c| !c.is_whitespace()).collect()
}

/// The first byte of each word, as a character.
fn initials(text: &str) -> String {
    let mut out = String::new();
    let mut is_first = true;
    for c in characters_of_bytes(text) {
        let is_space = c.is_whitespace();
        if is_first && !is_space {
            out.push(c);
        }
        is_first = is_space;
    }
    out
}

fn swap_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let is_upper = c.is_uppercase() || letters::is_title(c);
        out.push(if is_upper { letters::lower(c) } else { letters::upper(c) });
    }
    out
}

/// `goutils.Wrap`: breaks lines at blanks.
fn wrap(text: &str, width: i64, line_break: &str, long_words: bool) -> String {
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let chars: Vec<char> = text.chars().collect();
    let line_break = if line_break.is_empty() { "\n" } else { line_break };
    let mut out = String::new();
    let mut at = 0;
    while chars.len() - at > width {
        if chars[at] == ' ' {
            at += 1;
            continue;
        }
        let end = at + width + 1;
        let space = chars[at..end].iter().rposition(|c| *c == ' ').map(|space| at + space);
        match space {
            Some(space) if space >= at => {
                out.extend(&chars[at..space]);
                out.push_str(line_break);
                at = space + 1;
            }
            _ if long_words => {
                out.extend(&chars[at..at + width]);
                out.push_str(line_break);
                at += width;
            }
            _ => match chars[at + width..].iter().position(|c| *c == ' ') {
                Some(space) => {
                    out.extend(&chars[at..at + width + space]);
                    out.push_str(line_break);
                    at += width + space + 1;
                }
                None => break,
            },
        }
    }
    out.extend(&chars[at..]);
    out
}

/// `goutils.AbbreviateFull`.
fn abbreviate(text: &str, offset: i64, width: i64) -> String {
    let chars: Vec<char> = text.chars().collect();
    let length = i64::try_from(chars.len()).unwrap_or(i64::MAX);
    if width < 4 || (offset > 0 && width < 7) || length <= width {
        return text.to_owned();
    }
    let part = |from: i64, to: i64| -> String {
        let from = usize::try_from(from).unwrap_or(0).min(chars.len());
        let to = usize::try_from(to).unwrap_or(0).clamp(from, chars.len());
        chars[from..to].iter().collect()
    };
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    if offset <= 4 {
        return format!("{}...", part(0, width - 3));
    }
    if offset + width - 3 < length {
        let inner = width - 3;
        return format!("...{}...", part(offset, offset + inner - 3));
    }
    format!("...{}", part(length - (width - 3), length))
}

fn javascript(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' => out.push_str("\\u003C"),
            '>' => out.push_str("\\u003E"),
            '&' => out.push_str("\\u0026"),
            '=' => out.push_str("\\u003D"),
            c if c < ' ' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}
