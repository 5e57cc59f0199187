//! deb-version(7), as dpkg compares.
//!
//! A version is `[epoch:]upstream[-revision]`. A version that `dpkg --validate-version` refuses or
//! warns of is not valid.

use std::cmp::Ordering;

use super::{compare_digits, take_while};

#[derive(Clone, Debug)]
pub(super) struct Version {
    epoch: i32,
    upstream: String,
    revision: String,
}

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(|character: char| character.is_ascii_whitespace());
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (parse_epoch(epoch)?, rest),
            None => (0, text),
        };
        let (upstream, revision) = match rest.rsplit_once('-') {
            Some((_, "")) => return None,
            Some((upstream, revision)) => (upstream, revision),
            None => (rest, ""),
        };
        let valid = upstream.starts_with(|character: char| character.is_ascii_digit())
            && upstream
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-+~:".contains(&byte))
            && revision.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+~".contains(&byte));
        valid.then(|| Self { epoch, upstream: upstream.into(), revision: revision.into() })
    }
}

/// An epoch as C's `strtol` reads it: with an optional sign, but not negative.
fn parse_epoch(text: &str) -> Option<i32> {
    text.parse().ok().filter(|epoch| *epoch >= 0)
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare_part(self.upstream.as_bytes(), other.upstream.as_bytes()))
            .then_with(|| compare_part(self.revision.as_bytes(), other.revision.as_bytes()))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

/// Compares an upstream version or a revision: text and numbers alternate.
fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let (left_text, left_rest) = take_while(left, |byte| !byte.is_ascii_digit());
        let (right_text, right_rest) = take_while(right, |byte| !byte.is_ascii_digit());
        let (left_number, left_rest) = take_while(left_rest, |byte| byte.is_ascii_digit());
        let (right_number, right_rest) = take_while(right_rest, |byte| byte.is_ascii_digit());
        let order = compare_text(left_text, right_text)
            .then_with(|| compare_digits(left_number, right_number));
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    Ordering::Equal
}

/// Compares runs without digits: `~` before the end, the end before letters, letters before the
/// rest.
fn compare_text(left: &[u8], right: &[u8]) -> Ordering {
    let weight = |text: &[u8], index: usize| match text.get(index) {
        None => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    (0..left.len().max(right.len()))
        .map(|index| weight(left, index).cmp(&weight(right, index)))
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}
