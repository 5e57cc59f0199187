//! `Gem::Version`: numbers and words, where a word is older than any number. Zeros at the end of
//! the leading numbers and at the end of the version do not count.

use std::cmp::Ordering;

use super::{compare_digits, significant};

#[derive(Clone, Debug)]
pub(super) struct Version(Vec<Segment>);

#[derive(Clone, Debug)]
enum Segment {
    /// Without leading zeros: empty is zero.
    Number(Vec<u8>),
    Word(Vec<u8>),
}

impl Segment {
    fn is_zero(&self) -> bool {
        matches!(self, Self::Number(digits) if digits.is_empty())
    }
}

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(|character: char| character.is_ascii_whitespace());
        if !is_valid(text) {
            return None;
        }
        let text = text.replace('-', ".pre.");
        let mut segments = segments(text.as_bytes());
        let numbers = segments.iter().take_while(|each| matches!(each, Segment::Number(_))).count();
        let mut words = segments.split_off(numbers);
        drop_zeros(&mut segments);
        drop_zeros(&mut words);
        segments.append(&mut words);
        Some(Self(segments))
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let zero = Segment::Number(Vec::new());
        for index in 0..self.0.len().max(other.0.len()) {
            let left = self.0.get(index).unwrap_or(&zero);
            let right = other.0.get(index).unwrap_or(&zero);
            let order = match (left, right) {
                (Segment::Number(left), Segment::Number(right)) => compare_digits(left, right),
                (Segment::Word(left), Segment::Word(right)) => left.cmp(right),
                (Segment::Word(_), Segment::Number(_)) => Ordering::Less,
                (Segment::Number(_), Segment::Word(_)) => Ordering::Greater,
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }
}

/// `Gem::Version::ANCHORED_VERSION_PATTERN`; the empty text is version 0.
fn is_valid(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let (release, pre_release) = match text.split_once('-') {
        Some((release, pre_release)) => (release, Some(pre_release)),
        None => (text, None),
    };
    let part = |part: &str, dash: bool| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || (dash && byte == b'-'))
    };
    let mut parts = release.split('.');
    parts
        .next()
        .is_some_and(|first| !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit()))
        && parts.all(|each| part(each, false))
        && pre_release.is_none_or(|pre_release| pre_release.split('.').all(|each| part(each, true)))
}

fn segments(text: &[u8]) -> Vec<Segment> {
    text.chunk_by(|left, right| kind(*left) == kind(*right))
        .filter_map(|run| match kind(*run.first()?) {
            0 => Some(Segment::Number(significant(run).to_vec())),
            1 => Some(Segment::Word(run.to_vec())),
            _ => None,
        })
        .collect()
}

fn kind(byte: u8) -> u8 {
    if byte.is_ascii_digit() {
        0
    } else if byte.is_ascii_alphabetic() {
        1
    } else {
        2
    }
}

fn drop_zeros(segments: &mut Vec<Segment>) {
    while segments.last().is_some_and(Segment::is_zero) {
        segments.pop();
    }
}
