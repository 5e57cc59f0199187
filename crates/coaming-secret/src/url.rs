//! Passwords in URLs, as in `scheme://user:password@host`.

use std::ops::Range;

use crate::noise;

/// The longest user info that is read.
const MAX_USER_INFO: usize = 512;

/// Shorter texts in the place of a password show how URLs are read: `http://a:b@c`.
const MIN_PASSWORD: usize = 3;

/// Hosts that nobody has (RFC 2606, RFC 6761) or that only documentation names.
const DOCUMENTATION_HOSTS: &[&str] =
    &["example.com", "example.org", "example.net", ".example", ".test", ".invalid", "test.com"];

/// Whether the password at `password` is one that documentation or a test of a program shows: words
/// and digits for a host that does not exist.
pub(crate) fn is_documentation(text: &[u8], password: &Range<usize>) -> bool {
    let value = text.get(password.clone()).unwrap_or_default();
    let rest = text.get(password.end + 1..).unwrap_or_default();
    let is_host =
        |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte) || !byte.is_ascii();
    let length = rest.iter().take(MAX_USER_INFO).take_while(|byte| is_host(byte)).count();
    let host = rest.get(..length).and_then(|host| std::str::from_utf8(host).ok());
    value.iter().all(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
        && !crate::randomness::looks_random(value)
        && host.is_some_and(|host| {
            let host = host.to_ascii_lowercase();
            DOCUMENTATION_HOSTS.iter().any(|known| host.ends_with(known))
        })
}

/// Whether a parameter at `start` is part of the address of a badge, whose tokens are public:
/// `https://codecov.io/gh/a/b/graph/badge.svg?token=x`.
pub(crate) fn is_of_badge(text: &[u8], start: usize) -> bool {
    let before = text.get(start.saturating_sub(MAX_USER_INFO)..start).unwrap_or_default();
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`<>()[]".contains(byte);
    let word = before.iter().rposition(ends).map_or(0, |at| at + 1);
    let address = before.get(word..).unwrap_or_default();
    [&b"codecov.io/"[..], b"shields.io/", b"badge.svg", b"/badge/", b"coveralls.io/"]
        .iter()
        .any(|known| crate::pem::find(address, known).is_some())
}

/// The password in the URL whose `://` is at `separator`.
pub(crate) fn password(text: &[u8], separator: usize) -> Option<Range<usize>> {
    let scheme = text.get(..separator)?;
    if !scheme.last().is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let start = separator + 3;
    let window = text.get(start..text.len().min(start + MAX_USER_INFO))?;
    // The authority ends at a slash, a space or a quote; a password may have an `@` of its own.
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"/\"'`<>\\?#,;|)".contains(byte);
    let authority = window.get(..window.iter().position(ends).unwrap_or(window.len()))?;
    let at = authority.iter().rposition(|&byte| byte == b'@')?;
    let colon = authority.get(..at)?.iter().position(|&byte| byte == b':')?;
    let host = authority.get(at + 1..)?;
    let range = start + colon + 1..start + at;
    let value = std::str::from_utf8(text.get(range.clone())?).ok()?;
    let user = authority.get(..colon)?;
    // `guest:guest@` counts: many servers are first set up with such a password.
    let is_secret = !value.is_empty()
        && !host.is_empty()
        && !noise::is_noise(value)
        && !is_word_for_password(value)
        && value.chars().count() >= MIN_PASSWORD
        && user != b"username"
        // The account of Oracle's examples, in the manuals of all that connects to databases.
        && !(user == b"scott" && value == "tiger")
        // CVS: `:pserver:anonymous@host`.
        && !value.ends_with(":anoncvs")
        && !value.ends_with(":anonymous")
        && !value.contains("//");
    is_secret.then_some(range)
}

/// Whether a value is the word for what it stands for, also with signs and escapes, which tests of
/// parsers put there: `p%40ssword`, `passwo^rd`.
pub(crate) fn is_word_for_password(value: &str) -> bool {
    let mut letters = String::with_capacity(value.len());
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        match c {
            '%' => drop(rest.by_ref().take(2).last()),
            c if c.is_ascii_alphabetic() => letters.push(c.to_ascii_lowercase()),
            c if c.is_ascii_digit() => return false,
            _ => {}
        }
    }
    let words = ["mypass", "mypassword", "pass", "passwd", "password", "passsword", "pssword"];
    words.contains(&letters.as_str())
        || matches!(letters.as_str(), "psw" | "pwd" | "port" | "pasword")
}

