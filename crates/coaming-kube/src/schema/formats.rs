//! Formats of texts in schemas, as the API server checks them.
//!
//! Invariant: what is refused here, the API server refuses. Formats that it does not know, and those
//! that it checks by rules that are not certain here (`email`), are not judged.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether a text does not have a format.
pub(super) fn refuses(format: &str, text: &str) -> bool {
    match format {
        "ipv4" => text.parse::<Ipv4Addr>().is_err(),
        "ipv6" => text.parse::<Ipv6Addr>().is_err(),
        "cidr" => !is_cidr(text),
        "date" => !is_date(text),
        "date-time" => !text.is_empty() && !may_be_time(text),
        "uuid" => !is_uuid(text),
        "byte" => !is_base64(text),
        "hostname" => !may_be_hostname(text),
        "mac" => !may_be_mac(text),
        "uri" => !may_be_uri(text),
        _ => false,
    }
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let most = match (address.parse::<Ipv4Addr>(), address.parse::<Ipv6Addr>()) {
        (Ok(_), _) => 32,
        (_, Ok(_)) => 128,
        _ => return false,
    };
    let is_number = length.bytes().all(|byte| byte.is_ascii_digit());
    is_number && length.parse::<u32>().is_ok_and(|length| length <= most)
}

/// `2006-01-02`
fn is_date(text: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| {
        let part = text.get(range)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u32>().ok())?
    };
    let parts = (digits(0..4), digits(5..7), digits(8..10));
    let (Some(year), Some(month), Some(day)) = parts else { return false };
    let days = match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    text.len() == 10
        && text.as_bytes().get(4) == Some(&b'-')
        && text.as_bytes().get(7) == Some(&b'-')
        && (1..=12).contains(&month)
        && (1..=days).contains(&day)
}

/// A date, and something after a `T` that starts with an hour and minutes.
fn may_be_time(text: &str) -> bool {
    let Some((date, time)) = text.split_at_checked(10) else { return false };
    let time = time.strip_prefix(['T', 't']).unwrap_or_default();
    let is_digit = |at: usize| time.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    is_date(date) && [0, 1, 3, 4].into_iter().all(is_digit) && time.as_bytes().get(2) == Some(&b':')
}

fn is_uuid(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| *c != '-').collect();
    plain.len() == 32 && plain.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_base64(text: &str) -> bool {
    let plain = text.trim_end_matches('=');
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+/\r\n".contains(&byte);
    plain.bytes().all(is_part) && text.len() - plain.len() <= 2
}

fn may_be_hostname(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.len() <= 255 && text.chars().all(is_part)
}

fn may_be_mac(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
    matches!(digits, 12 | 16 | 40)
        && text.bytes().all(|byte| byte.is_ascii_hexdigit() || b":-.".contains(&byte))
}

/// An address with a scheme, or a path from the root.
fn may_be_uri(text: &str) -> bool {
    text.starts_with('/') || text.contains(':') && !text.starts_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_the_api_server_checks() {
        for (format, good, bad) in [
            ("ipv4", "10.0.0.1", "10.0.0.256"),
            ("ipv6", "fe80::1", "10.0.0.1"),
            ("cidr", "10.0.0.0/8", "10.0.0.0/33"),
            ("cidr", "::/0", "10.0.0.0"),
            ("date", "2024-02-29", "2023-02-29"),
            ("date-time", "2024-01-31T10:00:00Z", "2024-01-31"),
            ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567"),
            ("byte", "YQ==", "a b"),
            ("hostname", "db.example.com", "db example"),
            ("mac", "01:23:45:67:89:ab", "01:23"),
            ("uri", "https://example.com/", "example"),
        ] {
            assert!(!refuses(format, good), "{format}: {good}");
            assert!(refuses(format, bad), "{format}: {bad}");
        }
        assert!(!refuses("int32", "x") && !refuses("email", "x"));
    }
}
