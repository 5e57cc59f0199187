//! The checksums that a distribution's package records for its files: MD5 (dpkg, old rpm), SHA-1
//! (apk) or SHA-256.
//!
//! They prove nothing: the author of an image also controls its databases. They only distinguish a
//! file as the distribution published it from one that was changed afterwards.

use md5::Digest as _;

/// The checksum of a file as its package records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checksum {
    Md5([u8; 16]),
    Sha1([u8; 20]),
    Sha256([u8; 32]),
}

impl Checksum {
    /// A checksum by its length; `None` if no algorithm has that length.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        (bytes.try_into().map(Self::Md5))
            .or_else(|_| bytes.try_into().map(Self::Sha1))
            .or_else(|_| bytes.try_into().map(Self::Sha256))
            .ok()
    }

    /// A checksum in hexadecimal digits.
    pub(crate) fn of_hex(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let byte = |pair: &[u8; 2]| {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()
        };
        let bytes: Vec<u8> = pairs.iter().take(33).map(byte).collect::<Option<_>>()?;
        rest.is_empty().then(|| Self::of_bytes(&bytes)).flatten()
    }
}

/// The checksums of a file as it is, by each algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checksums([Checksum; 3]);

impl Checksums {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self([
            Checksum::Md5(md5::Md5::digest(bytes).into()),
            Checksum::Sha1(sha1::Sha1::digest(bytes).into()),
            Checksum::Sha256(sha2::Sha256::digest(bytes).into()),
        ])
    }

    /// Whether the file has one of these checksums.
    pub(crate) fn match_any(&self, recorded: &[Checksum]) -> bool {
        self.0.iter().any(|checksum| recorded.contains(checksum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_a_file_by_each_checksum() {
        let checksums = Checksums::of(b"abc");
        for hex in [
            "900150983cd24fb0d6963f7d28e17f72",
            "A9993E364706816ABA3E25717850C26C9CD0D89D",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ] {
            assert!(
                checksums.match_any(&[Checksum::Md5([0; 16]), Checksum::of_hex(hex).unwrap()]),
                "{hex}"
            );
            assert_eq!(Checksum::of_hex(&hex[1..]), None);
            assert_eq!(Checksum::of_hex(&hex.replace('9', "x").replace('b', "y")), None);
        }
        assert!(!checksums.match_any(&[Checksum::Sha1([0; 20])]));
        assert_eq!(Checksum::of_hex(""), None);
        assert_eq!(Checksum::of_hex("newconffile"), None);
    }
}
