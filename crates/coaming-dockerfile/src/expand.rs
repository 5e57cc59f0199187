//! Variables in arguments: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:+instead}`.

use std::collections::BTreeMap;

/// What is known of the variables: `None` where one exists but only the build knows its value.
pub(crate) type Variables = BTreeMap<String, Option<String>>;

/// How deep defaults in defaults are followed.
const MAX_NESTING: usize = 8;

/// The text with all variables filled in; `None` where only the build knows.
pub(crate) fn expand(text: &str, variables: &Variables) -> Option<String> {
    expand_nested(text, variables, MAX_NESTING)
}

fn expand_nested(text: &str, variables: &Variables, depth: usize) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(rest.get(..at)?);
        rest = rest.get(at + 1..)?;
        if let Some(inner) = rest.strip_prefix('{') {
            let end = closing(inner)?;
            out.push_str(&parameter(inner.get(..end)?, variables, depth.checked_sub(1)?)?);
            rest = inner.get(end + 1..)?;
        } else {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            let (name, behind) = rest.split_at(length);
            if name.is_empty() {
                out.push('$');
            } else {
                out.push_str(&value(name, variables)?);
            }
            rest = behind;
        }
    }
    out.push_str(rest);
    Some(out)
}

/// Where the brace closes that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// A variable that nobody declared is empty; a declared one may be unknown.
fn value(name: &str, variables: &Variables) -> Option<String> {
    variables.get(name).map_or_else(|| Some(String::new()), Clone::clone)
}

fn parameter(inner: &str, variables: &Variables, depth: usize) -> Option<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let length = inner.find(|c| !is_name(c)).unwrap_or(inner.len());
    let (name, operator) = inner.split_at(length);
    let known = variables.get(name);
    let or_default = |default: &str| expand_nested(default, variables, depth);
    match operator.get(..2).unwrap_or(operator) {
        "" => value(name, variables),
        // What a build sets instead of an unset argument is not known; its default is.
        ":-" => match known {
            Some(Some(value)) if !value.is_empty() => Some(value.clone()),
            _ => or_default(operator.get(2..)?),
        },
        ":+" => match known {
            Some(Some(value)) if !value.is_empty() => or_default(operator.get(2..)?),
            Some(None) => None,
            _ => Some(String::new()),
        },
        _ if operator.starts_with('-') => match known {
            Some(Some(value)) => Some(value.clone()),
            _ => or_default(operator.get(1..)?),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_in_what_is_known() {
        let mut variables = Variables::new();
        variables.insert("A".to_owned(), Some("1".to_owned()));
        variables.insert("B".to_owned(), None);
        for (text, expected) in [
            ("x:$A-y", Some("x:1-y")),
            ("${A}${C}", Some("1")),
            ("$B", None),
            ("${B:-2}", Some("2")),
            ("${C:-${A}.3}", Some("1.3")),
            ("${A:+z}${C:+z}", Some("z")),
            ("${A-0}${C-4}", Some("14")),
            ("${A#prefix}", None),
            ("${A", None),
            ("cost $", Some("cost $")),
        ] {
            assert_eq!(expand(text, &variables).as_deref(), expected, "{text}");
        }
        let deep = "${X:-".repeat(1000) + &"}".repeat(1000);
        assert_eq!(expand(&deep, &variables), None);
    }
}
