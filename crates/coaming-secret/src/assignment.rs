//! Assignments in any text: `name = value`, in the syntaxes of configuration, code and shells.
//!
//! Starts at a word that was found in a name, and reads the name around it, the separator, and the
//! value. The length of what is read is bounded; nothing is parsed beyond the assignment.

use std::ops::Range;

use crate::{declaration, joined, not_assigned};

/// The longest name, separator and value that are read.
const MAX_NAME: usize = 120;
const MAX_GAP: usize = 80;
const MAX_VALUE: usize = 8 << 10;

/// A name and what is assigned to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) name: Range<usize>,
    pub(crate) value: Range<usize>,
    /// Whether the value is in quotes, or in its own element.
    pub(crate) quoted: bool,
    /// Whether more words follow the value on its line, as in prose.
    pub(crate) followed: bool,
    /// Whether it is a line of a settings file: `NAME=value` in capitals, and nothing else.
    pub(crate) setting: bool,
}

/// The assignment to this name.
pub(crate) fn of_name(text: &[u8], name: Range<usize>) -> Option<Assignment> {
    if let Some(default) = shell_default(text, &name) {
        return Some(default);
    }
    let before = name.start.checked_sub(1).and_then(|at| text.get(at)).copied();
    // `$PASSWORD`, `%PASSWORD%`, `/password`: uses of the name, not assignments.
    let is_command = before == Some(b'`') && text.get(name.end) == Some(&b'`');
    if is_command
        || matches!(before, Some(b'%' | b'/' | b'@' | b'#'))
        || matches!(before, Some(b'{' | b'('))
            && name.start >= 2
            && matches!(text.get(name.start - 2), Some(b'$' | b'{'))
    {
        return None;
    }
    if before == Some(b'$') {
        return of_variable(text, name);
    }
    if not_assigned::is_use(text, &name) {
        return None;
    }
    if let Some(at) = sibling_element(text, &name, before) {
        return value(text, name, at, Separator::Element);
    }
    let (mut at, separator) = separator(text, &name, before)?;
    if separator == Separator::Equals && text.get(name.end) == Some(&b' ') {
        let lead = line_before(text, name.start).trim_ascii_start();
        let values = text.get(at..text.len().min(at + MAX_VALUE))?;
        at += declaration::in_tuple(lead, values).unwrap_or_default();
    }
    let is_argument = text.get(at.wrapping_sub(1)) == Some(&b',');
    value(text, name, at, separator).filter(|found| found.quoted || !is_argument)
}

/// The assignment in `$password = "x"` (PHP, Perl, PowerShell) or `set $password "x"` (nginx). In a
/// shell, `$PASSWORD` is read, not assigned.
fn of_variable(text: &[u8], name: Range<usize>) -> Option<Assignment> {
    let rest = text.get(name.end..text.len().min(name.end + MAX_GAP))?;
    let spaces = skip(rest, b" \t");
    let line = text.get(..name.start - 1)?;
    let is_set = line.strip_suffix(b"set ").is_some_and(|line| starts_line(line, line.len()));
    let after = match rest.get(spaces..)? {
        [b'=', b'=' | b'~' | b'>', ..] => return None,
        [b'=', ..] => spaces + 1,
        [b'"' | b'\'', ..] if is_set && spaces > 0 => spaces,
        _ => return None,
    };
    value(text, name.clone(), name.end + after, Separator::Equals).filter(|found| found.quoted)
}

/// Where the value starts in `<name>X</name>` followed by `<value>`, or `<key>` by `<string>`.
fn sibling_element(text: &[u8], name: &Range<usize>, before: Option<u8>) -> Option<usize> {
    let rest = text.get(name.end..text.len().min(name.end + MAX_GAP))?.strip_prefix(b"</")?;
    let is_name = rest.starts_with(b"name>") || rest.starts_with(b"key>");
    if before != Some(b'>') || !is_name {
        return None;
    }
    let rest = rest.get(rest.iter().position(|&byte| byte == b'>')? + 1..)?.trim_ascii_start();
    let rest = rest.strip_prefix(b"<value>").or_else(|| rest.strip_prefix(b"<string>"))?;
    let window_end = text.len().min(name.end + MAX_GAP);
    Some(window_end - rest.len())
}

