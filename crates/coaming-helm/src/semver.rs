//! Versions and their constraints, as `Masterminds/semver` reads them.

use std::cmp::Ordering;

use crate::value::{Object, Value};

/// A version; minor and patch may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) numbers: [u64; 3],
    pub(crate) prerelease: String,
    pub(crate) metadata: String,
    pub(crate) original: String,
}

impl std::fmt::Display for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(formatter, "{major}.{minor}.{patch}")?;
        if !self.prerelease.is_empty() {
            write!(formatter, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(formatter, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl Version {
    /// Reads a version, with or without `v`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (rest, metadata) = match rest.split_once('+') {
            Some((rest, metadata)) if is_identifiers(metadata) => (rest, metadata),
            Some(_) => return None,
            None => (rest, ""),
        };
        let (core, prerelease) = match rest.split_once('-') {
            Some((core, prerelease)) if is_identifiers(prerelease) => (core, prerelease),
            Some(_) => return None,
            None => (rest, ""),
        };
        let mut numbers = [0; 3];
        for (position, part) in core.split('.').enumerate() {
            if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            *numbers.get_mut(position)? = part.parse().ok()?;
        }
        Some(Self {
            numbers,
            prerelease: prerelease.to_owned(),
            metadata: metadata.to_owned(),
            original: text.to_owned(),
        })
    }

    /// The order of two versions.
    pub(crate) fn cmp(&self, other: &Self) -> Ordering {
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| compare_prereleases(&self.prerelease, &other.prerelease))
    }

    /// The next major, minor or patch version. After a prerelease, the next patch is its release.
    fn next(&self, part: usize) -> Value {
        let mut numbers = [0; 3];
        for (index, number) in self.numbers.iter().enumerate().take(part + 1) {
            let is_release = part == 2 && !self.prerelease.is_empty();
            numbers[index] = number + u64::from(index == part && !is_release);
        }
        let [major, minor, patch] = numbers;
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        let original = format!("{prefix}{major}.{minor}.{patch}");
        let version =
            Self { numbers, prerelease: String::new(), metadata: String::new(), original };
        Object::Version(version).into()
    }

    /// A method of Go's type that needs no arguments.
    pub(crate) fn field(&self, name: &str) -> Option<Value> {
        let number = |index: usize| {
            let number = self.numbers.get(index).copied().unwrap_or(0);
            Value::int64(i64::try_from(number).unwrap_or(i64::MAX))
        };
        Some(match name {
            "Major" => number(0),
            "Minor" => number(1),
            "Patch" => number(2),
            "Prerelease" => Value::from(self.prerelease.as_str()),
            "IncMajor" => self.next(0),
            "IncMinor" => self.next(1),
            "IncPatch" => self.next(2),
            "Metadata" => Value::from(self.metadata.as_str()),
            _ => return None,
        })
    }
}

