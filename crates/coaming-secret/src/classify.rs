//! Classifies values by the names they are assigned to.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use coaming_finding::Confidence;

use crate::check::Verdict;
use crate::kinds::{self, Form, Kind};
use crate::names::{Expected, NameHint};
use crate::{cookie, http_auth, names, noise, randomness, url};

/// The longest password or key.
const MAX_VALUE: usize = 4096;

/// A value that is a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Classification {
    pub(crate) kind: &'static str,
    pub(crate) title: &'static str,
    /// The secret's bytes within the value.
    pub(crate) range: Range<usize>,
    pub(crate) confidence: Confidence,
    /// Whether a provider's format proves that it was randomly generated.
    pub(crate) generated: bool,
}

/// Classifies values by their names.
pub(crate) struct ValueClassifier {
    /// The words of all named kinds.
    words: Option<AhoCorasick>,
    /// The kind of each word.
    kinds: Vec<&'static Kind>,
}

impl ValueClassifier {
    pub(crate) fn new() -> Self {
        let mut words = Vec::new();
        let mut of_words = Vec::new();
        for kind in kinds::all() {
            if let Form::Named(names) = kind.form {
                words.extend_from_slice(names);
                of_words.extend(names.iter().map(|_| kind));
            }
        }
        let words = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(words)
            .ok();
        Self { words, kinds: of_words }
    }

    /// What `value` is, given what its name reveals; `None` if it is not a secret.
    pub(crate) fn classify(
        &self,
        hint: NameHint,
        name: &str,
        value: &str,
    ) -> Option<Classification> {
        let trimmed = value.trim();
        let lead = value.len() - value.trim_start().len();
        let range = lead..lead + trimmed.len();
        if trimmed.is_empty() || trimmed.len() > MAX_VALUE {
            return None;
        }
        // A header may contain its scheme or not.
        if !matches!(hint.expected, None | Some(Expected::Password))
            && let Some(classification) = http_auth::with_scheme(value)
        {
            return classification;
        }
        if let Some(session) = cookie::session(name, value) {
            return Some(session);
        }
        if let Some(kind) = self.of_provider(name, trimmed) {
            let (kind, title, confidence) = (kind.name, kind.title, Confidence::High);
            return Some(Classification { kind, title, range, confidence, generated: true });
        }
        if noise::is_uuid(trimmed) {
            if randomness::has_at_most(trimmed.as_bytes(), 4) {
                return None;
            }
            // Keycloak, Entra ID and others issue UUIDs; most other UUIDs are identifiers.
            return names::may_be_uuid(name).then_some(Classification {
                kind: "secret-key",
                title: "secret, key or token",
                range,
                confidence: Confidence::Medium,
                generated: false,
            });
        }
        let (kind, title, confidence) = match hint.expected? {
            Expected::Password => ("password", "password", password(trimmed)?),
            Expected::PossibleKey => ("secret-key", "secret, key or token", possible_key(trimmed)?),
            Expected::Key | Expected::Authorization => {
                ("secret-key", "secret, key or token", key(name, trimmed)?)
            }
        };
        Some(Classification { kind, title, range, confidence, generated: false })
    }

    /// The provider's kind that fits both the name and the value.
    fn of_provider(&self, name: &str, value: &str) -> Option<&'static Kind> {
        if noise::has_run(value.as_bytes()) || noise::is_placeholder(value) {
            return None;
        }
        let mut kinds: Vec<(usize, &'static Kind)> = self
            .words
            .as_ref()?
            .find_overlapping_iter(name)
            .filter_map(|hit| {
                let index = hit.pattern().as_usize();
                self.kinds.get(index).map(|kind| (index, *kind))
            })
            .collect();
        kinds.sort_by_key(|(index, _)| *index);
        kinds.into_iter().map(|(_, kind)| kind).find(|kind| {
            kind.regex().is_some_and(|regex| regex.is_match(value.as_bytes()))
                && kind.check(value.as_bytes()) != Verdict::Other
        })
    }
}

/// Whether a value without quotes is code or prose, and not a text.
pub(crate) fn is_bare_word(value: &str) -> bool {
    let camel = value.bytes().skip(1).any(|byte| byte.is_ascii_uppercase())
        && value.bytes().any(|byte| byte.is_ascii_lowercase());
    let identifier = value.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_.".contains(&byte));
    identifier && (camel || value.contains(['.', '_'])) && randomness::has_words(value)
        || value.starts_with('(')
        || value.strip_prefix(['*', '&']).is_some_and(is_reference_target)
        || is_call(value)
        || is_type(value)
        || is_constant(value)
        || is_entry_point(value)
}

