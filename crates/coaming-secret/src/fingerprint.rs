//! Fingerprints: the same credential in two places, without a way back to it.
//!
//! A fingerprint is the start (48 bits) of HMAC-SHA-256 over the value. The question is what one who
//! has the report, but not the value, can do with it:
//!
//! * A token that a machine made has 80 bits or more that nobody can guess: no dictionary holds it,
//!   and no search ends. Its fingerprint is safe to publish, also with a key that everybody knows.
//! * A password that a person made may be in a list. With a known key, whoever has the report tries
//!   the list: no hash is slow enough and no truncation short enough to be both safe and of use. So a
//!   guessable value gets **no** fingerprint (shown as `none`), unless the user brings a key of his own
//!   ([`FingerprintKey::new`]), which the reader of the report does not have.
//!
//! Equal input gives equal output: without a key of the user's own, the key is a constant.

use std::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::measure;

/// The key of those who bring none. It only keeps fingerprints apart from other programs' hashes.
const PUBLIC_KEY: &[u8] = b"coaming fingerprint v1";

/// A fingerprint of a credential; none for a value that could be guessed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(Option<[u8; 6]>);

impl Fingerprint {
    /// Of a value that is not known.
    pub(crate) const NONE: Self = Self(None);

    /// Whether there is one.
    #[must_use]
    pub fn is_some(self) -> bool {
        self.0.is_some()
    }
}

impl fmt::Display for Fingerprint {
    /// Twelve hexadecimal digits, or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            None => f.write_str("none"),
        }
    }
}

/// What fingerprints are made with.
#[derive(Clone)]
pub struct FingerprintKey {
    key: Zeroizing<Vec<u8>>,
    private: bool,
}

impl Default for FingerprintKey {
    fn default() -> Self {
        Self { key: Zeroizing::new(PUBLIC_KEY.to_vec()), private: false }
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FingerprintKey").field("private", &self.private).finish_non_exhaustive()
    }
}

impl FingerprintKey {
    /// A key of the user's own: whoever does not have it can't test guesses, so that guessable
    /// values have fingerprints too.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self { key: Zeroizing::new(key.to_vec()), private: true }
    }

    /// The fingerprint of a value. `made` by a machine: a format says so, not only its looks.
    pub(crate) fn of(&self, value: &[u8], made: bool) -> Fingerprint {
        if !self.private && !made && !measure::looks_unguessable(value) {
            return Fingerprint(None);
        }
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            return Fingerprint(None);
        };
        mac.update(value);
        let tag = mac.finalize().into_bytes();
        Fingerprint(tag.first_chunk::<6>().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessable_values_have_none_without_a_private_key() {
        let public = FingerprintKey::default();
        for weak in ["hunter2", "correct-horse-battery-staple", "Summer2024!Summer2024!"] {
            assert_eq!(public.of(weak.as_bytes(), false).to_string(), "none");
        }
        let private = FingerprintKey::new(b"only we know");
        assert_eq!(private.of(b"hunter2", false).to_string().len(), 12);
    }

    #[test]
    fn equal_values_have_equal_ones() {
        let key = FingerprintKey::default();
        let token = b"x9Kq2LmZ8vTn4RwY6bHc1JdF3gSa5PeU";
        assert_eq!(key.of(token, false), key.of(token, true));
        assert_ne!(key.of(token, true), key.of(b"another", true));
        assert_ne!(key.of(token, true), FingerprintKey::new(b"k").of(token, true));
    }

    #[test]
    fn the_key_is_not_shown() {
        assert!(!format!("{:?}", FingerprintKey::new(b"sesame")).contains("sesame"));
    }
}
