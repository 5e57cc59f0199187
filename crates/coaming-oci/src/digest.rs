//! Digests: names that follow from contents.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::quote::quote;

/// How a digest is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, the algorithm of nearly all images.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// Its name in a digest: `sha256`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The number of bytes of its digests.
    const fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// A digest: an algorithm and the bytes that it computed. As text: `sha256:` and lower-case
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    /// As many bytes as the algorithm has; zeros after them.
    bytes: [u8; 64],
}

/// Why a text is not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// It is not written as the image specification requires.
    #[error(
        "`{0}` is not a valid digest: write `sha256:` and 64 lower-case hexadecimal digits (or \
         sha384 with 96, sha512 with 128)"
    )]
    Malformed(String),
    /// It may be a digest, but of an algorithm that cannot be computed here.
    #[error("`{0}` is a digest of an unknown algorithm: sha256, sha384 and sha512 are supported")]
    Algorithm(String),
}

impl Digest {
    /// The SHA-256 of `contents`.
    #[must_use]
    pub fn sha256(contents: &[u8]) -> Self {
        Self::of(Algorithm::Sha256, contents)
    }

    /// The digest of `contents` by an algorithm.
    #[must_use]
    pub fn of(algorithm: Algorithm, contents: &[u8]) -> Self {
        let mut digester = Digester::new(algorithm);
        digester.update(contents);
        digester.finish()
    }

    fn new(algorithm: Algorithm, computed: &[u8]) -> Self {
        let mut bytes = [0; 64];
        for (to, from) in bytes.iter_mut().zip(computed) {
            *to = *from;
        }
        Self { algorithm, bytes }
    }

    /// How it is computed.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The computed bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.algorithm.length()).unwrap_or_default()
    }

    /// The digits alone, without the algorithm.
    #[must_use]
    pub fn hex(&self) -> String {
        base16ct::lower::encode_string(self.as_bytes())
    }

    /// Whether it is the digest of `contents`.
    #[must_use]
    pub fn matches(&self, contents: &[u8]) -> bool {
        Self::of(self.algorithm, contents) == *self
    }

    /// The path of the blob in an OCI layout: `blobs/sha256/…`.
    #[must_use]
    pub fn blob_path(&self) -> String {
        format!("blobs/{}/{}", self.algorithm.name(), self.hex())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let malformed = || DigestError::Malformed(quote(text));
        let (name, hex) = text.split_once(':').ok_or_else(malformed)?;
        let Some(algorithm) = Algorithm::ALL.into_iter().find(|known| known.name() == name) else {
            return Err(if is_unknown_digest(name, hex) {
                DigestError::Algorithm(quote(text))
            } else {
                malformed()
            });
        };
        let mut bytes = [0; 64];
        let decoded = base16ct::lower::decode(hex, &mut bytes).map_err(|_| malformed())?;
        if decoded.len() != algorithm.length() {
            return Err(malformed());
        }
        Ok(Self { algorithm, bytes })
    }
}

/// Whether the image specification allows it as a digest of another algorithm.
fn is_unknown_digest(algorithm: &str, encoded: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let is_encoded = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b'_' | b'-');
    algorithm.split(['+', '.', '_', '-']).all(is_part)
        && !encoded.is_empty()
        && encoded.bytes().all(is_encoded)
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Computes a digest piece by piece.
#[derive(Clone)]
pub struct Digester(State);

#[derive(Clone)]
enum State {
    Sha256(Sha256),
    Sha384(Box<Sha384>),
    Sha512(Box<Sha512>),
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digester")
    }
}

impl Digester {
    /// Begins a digest.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => State::Sha256(Sha256::new()),
            Algorithm::Sha384 => State::Sha384(Box::new(Sha384::new())),
            Algorithm::Sha512 => State::Sha512(Box::new(Sha512::new())),
        })
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(bytes),
            State::Sha384(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// The digest of all bytes that were added.
    #[must_use]
    pub fn finish(self) -> Digest {
        match self.0 {
            State::Sha256(state) => Digest::new(Algorithm::Sha256, &state.finalize()),
            State::Sha384(state) => Digest::new(Algorithm::Sha384, &state.finalize()),
            State::Sha512(state) => Digest::new(Algorithm::Sha512, &state.finalize()),
        }
    }
}

impl std::io::Write for Digester {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn known_digests() {
        let empty = Digest::sha256(b"");
        assert_eq!(empty.to_string(), EMPTY);
        assert!(empty.matches(b"") && !empty.matches(b"a"));
        assert_eq!(empty.blob_path(), EMPTY.replace("sha256:", "blobs/sha256/"));
        let long = Digest::of(Algorithm::Sha512, b"a");
        assert_eq!(long.hex().len(), 128);
        assert!(long.matches(b"a") && long.to_string().starts_with("sha512:1f40fc92"));
    }

    #[test]
    fn malformed_digests_are_refused() {
        let upper = EMPTY.to_uppercase().replace("SHA256", "sha256");
        let short = &EMPTY[..70];
        for text in ["", "sha256", "sha256:", ":", "x:", short, &upper, "../etc/passwd", "A:b"] {
            let error = text.parse::<Digest>().unwrap_err();
            assert!(matches!(error, DigestError::Malformed(_)), "{text}");
        }
        for text in ["md5:d41d8cd9", "blake3:x", "sha256+b64u:LCa0a2j"] {
            let error = text.parse::<Digest>().unwrap_err();
            assert!(matches!(error, DigestError::Algorithm(_)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_digest_is_its_text(
            bytes: Vec<u8>,
            algorithm in prop::sample::select(&Algorithm::ALL[..]),
            cut in 0_usize..100,
        ) {
            let digest = Digest::of(algorithm, &bytes);
            prop_assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest));
            let mut digester = Digester::new(algorithm);
            let (start, end) = bytes.split_at(cut.min(bytes.len()));
            digester.update(start);
            digester.update(end);
            prop_assert_eq!(digester.finish(), digest);
        }

        #[test]
        fn digests_sort_as_their_texts(a: u8, b: u8) {
            let (a, b) = (Digest::sha256(&[a]), Digest::of(Algorithm::Sha512, &[b]));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn any_text_is_a_digest_or_refused(text in "(sha256:)?.{0,80}") {
            if let Ok(digest) = text.parse::<Digest>() {
                prop_assert_eq!(digest.to_string(), text);
            }
        }
    }
}