/// Whether a value is a class or function of a module, as Python's packages list them:
/// `shop.auth.v3:Password`.
fn is_entry_point(value: &str) -> bool {
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    value.split_once(':').is_some_and(|(module, name)| {
        module.contains('.') && module.split('.').all(is_name) && name.split('.').all(is_name)
    })
}

/// Whether a value is a type or a path in code: `Option<String>`, `mio::Token`, `Token![auto]`.
fn is_type(value: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_.&:".contains(&byte);
    let length = value.bytes().take_while(|byte| is_part(*byte)).count();
    let head = value.get(..length).unwrap_or_default();
    let after = value.get(length..).unwrap_or_default();
    value.contains("::")
        || after.starts_with("!(")
        || length >= 3
            && head.bytes().any(|byte| byte.is_ascii_alphabetic())
            && (after.starts_with('<') && after.contains('>') || after.starts_with("!["))
}

/// Whether a value is the name of a constant: `DEFAULT_GROUP_KEY`.
fn is_constant(value: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let has_word = |part: &str| {
        part.len() >= 3
            && part.bytes().all(|byte| byte.is_ascii_uppercase())
            && part.bytes().any(|byte| b"AEIOUY".contains(&byte))
    };
    value.contains('_')
        && value.bytes().all(is_part)
        && value.starts_with(|c: char| c.is_ascii_uppercase())
        && value.split('_').any(has_word)
}

/// Whether a text can be the target of a pointer, reference or alias: `config.password`,
/// `corev1.Secret{…`.
fn is_reference_target(value: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let length = value.bytes().take_while(|byte| is_name(*byte)).count();
    matches!(value.as_bytes().get(length), None | Some(b'{' | b'(' | b'['))
}

/// Whether a value is a call, cut off at its arguments: `keys.getSecretKey(`,
/// `encoder.encode(password`.
fn is_call(value: &str) -> bool {
    // PHP writes the namespace of all functions as `\\`.
    let value = value.trim_start_matches('\\');
    let Some((head, _)) = value.split_once('(') else { return false };
    let is_name = head.len() >= 3
        && head.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(&b))
        && head.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_identifier = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'&')
    };
    let arguments = value.get(head.len() + 1..).unwrap_or_default();
    // Parameters of a query: `MD5(%p`, `crypt(:password`.
    let arguments = arguments.strip_prefix(['%', ':', '?']).unwrap_or(arguments);
    is_name && (head.contains('.') || value.ends_with('(') || is_identifier(arguments))
}

/// Whether a value differs from the words of the prose around it.
pub(crate) fn differs_from_prose(value: &str) -> bool {
    let stats = randomness::character_stats(value.as_bytes());
    value.len() >= 6 && stats.digits > 0 && stats.lower + stats.upper > 0
}

/// How likely a value is a password, which may be anything that is not clearly something else.
fn password(value: &str) -> Option<Confidence> {
    let length = value.chars().count();
    if is_foreign_phrase(value) {
        return None;
    }
    if length < 3 || noise::is_noise(value) || value.contains('\n') || looks_like_code(value) {
        return None;
    }
    let words = value.split_whitespace().count();
    if words > 3 {
        return None;
    }
    let stats = randomness::character_stats(value.as_bytes());
    let plain_word =
        stats.digits == 0 && stats.others == 0 && (stats.lower == 0 || stats.upper == 0);
    Some(if plain_word || length < 6 { Confidence::Medium } else { Confidence::High })
}

/// Whether a value is a word or phrase with letters that passwords rarely have: a translation.
fn is_foreign_phrase(value: &str) -> bool {
    !value.is_ascii()
        && value.chars().all(|c| {
            c.is_alphabetic() || c.is_whitespace() || !c.is_ascii() || ".,:;!?'\"()-".contains(c)
        })
}

