//! npm's semver, as `semver.valid` reads it: semantic versions, optionally with white space around
//! them, without numbers that JavaScript cannot represent.

use super::semver::Version;

/// `Number.MAX_SAFE_INTEGER`.
const MAX_NUMBER: u64 = (1 << 53) - 1;
/// `MAX_LENGTH` of npm's semver.
const MAX_LENGTH: usize = 256;

pub(super) fn parse(text: &str) -> Option<Version> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let version = Version::parse(text.trim())?;
    let safe = |number: &String| number.parse::<u64>().is_ok_and(|number| number <= MAX_NUMBER);
    version.numbers().iter().all(safe).then_some(version)
}
