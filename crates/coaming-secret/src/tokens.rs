//! Tokens that are recognized by their own format, around a literal of their kind.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use base64::Engine as _;
use coaming_finding::Confidence;

use crate::candidate::Candidate;
use crate::check::{self, Verdict};
use crate::kinds::{Form, Kind};
use crate::phrases::PHRASES;
use crate::{noise, pem, randomness, url};

/// The longest token that is read from its first byte: session tokens and macaroons are the
/// longest.
const MAX_TOKEN: usize = 8 << 10;
/// How far before its inner literal a token may start.
const MAX_BEFORE: usize = 160;
/// How far after its inner literal a token may end.
const MAX_AFTER: usize = 512;
/// How far around an AWS key ID its secret is searched.
const PAIR_DISTANCE: usize = 256;

/// Finds a kind's token at its literal.
pub(crate) fn token(
    text: &[u8],
    hit: usize,
    kind: &'static Kind,
    literal: &str,
    found: &mut Vec<Candidate>,
) {
    let is_prefixed = matches!(kind.form, Form::Prefixed(_));
    let range = if is_prefixed {
        prefixed_token(text, hit, kind, literal)
    } else {
        inner_token(text, hit, kind, literal)
    };
    let Some(range) = range else { return };
    let value = text.get(range.clone()).unwrap_or_default();
    let random = if is_prefixed { value.get(literal.len()..) } else { Some(value) };
    if is_fake(random.unwrap_or_default()) {
        return;
    }
    let confidence = match kind.check(value) {
        Verdict::Real => Confidence::High,
        Verdict::Doubtful => Confidence::Medium,
        Verdict::Other => return,
    };
    if kind.name == "aws-access-key-id" {
        aws_secret(text, &range, found);
    }
    found.push(Candidate { confidence, ..Candidate::generated(kind.name, kind.title, range, 1) });
}

/// The range of the base64 text whose start was found at `hit`, and what it decodes to, if it does.
pub(crate) fn encoded(text: &[u8], hit: usize) -> Option<(Range<usize>, Option<Vec<u8>>)> {
    if !starts_word(text, hit) {
        return None;
    }
    let rest = text.get(hit..text.len().min(hit + MAX_TOKEN))?;
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let length = rest.iter().take_while(|byte| is_digit(byte)).count();
    Some((hit..hit + length, check::STANDARD.decode(rest.get(..length)?).ok()))
}

fn prefixed_token(text: &[u8], hit: usize, kind: &Kind, literal: &str) -> Option<Range<usize>> {
    if !starts_word(text, hit) || literal.len() < 4 && is_in_base64(text, hit) {
        return None;
    }
    let rest = text.get(hit + literal.len()..text.len().min(hit + MAX_TOKEN))?;
    // Tokens contain neither spaces nor quotes: matching costs time for all the text it is given.
    let length = rest.iter().take_while(|byte| byte.is_ascii_graphic() && !b"\"'`".contains(byte));
    let end = hit + literal.len() + kind.regex()?.find(rest.get(..length.count())?)?.end();
    ends_word(text, end).then_some(hit..end)
}

fn inner_token(text: &[u8], hit: usize, kind: &Kind, literal: &str) -> Option<Range<usize>> {
    // Most of these literals follow a number of characters of the token, which is quick to check.
    let before = text.get(hit.checked_sub(kind.before)?..hit)?;
    if !before.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-+/=~.".contains(byte)) {
        return None;
    }
    let start = hit.saturating_sub(MAX_BEFORE);
    let window = text.get(start..text.len().min(hit + literal.len() + MAX_AFTER))?;
    let literal_end = hit + literal.len() - start;
    for captures in kind.regex()?.captures_iter(window) {
        let Some(whole) = captures.get(0) else { continue };
        if whole.start() < literal_end && whole.end() > hit - start {
            let secret = captures.get(1).unwrap_or(whole);
            let range = start + secret.start()..start + secret.end();
            return (starts_word(text, range.start) && ends_word(text, range.end)).then_some(range);
        }
    }
    None
}

/// Whether the part of a token that should be random is not.
fn is_fake(random: &[u8]) -> bool {
    const WORDS: &[&str] = &["example", "xxxxx", "placeholder", "your-", "your_", "redacted"];
    static FINDER: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| AhoCorasickBuilder::new().ascii_case_insensitive(true).build(WORDS).ok());
    noise::is_monotonous(random)
        || FINDER.as_ref().is_some_and(|finder| finder.is_match(random))
        || random.len() >= 16 && randomness::has_at_most(random, 6)
}

