//! Tokens that are known by their own form: what is looked at around a literal of a kind.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use base64::Engine as _;
use coaming_finding::Confidence;

use crate::candidate::Candidate;
use crate::check::{self, Verdict};
use crate::kinds::{Form, Kind};
use crate::{assign, measure, noise, pem, url};

/// The longest token that is read from its first byte; session tokens and macaroons are the longest.
const MAX_TOKEN: usize = 8 << 10;
/// How far before its inner literal a token may start.
const MAX_BEFORE: usize = 160;
/// How far behind its inner literal a token may reach.
const MAX_AFTER: usize = 512;
/// How far around an AWS key ID its secret is looked for.
const PAIR_DISTANCE: usize = 256;

/// Looks for a kind's token at a literal of it.
pub(crate) fn token(
    text: &[u8],
    hit: usize,
    kind: &'static Kind,
    literal: &str,
    found: &mut Vec<Candidate>,
) {
    // Literals are found in any case; tokens are written in one.
    if text.get(hit..hit + literal.len()) != Some(literal.as_bytes()) {
        return;
    }
    let is_prefixed = matches!(kind.form, Form::Prefixed(_));
    let range = if is_prefixed {
        prefixed_token(text, hit, kind, literal)
    } else {
        inner_token(text, hit, kind, literal)
    };
    let Some(range) = range else { return };
    let value = text.get(range.clone()).unwrap_or_default();
    let random = if is_prefixed { value.get(literal.len()..) } else { Some(value) };
    if is_made_up(random.unwrap_or_default()) {
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
    found.push(Candidate { confidence, ..Candidate::made(kind.name, kind.title, range, 1) });
}

/// Where the base64 text stands of which a literal was found at `hit`, and what it says if it says
/// anything.
pub(crate) fn encoded(
    text: &[u8],
    hit: usize,
    literal: &str,
) -> Option<(Range<usize>, Option<Vec<u8>>)> {
    if text.get(hit..hit + literal.len()) != Some(literal.as_bytes()) || !starts_word(text, hit) {
        return None;
    }
    let rest = text.get(hit..text.len().min(hit + MAX_TOKEN))?;
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let length = rest.iter().take_while(|byte| is_digit(byte)).count();
    Some((hit..hit + length, check::STANDARD.decode(rest.get(..length)?).ok()))
}

fn prefixed_token(text: &[u8], hit: usize, kind: &Kind, literal: &str) -> Option<Range<usize>> {
    if !starts_word(text, hit) {
        return None;
    }
    let rest = text.get(hit + literal.len()..text.len().min(hit + MAX_TOKEN))?;
    // No token has spaces or quotes: a pattern's cost is that of the text it is shown.
    let length = rest.iter().take_while(|byte| byte.is_ascii_graphic() && !b"\"'`".contains(byte));
    let end = hit + literal.len() + kind.regex()?.find(rest.get(..length.count())?)?.end();
    ends_word(text, end).then_some(hit..end)
}

fn inner_token(text: &[u8], hit: usize, kind: &Kind, literal: &str) -> Option<Range<usize>> {
    // Most literals have so much of the token before them: no need to ask the pattern without it.
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

/// The random part of a token is no random text.
fn is_made_up(random: &[u8]) -> bool {
    const WORDS: &[&str] = &["example", "xxxxx", "placeholder", "your-", "your_", "redacted"];
    static FINDER: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| AhoCorasickBuilder::new().ascii_case_insensitive(true).build(WORDS).ok());
    noise::is_monotonous(random)
        || FINDER.as_ref().is_some_and(|finder| finder.is_match(random))
        || random.len() >= 16 && measure::has_at_most(random, 6)
}

/// Whether a token can start here: nothing before it belongs to it.
fn starts_word(text: &[u8], start: usize) -> bool {
    let byte = |back: usize| start.checked_sub(back).and_then(|place| text.get(place)).copied();
    match byte(1) {
        None => true,
        Some(before) if !before.is_ascii_alphanumeric() && before != b'_' => true,
        // An escaped line break, `%3D`, `\u003d`: they end in a letter and are none.
        Some(b'n' | b'r' | b't') if byte(2) == Some(b'\\') => true,
        Some(before) if before.is_ascii_hexdigit() => {
            byte(3) == Some(b'%') && byte(2).is_some_and(|byte| byte.is_ascii_hexdigit())
                || byte(6) == Some(b'\\') && byte(5) == Some(b'u')
        }
        Some(_) => false,
    }
}

/// Whether a token can end here.
fn ends_word(text: &[u8], end: usize) -> bool {
    text.get(end).is_none_or(|after| !after.is_ascii_alphanumeric() && *after != b'_')
}

/// A private key in PEM.
pub(crate) fn private_key(text: &[u8], hit: usize, found: &mut Vec<Candidate>) {
    let Some(key) = pem::private_key(text, hit) else { return };
    found.push(Candidate::made(key.kind, key.title, key.range, 0));
}

/// A key in a format of its own.
pub(crate) fn other_key(key: Option<pem::PrivateKey>, found: &mut Vec<Candidate>) {
    found.extend(key.map(|key| Candidate::made(key.kind, key.title, key.range, 0)));
}

/// A password in a URL.
pub(crate) fn url_password(text: &[u8], hit: usize, found: &mut Vec<Candidate>) {
    let Some(range) = url::password(text, hit) else { return };
    found.push(Candidate::chosen("url-password", "password in a URL", range, 3));
}

/// The password of a JDBC URL of Oracle's: `jdbc:oracle:thin:user/password@host`.
pub(crate) fn oracle(text: &[u8], hit: usize, found: &mut Vec<Candidate>) {
    let Some(range) = url::oracle_password(text, hit) else { return };
    found.push(Candidate::chosen("url-password", "password in a URL", range, 3));
}

/// The password of an SQL statement: `IDENTIFIED BY 'x'`.
pub(crate) fn identified_by(text: &[u8], hit: usize, found: &mut Vec<Candidate>) {
    // Prose says of other things by what they are identified.
    if !assign::in_statement(text, hit) {
        return;
    }
    let Some(range) = url::quoted_after(text, hit + url::IDENTIFIED_BY.len()) else { return };
    found.push(Candidate::chosen("password", "password", range, 3));
}

/// A password before the address of a data source: `user:password@tcp(host)/name`.
pub(crate) fn data_source(text: &[u8], hit: usize, found: &mut Vec<Candidate>) {
    let Some(range) = url::data_source_password(text, hit) else { return };
    found.push(Candidate::chosen("url-password", "password in a data source name", range, 3));
}

/// The secret that belongs to an AWS key ID: forty random characters near it.
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
        let makeup = measure::makeup(value);
        let whole = at == 0 || text.get(at - 1).is_some_and(|&byte| !is_part(byte));
        if length == 40
            && whole
            && makeup.digits > 0
            && makeup.upper > 0
            && makeup.lower > 0
            && measure::entropy(value) > 4.0
            && !is_made_up(value)
        {
            let (kind, title) = ("aws-secret-access-key", "AWS secret access key");
            found.push(Candidate::made(kind, title, at..at + length, 1));
        }
        at += length + 1;
    }
}