/// The name around a position in it.
pub(crate) fn name_around(text: &[u8], hit: usize) -> Option<Range<usize>> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
    let before =
        text.get(..hit)?.iter().rev().take(MAX_NAME).take_while(|byte| is_name(byte)).count();
    let after = text.get(hit..)?.iter().take(MAX_NAME).take_while(|byte| is_name(byte)).count();
    let mut start = hit - before;
    // In an escaped `\npassword`, the `n` is not part of the name.
    if start > 0
        && text.get(start - 1) == Some(&b'\\')
        && matches!(text.get(start), Some(b'n' | b'r' | b't'))
    {
        start += 1;
    }
    (start < hit + after && before < MAX_NAME && after < MAX_NAME).then_some(start..hit + after)
}

/// The default value in `${PASSWORD:-value}`.
fn shell_default(text: &[u8], name: &Range<usize>) -> Option<Assignment> {
    let is_variable = name.start >= 2 && text.get(name.start - 2..name.start) == Some(b"${");
    let rest = text.get(name.end..)?;
    // The name ends at the colon, so that the dash of `:-` is not part of it.
    let rest = rest
        .strip_prefix(b":-")
        .or_else(|| rest.strip_prefix(b":="))
        .or_else(|| rest.strip_prefix(b":"))?;
    // In `${PASSWORD:?message}`, the text is an error message.
    if !is_variable || rest.starts_with(b"?") {
        return None;
    }
    let start = text.len() - rest.len();
    let length = rest.iter().take(MAX_VALUE).position(|&byte| byte == b'}' || byte == b'\n')?;
    Some(Assignment {
        name: name.clone(),
        value: start..start + length,
        quoted: true,
        followed: false,
        setting: false,
    })
}

/// What is between a name and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    /// `:` followed by a space or the end of the line, as in YAML.
    Colon,
    /// `=`, `:=`, `=>`, or `:` directly before the value.
    Equals,
    /// `<name>`
    Element,
    /// A space after `--name`.
    Space,
    /// A space between a name that starts its line and one word: `requirepass x`, `ENV NAME x`.
    Line,
}

/// Where the value may start, and the separator before it.
fn separator(text: &[u8], name: &Range<usize>, before: Option<u8>) -> Option<(usize, Separator)> {
    let window = text.get(name.end..text.len().min(name.end + MAX_GAP))?;
    let closing = skip(window, b"\\\"'`])");
    let spaces = skip(window.get(closing..)?, b" \t");
    let mut at = closing + spaces;
    let rest = window.get(at..)?;
    if let Some(length) = text.get(name.end + at..).and_then(declaration::before_value) {
        return Some((name.end + at + length, Separator::Equals));
    }
    if let Some(separator) = of_syntax(text, name, before, closing) {
        return Some(separator);
    }
    let found = match rest {
        [b'=', b'=', ..] | [b'!', b'=', ..] | [b':', b':', ..] => return None,
        [b':' | b'?' | b'+', b'=', ..] => (2, Separator::Equals),
        [b'=', b'>', ..] => (2, Separator::Equals),
        [b'=', ..] => (1, Separator::Equals),
        // The argument after the name: `define('password', 'x')`.
        [b',', ..] if is_first_argument(text, name, before) => (1, Separator::Equals),
        [b':', b' ' | b'\t' | b'\n' | b'\r', ..] | [b':'] => (1, Separator::Colon),
        [b':', ..] => (1, Separator::Equals),
        // Not a placeholder: `--password=<password> --name=x`.
        [b'>', ..] if before == Some(b'<') && !is_placeholder(text, name) => {
            (1, Separator::Element)
        }
        _ => {
            if let Some(length) = value_field(window.get(closing..)?) {
                return Some((name.end + closing + length, Separator::Equals));
            }
            let own = text.get(name.start..name.end)?;
            // In prose, an option is in quotes of its own: "the option `--password` is new".
            let is_flag = closing == 0 && own.starts_with(b"--") || own == b"insecure-password";
            let is_line = closing == 0 && before.is_none_or(|b| b.is_ascii_whitespace());
            // `{:user "app" :password "x"}` in Clojure
            let is_keyword = closing == 0
                && before == Some(b':')
                && matches!(rest, [b'"', ..])
                && line_before(text, name.start - 1)
                    .last()
                    .is_none_or(|byte| b" \t{(".contains(byte));
            let is_flag = is_flag || is_keyword;
            let is_clause =
                is_line && matches!(rest, [b'\'', ..]) && in_statement(text, name.start);
            let separator = if is_flag || is_clause { Separator::Space } else { Separator::Line };
            let meant =
                spaces > 0 && (is_flag || is_clause || is_line && starts_entry(text, name.start));
            return meant.then_some((name.end + at, separator));
        }
    };
    at += found.0;
    Some((name.end + at, found.1))
}

