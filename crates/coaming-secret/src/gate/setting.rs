//! Which values of variables are so plain that hiding them only makes a diff unreadable: `8080`, `true`,
//! `info`. Neither the name may mean a secret, nor the value be one that a person chooses as a password.

use super::name;

/// Words that settings have, and no secret.
const WORDS: &[&str] = &[
    "all",
    "auto",
    "console",
    "debug",
    "default",
    "dev",
    "development",
    "disabled",
    "enabled",
    "error",
    "false",
    "fatal",
    "grpc",
    "http",
    "https",
    "info",
    "json",
    "local",
    "localhost",
    "no",
    "none",
    "off",
    "on",
    "plain",
    "prod",
    "production",
    "release",
    "staging",
    "stderr",
    "stdout",
    "tcp",
    "test",
    "text",
    "trace",
    "true",
    "udp",
    "utc",
    "verbose",
    "warn",
    "warning",
    "yes",
];

/// Whether the value of a variable may be shown.
pub(super) fn is_plain(name: &str, value: &str) -> bool {
    let name = unquoted(name);
    let is_name = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    is_name && !name::is_secret(name) && is_plain_value(unquoted(value))
}

/// A value without its quotes, if it has two of them.
fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let within = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

fn is_plain_value(value: &str) -> bool {
    let is_word = WORDS.iter().any(|word| value.eq_ignore_ascii_case(word));
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let unit = value.get(digits..).unwrap_or_default();
    // `8080`, `30s`, `512Mi`.
    let is_amount = (1..=5).contains(&digits)
        && unit.len() <= 2
        && unit.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_version = value.len() <= 12
        && value.contains('.')
        && value.split('.').all(|part| {
            (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        });
    // A host within the cluster, with a port or without.
    let host = value.split_once("://").map_or(value, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let is_host =
        host == "localhost" || host.ends_with(".svc") || host.ends_with(".svc.cluster.local");
    let is_address = is_host
        && value.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:/".contains(&byte)
        })
        && value.matches('/').count() <= 2;
    is_word || is_amount || is_version || is_address
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn settings_are_told_from_passwords() {
        for value in [
            "8080",
            "\"true\"",
            "'info'",
            "30s",
            "512Mi",
            "1.4.2",
            "http://api.shop.svc:80",
            "INFO",
        ] {
            assert!(is_plain("SETTING", value), "{value}");
        }
        for value in [
            "hunter",
            "hunter2",
            "83454102",
            "\"8080",
            "info # hunter",
            "12345abc",
            "*x",
            "https://x.example/T0/B0",
            "https://u:p@localhost",
            "",
        ] {
            assert!(!is_plain("SETTING", value), "{value}");
        }
        for name in ["DB_PASSWORD", "dbpasword", "API_TOKEN", "", "A B"] {
            assert!(!is_plain(name, "8080"), "{name}");
        }
    }
}
