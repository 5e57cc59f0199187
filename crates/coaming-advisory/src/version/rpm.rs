//! Rpm's `[epoch:]version[-release]`, each compared as `rpmvercmp` does.
//!
//! Rpm accepts every text that is not empty. A version without a release is older than the same one
//! with a release.

use std::cmp::Ordering;

use super::{compare_digits, take_while};

#[derive(Clone, Debug)]
pub(super) struct Version {
    epoch: String,
    version: String,
    release: Option<String>,
}

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => (epoch, rest),
            _ => ("", text),
        };
        let (version, release) = match rest.rsplit_once('-') {
            Some((version, release)) => (version, Some(release.to_owned())),
            None => (rest, None),
        };
        Some(Self { epoch: epoch.into(), version: version.into(), release })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_digits(self.epoch.as_bytes(), other.epoch.as_bytes())
            .then_with(|| compare_part(self.version.as_bytes(), other.version.as_bytes()))
            .then_with(|| match (&self.release, &other.release) {
                (Some(left), Some(right)) => compare_part(left.as_bytes(), right.as_bytes()),
                (left, right) => left.is_some().cmp(&right.is_some()),
            })
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

/// `rpmvercmp`: runs of digits and of letters, separated by anything else; `~` sorts before
/// everything, `^` after the end and before everything else.
fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    loop {
        left = skip_separators(left);
        right = skip_separators(right);
        let (left_first, right_first) = (left.first().copied(), right.first().copied());
        match (left_first, right_first) {
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => {
                left = left.get(1..).unwrap_or_default();
                right = right.get(1..).unwrap_or_default();
                continue;
            }
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (None, None) => return Ordering::Equal,
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(b'^'), _) => return Ordering::Less,
            (_, Some(b'^')) => return Ordering::Greater,
            (Some(_), Some(_)) => {}
        }
        let numeric = left_first.is_some_and(|byte| byte.is_ascii_digit());
        let accept = |byte: u8| {
            if numeric { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() }
        };
        let (left_run, left_rest) = take_while(left, accept);
        let (right_run, right_rest) = take_while(right, accept);
        if right_run.is_empty() {
            // A number is newer than a word.
            return if numeric { Ordering::Greater } else { Ordering::Less };
        }
        let order =
            if numeric { compare_digits(left_run, right_run) } else { left_run.cmp(right_run) };
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
}

fn skip_separators(text: &[u8]) -> &[u8] {
    take_while(text, |byte| !byte.is_ascii_alphanumeric() && byte != b'~' && byte != b'^').1
}
