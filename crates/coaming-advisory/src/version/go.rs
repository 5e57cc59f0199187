//! Go's versions: of modules (semantic versions, with or without the `v`, and pseudo-versions) and
//! of the toolchain (`go1.21rc2`, `go1.20.3 X:boringcrypto`, `1.22.1-fips`).
//!
//! As in `golang.org/x/mod/semver`, `v1` and `v1.2` mean `v1.0.0` and `v1.2.0`. Build metadata such
//! as `+incompatible` does not count.

use super::semver::Version;
use super::take_while;

pub(super) fn parse(text: &str) -> Option<Version> {
    if let Some(text) = text.strip_prefix("go") {
        return toolchain(text);
    }
    let numbers = text.strip_prefix('v').unwrap_or(text);
    if let Some(version) = Version::parse(numbers) {
        return (!numbers.starts_with('v')).then_some(version);
    }
    if numbers.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Version::parse(&complete(numbers));
    }
    // A toolchain's version never has the `v`.
    if text.starts_with('v') { None } else { toolchain(text) }
}

/// Reads a toolchain's version: numbers, optionally `beta1` or `rc2`, then a vendor's additions.
fn toolchain(text: &str) -> Option<Version> {
    // Experiments and vendors' additions follow a space, a dash or a plus.
    let text = text.split([' ', '+', '-']).next()?;
    let (numbers, rest) = take_while(text.as_bytes(), |byte| byte.is_ascii_digit() || byte == b'.');
    let numbers = complete(std::str::from_utf8(numbers).ok()?);
    if rest.is_empty() {
        return Version::parse(&numbers);
    }
    let rest = std::str::from_utf8(rest).ok()?;
    let (kind, number) = ["beta", "rc", "alpha"]
        .iter()
        .find_map(|kind| rest.strip_prefix(kind).map(|number| (kind, number)))?;
    Version::parse(&format!("{numbers}-{kind}.{number}"))
}

/// Adds the omitted numbers.
fn complete(numbers: &str) -> String {
    let dots = numbers.bytes().filter(|byte| *byte == b'.').count();
    format!("{numbers}{}", ".0".repeat(2_usize.saturating_sub(dots)))
}
