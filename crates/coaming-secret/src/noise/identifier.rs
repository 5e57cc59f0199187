//! Identifiers of programs: names and paths of types, fields and modules, and regular expressions.

use crate::passphrase;

/// The characters between the names of a path.
const SEPARATORS: &[char] = &['.', '/', ':', '[', ']', '-', '_', '#'];

/// Whether a value is a name in camel case, or a path of names: `ExclusiveStartShardId`,
/// `airtableOAuth2Api`, `Jobs[-1].JobId`.
///
/// In random text, the letters of one word are few and rarely form pairs of a language. A digit at
/// the end is not enough: people make passwords of words in that way.
pub(crate) fn is_identifier(value: &str) -> bool {
    let value = value.trim_start_matches(['$', '.']);
    let is_part = |c: char| c.is_ascii_alphanumeric() || SEPARATORS.contains(&c);
    if value.len() < 8 || value.len() > 128 || !value.chars().all(is_part) {
        return false;
    }
    // The one abbreviation with a digit that nearly all such names have.
    let value = value.replace("OAuth2", "Oauth");
    let is_path = value.contains(SEPARATORS);
    let mut humps = Humps::default();
    for part in value.split(SEPARATORS).filter(|part| !part.is_empty()) {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        if digits > 2 || !is_path && part.ends_with(|c: char| c.is_ascii_digit()) {
            return false;
        }
        humps.add(part.as_bytes());
    }
    let has_case = value.bytes().any(|byte| byte.is_ascii_uppercase())
        && value.bytes().any(|byte| byte.is_ascii_lowercase());
    has_case
        && humps.count >= 2
        && humps.letters * 2 >= humps.count * 7
        && passphrase::has_words(value.as_bytes())
}

/// The words of names in camel case: how many there are, and how many letters they have.
#[derive(Default)]
struct Humps {
    count: usize,
    letters: usize,
}

impl Humps {
    fn add(&mut self, part: &[u8]) {
        let mut last: Option<bool> = None;
        for &byte in part {
            let is_upper = byte.is_ascii_uppercase();
            if byte.is_ascii_alphabetic() {
                self.letters += 1;
                // A capital belongs to the letters after it.
                self.count += usize::from(last.is_none_or(|last| is_upper && !last));
            }
            last = byte.is_ascii_alphabetic().then_some(is_upper);
        }
    }
}

/// Whether a value is a regular expression: `^arn:[a-z-]*:\d{12}`.
pub(crate) fn is_pattern(value: &str) -> bool {
    const PARTS: &[&str] = &[
        "[a-z", "[A-Z", "[0-9", "[\\w", "\\d{", "\\d+", "\\w+", "\\S+", "(?:", "(?P<", "(?i)",
        "\\|",
    ];
    value.contains(['[', '\\', '?']) && PARTS.iter().any(|part| value.contains(part))
        || value.contains(".*") && value.contains('(') && value.contains('|')
}

/// Whether a value is a version or ranges of versions: `^1.0.0`, `>=2.1`, `<2.0.5|>=3,<3.0.3`.
pub(crate) fn is_version(value: &str) -> bool {
    let mut parts = value.split([',', '|']).filter(|part| !part.is_empty());
    if value.contains([',', '|']) && value.contains(['<', '>', '^']) {
        let is_major = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        return parts.all(|part| is_version(part) || is_major(part.trim_matches(['<', '>', '='])));
    }
    let number = value.trim_start_matches(['^', '~', '>', '<', '=', ' ', 'v']);
    number.contains('.')
        && number.split('.').all(|part| {
            (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_things() {
        for yes in [
            "ExclusiveStartShardId",
            "StreamDescription.Shards[-1].ShardId",
            "airtableOAuth2Api",
            "V1SecretVolumeSource",
            "oauth2client_4_0.client.OAuth2Credentials",
            "dist/credentials/AcuitySchedulingOAuth2Api.credentials.js",
            "$Base32String",
        ] {
            assert!(is_identifier(yes), "{yes}");
        }
        for no in [
            "x9Kq2LmZ8vTn4RwY",
            "MySuperSecretKey1",
            "PzRkTmVwLsJhQdXn",
            "sdf0o9823sjdfsdf",
            "2UsevZE1x1ZdFZW4MNzH",
            "qWxTbZkRpLmNvCdF",
            "Kq7pZx4wRtYb",
        ] {
            assert!(!is_identifier(no), "{no}");
        }
    }

    #[test]
    fn patterns_and_versions() {
        for yes in ["(P|p)assword.*", "^arn:[a-z-]*:secret:x", "\\d{12}:secret", "(?P<a>x)"] {
            assert!(is_pattern(yes), "{yes}");
        }
        for no in ["p[assword]1", "what?no", "C:\\temp"] {
            assert!(!is_pattern(no), "{no}");
        }
        assert!(is_version("<2.0.5|>=3,<3.0.3") && !is_version("<p@ss,w0rd"));
        assert!(is_version("^1.0.0") && is_version(">=2.1") && is_version("v1.2.3"));
        assert!(!is_version("1234") && !is_version("a.b") && !is_version("^1.x!"));
    }
}
