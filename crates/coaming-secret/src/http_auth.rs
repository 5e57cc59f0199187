//! Credentials in HTTP headers: `Basic …`, `Bearer …` and similar schemes.

use std::ops::Range;

use base64::Engine as _;
use coaming_finding::Confidence;

use crate::check::{self, Verdict};
use crate::classify::{self, Classification};
use crate::{noise, randomness};

/// The longest token that is read.
const MAX_TOKEN: usize = 4096;

/// The schemes that are followed by one token.
const TOKEN_SCHEMES: &[&str] =
    &["bearer", "token", "apikey", "api-key", "key", "genie", "geniekey", "splunk", "bot", "ssws"];

/// The credential in a header's value that starts with a known scheme; `None` if it does not.
pub(crate) fn with_scheme(value: &str) -> Option<Option<Classification>> {
    let trimmed = value.trim();
    let (scheme, rest) = trimmed.split_once(|c: char| c.is_ascii_whitespace())?;
    let is_basic = scheme.eq_ignore_ascii_case("basic");
    if !is_basic && !TOKEN_SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let credential = rest.trim();
    let lead = value.len() - value.trim_start().len();
    let start = lead + trimmed.len() - rest.trim_start().len();
    Some(classified(is_basic, credential, start..start + credential.len()))
}

/// The credential after a scheme in any text, such as a proxy's configuration.
pub(crate) fn in_text(text: &[u8], hit: usize, scheme: &str) -> Option<Classification> {
    let before = hit.checked_sub(1).and_then(|at| text.get(at));
    if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte)) {
        return None;
    }
    let start = hit + scheme.len();
    let rest = text.get(start..text.len().min(start + MAX_TOKEN))?;
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_.~".contains(byte);
    let length = rest.iter().take_while(|byte| is_part(byte)).count();
    // Words of prose are short.
    if length < if scheme == BASIC { 8 } else { 16 } {
        return None;
    }
    let credential = std::str::from_utf8(rest.get(..length)?).ok()?;
    classified(scheme == BASIC, credential, start..start + length)
}

/// The token after the name `Authorization` and a scheme, as in `{"Authorization": "Token x"}`,
/// where the value starts at `start`.
pub(crate) fn after_name(text: &[u8], start: usize) -> Option<Classification> {
    let rest = text.get(start..text.len().min(start + MAX_TOKEN))?;
    let length = rest.iter().position(|&byte| byte == b' ')?;
    let scheme = std::str::from_utf8(rest.get(..length)?).ok()?;
    if !TOKEN_SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let after = rest.get(length..)?.trim_ascii_start();
    // Rails and GitLab write `Token token="x"`.
    let after = after.strip_prefix(b"token=").unwrap_or(after);
    let quotes = after.iter().take_while(|byte| b"\\\"'".contains(byte)).count();
    let after = after.get(quotes..)?;
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_.~".contains(byte);
    let length = after.iter().take_while(|byte| is_part(byte)).count();
    // A variable, call or format goes on.
    let is_whole = !matches!(after.get(length), Some(b'(' | b'[' | b'{' | b'$' | b'%' | b'<'));
    let at = start + rest.len() - after.len();
    let credential = std::str::from_utf8(after.get(..length).filter(|_| is_whole)?).ok()?;
    (length >= 16).then(|| classified(false, credential, at..at + length)).flatten()
}

/// The literal before a username and password in any text.
pub(crate) const BASIC: &str = "basic ";
/// The literal before a token in any text.
pub(crate) const BEARER: &str = "bearer ";

/// The kind of a username and password.
pub(crate) const BASIC_KIND: &str = "basic-auth";
/// The title of a username and password.
pub(crate) const BASIC_TITLE: &str = "user and password for HTTP basic authentication";

/// Whether the decoded value of this name (`_auth` in an `.npmrc`) is a username and password.
pub(crate) fn is_basic(name: &str, decoded: &str) -> bool {
    name.to_ascii_lowercase().ends_with("auth")
        && decoded.split_once(':').is_some_and(|(user, password)| {
            !user.is_empty()
                && !password.is_empty()
                && !password.contains(|c: char| c.is_control())
                && !noise::is_noise(password)
        })
}

fn classified(is_basic: bool, credential: &str, range: Range<usize>) -> Option<Classification> {
    let (kind, title) = if is_basic {
        (BASIC_KIND, BASIC_TITLE)
    } else {
        ("bearer-token", "token in an `Authorization` header")
    };
    let is_real = if is_basic { has_password(credential) } else { is_token(credential) };
    let confidence = Confidence::High;
    is_real.then_some(Classification { kind, title, range, confidence, generated: false })
}

/// Passwords in the examples of RFC 2617 and RFC 7617, and of every manual.
const DOCUMENTED: &[&str] =
    &["open sesame", "opensesame", "123£", "passwd", "passw0rd", "password"];

/// `user:password` in base64.
fn has_password(credential: &str) -> bool {
    let decoded = check::STANDARD.decode(credential).ok();
    let text = decoded.as_deref().and_then(|decoded| std::str::from_utf8(decoded).ok());
    let password = text.and_then(|text| text.split_once(':')).map(|(_, password)| password);
    password.is_some_and(|password| {
        !password.is_empty()
            && !DOCUMENTED.contains(&password)
            && !password.contains(|c: char| c.is_control())
            && !noise::is_noise(password)
    })
}

fn is_token(credential: &str) -> bool {
    let bytes = credential.as_bytes();
    credential.len() >= 10
        && !credential.contains(char::is_whitespace)
        && !noise::is_noise(credential)
        && !noise::has_run(bytes)
        && !classify::is_resource_name(credential)
        && (randomness::looks_random(bytes) || check::random(bytes) == Verdict::Real)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_in_any_text() {
        let basic = |secret: &str| format!("Header \"Basic {}\";", check::STANDARD.encode(secret));
        let found = |text: &str, scheme: &str| {
            let hit = text.to_ascii_lowercase().find(scheme)?;
            in_text(text.as_bytes(), hit, scheme).map(|found| found.kind)
        };
        assert_eq!(found(&basic("api:hunter2"), BASIC), Some("basic-auth"));
        assert_eq!(found(&basic("api:${PASSWORD}"), BASIC), None);
        assert_eq!(found("Basic authentication", BASIC), None);
        assert_eq!(found("-H 'bearer x9Kq2LmZ8vTn4RwY'", BEARER), Some("bearer-token"));
        assert_eq!(found("bearer authorization-tokens", BEARER), None);
        assert_eq!(found("nonbearer x9Kq2LmZ8vTn4RwY", BEARER), None);
        assert_eq!(found("bearer $TOKEN_OF_THE_SERVICE", BEARER), None);
    }
}
