//! String literals that programs join: over several lines, by an operator, or because they follow
//! each other.

use std::ops::Range;

/// How many literals are joined, and how far apart they may be.
const MAX_PARTS: usize = 64;
const MAX_GAP: usize = 200;

/// How long the joined text may be.
const MAX_LENGTH: usize = 8 << 10;

/// Operators that join texts.
const OPERATORS: &[&[u8]] = &[b"++", b"+", b"..", b".", b"<>", b"&", b"\\"];

/// What may be before the quote of a literal.
const MARKS: &[&[u8]] = &[b"r", b"u", b"b", b"L", b"@"];

/// The text of literals of which the inside of the first one is given, and where all are in the
/// text; `None` if the first one is alone. `is_program` allows that no operator is between them.
pub(crate) fn literals(
    text: &[u8],
    first: &Range<usize>,
    is_program: bool,
) -> Option<(Range<usize>, String)> {
    let quote = *text.get(first.end).filter(|quote| b"\"'`".contains(quote))?;
    // Three quotes are one literal.
    if first.start.checked_sub(1).and_then(|at| text.get(at)) != Some(&quote)
        || text.get(first.end + 1) == Some(&quote)
    {
        return None;
    }
    let mut joined = text.get(first.clone())?.to_vec();
    let mut end = first.end;
    for _ in 1..MAX_PARTS {
        let Some(next) = next(text, end + 1, is_program) else { break };
        joined.extend_from_slice(text.get(next.clone())?);
        end = next.end;
        if joined.len() > MAX_LENGTH {
            break;
        }
    }
    let joined = String::from_utf8(joined).ok()?;
    (end > first.end).then_some((first.start..end, joined))
}

/// How many bytes come before the quote of a literal on a line of its own, from the sign of its
/// assignment: `= (`, `= \`, or nothing before the line break.
pub(crate) fn on_next_line(rest: &[u8]) -> Option<usize> {
    let window = rest.get(..rest.len().min(MAX_GAP))?;
    let opened = window.trim_ascii_start();
    let inner = opened.strip_prefix(b"(").or_else(|| opened.strip_prefix(b"\\")).unwrap_or(opened);
    let at = window.len() - inner.trim_ascii_start().len();
    let mark = mark(rest.get(at..)?)?;
    let before = rest.get(..at)?;
    if !before.contains(&b'\n') {
        return None;
    }
    let is_alone = !before.contains(&b'(') || is_closed(rest, at + mark);
    is_alone.then_some(at + mark)
}

/// Whether nothing but literals is before the parenthesis that closes.
fn is_closed(text: &[u8], quote: usize) -> bool {
    let Some(mut inner) = inside(text, quote) else { return false };
    for _ in 0..MAX_PARTS {
        match next(text, inner.end + 1, true) {
            Some(next) => inner = next,
            None => break,
        }
    }
    let after = text.get(inner.end + 1..).unwrap_or_default();
    after.trim_ascii_start().starts_with(b")")
}

/// The inside of the literal that follows the one that ends before `at`.
fn next(text: &[u8], at: usize, is_program: bool) -> Option<Range<usize>> {
    let rest = text.get(at..text.len().min(at + MAX_GAP))?;
    let gap = rest.trim_ascii_start();
    let operator = OPERATORS.iter().find_map(|operator| gap.strip_prefix(*operator));
    // Two quotes without a space are an escaped one.
    let is_adjacent = is_program && gap.len() < rest.len();
    let after = match operator {
        Some(after) => after.trim_ascii_start(),
        None if is_adjacent => gap,
        None => return None,
    };
    let mark = mark(after)?;
    inside(text, at + rest.len() - after.len() + mark)
}

/// The length of the mark before a quote; `None` without a quote.
fn mark(text: &[u8]) -> Option<usize> {
    let length = MARKS.iter().find(|mark| text.starts_with(mark)).map_or(0, |mark| mark.len());
    text.get(length).is_some_and(|byte| b"\"'`".contains(byte)).then_some(length)
}

/// What is between the quote at this position and the same one on its line.
fn inside(text: &[u8], quote: usize) -> Option<Range<usize>> {
    let own = text.get(quote)?;
    let rest = text.get(quote + 1..text.len().min(quote + 1 + MAX_LENGTH))?;
    let mut is_escaped = false;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            b'\n' => return None,
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            _ if byte == own => return Some(quote + 1..quote + 1 + at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str, is_program: bool) -> Option<String> {
        let start = text.find(['"', '\'']).unwrap();
        let first = inside(text.as_bytes(), start).unwrap();
        literals(text.as_bytes(), &first, is_program).map(|(_, joined)| joined)
    }

    #[test]
    fn literals_that_are_joined() {
        for text in [
            "\"ab\" + \"cd\"",
            "'ab' . 'cd';",
            "\"ab\" +\n    \"cd\"",
            "\"ab\" \\\n  \"cd\"",
            "\"ab\" .. 'cd'",
            "\"a\" & \"b\" & \"cd\"",
            "\"ab\" <> \"cd\"",
        ] {
            assert_eq!(joined(text, false).as_deref(), Some("abcd"), "{text}");
        }
        assert_eq!(joined("\"ab\"\n \"cd\"", true).as_deref(), Some("abcd"));
        for text in ["\"ab\", \"cd\"", "\"ab\"\n\"cd\"", "'ab''cd'", "\"ab\" + cd", "\"ab\""] {
            assert_eq!(joined(text, false), None, "{text}");
        }
        assert_eq!(joined("'ab''cd'", true), None);
    }

    #[test]
    fn literals_on_the_next_line() {
        for text in [" (\n  \"x\"\n)", " (\n \"x\"\n \"y\")", " \\\n \"x\"", "\n  r\"x\""] {
            let at = on_next_line(text.as_bytes());
            assert_eq!(at.and_then(|at| text.get(at..=at)), Some("\""), "{text}");
        }
        for text in [" \"x\"", " (\n \"x\",\n \"y\")", "\n  x", " (\"x\")"] {
            assert_eq!(on_next_line(text.as_bytes()), None, "{text}");
        }
    }
}
