//! Names, versions and URLs of packages, as SBOMs and metadata of strangers give them.

use std::borrow::Cow;

use super::{line, word};
use crate::randomness::is_hex;
use crate::{TextKind, detector};

/// Words before or after the number of a version, besides the short ones (`rc1`, `r13`, `el9`).
const WORDS: &[&str] = &[
    "alpha",
    "alpine",
    "beta",
    "build",
    "debian",
    "final",
    "milestone",
    "patch",
    "post",
    "preview",
    "release",
    "revision",
    "rolling",
    "snapshot",
    "stable",
    "ubuntu",
    "update",
    "version",
    "amzn",
    "jenkins",
    "hotfix",
    "bookworm",
    "trixie",
    "bullseye",
    "buster",
    "focal",
    "jammy",
    "noble",
];

/// Whether a text is the name of a package, and not a password or an address with one.
#[must_use]
pub fn is_shown_package_name(name: &str) -> bool {
    let decoded = decoded(name);
    // An address without a port, also one that was cut at the host.
    let is_cut = decoded.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split('/').next().unwrap_or_default();
        let port = authority.rsplit_once(':').map(|(_, port)| port);
        port.is_some_and(|port| !port.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let is_password = is_cut || !decoded.contains(['/', '@']) && word::is_chosen(&decoded);
    !is_password && !has_credentials(&decoded)
}

/// A package URL without what is a secret in its version, and without its qualifiers and what
/// follows them if there is one in them.
#[must_use]
pub fn shown_purl(purl: &str) -> Cow<'_, str> {
    let end = purl.find(['?', '#']).unwrap_or(purl.len());
    let (package, rest) = purl.split_at(end);
    let is_version = |at: &usize| *at > 0 && !package[*at..].contains('/');
    let version = package.rfind('@').filter(is_version);
    let (name, version) = package.split_at(version.unwrap_or(package.len()));
    let is_shown = version.strip_prefix('@').is_none_or(is_shown_version);
    let has_secret = has_credentials(&decoded(rest)) || !rest.split(['?', '&']).all(is_qualifier);
    match (has_credentials(&decoded(name)), is_shown, has_secret) {
        (true, _, _) => Cow::Borrowed(""),
        (false, true, false) => Cow::Borrowed(purl),
        (false, true, true) => Cow::Borrowed(package),
        (false, false, true) => Cow::Borrowed(name),
        (false, false, false) => Cow::Owned(format!("{name}{rest}")),
    }
}

/// Whether a qualifier, such as `upstream=acme@1.2`, may be shown.
fn is_qualifier(qualifier: &str) -> bool {
    let value = decoded(qualifier.split_once('=').map_or(qualifier, |(_, value)| value));
    let (name, version) = value.split_once('@').unwrap_or((&value, ""));
    let is_secret = |word: &str| {
        word::is_chosen(word)
            || word::is_long_number(word)
            || word::is_token(word) && !is_hex(word.as_bytes())
    };
    value.contains('/') || !is_secret(name) && is_shown_version(version)
}

/// Whether a text has an address with a password, or a credential that is known by its format.
fn has_credentials(text: &str) -> bool {
    const MIN_LENGTH: usize = 8;
    text.len() >= MIN_LENGTH
        && (text.contains("://") && line::has_user_info(text)
            || !detector().scan(text, TextKind::Fragment).is_empty())
}

/// Whether a text is the version of a package, and not a password, a token or a long number at its
/// place.
#[must_use]
pub fn is_shown_version(version: &str) -> bool {
    let decoded = decoded(version);
    let text = without_epoch(decoded.trim());
    let is_template = text.starts_with("${") && text.ends_with('}');
    if text.is_empty() || is_template {
        return true;
    }
    if has_credentials(&decoded) {
        return false;
    }
    let is_between = |c: char| c.is_whitespace() || "<>=(),[]|".contains(c);
    let text = text
        .strip_prefix("npm:")
        .map_or(text, |alias| alias.rsplit_once('@').map_or(alias, |(_, version)| version));
    let is_range =
        text.starts_with(['<', '>', '=', '(', '[', '^', '~', '*']) || text.contains("||");
    if text.contains('/') {
        // The address or the path that a package is taken from, with a commit or a tag.
        return !line::has_user_info(text) && text.split(['/', '#', '@', ':']).all(is_word);
    }
    if is_range {
        let words = text.split(is_between).filter(|word| !word.is_empty());
        return words.map(|word| word.trim_start_matches(['^', '~', '*'])).all(is_word);
    }
    text.split(|c: char| c.is_whitespace() || "()".contains(c)).all(is_word)
}

