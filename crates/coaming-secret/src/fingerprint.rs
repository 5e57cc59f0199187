//! Fingerprints: they show that two credentials are equal, and do not reveal them.
//!
//! A fingerprint is the start (48 bits) of HMAC-SHA-256 over the value. What can an attacker do
//! with the report, but without the value?
//!
//! * A randomly generated token has 80 bits or more that nobody can guess: it is in no dictionary,
//!   and too large a space to search. Its fingerprint is safe to publish, even with a key that
//!   everyone knows.
//! * A password that a person chose may be in a list. With a known key, an attacker can try the
//!   whole list: no hash is slow enough and no truncation short enough to be both safe and useful.
//!   So a guessable value has **no** fingerprint (shown as `none`), unless the user supplies a
//!   private key ([`FingerprintKey::new`]), which the attacker does not have.
//!
//! Equal input gives equal output: the default key is a constant.

use std::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::randomness;

/// The default key. It only keeps fingerprints distinct from the hashes of other programs.
const PUBLIC_KEY: &[u8] = b"coaming fingerprint v1";

/// A fingerprint of a credential; none if the value could be guessed from it.
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
            Some(bytes) => write!(f, "{:x}", base16ct::HexDisplay(&bytes)),
            None => f.write_str("none"),
        }
    }
}

/// The key that fingerprints are computed with.
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
    /// A private key: without it, nobody can test guesses, so guessable values have fingerprints
    /// too.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self { key: Zeroizing::new(key.to_vec()), private: true }
    }

    /// The fingerprint of a value. `generated` means that the value's format, not only its looks,
    /// proves that it was randomly generated.
    pub(crate) fn of(&self, value: &[u8], generated: bool) -> Fingerprint {
        if !self.private && !generated && !randomness::looks_unguessable(value) {
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
        let private = FingerprintKey::new(b"a private key");
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