/// The separator in syntaxes where more than a sign is between a name and its value.
fn of_syntax(
    text: &[u8],
    name: &Range<usize>,
    before: Option<u8>,
    closing: usize,
) -> Option<(usize, Separator)> {
    let start = name.end + closing;
    let rest = text.get(start..)?;
    let lead = || line_before(text, name.start).trim_ascii();
    let found = match (before, rest) {
        // `#define PASSWORD "x"`
        (Some(b' ' | b'\t'), [b' ' | b'\t', ..]) if closing == 0 => {
            let is_macro = lead().starts_with(b"#") && lead().ends_with(b"define");
            let is_text = matches!(rest.trim_ascii_start(), [b'"', ..]);
            let is_psk = text.get(name.clone()) == Some(b"PSK") && lead().ends_with(b":");
            ((is_macro || is_psk) && is_text).then_some((0, Separator::Space))
        }
        // `variable "password" {` with its default
        (Some(b'"'), [b' ' | b'{', ..]) if closing == 1 => {
            declaration::in_block(lead(), rest).map(|at| (at, Separator::Equals))
        }
        // `add_argument("--password", default="x")`
        (Some(b'"' | b'\''), [b',', ..]) if is_first_argument(text, name, before) => {
            declaration::default_argument(rest).map(|at| (at, Separator::Equals))
        }
        // `StringVar(&password, "password", "x", "the password")`
        (Some(b'"'), [b',', ..]) if declaration::is_flag(lead()) => {
            Some((declaration::after_shorthand(rest), Separator::Equals))
        }
        // `buildConfigField("String", "PASSWORD", "\"x\"")`
        (Some(b'"'), [b',', ..]) => {
            let is_field = [&b"buildConfigField("[..], b"resValue("]
                .iter()
                .any(|call| crate::pem::find(lead(), call).is_some());
            is_field.then_some((1, Separator::Equals))
        }
        // `<string name="password">x</string>`
        (Some(b'"'), [b'>', ..]) if closing == 1 => {
            let is_name = [&b" name=\""[..], b" key=\""].iter().any(|end| lead().ends_with(end));
            is_name.then_some((1, Separator::Element))
        }
        // `<Pass encoding="base64">`
        (Some(b'<'), [b' ', ..]) => {
            const ENCODED: &[u8] = b" encoding=\"base64\">";
            rest.starts_with(ENCODED).then_some((ENCODED.len(), Separator::Element))
        }
        _ => None,
    };
    found.map(|(at, separator)| (start + at, separator))
}

/// Whether a shell's `export` precedes the name, as in a script within a program.
pub(crate) fn is_exported(text: &[u8], start: usize) -> bool {
    line_before(text, start).trim_ascii() == b"export"
}

/// The part of a line before a position.
pub(crate) fn line_before(text: &[u8], end: usize) -> &[u8] {
    let before = text.get(end.saturating_sub(MAX_LINE)..end).unwrap_or_default();
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    before.get(start..).unwrap_or_default()
}

/// How far back a line is read.
const MAX_LINE: usize = 200;

