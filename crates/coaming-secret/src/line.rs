//! Lines that are better not shown.

use crate::{Origin, detector};

/// Whether a line is better not shown. A secret may stand where none belongs (as the value of
/// `privileged`), so this is stricter than the detector: hiding a harmless line costs little.
#[must_use]
pub fn may_hold_secret(line: &str) -> bool {
    const SHORTEST: usize = 16;
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-');
    let looks_random = |word: &str| {
        let bytes = word.as_bytes();
        let has = |of: fn(&u8) -> bool| bytes.iter().any(of);
        // Names of fields have neither digits nor capitals side by side, and few words in them.
        let capitals = bytes.windows(2).filter(|pair| pair.iter().all(u8::is_ascii_uppercase));
        let words = bytes.windows(2).filter(|pair| {
            pair.first().is_some_and(u8::is_ascii_lowercase)
                && pair.last().is_some_and(u8::is_ascii_uppercase)
        });
        word.len() >= SHORTEST
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && (has(u8::is_ascii_digit) || capitals.count() > 0 || words.count() > 3)
    };
    line.split(|c| !is_part(c)).any(looks_random) || !detector().scan(line, Origin::Text).is_empty()
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