/// The text with `%21` as `!`: package URLs encode what a version has.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let encoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match encoded.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A version without the number before `!` (Python) or `:` (Debian).
fn without_epoch(text: &str) -> &str {
    let epoch = text.bytes().take_while(u8::is_ascii_digit).count();
    match text.as_bytes().get(epoch) {
        Some(b'!' | b':') if epoch > 0 => text.get(epoch + 1..).unwrap_or_default(),
        _ => text,
    }
}

/// Whether a word is a version: a commit, numbers with signs between, or words that versions have.
fn is_word(word: &str) -> bool {
    const SIGNS: &[u8] = b".,+~^_:-";
    if !word.bytes().all(|byte| byte.is_ascii_alphanumeric() || SIGNS.contains(&byte)) {
        return word.chars().all(|c| c == '*' || SIGNS.contains(&(c as u8)) || c.is_ascii_digit());
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return !word::is_long_number(word) || is_time(word);
    }
    let number = word.trim_start_matches(['v', 'V']);
    let parts: Vec<&str> = word.split(|c: char| SIGNS.contains(&(c as u8))).collect();
    if number.starts_with(|c: char| c.is_ascii_digit()) && parts.len() > 1 {
        return !parts.iter().any(|part| word::is_token(part) && !is_hex(part.as_bytes()));
    }
    parts.iter().all(|part| is_part(part))
}

/// Whether digits are a day (`20260417`, `260417`, `17042026`, `202604`) or a time in seconds.
fn is_time(digits: &str) -> bool {
    let part = |at: usize| digits.get(at..at + 2).and_then(|it| it.parse::<u8>().ok());
    let is_day = |month: usize, day: usize| {
        part(month).is_some_and(|month| (1..=12).contains(&month))
            && part(day).is_some_and(|day| (1..=31).contains(&day))
    };
    let is_year = |at: usize| matches!(part(at), Some(19 | 20));
    match digits.len() {
        6 => is_day(2, 4) || is_day(2, 0) || is_day(0, 2) || is_year(0),
        8 => is_year(0) || is_year(4) && (is_day(2, 0) || is_day(0, 2)),
        10 => digits.starts_with('1') || is_year(0),
        9 | 11..=20 => is_year(0),
        _ => false,
    }
}