fn is_identifiers(text: &str) -> bool {
    text.split('.').all(|part| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

fn compare_prereleases(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let ordering = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// One comparison: `>=1.2`.
#[derive(Debug)]
struct Comparison {
    operator: Operator,
    version: Version,
    any_minor: bool,
    any_patch: bool,
    /// Whether a part of the version is open.
    open: bool,
}

/// Alternatives (`||`) of comparisons that must all hold.
#[derive(Debug)]
pub(crate) struct Constraint {
    alternatives: Vec<Vec<Comparison>>,
}

impl Constraint {
    /// Reads a constraint; `None` if it is malformed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let alternatives = text.split("||").map(alternative).collect::<Option<Vec<_>>>()?;
        Some(Self { alternatives })
    }

    /// Whether a version fulfills it.
    pub(crate) fn allows(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|comparisons| {
            let prereleases = comparisons.iter().any(|one| !one.version.prerelease.is_empty());
            comparisons.iter().all(|one| one.allows(version, prereleases))
        })
    }
}

fn alternative(text: &str) -> Option<Vec<Comparison>> {
    let text = text.trim();
    if let Some((low, high)) = text.split_once(" - ") {
        return Some(vec![
            comparison(&format!(">={}", low.trim()))?,
            comparison(&format!("<={}", high.trim()))?,
        ]);
    }
    let mut comparisons = Vec::new();
    let mut pending = String::new();
    for word in text.split([' ', ',', '\t']).filter(|word| !word.is_empty()) {
        pending.push_str(word);
        // An operator may be separated from its version.
        if word.ends_with(|c: char| "=<>!~^".contains(c)) {
            continue;
        }
        comparisons.push(comparison(&pending)?);
        pending.clear();
    }
    if !pending.is_empty() {
        comparisons.push(comparison(&pending)?);
    }
    if comparisons.is_empty() {
        return if text.is_empty() { None } else { Some(vec![comparison("*")?]) };
    }
    Some(comparisons)
}

fn comparison(text: &str) -> Option<Comparison> {
    let end = text.find(|c: char| !"=<>!~^".contains(c)).unwrap_or(text.len());
    let (operator, rest) = text.split_at(end);
    let operator = match operator {
        "" | "=" => Operator::Equal,
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        "<" => Operator::Less,
        ">=" | "=>" => Operator::GreaterOrEqual,
        "<=" | "=<" => Operator::LessOrEqual,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => return None,
    };
    let rest = rest.strip_prefix('v').unwrap_or(rest);
    let core_end = rest.find(['-', '+']).unwrap_or(rest.len());
    let (core, tail) = rest.split_at(core_end);
    let parts: Vec<&str> = core.split('.').collect();
    if core.is_empty() || parts.len() > 3 {
        return None;
    }
    let is_open =
        |index: usize| parts.get(index).is_none_or(|part| matches!(*part, "x" | "X" | "*"));
    let (any_major, any_minor) = (is_open(0), is_open(0) || is_open(1));
    let any_patch = any_minor || is_open(2);
    let number = |index: usize, open: bool| {
        if open { "0" } else { parts.get(index).copied().unwrap_or("0") }
    };
    let normal =
        format!("{}.{}.{}{tail}", number(0, any_major), number(1, any_minor), number(2, any_patch));
    let version = Version::parse(&normal)?;
    let operator = match operator {
        // `*` allows everything.
        _ if any_major
            && matches!(operator, Operator::Equal | Operator::Tilde | Operator::Caret) =>
        {
            Operator::GreaterOrEqual
        }
        other => other,
    };
    let open = any_patch && !any_major;
    Some(Comparison { operator, version, any_minor, any_patch, open })
}

impl Comparison {
    fn allows(&self, version: &Version, prereleases: bool) -> bool {
        if !version.prerelease.is_empty() && self.version.prerelease.is_empty() && !prereleases {
            return false;
        }
        let ordering = version.cmp(&self.version);
        let ([major, minor, _], [own_major, own_minor, own_patch]) =
            (version.numbers, self.version.numbers);
        match self.operator {
            Operator::Equal if self.open => self.tilde(version),
            Operator::Equal => ordering.is_eq(),
            Operator::NotEqual if self.open => {
                major != own_major || (!self.any_minor && minor != own_minor)
            }
            Operator::NotEqual => ordering.is_ne(),
            Operator::Greater if self.open => {
                major > own_major || (major == own_major && !self.any_minor && minor > own_minor)
            }
            Operator::Greater => ordering.is_gt(),
            Operator::Less => ordering.is_lt(),
            Operator::GreaterOrEqual => ordering.is_ge(),
            Operator::LessOrEqual if self.open => {
                major < own_major || (major == own_major && (self.any_minor || minor <= own_minor))
            }
            Operator::LessOrEqual => ordering.is_le(),
            Operator::Tilde => self.tilde(version),
            Operator::Caret => {
                if ordering.is_lt() {
                    return false;
                }
                if own_major > 0 || self.any_minor {
                    return major == own_major;
                }
                if major > own_major {
                    return false;
                }
                if own_minor > 0 || self.any_patch {
                    return minor == own_minor;
                }
                minor == 0 && version.numbers[2] == own_patch
            }
        }
    }

    fn tilde(&self, version: &Version) -> bool {
        let ([major, minor, _], [own_major, own_minor, _]) =
            (version.numbers, self.version.numbers);
        if version.cmp(&self.version).is_lt() {
            return false;
        }
        if self.version.numbers == [0, 0, 0] && !self.any_minor && !self.any_patch {
            return true;
        }
        major == own_major && (self.any_minor || minor == own_minor)
    }
}
