//! Semantic Versioning 2.0.0, with numbers of any size.
//!
//! Build metadata is validated but does not count in the order, except in ecosystems that order by it
//! too. (The crate `semver`
//! refuses numbers beyond 64 bits, which the specification allows.)

use std::cmp::Ordering;

use super::compare_digits;

#[derive(Clone, Debug)]
pub(super) struct Version {
    /// Major, minor and patch.
    numbers: [String; 3],
    /// The identifiers of the pre-release; none for a release.
    pre_release: Vec<String>,
    /// The identifiers of the build, where they count.
    build: Vec<String>,
}

impl Version {
    /// Parses a version whose build metadata counts: `1.0.0+2` is after `1.0.0+1` and `1.0.0`.
    pub(super) fn parse_with_build(text: &str) -> Option<Self> {
        let version = Self::parse(text)?;
        let build = split(text, '+').1.unwrap_or_default();
        let parts = build.split('.').filter(|part| !part.is_empty());
        Some(Self { build: parts.map(str::to_owned).collect(), ..version })
    }

    /// Parses a version; as in nearly all tools, it may start with a `v`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, build) = split(text, '+');
        let (core, pre_release) = split(text, '-');
        if build.is_some_and(|build| !build.split('.').all(is_identifier)) {
            return None;
        }
        let mut numbers = core.split('.').map(number);
        let version = Self {
            numbers: [numbers.next()??, numbers.next()??, numbers.next()??],
            pre_release: match pre_release {
                None => Vec::new(),
                Some(text) => text.split('.').map(identifier).collect::<Option<_>>()?,
            },
            build: Vec::new(),
        };
        numbers.next().is_none().then_some(version)
    }

    /// Major, minor and patch, as they were written.
    pub(super) fn numbers(&self) -> &[String; 3] {
        &self.numbers
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        for (left, right) in self.numbers.iter().zip(&other.numbers) {
            let order = compare_digits(left.as_bytes(), right.as_bytes());
            if order != Ordering::Equal {
                return order;
            }
        }
        match (self.pre_release.is_empty(), other.pre_release.is_empty()) {
            (true, true) => return compare_lists(&self.build, &other.build),
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) => {}
        }
        compare_lists(&self.pre_release, &other.pre_release)
            .then_with(|| compare_lists(&self.build, &other.build))
    }
}

/// Compares identifiers one by one; if all are equal, more of them are after fewer.
fn compare_lists(left: &[String], right: &[String]) -> Ordering {
    let pairs = left.iter().zip(right);
    let mut orders = pairs.map(|(left, right)| compare_identifiers(left, right));
    let first = orders.find(|order| *order != Ordering::Equal);
    first.unwrap_or_else(|| left.len().cmp(&right.len()))
}

fn split(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number without leading zeros.
fn number(text: &str) -> Option<String> {
    (is_number(text) && (text == "0" || !text.starts_with('0'))).then(|| text.to_owned())
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// An identifier of a pre-release.
fn identifier(text: &str) -> Option<String> {
    if is_number(text) { number(text) } else { is_identifier(text).then(|| text.to_owned()) }
}

/// Numbers before words.
fn compare_identifiers(left: &str, right: &str) -> Ordering {
    match (is_number(left), is_number(right)) {
        (true, true) => compare_digits(left.as_bytes(), right.as_bytes()),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.cmp(right),
    }
}
