//! The version orders of all ecosystems.
//!
//! One module per order. Invariants:
//!
//! * An order is the published one, as the ecosystem's own tool computes it, on every input.
//! * A text that the tool refuses is not a valid version: [`Version::parse`] returns `None` rather
//!   than a guess.
//! * No number is too large: numbers are compared as decimal digits.
//! * Parsing and comparing take time in proportion to the length, which is bounded.

mod apk;
mod dotted;
mod dpkg;
mod go;
mod maven;
mod npm;
mod nuget;
mod packagist;
mod pypi;
mod rpm;
mod rubygems;
mod semver;

use std::cmp::Ordering;

/// Longer texts are refused, in bytes.
const MAX_LENGTH: usize = 4096;

/// How versions are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// deb-version(7): Debian, Ubuntu and their derivatives.
    Dpkg,
    /// apk-tools: Alpine, Wolfi, Chainguard.
    Apk,
    /// `rpmvercmp` on epoch, version and release: Red Hat, SUSE and their relatives.
    Rpm,
    /// PEP 440.
    PyPi,
    /// npm's semver.
    Npm,
    /// Maven's `ComparableVersion`.
    Maven,
    /// `Gem::Version`.
    RubyGems,
    /// `NuGetVersion`.
    NuGet,
    /// Go's modules and the standard library.
    Go,
    /// Composer's normalization and PHP's `version_compare`.
    Packagist,
    /// Semantic Versioning 2.0.0.
    SemVer,
    /// The same, but build metadata counts, too: Dart's `pub_semver`, Julia's `VersionNumber`.
    SemVerBuild,
    /// Numbers between dots or dashes: CRAN, Hackage.
    Dotted,
}

/// A version, ready to be compared with others of its order.
#[derive(Clone, Debug)]
pub struct Version(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Dpkg(dpkg::Version),
    Apk(apk::Version),
    Rpm(rpm::Version),
    PyPi(pypi::Version),
    Maven(maven::Version),
    RubyGems(rubygems::Version),
    NuGet(nuget::Version),
    Packagist(packagist::Version),
    SemVer(semver::Version),
    Dotted(dotted::Version),
}

impl Version {
    /// Parses a version; `None` if the ecosystem's own tool would refuse it.
    #[must_use]
    pub fn parse(order: Order, text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        Some(Self(match order {
            Order::Dpkg => Kind::Dpkg(dpkg::Version::parse(text)?),
            Order::Apk => Kind::Apk(apk::Version::parse(text)?),
            Order::Rpm => Kind::Rpm(rpm::Version::parse(text)?),
            Order::PyPi => Kind::PyPi(pypi::Version::parse(text)?),
            Order::Maven => Kind::Maven(maven::Version::parse(text)?),
            Order::RubyGems => Kind::RubyGems(rubygems::Version::parse(text)?),
            Order::NuGet => Kind::NuGet(nuget::Version::parse(text)?),
            Order::Packagist => Kind::Packagist(packagist::Version::parse(text)?),
            Order::Npm => Kind::SemVer(npm::parse(text)?),
            Order::Go => Kind::SemVer(go::parse(text)?),
            Order::SemVer => Kind::SemVer(semver::Version::parse(text)?),
            Order::SemVerBuild => Kind::SemVer(semver::Version::parse_with_build(text)?),
            Order::Dotted => Kind::Dotted(dotted::Version::parse(text)?),
        }))
    }

    /// Whether it is in the order at all: a branch of a Composer package (`dev-main`) is before and
    /// after nothing, so no range contains it.
    pub(crate) fn is_ordered(&self) -> bool {
        !matches!(&self.0, Kind::Packagist(version) if version.is_branch())
    }

    /// Compares with a version of the same order. `None` if the two cannot be compared: versions of
    /// two ecosystems, or two branches of a Composer package.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (&self.0, &other.0) {
            (Kind::Dpkg(left), Kind::Dpkg(right)) => Some(left.cmp(right)),
            (Kind::Apk(left), Kind::Apk(right)) => Some(left.cmp(right)),
            (Kind::Rpm(left), Kind::Rpm(right)) => Some(left.cmp(right)),
            (Kind::PyPi(left), Kind::PyPi(right)) => Some(left.cmp(right)),
            (Kind::Maven(left), Kind::Maven(right)) => Some(left.compare(right)),
            (Kind::RubyGems(left), Kind::RubyGems(right)) => Some(left.compare(right)),
            (Kind::NuGet(left), Kind::NuGet(right)) => Some(left.compare(right)),
            (Kind::Packagist(left), Kind::Packagist(right)) => left.compare(right),
            (Kind::SemVer(left), Kind::SemVer(right)) => Some(left.compare(right)),
            (Kind::Dotted(left), Kind::Dotted(right)) => Some(left.compare(right)),
            _ => None,
        }
    }
}

impl Order {
    /// Compares two versions; `None` if one is not valid or they cannot be compared.
    #[must_use]
    pub fn compare(self, left: &str, right: &str) -> Option<Ordering> {
        Version::parse(self, left)?.compare(&Version::parse(self, right)?)
    }
}

/// Compares two runs of decimal digits as numbers; an empty run is zero.
fn compare_digits(left: &[u8], right: &[u8]) -> Ordering {
    let (left, right) = (significant(left), significant(right));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// Digits without leading zeros.
fn significant(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

/// Splits off the longest prefix whose bytes are all accepted.
fn take_while(text: &[u8], accept: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let length = text.iter().take_while(|byte| accept(**byte)).count();
    text.split_at_checked(length).unwrap_or((text, &[]))
}

#[cfg(test)]
mod tests;
