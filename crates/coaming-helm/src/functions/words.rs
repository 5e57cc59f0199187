//! Functions that rewrite text character by character: its origin is that of its first byte.

use super::{Outcome, Row, any, number, text};
use crate::budget::Budget;
use crate::value::{Kind, Value};

pub(super) const TABLE: &[Row] = &[
    ("hello", "", |_, _| Ok(Value::from("Hello!"))),
    ("upper", "s", |_, v| rewritten(v, 0, |text| text.to_uppercase())),
    ("lower", "s", |_, v| rewritten(v, 0, |text| text.to_lowercase())),
    ("title", "s", |_, v| rewritten(v, 0, |text| first_letters(text, true))),
    ("untitle", "s", |_, v| rewritten(v, 0, |text| first_letters(text, false))),
    // Each byte is taken for a character.
    ("nospace", "s", |_, v| {
        let kept = |text: &str| {
            text.bytes().map(char::from).filter(|c| !c.is_whitespace()).collect::<String>()
        };
        rewritten(v, 0, kept)
    }),
    ("initials", "s", |_, v| rewritten(v, 0, initials)),
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
        Ok(Value::from(text.replace('>', "&gt;").replace('"', "&#34;"))
            .at(any(v, 0).first_origin()))
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

/// A text that is made of another.
fn rewritten(v: &[Value], index: usize, with: impl Fn(&str) -> String) -> Outcome {
    Ok(Value::from(with(text(v, index))).at(any(v, index).first_origin()))
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
            (true, true) => out.extend(c.to_uppercase()),
            (true, false) => out.extend(c.to_lowercase()),
            _ => out.push(c),
        }
        previous = c;
    }
    out
}

fn initials(text: &str) -> String {
    text.split_whitespace().filter_map(|word| word.chars().next()).collect()
}

fn swap_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_uppercase() {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
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