/// Whether a value is lowercase words with escaped signs: `secret%3Dpassword`.
pub(crate) fn is_escaped_words(value: &str) -> bool {
    let mut parts = value.split('%');
    let is_word = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b':');
    value.contains('%')
        && parts.next().is_some_and(is_word)
        && parts.all(|part| part.get(2..).is_some_and(is_word))
}

/// The password in a data source name such as `user:password@tcp(host:3306)/name`, whose `@tcp(` is
/// at `at`.
pub(crate) fn data_source_password(text: &[u8], at: usize) -> Option<Range<usize>> {
    let before = text.get(at.saturating_sub(MAX_USER_INFO)..at)?;
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`<>=".contains(byte);
    let start = at - before.iter().rev().position(ends).unwrap_or(before.len());
    let user = text.get(start..at)?.iter().position(|&byte| byte == b':')?;
    let range = start + user + 1..at;
    let value = std::str::from_utf8(text.get(range.clone())?).ok()?;
    (!value.is_empty() && !noise::is_noise(value)).then_some(range)
}

/// The start of a JDBC URL of Oracle's thin driver.
pub(crate) const ORACLE: &str = "oracle:thin:";

/// The password in `oracle:thin:user/password@host`, which starts at `hit`.
pub(crate) fn oracle_password(text: &[u8], hit: usize) -> Option<Range<usize>> {
    let start = hit + ORACLE.len();
    let window = text.get(start..text.len().min(start + MAX_USER_INFO))?;
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`<>".contains(byte);
    let user_info = window.get(..window.iter().position(ends).unwrap_or(window.len()))?;
    let at = user_info.iter().position(|&byte| byte == b'@')?;
    let slash = user_info.get(..at)?.iter().position(|&byte| byte == b'/')?;
    secret_in(text, start + slash + 1..start + at)
}

/// The range, if its text may be a secret.
pub(crate) fn secret_in(text: &[u8], range: Range<usize>) -> Option<Range<usize>> {
    let value = std::str::from_utf8(text.get(range.clone())?).ok()?;
    (value.len() >= 3 && !noise::is_noise(value)).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let separator = text.find("://")?;
        password(text.as_bytes(), separator).and_then(|range| text.get(range))
    }

    #[test]
    fn passwords_of_urls() {
        assert_eq!(found("postgres://app:hunter2@db:5432/x"), Some("hunter2"));
        assert_eq!(found("amqp://guest:gu3st!x@mq"), Some("gu3st!x"));
        assert_eq!(found("redis://:s3cr3t@redis:6379"), Some("s3cr3t"));
        assert_eq!(found("mysql://u:p@ss@host/db"), Some("p@ss"));
        for no in [
            "https://example.org/a:b@c",
            "postgres://app:${PASSWORD}@db",
            "http://host:8080/x",
            "postgres://user:password@host",
            "://a:b@c",
            "https://git@github.com/x",
            "http://u:$(PASS)@h",
            "https://user:{{ password }}@host",
            "http://jane:p%40ssword@google.com",
            "http://user:pa%2Fssword@host",
            "http://My%20User:My%20Pass@host",
        ] {
            assert_eq!(found(no), None, "{no}");
        }
    }

    #[test]
    fn passwords_of_oracle() {
        let oracle = |text: &str| {
            let hit = text.find(ORACLE)?;
            oracle_password(text.as_bytes(), hit).map(|range| text[range].to_owned())
        };
        assert_eq!(oracle("jdbc:oracle:thin:scott/tiger7@//ora/XE").as_deref(), Some("tiger7"));
        assert_eq!(oracle("jdbc:oracle:thin:scott/${PASSWORD}@//ora/XE"), None);
        assert_eq!(oracle("jdbc:oracle:thin:@//ora:1521/XE"), None);
    }
}
