//! `NuGetVersion`: one to four numbers, case-insensitive pre-release labels, and metadata that does
//! not count.
//!
//! Numbers may exceed .NET's 32 bits: refusing them would gain nothing.

use std::cmp::Ordering;

use super::compare_digits;

#[derive(Clone, Debug)]
pub(super) struct Version {
    /// Digits; empty if omitted, which means zero.
    numbers: [String; 4],
    /// In lower case; none for a release.
    labels: Vec<String>,
}

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (text, metadata) = match text.split_once('+') {
            Some((text, metadata)) => (text, Some(metadata)),
            None => (text, None),
        };
        let (core, labels) = match text.split_once('-') {
            Some((core, labels)) => (core, Some(labels)),
            None => (text, None),
        };
        if metadata.is_some_and(|metadata| !metadata.split('.').all(is_label)) {
            return None;
        }
        let mut numbers: [String; 4] = Default::default();
        let mut places = numbers.iter_mut();
        for part in core.split('.') {
            *places.next()? = number(part)?;
        }
        let labels = match labels {
            None => Vec::new(),
            Some(labels) => labels
                .split('.')
                .map(|label| {
                    (is_label(label) && !has_leading_zero(label))
                        .then(|| label.to_ascii_lowercase())
                })
                .collect::<Option<_>>()?,
        };
        Some(Self { numbers, labels })
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        for (left, right) in self.numbers.iter().zip(&other.numbers) {
            let order = compare_digits(left.as_bytes(), right.as_bytes());
            if order != Ordering::Equal {
                return order;
            }
        }
        match (self.labels.is_empty(), other.labels.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) => {}
        }
        for (left, right) in self.labels.iter().zip(&other.labels) {
            let order = compare_labels(left, right);
            if order != Ordering::Equal {
                return order;
            }
        }
        self.labels.len().cmp(&other.labels.len())
    }
}

/// A number, optionally with white space around it and leading zeros.
fn number(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.to_owned())
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn has_leading_zero(label: &str) -> bool {
    label.len() > 1 && label.starts_with('0') && label.bytes().all(|byte| byte.is_ascii_digit())
}

/// Labels that are 32-bit numbers come first, by their value; the rest by their letters.
fn compare_labels(left: &str, right: &str) -> Ordering {
    match (left.parse::<i32>(), right.parse::<i32>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        // .NET ignores case by converting to upper case, which differs only for characters, such as
        // `_`, that labels cannot contain.
        (Err(_), Err(_)) => left.cmp(right),
    }
}
