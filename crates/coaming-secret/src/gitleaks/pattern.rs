//! Compiles patterns in the syntax of Go's RE2 for the `regex` crate: they differ in a few
//! literals.

use regex::bytes::{Regex, RegexBuilder};

/// The largest size of a compiled pattern.
const MAX_PROGRAM: usize = 32 << 20;

/// Compiles a pattern. As in Go, `\w`, `\d` and `\b` match ASCII only.
pub(super) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    let translated = translate(pattern);
    let build = |unicode: bool| {
        RegexBuilder::new(&translated).unicode(unicode).size_limit(MAX_PROGRAM).build()
    };
    // Letters beyond ASCII in a class, and `\p{…}`, need Unicode.
    build(false).or_else(|_| build(true))
}

/// Escapes characters that are literals in Go and not in Rust.
fn translate(pattern: &str) -> String {
    let mut translated = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        let taken = match character {
            '\\' => escape(rest, in_class, &mut translated),
            '[' if !in_class => {
                in_class = true;
                open_class(rest, &mut translated)
            }
            '[' if after.starts_with(':') => posix_class(rest, &mut translated),
            '[' => literal(character, &mut translated),
            ']' if in_class => {
                in_class = false;
                plain(character, &mut translated)
            }
            '&' | '~' | '-' if in_class && after.starts_with(character) => {
                literal(character, &mut translated)
            }
            '{' if !in_class && !is_repetition(after) => literal(character, &mut translated),
            _ => plain(character, &mut translated),
        };
        rest = &rest[taken.max(1)..];
    }
    translated
}

fn plain(character: char, translated: &mut String) -> usize {
    translated.push(character);
    character.len_utf8()
}

fn literal(character: char, translated: &mut String) -> usize {
    translated.push('\\');
    plain(character, translated)
}

/// Copies `[` or `[^`, and a `]` directly after it, which is a literal.
fn open_class(rest: &str, translated: &mut String) -> usize {
    let mut length = 1;
    translated.push('[');
    if rest[length..].starts_with('^') {
        translated.push('^');
        length += 1;
    }
    if rest[length..].starts_with(']') {
        translated.push_str("\\]");
        length += 1;
    }
    length
}

/// Copies `[:alnum:]` inside a class.
fn posix_class(rest: &str, translated: &mut String) -> usize {
    match rest.find(":]") {
        Some(end) => {
            translated.push_str(&rest[..end + 2]);
            end + 2
        }
        None => literal('[', translated),
    }
}

/// Copies an escape: in Go, `\<` and `\>` are literals, and `\Q…\E` quotes.
fn escape(rest: &str, in_class: bool, translated: &mut String) -> usize {
    let Some(escaped) = rest[1..].chars().next() else {
        translated.push_str("\\\\");
        return 1;
    };
    if escaped == 'Q' && !in_class {
        let quoted = &rest[2..];
        let end = quoted.find("\\E").unwrap_or(quoted.len());
        translated.push_str(&regex::escape(&quoted[..end]));
        return (2 + end + 2).min(rest.len());
    }
    if !matches!(escaped, '<' | '>') {
        translated.push('\\');
    }
    translated.push(escaped);
    1 + escaped.len_utf8()
}

/// Whether what follows `{` makes it a repetition: `3}`, `3,}`, `3,5}`.
fn is_repetition(after: &str) -> bool {
    let Some((inner, _)) = after.split_once('}') else { return false };
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && number(least) && number(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_go_compile() {
        for (pattern, yes, no) in [
            (r"^\$(?:\d+|{\d+})$", "${12}", "$x"),
            (r"^\{\{[ \t]*[\w ().|]+[ \t]*}}$", "{{ x }}", "{ x }"),
            (r"[[x]+y", "[xy", "zy"),
            (r"\<a\>", "<a>", "a"),
            (r"\Qa.b\Ec", "a.bc", "axbc"),
            (r"[[:alnum:]]{3}", "a1B", "a-b"),
            (r"[a&&b]+c", "&&c", "c"),
            (r"[]x]y", "]y", "ay"),
            ("[é]", "é", "e"),
        ] {
            let regex = compile(pattern).unwrap();
            assert!(regex.is_match(yes.as_bytes()), "{pattern}");
            assert!(!regex.is_match(no.as_bytes()), "{pattern}");
        }
        assert!(compile("(").is_err());
        assert!(compile("\\").is_ok());
    }
}