/// How likely a value is a generated key.
fn key(name: &str, value: &str) -> Option<Confidence> {
    if value.len() < 8 || noise::is_noise(value) || looks_like_code(value) || !value.is_ascii() {
        return None;
    }
    // Documentation leaves out the rest: `9cbaf023786cd7...`.
    if value.ends_with("...") || value.ends_with('…') {
        return None;
    }
    // A list of texts is not one.
    let is_list = value.starts_with("[\"") || value.starts_with("['");
    if is_list || is_numbered_placeholder(value) || url::is_escaped_words(value) {
        return None;
    }
    if noise::is_identifier(value) || has_example_password(value) {
        return None;
    }
    if value.bytes().any(|byte| byte.is_ascii_whitespace()) {
        return None;
    }
    // The scope of a signature of AWS: `AKIA…/20240101/eu-west-1/s3/aws4_request`.
    let date = value.split('/').nth(1).unwrap_or_default();
    if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kebab = value.bytes().all(|byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._/:#".contains(&byte)
    });
    if noise::has_run(value.as_bytes()) || kebab && is_resource_name(value) {
        return None;
    }
    let is_lower = !value.bytes().any(|byte| byte.is_ascii_uppercase());
    if value.contains('_') && is_lower && has_parts_of_names(value) && names::may_refer(name) {
        return None;
    }
    if randomness::looks_random(value.as_bytes()) && value.len() >= 16 {
        return Some(Confidence::High);
    }
    let stats = randomness::character_stats(value.as_bytes());
    let mixed = stats.digits > 0 && stats.lower + stats.upper > 0;
    let chosen =
        name.to_ascii_lowercase().contains("secret") || name.to_ascii_lowercase().contains("auth");
    let entropy = randomness::entropy(value.as_bytes());
    if !mixed || stats.distinct < 6 || entropy < 2.5 {
        return None;
    }
    if value.len() >= 16 && !kebab
        || chosen
        || value.len() >= 20 && stats.changes * 5 >= value.len()
    {
        return Some(Confidence::Medium);
    }
    (stats.changes >= 3).then_some(Confidence::Medium)
}

/// Whether a value is words of placeholders in capitals, with a number: `MYTOKEN1`.
fn is_numbered_placeholder(value: &str) -> bool {
    let words = value.trim_end_matches(|c: char| c.is_ascii_digit());
    words.len() < value.len()
        && words.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        && noise::is_placeholder(words)
}

/// Whether a value is a user and the word for their password: `user@example.org:password`.
fn has_example_password(value: &str) -> bool {
    value.rsplit_once(':').is_some_and(|(_, password)| url::is_word_for_password(password))
}

/// Whether a value is the name of another object: words, and maybe short numbers: `web-tls-2`,
/// `app-v1.2`.
pub(crate) fn is_resource_name(value: &str) -> bool {
    let of_object = value.rsplit_once('-').filter(|(name, end)| {
        name.contains(['-', '/']) && end.len() == 5 && end.bytes().all(is_of_suffix)
    });
    let name = of_object.map_or(value, |(name, _)| name);
    name.contains(['-', '.', '/', ':', '#']) && has_parts_of_names(name)
}

/// Whether the API server makes the ends of generated names of this character.
fn is_of_suffix(byte: u8) -> bool {
    b"bcdfghjklmnpqrstvwxz2456789".contains(&byte)
}

/// Whether the parts of a value are short, words, or words with short numbers.
fn has_parts_of_names(value: &str) -> bool {
    value.split(['-', '.', '/', ':', '_', '#']).all(|part| {
        part.len() <= 3
            || part.bytes().all(|byte| byte.is_ascii_alphabetic())
            || part
                .trim_end_matches(|c: char| c.is_ascii_digit())
                .bytes()
                .all(|byte| byte.is_ascii_alphabetic())
                && part.bytes().filter(u8::is_ascii_digit).count() <= 4
    })
}

/// Whether a value is lowercase words with underscores, such as a setting: `module_strict_utf8_response`.
fn is_snake_case(value: &str) -> bool {
    value.matches('_').count() >= 2
        && !value.bytes().any(|byte| byte.is_ascii_uppercase())
        && has_parts_of_names(value)
}

/// How likely a value is a key although its name is vague: it must be long and entirely random.
fn possible_key(value: &str) -> Option<Confidence> {
    let bytes = value.as_bytes();
    let is_key = value.len() >= 20
        && randomness::looks_random(bytes)
        && !randomness::is_hex(bytes)
        && !noise::is_noise(value)
        && !noise::is_identifier(value)
        && !noise::has_run(bytes)
        && !is_resource_name(value)
        && !is_snake_case(value)
        && !looks_like_code(value)
        && randomness::entropy(bytes) >= 3.5
        && !value.bytes().any(|byte| byte.is_ascii_whitespace() || b":.,@%".contains(&byte));
    is_key.then_some(Confidence::Medium)
}

