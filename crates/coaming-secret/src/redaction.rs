//! Lines that should not be shown.

use crate::{TextKind, detector};

/// Whether a line should not be shown, as it may contain a secret. A secret may be in an unusual
/// place (the value of `privileged`), so this is stricter than the detector: hiding a harmless line
/// costs little.
#[must_use]
pub fn may_hold_secret(line: &str) -> bool {
    const MIN_LENGTH: usize = 16;
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-');
    let looks_random = |word: &str| {
        let bytes = word.as_bytes();
        let has = |of: fn(&u8) -> bool| bytes.iter().any(of);
        // Names of fields have neither digits nor adjacent capitals, and only a few words.
        let capitals = bytes.windows(2).filter(|pair| pair.iter().all(u8::is_ascii_uppercase));
        let words = bytes.windows(2).filter(|pair| {
            pair.first().is_some_and(u8::is_ascii_lowercase)
                && pair.last().is_some_and(u8::is_ascii_uppercase)
        });
        word.len() >= MIN_LENGTH
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && (has(u8::is_ascii_digit) || capitals.count() > 0 || words.count() > 3)
    };
    line.split(|c| !is_part(c)).any(looks_random)
        || !detector().scan(line, TextKind::Fragment).is_empty()
}

#[cfg(test)]
mod tests {
    use super::may_hold_secret;

    #[test]
    fn stricter_than_the_detector() {
        assert!(may_hold_secret("privileged: x9Kq2LmZ8vTn4RwY"));
        assert!(may_hold_secret("password: hunter2"));
        for line in ["image: nginx:1.2@sha256:aaaa", "automountServiceAccountToken: false"] {
            assert!(!may_hold_secret(line), "{line}");
        }
    }
}
