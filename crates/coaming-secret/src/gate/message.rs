//! Messages, and values of settings: short texts that may quote an input.

use std::borrow::Cow;
use std::ops::Range;

use super::{line, name, word};
use crate::{TextKind, detector, names};

/// What takes the place of a secret.
const MASK: &str = "***";

/// A message without the secrets that it quotes: each is replaced by `***`.
#[must_use]
pub fn masked(message: &str) -> Cow<'_, str> {
    let mut ranges = words(message);
    // Nothing shorter can name a secret and contain it.
    if message.len() >= 8 {
        let found = detector().scan(message, TextKind::Fragment);
        ranges.extend(found.into_iter().map(|detection| detection.range));
    }
    without(message, ranges)
}

/// A line of an answer that names objects of the input, without the names that are secrets.
#[must_use]
pub fn masked_names(line: &str) -> Cow<'_, str> {
    let mut ranges = words(line);
    ranges.extend(long_numbers(line));
    without(line, ranges)
}

/// Long numbers that are words of their own: none of ours is in an answer.
fn long_numbers(line: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    line.split(|c| line::ends_word(c) || c == ':').filter_map(move |part| {
        let at = (part.as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
        is_number(part).then_some(at..at + part.len())
    })
}

/// Whether a word is a number as long as a password, also a negative or decimal one.
fn is_number(word: &str) -> bool {
    let integer = word.trim_start_matches('-').split('.').next();
    integer.is_some_and(word::is_long_number)
}

/// Words of a message that are secrets by what they look like.
fn words(message: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    ranges.extend(user_infos(message));
    ranges.extend(chosen_words(message));
    ranges.extend(invalid_blocks(message));
    ranges.extend(quoted_words(message));
    ranges.extend(unexpected_texts(message));
    ranges
}

/// The message with `***` in place of the ranges.
pub(super) fn without(message: &str, mut ranges: Vec<Range<usize>>) -> Cow<'_, str> {
    if ranges.is_empty() {
        return Cow::Borrowed(message);
    }
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut out = String::with_capacity(message.len());
    let mut at = 0;
    for range in ranges {
        if range.start >= at {
            out.push_str(message.get(at..range.start).unwrap_or_default());
            out.push_str(MASK);
        }
        at = at.max(range.end);
    }
    out.push_str(message.get(at..).unwrap_or_default());
    Cow::Owned(out)
}

/// The user information of addresses.
fn user_infos(message: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    message.match_indices("://").filter_map(|(at, separator)| {
        let start = at + separator.len();
        let rest = message.get(start..)?;
        let end = rest.find(['/', ' ', '"', '\'', '`', '?', '#']).unwrap_or(rest.len());
        let info = rest.get(..end)?.rfind('@')?;
        rest.get(..info)?.contains(':').then_some(start..start + info)
    })
}

/// Words with the characters of passwords.
fn chosen_words(message: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    message.split(line::ends_word).filter_map(move |word| {
        let trimmed = word.trim_end_matches([':', '.', '?', '!']);
        // Addresses and paths have signs, too.
        let is_secret =
            word::is_chosen(trimmed) && !word.contains("://") && !is_package_version(trimmed);
        let start = (word.as_ptr() as usize).checked_sub(message.as_ptr() as usize)?;
        if let Some(info) = line::bare_user_info(word).filter(|_| !word.contains("://")) {
            return Some(start..start + info.len());
        }
        is_secret.then_some(start..start + word.len())
    })
}

/// Long numbers and random words in what a message quotes.
fn quoted_words(message: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let quotes = message.split('`').skip(1).step_by(2);
    quotes.flat_map(move |quoted| {
        quoted.split(line::ends_word).filter_map(move |part| {
            let is_secret = is_number(part) || word::is_token(part);
            let at = (part.as_ptr() as usize).checked_sub(message.as_ptr() as usize)?;
            is_secret.then_some(at..at + part.len())
        })
    })
}

/// The name of an object or of a part of it. One that no name can be, or that is a long number, is
/// masked like what a message quotes.
#[must_use]
pub fn shown_name(text: &str) -> Cow<'_, str> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-${}".contains(&byte);
    // `password:walnut`, without the space that would make a value of it.
    let is_pair = text.split_once(':').is_some_and(|(first, _)| name::is_secret(first));
    if text.bytes().all(is_part) && !word::is_long_number(text) && !is_pair {
        return Cow::Borrowed(text);
    }
    let quoted = format!("`{text}`");
    match masked(&quoted) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(shown) => Cow::Owned(shown.trim_matches('`').to_owned()),
    }
}

/// What is not a valid block of addresses, and not even like one.
fn invalid_blocks(message: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    message.match_indices("` is not a valid CIDR").filter_map(|(end, _)| {
        let start = message.get(..end)?.rfind('`')? + 1;
        let block = message.get(start..end)?;
        let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '/');
        let is_like_one = block.contains(['.', ':', '/']) && block.chars().all(is_part);
        (!is_like_one).then_some(start..end)
    })
}

/// Texts of an input that a parser did not expect, unless they are single words.
fn unexpected_texts(message: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    const OPEN: &str = ": string \"";
    message.match_indices(OPEN).filter_map(|(at, _)| {
        let start = at + OPEN.len();
        let rest = message.get(start..)?;
        let end = rest.find("\", expected").or_else(|| rest.rfind('"')).unwrap_or(rest.len());
        let is_shown = rest.get(..end).is_some_and(is_shown_rejected);
        (!is_shown).then_some(start..start + end)
    })
}

/// Whether a word is the version of a package: `3.0.11-1~deb12u2`, `1:2.36-9+deb12u1`.
fn is_package_version(word: &str) -> bool {
    let number = word.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    let is_part = |c: char| c.is_ascii_alphanumeric() || ".+~:-".contains(c);
    !number.is_empty()
        && word[number.len()..].starts_with(['.', ':', '-'])
        && word.contains('.')
        && word.chars().all(is_part)
}

/// Whether the value of a variable or label may be shown: it is a path, an address, a version, a
/// word or a phrase, under a name that means no secret.
#[must_use]
pub fn is_shown_value(name: &str, value: &str) -> bool {
    let is_secret_name = names::read(name).is_some_and(|hint| hint.expected.is_some());
    if value.is_empty() || !is_secret_name && names::is_public(name) {
        return true;
    }
    if is_secret_name || word::looks_secret(value) || line::has_user_info(value) {
        return false;
    }
    !line::takes_password(value) && value.split_whitespace().all(is_shown_word)
}

/// Whether a word is not a password that a person chose.
fn is_shown_word(word: &str) -> bool {
    let is_version = || {
        let digits = word.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-');
        digits.split(['.', '-', '+', '_', ':']).all(|part| {
            part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit())
                || part.bytes().all(|byte| byte.is_ascii_alphabetic())
        })
    };
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    word.starts_with('/')
        || word.contains("://")
        || word.contains(['.', '/', ':', '-']) && is_version()
        || !has_digit
        || word.len() <= 5 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a value may be shown that the API rejects at its place: a collection, whose lines are
/// judged one by one, or a single word.
pub(super) fn is_shown_rejected(value: &str) -> bool {
    let value = value.trim();
    let is_collection =
        value.starts_with(['{', '[']) || value.contains(": ") || value.ends_with(':');
    let word = value.trim_matches(['"', '\'']);
    is_collection
        || !word.contains(char::is_whitespace) && !word::looks_secret(word) && is_shown_word(word)
}
