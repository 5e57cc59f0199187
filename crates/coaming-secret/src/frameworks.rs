//! Keys that the installers of frameworks generate, known by their name and form: those of Laravel,
//! and the keys and salts of WordPress, which have any signs in them.

use std::ops::Range;

use base64::Engine as _;

use crate::{check, randomness};

/// What Laravel writes before a key: `APP_KEY=base64:…`.
pub(crate) const LARAVEL: &str = "base64:";

/// The constants of `wp-config.php`.
const WORDPRESS: &[&str] = &[
    "AUTH_KEY",
    "SECURE_AUTH_KEY",
    "LOGGED_IN_KEY",
    "NONCE_KEY",
    "AUTH_SALT",
    "SECURE_AUTH_SALT",
    "LOGGED_IN_SALT",
    "NONCE_SALT",
];

/// The length of each of them, as WordPress generates it.
const WORDPRESS_LENGTH: usize = 64;

/// The bytes of the key in a value.
pub(crate) fn key(name: &str, value: &str) -> Option<Range<usize>> {
    if let Some(encoded) = value.strip_prefix(LARAVEL) {
        let decoded = check::STANDARD.decode(encoded).ok()?;
        let is_key = matches!(decoded.len(), 16 | 32)
            && name.to_ascii_lowercase().ends_with("key")
            && randomness::looks_random(encoded.as_bytes());
        return is_key.then_some(LARAVEL.len()..value.len());
    }
    let own = name.strip_prefix("WORDPRESS_").unwrap_or(name);
    let is_key = value.len() == WORDPRESS_LENGTH
        && WORDPRESS.contains(&own)
        && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        && !value.contains("put your unique phrase")
        && randomness::entropy(value.as_bytes()) > 4.0;
    is_key.then_some(0..value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_frameworks() {
        let salt = "mZ8@^kD2#vP!xL0&qW7*eR5(tY3)uI1 oA9_sF6+gH4=jK}cV{bN[nM]%s<%=a-Q";
        assert_eq!(key("NONCE_SALT", salt), Some(0..64));
        assert_eq!(key("WORDPRESS_NONCE_SALT", salt), Some(0..64));
        assert_eq!(key("NONCE", salt), None);
        assert_eq!(key("NONCE_SALT", &salt[1..]), None);
        let laravel = "base64:gvvBY9a7fjgi05d90rWDO26+OJD5mSBtcoU8rqnXdMk=";
        assert_eq!(key("key", laravel), Some(7..51));
        assert_eq!(key("image", laravel), None);
        assert_eq!(key("key", "base64:aGVsbG8="), None);
    }
}
