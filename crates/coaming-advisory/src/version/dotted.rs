//! Numbers between dots or, for CRAN, dashes. They are compared one by one; if all are equal, the
//! longer version is newer.

use std::cmp::Ordering;

use super::compare_digits;

#[derive(Clone, Debug)]
pub(super) struct Version(Vec<String>);

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.split(['.', '-'])
            .map(|part| {
                (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
                    .then(|| part.to_owned())
            })
            .collect::<Option<_>>()
            .map(Self)
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.0
            .iter()
            .zip(&other.0)
            .map(|(left, right)| compare_digits(left.as_bytes(), right.as_bytes()))
            .find(|order| *order != Ordering::Equal)
            .unwrap_or_else(|| self.0.len().cmp(&other.0.len()))
    }
}