/// Whether the line starts as an SQL statement about users: `ALTER USER app WITH PASSWORD 'x'`.
pub(crate) fn in_statement(text: &[u8], start: usize) -> bool {
    const WORDS: [&[u8]; 3] = [b"user", b"role", b"grant"];
    let mut words = line_before(text, start).split(u8::is_ascii_whitespace);
    words.any(|word| WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)))
}

/// Whether the name starts its line, or follows `machine … login …` in a `.netrc`.
fn starts_entry(text: &[u8], start: usize) -> bool {
    let before = line_before(text, start).trim_ascii_start();
    let is_login = crate::pem::find(before, b"machine ").is_some()
        && crate::pem::find(before, b" login ").is_some();
    starts_line(text, start)
        || is_login
        || before.starts_with(b"default ")
        || before.ends_with(b"aws configure set ")
}

/// Whether the name is in brackets as the value of something: `name=<password>`.
fn is_placeholder(text: &[u8], name: &Range<usize>) -> bool {
    name.start.checked_sub(2).and_then(|at| text.get(at)) == Some(&b'=')
}

/// Whether the name is in quotes and the first argument of a call.
fn is_first_argument(text: &[u8], name: &Range<usize>, before: Option<u8>) -> bool {
    let lead = text.get(..name.start.saturating_sub(1)).unwrap_or_default().trim_ascii_end();
    // Of a call, not of a tuple.
    let callee = lead.strip_suffix(b"(").and_then(<[u8]>::last);
    matches!(before, Some(b'"' | b'\''))
        && callee.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// How many bytes are before the value in `name: X` followed by `value:`, as in environment
/// variables and XML attributes.
fn value_field(window: &[u8]) -> Option<usize> {
    let at = skip(window, b" \t\r\n,\\\"'");
    let rest = window.get(at..)?;
    let word = [&b"value"[..], b"Value", b"android:value"]
        .iter()
        .find_map(|word| rest.strip_prefix(*word))?;
    let gap = skip(word, b"\\\"' ");
    let is_assigned = matches!(word.get(gap), Some(b':' | b'='));
    (at > 0 && is_assigned).then_some(window.len() - word.len() + gap + 1)
}

/// How many bytes at the start are among `these`.
fn skip(text: &[u8], these: &[u8]) -> usize {
    text.iter().take_while(|byte| these.contains(byte)).count()
}

fn value(text: &[u8], name: Range<usize>, at: usize, separator: Separator) -> Option<Assignment> {
    let at = at + skip(text.get(at..)?.get(..MAX_GAP.min(text.len() - at))?, b" \t");
    // Not an argument, which has a type of its own.
    let is_expression = matches!(separator, Separator::Equals | Separator::Colon)
        && text.get(..at)?.trim_ascii_end().last() != Some(&b',');
    let literal = text.get(at..).filter(|_| is_expression).and_then(declaration::literal);
    let at = at + literal.unwrap_or_default();
    let below = text.get(at..).filter(|_| is_expression && separator == Separator::Equals);
    let at = at + below.and_then(joined::on_next_line).unwrap_or_default();
    let rest = text.get(at..text.len().min(at + MAX_VALUE))?;
    if separator == Separator::Element {
        // `<Password><Value>x</Value>`
        let inner = rest.trim_ascii_start().strip_prefix(b"<Value>");
        let at = at + inner.map_or(0, |inner| rest.len() - inner.len());
        let rest = inner.unwrap_or(rest);
        let length = rest.iter().position(|&byte| byte == b'<')?;
        // `<password>` may be a placeholder, which the next line follows.
        let inner = rest.get(..length)?;
        if inner.contains(&b'\n') && inner.trim_ascii().contains(&b' ') {
            return None;
        }
        return Some(assigned(text, name, at..at + length, true, false));
    }
    // Python, TOML and Grafana's settings.
    for quotes in [b"\"\"\"", b"'''"] {
        if let Some(inner) = rest.strip_prefix(quotes)
            && let Some(length) = crate::pem::find(inner, quotes)
        {
            return Some(assigned(text, name, at + 3..at + 3 + length, true, false));
        }
    }
    let escapes = skip(rest, b"\\");
    // In prose, code is in backticks: "Password `created_at` field".
    let is_prose = matches!(separator, Separator::Line | Separator::Space);
    let quotes: &[u8] = if is_prose { b"\"'" } else { b"\"'`" };
    if let Some(&quote) = rest.get(escapes).filter(|byte| quotes.contains(byte)) {
        // Quotes in quotes, as a value of Gradle: `"\"x\""`.
        let inner = if escapes == 0 && rest.starts_with(b"\"\\\"") { 2 } else { 0 };
        let (start, escapes) = (escapes + 1 + inner, escapes + inner / 2);
        let quoted = rest.get(start..)?;
        // In a broken file, an unclosed quote extends to the end of its line.
        let length = quoted_length(quoted, quote, escapes)
            .or_else(|| quoted.iter().position(|&byte| byte == b'\n'))?;
        return Some(assigned(text, name, at + start..at + start + length, true, false));
    }
    if separator == Separator::Colon && matches!(rest.first(), Some(b'|' | b'>')) {
        return block(text, name, at);
    }
    let line =
        rest.get(..rest.iter().position(|byte| b"\r\n".contains(byte)).unwrap_or(rest.len()))?;
    // In a text inside a text, line breaks are escaped.
    let line = line.get(..crate::pem::find(line, b"\\n").unwrap_or(line.len()))?;
    let line = line.get(..crate::pem::find(line, b"</").unwrap_or(line.len()))?;
    let ends = ends(separator, line, starts_line(text, name.start));
    let length = line.iter().position(|byte| ends.contains(byte)).unwrap_or(line.len());
    let length = bracketed(line).unwrap_or(length);
    let after = line.get(length..)?;
    let comment = after.trim_ascii_start();
    // A line of prose may start with such a word too.
    let is_entry = separator == Separator::Line && !starts_line(text, name.start);
    if separator == Separator::Line && !is_entry {
        let own_name = text.get(name.clone())?;
        let is_own = is_setting_line(own_name, line.get(..length)?);
        if !comment.is_empty() || !is_own && !follows_user(text, name.start) {
            return None;
        }
    }
    let followed = matches!(after.first(), Some(b' ' | b'\t'))
        && !comment.is_empty()
        && !comment.starts_with(b"#");
    if separator == Separator::Space && not_assigned::is_prose(text, &name, at, length) {
        return None;
    }
    let value = line.get(..length)?;
    let value = value.strip_suffix(b",").or_else(|| value.strip_suffix(b";")).unwrap_or(value);
    // The whole assignment is in quotes: `"password: x"`.
    let closed = value.iter().position(|byte| b"\"'".contains(byte)).filter(|&at| {
        value.get(at + 1..).is_some_and(|rest| {
            rest.iter().all(|byte| b"}]),;".contains(byte))
                || matches!(rest, [b'.', next, ..] if next.is_ascii_alphabetic())
        })
    });
    let value = closed.and_then(|at| value.get(..at)).unwrap_or(value);
    Some(assigned(
        text,
        name,
        at..at + value.len(),
        false,
        followed && separator == Separator::Colon,
    ))
}

/// The length of a template or placeholder in brackets, which may contain spaces, unless more of
/// the value follows it.
fn bracketed(line: &[u8]) -> Option<usize> {
    let end = match line {
        [b'<', ..] => crate::pem::find(line, b">")? + 1,
        [b'{', b'{', ..] => crate::pem::find(line, b"}}")? + 2,
        [b'$', b'{', ..] => crate::pem::find(line, b"}")? + 1,
        _ => return None,
    };
    let after = line.get(end);
    after.is_none_or(|byte| b" \t\"'`,;)&".contains(byte)).then_some(end)
}

/// The bytes that end a value without quotes.
fn ends(separator: Separator, line: &[u8], own_line: bool) -> &'static [u8] {
    match separator {
        // A template or a placeholder in brackets may contain spaces.
        _ if line.starts_with(b"<") || line.starts_with(b"{{") || line.starts_with(b"${") => b"",
        Separator::Colon => b" \t",
        _ if own_line => b" \t",
        _ => b" \t&;,)<>}\"'`|",
    }
}

