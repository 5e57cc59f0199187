//! What the database holds of an advisory, and how it is packed.
//!
//! Two kinds of things are stored: advisories, many to a compressed block; and for each package the
//! advisories that speak of it, with the versions that are affected. What does not unpack is an
//! error, never a panic, and unpacks to a bounded size.

use std::cell::RefCell;

use coaming_finding::Severity;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::range::Interval;

/// More bytes than any block unpacks to.
const MAX_BLOCK: usize = 64 << 20;
/// Shorter blocks are stored as they are.
const WORTH_COMPRESSING: usize = 200;
/// A good bargain between time and size.
const LEVEL: i32 = 12;

/// An advisory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Advisory {
    /// `GHSA-…`, `DSA-…`.
    pub(crate) id: String,
    /// Other names of the same vulnerability, sorted.
    pub(crate) aliases: Vec<String>,
    /// The vulnerabilities that this bulletin is about, sorted; empty where it is itself the
    /// vulnerability.
    pub(crate) upstream: Vec<String>,
    /// One line.
    pub(crate) summary: String,
    /// The CVSS vectors.
    pub(crate) vectors: Vec<String>,
    /// The publisher's own word for how bad it is.
    pub(crate) severity: Option<Severity>,
    /// What is known of the CVEs among its names.
    pub(crate) exploits: Vec<Exploit>,
}

/// How a CVE is exploited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exploit {
    /// `CVE-…`.
    pub(crate) cve: String,
    /// EPSS: the probability that it is exploited within 30 days, in hundredths of a per cent.
    pub(crate) probability: Option<u16>,
    /// The day on which CISA listed it as exploited.
    pub(crate) exploited: Option<String>,
}

/// That an advisory speaks of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The advisory's number.
    pub(crate) advisory: u32,
    /// The versions that are affected.
    pub(crate) intervals: Vec<Interval>,
    /// More versions that are affected, outside the intervals.
    pub(crate) versions: Vec<String>,
    /// The distribution's own word for how bad it is in this package.
    pub(crate) severity: Option<Severity>,
    /// The module streams that it is about, `nodejs:16`; empty where it is about none, or does not say.
    pub(crate) streams: Vec<String>,
}

/// Packs a value.
pub(crate) fn pack<T: Serialize>(value: &T) -> Option<Vec<u8>> {
    let plain = postcard::to_allocvec(value).ok()?;
    if plain.len() >= WORTH_COMPRESSING
        && let Ok(packed) = zstd::bulk::compress(&plain, LEVEL)
        && packed.len() < plain.len()
    {
        return Some([&[1], packed.as_slice()].concat());
    }
    Some([&[0], plain.as_slice()].concat())
}

thread_local! {
    /// Making one costs more than most blocks do.
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> =
        RefCell::new(zstd::bulk::Decompressor::new().ok());
}

fn decompress(packed: &[u8], size: usize) -> Option<Vec<u8>> {
    DECOMPRESSOR
        .with_borrow_mut(|decompressor| decompressor.as_mut()?.decompress(packed, size).ok())
}

/// Unpacks a value; `None` where it is damaged.
pub(crate) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match bytes.split_first()? {
        (0, plain) => postcard::from_bytes(plain).ok(),
        (1, packed) => {
            let size = zstd::zstd_safe::get_frame_content_size(packed).ok()??;
            let size = usize::try_from(size).ok().filter(|size| *size <= MAX_BLOCK)?;
            postcard::from_bytes(&decompress(packed, size)?).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_unpacks() {
        for length in [0, 10, 10_000] {
            let text = "vulnerable ".repeat(length);
            assert_eq!(unpack::<String>(&pack(&text).unwrap()), Some(text));
        }
    }

    #[test]
    fn damage_is_refused() {
        let mut bytes = pack(&"x".repeat(1000)).unwrap();
        bytes.truncate(bytes.len() - 1);
        assert_eq!(unpack::<String>(&bytes), None);
        assert_eq!(unpack::<String>(&[]), None);
        assert_eq!(unpack::<String>(&[7, 1]), None);
        // A frame that says it unpacks to 2^62 bytes.
        let bomb = [1, 0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0, 0];
        assert_eq!(unpack::<String>(&bomb), None);
    }
}