/// Whether a value is an expression in code, not a text: `getPassword()`, `config.password`,
/// `args[1]`.
fn looks_like_code(value: &str) -> bool {
    let call = value.contains('(')
        && !value.contains(['@', '#', '^', '%', '~'])
        && value.ends_with([')', ';'])
        && value.split('(').next().is_some_and(|head| {
            !head.is_empty()
                && head.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.$:".contains(&byte))
        });
    let index = value.ends_with(']') && value.contains('[');
    let member = value.split('.').count() > 1
        && value.split('.').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        });
    call || index
        || member
        || value.starts_with("new ")
        || value.strip_prefix('&').is_some_and(|name| {
            !name.is_empty()
                && randomness::has_words(name)
                && name.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_.".contains(&byte))
        })
        || value.starts_with("!")
            && value.len() > 1
            && value[1..].starts_with(|c: char| c.is_ascii_lowercase())
            && value.contains(' ')
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;
    use crate::{check, names};

    fn kind(name: &str, value: &str) -> Option<&'static str> {
        ValueClassifier::new()
            .classify(names::read(name)?, name, value)
            .map(|classification| classification.kind)
    }

    #[test]
    fn by_name_and_value() {
        assert_eq!(kind("DB_PASSWORD", "hunter2"), Some("password"));
        assert_eq!(kind("DB_PASSWORD", "changeme"), None);
        assert_eq!(kind("DB_USER", "x9Kq2LmZ8vTn4RwY"), None);
        assert_eq!(kind("API_KEY", "x9Kq2LmZ8vTn4RwY"), Some("secret-key"));
        assert_eq!(kind("API_KEY", "web-frontend-config"), None);
        assert_eq!(kind("tokenSecret", "my-app-tls-2"), None);
        assert_eq!(kind("credentialsSecret", "prod-eu-west-1-db"), None);
        assert_eq!(kind("DB_PASSWORD", "Kq7pZx4w0000"), Some("password"));
        let uuid = "014df517-39d1-4453-b7b3-9930c563627c";
        assert_eq!(kind("CLIENT_SECRET", uuid), Some("secret-key"));
        assert_eq!(kind("auth", uuid), None);
        for name_of_another in ["public_v2", "prometheus_v3_sha", "basic_auth_1"] {
            assert_eq!(kind("params.auth", name_of_another), None);
        }
        assert_eq!(kind("auth", "user:hunter2pw"), Some("secret-key"));
        assert_eq!(kind("auth", "sk_dXNlcmFiY2RlZzEyMw"), Some("secret-key"));
        assert_eq!(kind("password", "config.password"), None);
        assert_eq!(kind("password", "getPassword()"), None);
        assert_eq!(
            kind("SECRET_KEY", "l8u(r@0va=f#8chs*8bjz#&qr&4p%dgvy(^gzu7sz)"),
            Some("secret-key")
        );
    }

    #[test]
    fn code_is_not_a_secret() {
        for code in [
            "getPassword",
            "SpCompleteAuthTokenFn",
            "Option<String>",
            "mio::Token",
            "Token![auto]",
            "Ok(KeyClass::Number)",
            "&[u8])",
            "DOT11EXT_SET_DEFAULT_KEY",
            "token1.clone(",
            "config.password",
            "&corev1.Secret{ObjectMeta:",
            "*anchor",
            "keys.get(",
            "encoder.encode(password",
            "MD5(%p",
            "\\sodium_hex2bin(",
            "(none)",
        ] {
            assert!(is_bare_word(code), "{code}");
        }
        for secret in ["*h820Z@qimIno1W", "&!P@6W26*ew-g", "WHSlyfInAD", "hunter2", "abc(12)d"] {
            assert!(!is_bare_word(secret), "{secret}");
        }
    }

    #[test]
    fn headers() {
        let basic = format!("Basic {}", check::STANDARD.encode("user:hunter2"));
        assert_eq!(kind("Authorization", &basic), Some("basic-auth"));
        assert_eq!(kind("Authorization", "Bearer x9Kq2LmZ8vTn4RwY"), Some("bearer-token"));
        assert_eq!(kind("Authorization", "Bearer $(TOKEN)"), None);
        assert_eq!(kind("Authorization", "Bearer"), None);
        assert_eq!(kind("Authorization", "x9Kq2LmZ8vTn4RwYbB"), Some("secret-key"));
        assert_eq!(kind("X-Auth-Token", "Token x9Kq2LmZ8vTn4RwY"), Some("bearer-token"));
    }
}
