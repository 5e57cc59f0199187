//! Which tag of a repository is the newest that may be moved to.

use semver::{Version, VersionReq};

/// How far to move.
#[derive(Clone, Debug)]
pub enum Update {
    /// Within the same major version.
    SameMajor,
    /// Within a range.
    Range(VersionReq),
}

impl std::str::FromStr for Update {
    type Err = String;

    /// Reads a range of semantic versions, such as `^1`; an empty text means the same major.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::SameMajor);
        }
        VersionReq::parse(text).map(Self::Range).map_err(|error| {
            format!(
                "`{text}` is no range of versions ({error}): write it as `^1`, `~1.2` or `>=1, <3`"
            )
        })
    }
}

/// A tag that is a version: `v1.27.3-alpine`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct VersionTag<'t> {
    /// `v`, or nothing.
    prefix: &'t str,
    /// One to three numbers.
    numbers: Vec<u64>,
    /// `-alpine`, or nothing. Its meaning is unknown, so only an equal one matches.
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
        // More digits than these are a date or a commit, no version.
        let fits = (1..=3).contains(&numbers.len()) && numbers.iter().all(|&n| n < 1_000_000);
        let separated = suffix.is_empty() || suffix.starts_with(['-', '_']);
        (fits && separated).then_some(Self { prefix, numbers, suffix })
    }

    fn version(&self) -> Version {
        let number = |place: usize| self.numbers.get(place).copied().unwrap_or(0);
        Version::new(number(0), number(1), number(2))
    }

    /// Whether a tag is written as this one, so that only the version differs.
    fn is_like(&self, other: &Self) -> bool {
        self.prefix == other.prefix
            && self.suffix == other.suffix
            && self.numbers.len() == other.numbers.len()
    }
}

/// The newest of `tags` that is of the same kind as `current` (`1.27-alpine` stays one of two
/// numbers with `-alpine`), fits the range, and is not older; `None` if `current` is no version.
#[must_use]
pub fn newest<'t>(current: &'t str, tags: &'t [String], update: &Update) -> Option<&'t str> {
    let now = VersionTag::parse(current)?;
    let here = now.version();
    let fits = |version: &Version| match update {
        Update::SameMajor => version.major == here.major,
        Update::Range(range) => range.matches(version),
    };
    let best = tags
        .iter()
        .filter_map(|tag| Some((VersionTag::parse(tag)?, tag.as_str())))
        .filter(|(tag, _)| tag.is_like(&now))
        .map(|(tag, text)| (tag.version(), text))
        .filter(|(version, _)| *version > here && fits(version))
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
    fn only_tags_of_the_same_kind_count() {
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
            // Never back.
            ("3.0.0", "^2", "3.0.0"),
        ] {
            assert_eq!(newest_of(current, tags, range).as_deref(), Some(wanted), "{current}");
        }
        for none in ["latest", "20240101", "a1b2c3d", "1.2.3.4", "stable-1.2", "1.2.x", ""] {
            assert_eq!(newest_of(none, tags, ""), None, "{none}");
        }
        assert!("one".parse::<Update>().unwrap_err().contains("write it as"));
    }

    proptest::proptest! {
        #[test]
        fn never_older_and_never_of_another_kind(
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
