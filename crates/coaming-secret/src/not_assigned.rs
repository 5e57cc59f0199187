//! Names of credentials that a colon or a space follows and that are assigned nothing: parts of
//! resource names, outcomes of tests, schemes, macros of AsciiDoc, options of `configure`.

use std::ops::Range;

use crate::assignment::line_before;

/// Whether the name is used as one of these.
pub(crate) fn is_use(text: &[u8], name: &Range<usize>) -> bool {
    let own = text.get(name.clone()).unwrap_or_default();
    let rest = text.get(name.end..).unwrap_or_default();
    let follows_colon = name.start.checked_sub(1).and_then(|at| text.get(at)) == Some(&b':');
    follows_colon && is_of_resource(text, name.start)
        || is_status(text, name)
        // A scheme: `salt://files/a`.
        || rest.starts_with(b"://")
        || own == b"pass" && is_macro(rest)
        || is_excluded(text, name)
        || is_of_device(text, name)
        || is_quoted_with_sign(text, name)
        || is_argument(rest)
        || own.starts_with(b"--with-")
        || own.starts_with(b"--enable-")
}

/// Words that are in prose and not on command lines.
const PROSE: &[&[u8]] = &[
    b"a",
    b"an",
    b"and",
    b"are",
    b"argument",
    b"as",
    b"be",
    b"by",
    b"can",
    b"flag",
    b"for",
    b"from",
    b"if",
    b"in",
    b"is",
    b"may",
    b"must",
    b"of",
    b"on",
    b"option",
    b"options",
    b"or",
    b"parameter",
    b"should",
    b"that",
    b"the",
    b"to",
    b"when",
    b"which",
    b"will",
    b"with",
    b"without",
];

/// Whether words of prose follow an option and not its value: "`--password` will be read", or its
/// help in the next column.
pub(crate) fn is_prose(text: &[u8], name: &Range<usize>, at: usize, length: usize) -> bool {
    const MAX_WORDS: usize = 80;
    let rest = text.get(at..text.len().min(at + MAX_WORDS)).unwrap_or_default();
    let line = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let mut words = line.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let plain = first.strip_suffix(b",").unwrap_or(first);
    if length > first.len() || plain.is_empty() || !plain.iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    let is_help = text.get(name.end..at).is_some_and(|gap| gap.len() >= 2);
    let mut near = std::iter::once(plain).chain(words.take(3).take_while(|word| {
        word.iter().all(|byte| byte.is_ascii_alphabetic() || b",.`'()".contains(byte))
    }));
    is_help && line.len() > first.len() || near.any(|word| PROSE.contains(&word))
}

/// Whether the quotes around the name include the sign after it: `use "password:" instead`.
fn is_quoted_with_sign(text: &[u8], name: &Range<usize>) -> bool {
    let before = name.start.checked_sub(1).and_then(|at| text.get(at));
    let after = text.get(name.end..).unwrap_or_default();
    before.is_some_and(|quote| {
        b"\"'`".contains(quote)
            && matches!(after, [b':' | b'=' | b'>', close, ..] if close == quote)
    })
}

/// Whether it ends arguments that a colon follows: `$(obscure password) :remote:`.
fn is_argument(rest: &[u8]) -> bool {
    rest.strip_prefix(b")")
        .is_some_and(|rest| rest.starts_with(b" ") && rest.trim_ascii_start().starts_with(b":"))
}

/// Whether the name is a part of an Amazon Resource Name: `arn:aws:secretsmanager:*:*:secret:app`.
fn is_of_resource(text: &[u8], start: usize) -> bool {
    let is_part = |byte: &u8| {
        // As a pattern, it has more: `arn:aws([a-z]|\\-)*:`.
        byte.is_ascii_alphanumeric() || b":*-_${}.()[]|?+,\\^/=@".contains(byte)
    };
    let line = line_before(text, start);
    let word = line.iter().rposition(|byte| !is_part(byte)).map_or(0, |at| at + 1);
    line.get(word..).is_some_and(|word| {
        word.trim_ascii_start().strip_prefix(b"^").unwrap_or(word).starts_with(b"arn:")
    })
}

/// Whether AsciiDoc passes a text through without substitutions: `pass:quotes,macros[…]`.
fn is_macro(rest: &[u8]) -> bool {
    let Some(rest) = rest.strip_prefix(b":") else { return false };
    let is_option = |byte: &&u8| byte.is_ascii_lowercase() || **byte == b',';
    rest.get(rest.iter().take_while(is_option).count()) == Some(&b'[')
}

/// Whether a list of ciphers excludes it: `ALL:!PSK:!RC4`.
fn is_excluded(text: &[u8], name: &Range<usize>) -> bool {
    let before = name.start.checked_sub(1).and_then(|at| text.get(at));
    before == Some(&b'!') && text.get(name.end..).is_some_and(|rest| rest.starts_with(b":!"))
}

/// Whether it is the label of a device: `pkcs11:token=My%20token`.
fn is_of_device(text: &[u8], name: &Range<usize>) -> bool {
    let line = line_before(text, name.start);
    text.get(name.clone()) == Some(&b"token"[..])
        && matches!(line.last(), Some(b':' | b';'))
        && crate::pem::find(line, b"pkcs11:").is_some()
}

/// Whether it is the outcome of a test, as Go prints it: `--- PASS: TestRead`.
fn is_status(text: &[u8], name: &Range<usize>) -> bool {
    text.get(name.clone()) == Some(&b"PASS"[..])
        && line_before(text, name.start).trim_ascii_end().ends_with(b"---")
}