/// Whether a line of two words assigns the second to the first: at least one of them is not a word
/// of prose.
fn is_setting_line(name: &[u8], value: &[u8]) -> bool {
    let is_plain = name.iter().all(u8::is_ascii_alphabetic);
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    let is_setting = name.eq_ignore_ascii_case(b"requirepass")
        || name.eq_ignore_ascii_case(b"masterauth")
        || !is_plain;
    value.len() >= 6 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
        || is_setting && value.len() >= 3 && !has(|byte| b".:([{".contains(byte))
}

/// Whether the previous line names the password's user: `user bot`, `login bot`, `account default`.
fn follows_user(text: &[u8], start: usize) -> bool {
    let before = text.get(start.saturating_sub(MAX_LINE)..start).unwrap_or_default();
    let mut lines = before.split(|&byte| byte == b'\n').rev().skip(1);
    let mut words = lines.next().unwrap_or_default().split(u8::is_ascii_whitespace);
    let first = words.find(|word| !word.is_empty()).unwrap_or_default();
    [&b"user"[..], b"login", b"username", b"account"]
        .iter()
        .any(|name| first.eq_ignore_ascii_case(name))
}

fn assigned(
    text: &[u8],
    name: Range<usize>,
    value: Range<usize>,
    quoted: bool,
    followed: bool,
) -> Assignment {
    let inner = text.get(value.clone()).unwrap_or_default();
    let lead = inner.len() - inner.trim_ascii_start().len();
    let length = inner.trim_ascii().len();
    let start = value.start + lead;
    let after = text.get(value.end);
    let setting = !quoted
        && after.is_none_or(|byte| b"\r\n".contains(byte))
        && text.get(name.end) == Some(&b'=')
        && text.get(name.clone()).is_some_and(|name| !name.iter().any(u8::is_ascii_lowercase))
        && starts_line(text, name.start);
    Assignment { name, value: start..start + length, quoted, followed, setting }
}