/// Whether a token can start here: the characters before it are not part of it.
fn starts_word(text: &[u8], start: usize) -> bool {
    let byte = |back: usize| start.checked_sub(back).and_then(|at| text.get(at)).copied();
    match byte(1) {
        None => true,
        Some(before) if !before.is_ascii_alphanumeric() && before != b'_' => true,
        // Escapes end in a letter that is not part of the token: `\n`, `%3D`, `\u003d`.
        Some(b'n' | b'r' | b't') if byte(2) == Some(b'\\') => true,
        Some(before) if before.is_ascii_hexdigit() => {
            byte(3) == Some(b'%') && byte(2).is_some_and(|byte| byte.is_ascii_hexdigit())
                || byte(6) == Some(b'\\') && byte(5) == Some(b'u')
        }
        Some(_) => false,
    }
}

/// Whether a position follows a sign within a long text in base64, where the start of a token
/// occurs by chance if it is short.
fn is_in_base64(text: &[u8], at: usize) -> bool {
    const BEFORE: usize = 40;
    let before = at.checked_sub(BEFORE).and_then(|start| text.get(start..at));
    before.is_some_and(|before| {
        matches!(before.last(), Some(b'/' | b'+'))
            && before.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte))
            && randomness::looks_random(before)
    })
}

/// Whether a token can end here.
fn ends_word(text: &[u8], end: usize) -> bool {
    text.get(end).is_none_or(|after| !after.is_ascii_alphanumeric() && *after != b'_')
}

/// Finds a private key in PEM.
pub(crate) fn private_key(text: &[u8], hit: usize, found: &mut Vec<Candidate>) {
    let Some(key) = pem::private_key(text, hit) else { return };
    found.push(Candidate::generated(key.kind, key.title, key.range, 0));
}

/// Adds a key in another format.
pub(crate) fn other_key(key: Option<pem::PrivateKey>, found: &mut Vec<Candidate>) {
    found.extend(key.map(|key| Candidate::generated(key.kind, key.title, key.range, 0)));
}

/// Finds a password in a URL.
pub(crate) fn url_password(text: &[u8], hit: usize, is_program: bool, found: &mut Vec<Candidate>) {
    let Some(range) = url::password(text, hit) else { return };
    if is_program && url::is_documentation(text, &range) {
        return;
    }
    found.push(Candidate::human("url-password", "password in a URL", range, 3));
}

/// Finds the password in a JDBC URL of Oracle: `jdbc:oracle:thin:user/password@host`.
pub(crate) fn oracle(text: &[u8], hit: usize, found: &mut Vec<Candidate>) {
    let Some(range) = url::oracle_password(text, hit) else { return };
    found.push(Candidate::human("url-password", "password in a URL", range, 3));
}

/// Finds the password after a phrase of a configuration language: `IDENTIFIED BY 'x'`.
pub(crate) fn after_phrase(text: &[u8], hit: usize, index: usize, found: &mut Vec<Candidate>) {
    let Some((phrase, read)) = PHRASES.get(index) else { return };
    let Some(range) = read(text, hit, hit + phrase.len()) else { return };
    found.push(Candidate::human("password", "password", range, 3));
}

/// Finds a password before the address of a data source: `user:password@tcp(host)/name`.
pub(crate) fn data_source(text: &[u8], hit: usize, found: &mut Vec<Candidate>) {
    let Some(range) = url::data_source_password(text, hit) else { return };
    found.push(Candidate::human("url-password", "password in a data source name", range, 3));
}

/// Finds the secret that belongs to an AWS key ID: forty random characters near it.
fn aws_secret(text: &[u8], id: &Range<usize>, found: &mut Vec<Candidate>) {
    let start = id.start.saturating_sub(PAIR_DISTANCE);
    let end = text.len().min(id.end + PAIR_DISTANCE);
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"/+".contains(&byte);
    let mut at = start;
    while at < end {
        let length = text
            .get(at..)
            .unwrap_or_default()
            .iter()
            .take(64)
            .take_while(|&&byte| is_part(byte))
            .count();
        let value = text.get(at..at + length).unwrap_or_default();
        let whole = at == 0 || text.get(at - 1).is_some_and(|&byte| !is_part(byte));
        if whole && is_aws_secret(value) {
            let (kind, title) = ("aws-secret-access-key", "AWS secret access key");
            found.push(Candidate::generated(kind, title, at..at + length, 1));
        }
        at += length + 1;
    }
}

/// Whether a word could be the secret of an AWS access key: forty random characters.
pub(crate) fn is_aws_secret(word: &[u8]) -> bool {
    let stats = randomness::character_stats(word);
    word.len() == 40
        && stats.digits > 0
        && stats.upper > 0
        && stats.lower > 0
        && randomness::entropy(word) > 4.0
        && !is_fake(word)
}
