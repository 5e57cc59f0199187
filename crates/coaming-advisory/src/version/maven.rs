//! Maven's `ComparableVersion`: numbers and qualifiers in lists; a dash or a change between digits
//! and letters opens a list.
//!
//! This is the order of Maven 3 and of its "Version Order Specification". Maven
//! accepts every text as a version; we refuse white space and control characters.

use std::cmp::Ordering;

use super::{compare_digits, significant};

/// Lists nest once per dash or change from digits to letters: no genuine version needs more levels.
const MAX_DEPTH: usize = 256;

#[derive(Clone, Debug)]
pub(super) struct Version(Vec<Item>);

#[derive(Clone, Debug)]
enum Item {
    /// Without leading zeros: empty is zero.
    Number(Vec<u8>),
    Qualifier(Qualifier),
    List(Vec<Item>),
}

/// The qualifiers, from the oldest; the release is between the snapshot and the service pack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Qualifier {
    Alpha,
    Beta,
    Milestone,
    Candidate,
    Snapshot,
    Release,
    ServicePack,
    Other(String),
}

impl Qualifier {
    fn new(text: &str, before_digit: bool) -> Self {
        match text {
            "a" if before_digit => Self::Alpha,
            "b" if before_digit => Self::Beta,
            "m" if before_digit => Self::Milestone,
            "alpha" => Self::Alpha,
            "beta" => Self::Beta,
            "milestone" => Self::Milestone,
            "rc" | "cr" => Self::Candidate,
            "snapshot" => Self::Snapshot,
            "" | "ga" | "final" | "release" => Self::Release,
            "sp" => Self::ServicePack,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl Item {
    fn is_null(&self) -> bool {
        match self {
            Self::Number(digits) => digits.is_empty(),
            Self::Qualifier(qualifier) => *qualifier == Qualifier::Release,
            Self::List(items) => items.is_empty(),
        }
    }

    /// Compares with an absent item.
    fn compare_null(&self) -> Ordering {
        match self {
            Self::Number(digits) if digits.is_empty() => Ordering::Equal,
            Self::Number(_) => Ordering::Greater,
            Self::Qualifier(qualifier) => qualifier.cmp(&Qualifier::Release),
            Self::List(items) => first_difference(items.iter().map(Self::compare_null)),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => compare_digits(left, right),
            (Self::Number(_), _) => Ordering::Greater,
            (_, Self::Number(_)) => Ordering::Less,
            (Self::Qualifier(left), Self::Qualifier(right)) => left.cmp(right),
            (Self::Qualifier(_), Self::List(_)) => Ordering::Less,
            (Self::List(_), Self::Qualifier(_)) => Ordering::Greater,
            (Self::List(left), Self::List(right)) => compare_lists(left, right),
        }
    }
}

fn compare_lists(left: &[Item], right: &[Item]) -> Ordering {
    first_difference((0..left.len().max(right.len())).map(|index| {
        match (left.get(index), right.get(index)) {
            (Some(left), Some(right)) => left.compare(right),
            (Some(left), None) => left.compare_null(),
            (None, Some(right)) => right.compare_null().reverse(),
            (None, None) => Ordering::Equal,
        }
    }))
}

fn first_difference(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders.find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
}

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.chars().any(|each| each.is_whitespace() || each.is_control()) {
            return None;
        }
        let mut lists = split(&text.to_lowercase())?;
        // The innermost list is finished first, and closed into the one around it.
        while let Some(mut last) = lists.pop() {
            normalize(&mut last);
            match lists.last_mut() {
                Some(outer) => outer.push(Item::List(last)),
                None => return Some(Self(last)),
            }
        }
        None
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        compare_lists(&self.0, &other.0)
    }
}

/// The lists, each the last item of the one before it.
fn split(text: &str) -> Option<Vec<Vec<Item>>> {
    let mut lists = vec![Vec::new()];
    let mut start = 0;
    let mut digits = false;
    for (index, character) in text.char_indices() {
        let token = text.get(start..index).unwrap_or_default();
        let boundary = match character {
            '.' | '-' => {
                add(&mut lists, if token.is_empty() { "0" } else { token }, false);
                start = index + 1;
                character == '-'
            }
            _ => {
                let changes = character.is_ascii_digit() != digits && !token.is_empty();
                if changes {
                    if !digits {
                        open_list(&mut lists);
                    }
                    add(&mut lists, token, !digits);
                    start = index;
                }
                digits = character.is_ascii_digit();
                changes
            }
        };
        if boundary {
            lists.push(Vec::new());
        }
        if lists.len() > MAX_DEPTH {
            return None;
        }
    }
    let rest = text.get(start..).unwrap_or_default();
    if !rest.is_empty() {
        if !digits {
            open_list(&mut lists);
        }
        add(&mut lists, rest, false);
    }
    Some(lists)
}

/// A qualifier before a digit or the end has a list of its own: `.X1` counts as `-X1`.
fn open_list(lists: &mut Vec<Vec<Item>>) {
    if lists.last().is_some_and(|list| !list.is_empty()) {
        lists.push(Vec::new());
    }
}

fn add(lists: &mut [Vec<Item>], token: &str, before_digit: bool) {
    let item = if token.bytes().all(|byte| byte.is_ascii_digit()) {
        Item::Number(significant(token.as_bytes()).to_vec())
    } else {
        Item::Qualifier(Qualifier::new(token, before_digit))
    };
    if let Some(list) = lists.last_mut() {
        list.push(item);
    }
}

/// Removes null items at the end, and before lists at the end.
fn normalize(items: &mut Vec<Item>) {
    for index in (0..items.len()).rev() {
        match items.get(index) {
            Some(item) if item.is_null() => {
                items.remove(index);
            }
            Some(Item::List(_)) => {}
            _ => break,
        }
    }
}