/// The length up to the same quote with the same escapes before it. A quoted value has one line.
fn quoted_length(rest: &[u8], quote: u8, escapes: usize) -> Option<usize> {
    let mut backslashes = 0;
    for (at, &byte) in rest.iter().enumerate() {
        match byte {
            b'\\' => backslashes += 1,
            b'\n' if quote != b'`' => return None,
            byte if byte == quote && backslashes <= escapes => return Some(at - backslashes),
            _ => backslashes = 0,
        }
    }
    None
}

/// The first line of a YAML block.
fn block(text: &[u8], name: Range<usize>, at: usize) -> Option<Assignment> {
    let rest = text.get(at..text.len().min(at + MAX_VALUE))?;
    let first = rest.iter().position(|&byte| byte == b'\n')?;
    if rest.get(..first)?.trim_ascii().len() > 3 {
        return None;
    }
    let start = at + first + 1;
    let line = rest.get(first + 1..)?;
    let length = line.iter().position(|&byte| byte == b'\n').unwrap_or(line.len());
    Some(assigned(text, name, start..start + length, true, false))
}

/// Whether nothing precedes the name on its line but indentation, a dash, `#`, or a keyword such as
/// `export`.
fn starts_line(text: &[u8], start: usize) -> bool {
    let lead = line_before(text, start).trim_ascii();
    lead.is_empty() || matches!(lead, b"export" | b"set" | b"ENV" | b"ARG" | b"-" | b"#")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(&str, &str)> {
        let hit = text.to_lowercase().find("passw")?;
        let found = of_name(text.as_bytes(), name_around(text.as_bytes(), hit)?)?;
        Some((text.get(found.name)?, text.get(found.value)?))
    }

    #[test]
    fn parts_of_other_texts() {
        let is_assigned = |text: &str, word: &str| {
            let at = text.find(word).unwrap();
            of_name(text.as_bytes(), at..at + word.len()).is_some()
        };
        assert!(!is_assigned("arn:aws:ssm:*:*:secret:A4BProfile*", "secret"));
        assert!(!is_assigned("--- PASS: FuzzFoo/thispasses", "PASS"));
        assert!(is_assigned("PASS: x9Kq2Lm", "PASS"));
    }

    #[test]
    fn syntaxes() {
        for (text, name, value) in [
            ("password: hunter2", "password", "hunter2"),
            ("DB_PASSWORD=hun;ter2&x # no", "DB_PASSWORD", "hun;ter2&x"),
            ("export PASSWORD='hun ter2'", "PASSWORD", "hun ter2"),
            (r#"{"password": "hunter2", "x": 1}"#, "password", "hunter2"),
            (r#"{\"password\":\"hunter2\"}"#, "password", "hunter2"),
            ("<password>hunter2</password>", "password", "hunter2"),
            ("run --password hunter2 --x", "--password", "hunter2"),
            ("run --password=hunter2 --x", "--password", "hunter2"),
            ("Server=db;Password=hunter2;X=1", "Password", "hunter2"),
            ("jdbc:x?user=a&password=hunter2&b=c", "password", "hunter2"),
            ("- name: PASSWORD\n  value: hunter2\n", "PASSWORD", "hunter2"),
            (r#"<add key="Password" value="hunter2"/>"#, "Password", "hunter2"),
            ("${PASSWORD:-hunter2}", "PASSWORD", "hunter2"),
            ("password: |\n  hunter2\n", "password", "hunter2"),
            ("password := \"hunter2\"", "password", "hunter2"),
            ("const password: string = 'hunter2';", "password", "hunter2"),
            ("const PASSWORD: &str = \"hunter2\";", "PASSWORD", "hunter2"),
            ("string Password { get; set; } = \"hunter2\";", "Password", "hunter2"),
            ("let password = String::from(\"hunter2\");", "password", "hunter2"),
            ("password = env.PASS || 'hunter2'", "password", "hunter2"),
            ("\"password\" => 'hunter2',", "password", "hunter2"),
            ("password: \"hunter2\n  token: [x\n", "password", "hunter2"),
            ("define('password', 'hunter2');", "password", "hunter2"),
            ("machine x\n  password hunter2\n", "password", "hunter2"),
            ("ENV DB_PASSWORD hunter2", "DB_PASSWORD", "hunter2"),
            ("(def db {:user \"app\" :password \"hunter2\"})", "password", "hunter2"),
            ("admin_password swordfish", "admin_password", "swordfish"),
            ("<?php $db_password = \"hunter2\";", "db_password", "hunter2"),
            ("  set $password \"hunter2\";", "password", "hunter2"),
            ("define( 'PASSWORD', 'hunter2' );", "PASSWORD", "hunter2"),
            ("<name>db.password</name>\n  <value>hunter2</value>", "db.password", "hunter2"),
            ("ALTER USER app WITH PASSWORD 'hunter2';", "PASSWORD", "hunter2"),
            ("user bot\npassword swordfish", "password", "swordfish"),
            ("machine x login y password hunter2", "password", "hunter2"),
            ("{\"usage\": \"password: hunter2\"}", "password", "hunter2"),
            ("\"password=<your password>\"", "password", "<your password>"),
        ] {
            assert_eq!(read(text), Some((name, value)), "{text}");
        }
        for text in [
            "if password == x",
            "password required",
            "the password hunter2",
            "$PASSWORD",
            "the password is",
            "${PASSWORD}",
            "${PASSWORD:?x}",
            "/password: x",
            "password://files/a1",
            "login --pw=<password> --name=<domain>",
            "Password `created_at` field",
            "# Check whether --with-eap_passwd was given",
            "See pass:quotes,macros[<<a>>] principle",
            "vault('another_password', salt=(2**256",
            "the password 'hunter2'",
            "[ $PASSWORD == \"x\" ]",
            "$PASSWORD=x",
            "run $PASSWORD \"x\"",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
