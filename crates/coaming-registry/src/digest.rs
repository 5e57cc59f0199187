//! Digests: what names contents.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// Computes a digest of one of the algorithms that registries use.
#[derive(Clone)]
pub struct Digester(Algorithm);

#[derive(Clone)]
enum Algorithm {
    Sha256(Sha256),
    Sha384(Box<Sha384>),
    Sha512(Box<Sha512>),
}

impl std::fmt::Debug for Digester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digester")
    }
}

impl Digester {
    /// For the algorithm of `digest` (`sha256:…`); `None` where it is unknown.
    #[must_use]
    pub fn like(digest: &str) -> Option<Self> {
        let (algorithm, _) = digest.split_once(':')?;
        match algorithm {
            "sha256" => Some(Self(Algorithm::Sha256(Sha256::new()))),
            "sha384" => Some(Self(Algorithm::Sha384(Box::new(Sha384::new())))),
            "sha512" => Some(Self(Algorithm::Sha512(Box::new(Sha512::new())))),
            _ => None,
        }
    }

    /// Takes more bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Algorithm::Sha256(state) => state.update(bytes),
            Algorithm::Sha384(state) => state.update(bytes),
            Algorithm::Sha512(state) => state.update(bytes),
        }
    }

    /// The digest with its algorithm, of all that was taken in.
    #[must_use]
    pub fn finish(self) -> String {
        match self.0 {
            Algorithm::Sha256(state) => named("sha256", &state.finalize()),
            Algorithm::Sha384(state) => named("sha384", &state.finalize()),
            Algorithm::Sha512(state) => named("sha512", &state.finalize()),
        }
    }
}

fn named(algorithm: &str, bytes: &[u8]) -> String {
    let mut out = format!("{algorithm}:");
    for byte in bytes {
        // Writing to a string can't fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// The SHA-256 of `bytes`, as `sha256:…`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    named("sha256", &Sha256::digest(bytes))
}

/// Whether `bytes` are what `digest` names.
pub(crate) fn names(digest: &str, bytes: &[u8]) -> bool {
    Digester::like(digest).is_some_and(|mut digester| {
        digester.update(bytes);
        digester.finish() == digest
    })
}

/// Whether a text is a digest: a known algorithm with as many digits as it has.
pub(crate) fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else { return false };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    hex.len() == length && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
        assert!(names(empty, b"") && !names(empty, b"a") && is_digest(empty));
        let long = named("sha512", &Sha512::digest(b"a"));
        assert!(names(&long, b"a") && is_digest(&long));
        assert!(!names("md5:x", b"") && !is_digest("sha256:E3") && !is_digest(&empty[..70]));
    }
}