/// Whether a part between signs is one that versions have.
fn is_part(part: &str) -> bool {
    const SHORT: usize = 4;
    const COMMIT: usize = 7;
    let is_digit = |c: char| c.is_ascii_digit();
    let is_known = |word: &str| {
        let lower = word.to_ascii_lowercase();
        word.len() <= SHORT || WORDS.contains(&lower.as_str())
    };
    if part.bytes().all(|byte| byte.is_ascii_digit()) {
        return !word::is_long_number(part) || is_time(part);
    }
    if part.len() >= COMMIT && is_hex(part.as_bytes()) {
        return true;
    }
    if word::is_token(part) || part.contains(['!', '$', '%', '&', '?']) {
        return false;
    }
    let (letters, digits) = part.split_at(part.find(is_digit).unwrap_or(part.len()));
    let after = digits.trim_start_matches(is_digit);
    digits.is_empty()
        || letters.is_empty() && after.chars().all(char::is_alphanumeric)
        || is_known(letters) && is_known(after.trim_end_matches(is_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_shown() {
        for version in [
            "",
            "1",
            "1.2.3",
            "v1.2.3-rc.1+build.5",
            "1:2.36-9+deb12u1",
            "1!2.0.post1",
            "2024a",
            "9e",
            "590-2",
            "20240229",
            "20240229.1",
            "0.0~git20230101.3fa9c1-1",
            "r13",
            "jre8",
            "3.0.0-20210711",
            "v0.0.0-20210101000000-abcdef123456",
            "2.0.0.RELEASE",
            "dev-main",
            "Finchley.SR2",
            "Hoxton.BUILD-SNAPSHOT",
            "(devel)",
            "UNKNOWN",
            "${project.version}",
            "5d4ee9ca7d6c1f8a4ad3b3a9e0a7a3b0c9f4f2aa",
            "cci.20200203",
            "1.0^20210101git.fc38",
            "^1.2.3",
            ">=1.0 <2",
            "[1.0,2.0)",
            "1.*",
            "*",
            "~> 2.1",
            "dev-feature/login",
            "latest",
            "git+https://github.com/acme/lib.git#3fa9c1d",
            "file:../lib",
            "npm:other@1.2.3",
            "4.18.2-ubuntu0.1~22.04",
            "7.1.2-15+deb12u4ubuntu1",
            "RELEASE.2023-01-02T09-40-09Z",
            "2023.10.16-g3fa9c1d",
            "build12345",
            "1.2.3 (build 4)",
            "1,1,0",
            "0.7(3)",
            "260417",
            "27032025",
            "1682545788",
            "0.1.0-alpha.1234567",
        ] {
            assert!(is_shown_version(version), "{version}");
        }
    }

    #[test]
    fn passwords_tokens_and_numbers_are_not_shown() {
        for version in [
            "tundra!913Q",
            "tundra%21913Q",
            "P@ssw0rd913e",
            "walnut48213",
            "83454102",
            "sk-hunter2walnut",
            "Siskin48213",
            "hunter2walnut",
            "x9Kq2LmZ8vTn4RwYb7Gh2",
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "https://bot:walnut@host/x",
            "git+https://bot:walnut913@git.example/lib.git#main",
            "^tundra!913Q",
            "user:tundra$9Q",
        ] {
            assert!(!is_shown_version(version), "{version}");
        }
    }

    #[test]
    fn package_urls() {
        for (purl, shown) in [
            ("pkg:pypi/acme@1.2.3?x=y#z", "pkg:pypi/acme@1.2.3?x=y#z"),
            ("pkg:pypi/acme@tundra!913Q?x=y", "pkg:pypi/acme?x=y"),
            ("pkg:npm/%40acme/lib@tundra%21913Q", "pkg:npm/%40acme/lib"),
            ("pkg:npm/@acme/lib", "pkg:npm/@acme/lib"),
            (
                "pkg:deb/debian/a@2.3-1?arch=amd64&upstream=b%402.3-1",
                "pkg:deb/debian/a@2.3-1?arch=amd64&upstream=b%402.3-1",
            ),
            (
                "pkg:conda/a@1.0?build=py39h6e9494a_0&subdir=linux-64",
                "pkg:conda/a@1.0?build=py39h6e9494a_0&subdir=linux-64",
            ),
            ("pkg:deb/debian/a@2.3-1?upstream=b%40tundra%21913Q", "pkg:deb/debian/a@2.3-1"),
            ("pkg:npm/a@1.0?vcs_url=git%2Bhttps://bot:walnut@git.example/a", "pkg:npm/a@1.0"),
            ("pkg:generic/https:%2F%2Fbot:walnut@git.example/a", ""),
        ] {
            assert_eq!(shown_purl(purl), shown, "{purl}");
        }
        assert!(is_shown_package_name("@acme/lib2") && is_shown_package_name("libstdc++6"));
        assert!(is_shown_package_name("https://git.example:8443/a"));
        assert!(!is_shown_package_name("https://bot:walnut@git.example/a"));
        assert!(!is_shown_package_name("@https://bot:walnut913"));
    }
}
