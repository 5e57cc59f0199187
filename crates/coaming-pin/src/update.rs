//! Which tag of a repository is the newest one to move to.
//!
//! Ranges are those of the crate `semver`, whose syntax users know from Cargo. `coaming-advisory` orders
//! versions too, but has no ranges of this syntax, and would bring SQLite and ZIP into this crate.

use semver::{Version, VersionReq};

/// How far to move.
#[derive(Clone, Debug)]
pub enum Update {
    /// Within the same major version.
    SameMajor,
    /// Within a range.
    Range(VersionReq),
}

/// A text is not a range of versions.
#[derive(Debug, thiserror::Error)]
#[error("`{range}` is not a valid version range ({source}): write it as `^1`, `~1.2` or `>=1, <3`")]
pub struct UpdateError {
    range: String,
    source: semver::Error,
}

impl std::str::FromStr for Update {
    type Err = UpdateError;

    /// Reads a range of semantic versions, such as `^1`; an empty text means the same major version.
    fn from_str(text: &str) -> Result<Self, UpdateError> {
        if text.is_empty() {
            return Ok(Self::SameMajor);
        }
        VersionReq::parse(text)
            .map(Self::Range)
            .map_err(|source| UpdateError { range: text.to_owned(), source })
    }
}

/// A tag that is a version: `v1.27.3-alpine`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct VersionTag<'t> {
    /// `v`, or nothing.
    prefix: &'t str,
    /// One to three numbers.
    numbers: Vec<u64>,
    /// `-alpine`, or nothing. Its meaning is unknown, so that only an equal one matches.
    suffix: &'t str,
}

impl<'t> VersionTag<'t> {
    fn parse(tag: &'t str) -> Option<Self> {
        let rest = tag.strip_prefix('v').unwrap_or(tag);
        let prefix = if rest.len() < tag.len() { "v" } else { "" };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (version, suffix) = rest.split_at_checked(end)?;
        let numbers: Vec<u64> =
            version.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        // A longer number is a date or a commit, not a version.
        let fits = (1..=3).contains(&numbers.len()) && numbers.iter().all(|&n| n < 1_000_000);
        let separated = suffix.is_empty() || suffix.starts_with(['-', '_']);
        (fits && separated).then_some(Self { prefix, numbers, suffix })
    }

    fn version(&self) -> Version {
        let number = |place: usize| self.numbers.get(place).copied().unwrap_or(0);
        Version::new(number(0), number(1), number(2))
    }

    /// Whether two tags have the same form, so that only the version differs.
    fn is_like(&self, other: &Self) -> bool {
        self.prefix == other.prefix
            && self.suffix == other.suffix
            && self.numbers.len() == other.numbers.len()
    }
}

/// The newest of `tags` that has the form of `current` (`1.27-alpine` stays two numbers with
/// `-alpine`), is in the range, and is not older; `None` if `current` is not a version.
#[must_use]
pub fn newest<'t>(current: &'t str, tags: &'t [String], update: &Update) -> Option<&'t str> {
    let now = VersionTag::parse(current)?;
    let installed = now.version();
    let fits = |version: &Version| match update {
        Update::SameMajor => version.major == installed.major,
        Update::Range(range) => range.matches(version),
    };
    let best = tags
        .iter()
        .filter_map(|tag| Some((VersionTag::parse(tag)?, tag.as_str())))
        .filter(|(tag, _)| tag.is_like(&now))
        .map(|(tag, text)| (tag.version(), text))
        .filter(|(version, _)| *version > installed && fits(version))
        .max();
    Some(best.map_or(current, |(_, tag)| tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest_of(current: &str, tags: &str, range: &str) -> Option<String> {
        let tags: Vec<String> = tags.split(' ').map(str::to_owned).collect();
        newest(current, &tags, &range.parse().unwrap()).map(str::to_owned)
    }

    #[test]
    fn only_tags_of_the_same_form_count() {
        let tags = "latest 1 1.2 1.2.3 1.10.0 1.10.0-alpine 1.11.0-rc1 v1.12.0 2.0.0 1.9.9-alpine 20240101";
        for (current, range, wanted) in [
            ("1.2.3", "", "1.10.0"),
            ("1.2.3", "^2", "2.0.0"),
            ("1.2.3", "~1.2", "1.2.3"),
            ("1.2.3-alpine", "", "1.10.0-alpine"),
            ("1.2.3-bookworm", "", "1.2.3-bookworm"),
            ("v1.0.0", "", "v1.12.0"),
            ("1.0", "", "1.2"),
            ("1", "", "1"),
            // Never to an older version.
            ("3.0.0", "^2", "3.0.0"),
        ] {
            assert_eq!(newest_of(current, tags, range).as_deref(), Some(wanted), "{current}");
        }
        for none in ["latest", "20240101", "a1b2c3d", "1.2.3.4", "stable-1.2", "1.2.x", ""] {
            assert_eq!(newest_of(none, tags, ""), None, "{none}");
        }
        assert!("one".parse::<Update>().unwrap_err().to_string().contains("write it as"));
    }

    proptest::proptest! {
        #[test]
        fn never_older_and_never_of_another_form(
            current in "v?[0-9]{1,2}(\\.[0-9]{1,2}){0,2}(-[a-z]{1,3})?",
            tags in proptest::collection::vec("v?[0-9]{1,2}(\\.[0-9]{1,2}){0,3}(-[a-z]{1,3})?", 0..20),
        ) {
            let chosen = newest(&current, &tags, &Update::SameMajor).unwrap();
            let (from, to) = (VersionTag::parse(&current).unwrap(), VersionTag::parse(chosen).unwrap());
            proptest::prop_assert!(to.version() >= from.version() && to.is_like(&from));
            proptest::prop_assert_eq!(to.version().major, from.version().major);
        }
    }
}
