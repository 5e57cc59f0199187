//! Composer's versions: normalized as `composer/semver` does, then compared by PHP's
//! `version_compare`.
//!
//! A version that Composer's normalization refuses is not valid. Two branches cannot be compared.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{compare_digits, take_while};

#[derive(Clone, Debug)]
pub(super) struct Version(String);

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        normalize(text).map(Self)
    }

    /// Whether it is a branch, such as `dev-main`.
    pub(super) fn is_branch(&self) -> bool {
        self.0.starts_with("dev-")
    }

    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        if self.is_branch() && other.is_branch() {
            return (self.0 == other.0).then_some(Ordering::Equal);
        }
        Some(version_compare(&self.0, &other.0))
    }
}

/// The end of a version: stability, its number, and `dev`.
const MODIFIER: &str =
    r"[._-]?(?:(stable|beta|b|RC|alpha|a|patch|pl|p)((?:[.-]?[0-9]+)*)?)?([.-]?dev)?";

/// The shapes that versions have; an expression that does not compile is caught by the tests.
struct Shapes {
    alias: Option<Regex>,
    flag: Option<Regex>,
    metadata: Option<Regex>,
    classical: Option<Regex>,
    date: Option<Regex>,
    branch: Option<Regex>,
    numeric_branch: Option<Regex>,
}

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    let compile = |pattern: &str| Regex::new(pattern).ok();
    Shapes {
        alias: compile(r"^([^,\s]+) +as +([^,\s]+)$"),
        flag: compile(r"(?i)@(?:stable|RC|beta|alpha|dev)$"),
        metadata: compile(r"^([^,\s+]+)\+\S+$"),
        classical: compile(&format!(
            r"(?i)^v?([0-9]{{1,5}})(\.[0-9]+)?(\.[0-9]+)?(\.[0-9]+)?{MODIFIER}$"
        )),
        date: compile(&format!(
            r"(?i)^v?([0-9]{{4}}(?:[.:-]?[0-9]{{2}}){{1,6}}(?:[.:-]?[0-9]{{1,3}})?){MODIFIER}$"
        )),
        branch: compile(r"(?i)^(.*?)[.-]?dev$"),
        numeric_branch: compile(
            r"(?i)^v?([0-9]+)(\.(?:[0-9]+|[xX*]))?(\.(?:[0-9]+|[xX*]))?(\.(?:[0-9]+|[xX*]))?$",
        ),
    }
});

fn captures<'t>(shape: &Option<Regex>, text: &'t str) -> Option<Captures<'t>> {
    shape.as_ref().and_then(|shape| shape.captures(text))
}

/// A group's text; empty if it did not match.
fn group<'t>(captures: &Captures<'t>, index: usize) -> &'t str {
    captures.get(index).map_or("", |found| found.as_str())
}

fn normalize(text: &str) -> Option<String> {
    let mut text = text.trim();
    if let Some(found) = captures(&SHAPES.alias, text) {
        text = found.get(1)?.as_str();
    }
    if let Some(found) = SHAPES.flag.as_ref().and_then(|flag| flag.find(text)) {
        text = text.get(..found.start())?;
    }
    let branch = if ["master", "trunk", "default"].contains(&text) {
        Cow::Owned(format!("dev-{text}"))
    } else {
        Cow::Borrowed(text)
    };
    if let Some(prefix) = branch.get(..4)
        && prefix.eq_ignore_ascii_case("dev-")
    {
        return Some(format!("dev-{}", branch.get(4..)?));
    }
    if let Some(found) = captures(&SHAPES.metadata, text) {
        text = found.get(1)?.as_str();
    }
    if let Some(found) = captures(&SHAPES.classical, text) {
        let part = |index| match group(&found, index) {
            "" => ".0",
            part => part,
        };
        let numbers = format!("{}{}{}{}", group(&found, 1), part(2), part(3), part(4));
        return Some(modified(numbers, &found, 5));
    }
    if let Some(found) = captures(&SHAPES.date, text) {
        let numbers = group(&found, 1)
            .chars()
            .map(|each| if each.is_ascii_digit() { each } else { '.' })
            .collect();
        return Some(modified(numbers, &found, 2));
    }
    let found = captures(&SHAPES.branch, text)?;
    numeric_branch(group(&found, 1))
}

/// Adds stability, its number, and `dev`.
fn modified(mut version: String, found: &Captures<'_>, index: usize) -> String {
    let stability = group(found, index);
    if stability == "stable" {
        return version;
    }
    if !stability.is_empty() {
        let lower = stability.to_ascii_lowercase();
        let stability = match lower.as_str() {
            "a" => "alpha",
            "b" => "beta",
            "p" | "pl" => "patch",
            "rc" => "RC",
            other => other,
        };
        let number = group(found, index + 1).trim_start_matches(['.', '-']);
        version = format!("{version}-{stability}{number}");
    }
    if !group(found, index + 2).is_empty() {
        version.push_str("-dev");
    }
    version
}

/// `2.x` is after all of `2`.
fn numeric_branch(name: &str) -> Option<String> {
    let found = captures(&SHAPES.numeric_branch, name.trim())?;
    let mut version = String::new();
    for index in 1..5 {
        let part = group(&found, index);
        version.push_str(&if part.is_empty() {
            ".x".to_owned()
        } else {
            part.replace(['*', 'X'], "x")
        });
    }
    Some(version.replace('x', "9999999") + "-dev")
}

/// PHP's `version_compare`.
fn version_compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (parts(left), parts(right));
    for (left, right) in left.iter().zip(&right) {
        let order = match (is_number(left), is_number(right)) {
            (true, true) => compare_digits(left.as_bytes(), right.as_bytes()),
            _ => weight(left).cmp(&weight(right)),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    let after = |rest: Option<&String>| match rest {
        None => Ordering::Equal,
        Some(part) if is_number(part) => Ordering::Greater,
        // The rest is compared with "any number".
        Some(part) => weight(part).cmp(&weight("#")),
    };
    after(left.get(right.len())).then_with(|| after(right.get(left.len())).reverse())
}

fn is_number(part: &str) -> bool {
    part.starts_with(|first: char| first.is_ascii_digit())
}

/// Splits at separators and between digits and letters.
fn parts(version: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = version.as_bytes();
    while let Some(first) = rest.first() {
        let kind = |byte: u8| (byte.is_ascii_digit(), b".-_+".contains(&byte));
        let expected = kind(*first);
        let (run, after) = take_while(rest, |byte| kind(byte) == expected);
        if !expected.1 {
            parts.push(String::from_utf8_lossy(run).into_owned());
        }
        rest = after;
    }
    parts
}

/// The rank of a word among the words that PHP knows; `#` is any number.
fn weight(part: &str) -> i8 {
    if is_number(part) {
        return weight("#");
    }
    const FORMS: [(&str, i8); 11] = [
        ("dev", 0),
        ("alpha", 1),
        ("a", 1),
        ("beta", 2),
        ("b", 2),
        ("RC", 3),
        ("rc", 3),
        ("#", 4),
        ("pl", 5),
        ("p", 5),
        ("patch", 5),
    ];
    FORMS.iter().find(|(form, _)| part.starts_with(form)).map_or(-1, |(_, weight)| *weight)
}
