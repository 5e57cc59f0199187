//! How the database represents advisories, and how it packs them.
//!
//! It stores two kinds of things: advisories, many to a compressed block, each of which is read
//! separately; and for each package the advisories about it, with the affected versions. Data that
//! does not unpack is an error, never a panic, and what unpacks has a bounded size.

use std::cell::RefCell;
use std::ops::Range;

use coaming_finding::Severity;
use serde::{Deserialize, Serialize};

use crate::range::Interval;
use crate::score::Score;

/// No block of a genuine database unpacks to more bytes.
const MAX_BLOCK: usize = 64 << 20;
/// Shorter blocks are stored uncompressed, in bytes.
const WORTH_COMPRESSING: usize = 200;
/// The compression level: higher ones take much longer for little.
const LEVEL: i32 = 12;

/// An advisory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Advisory {
    /// `GHSA-…`, `DSA-…`.
    pub(crate) id: String,
    /// Other names of the same vulnerability, sorted.
    pub(crate) aliases: Vec<String>,
    /// The vulnerabilities that this bulletin is about, sorted; empty if it is a vulnerability
    /// itself.
    pub(crate) upstream: Vec<String>,
    /// One line.
    pub(crate) summary: String,
    /// The CVSS vectors, scored.
    pub(crate) scores: Vec<Score>,
    /// The publisher's own severity.
    pub(crate) severity: Option<Severity>,
    /// What is known about exploitation of the CVEs among its names.
    pub(crate) exploits: Vec<Exploit>,
}

/// How a CVE is exploited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exploit {
    /// `CVE-…`.
    pub(crate) cve: String,
    /// EPSS: the probability that it is exploited within 30 days, in hundredths of a percent.
    pub(crate) probability: Option<u16>,
    /// The day on which CISA listed it as exploited.
    pub(crate) exploited: Option<String>,
}

/// An advisory about a package. Readers borrow the texts (`S`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry<S = String> {
    /// The advisory's number.
    pub(crate) advisory: u32,
    /// The versions that are affected.
    pub(crate) intervals: Vec<Interval<S>>,
    /// More affected versions, outside the intervals: valid ones in their order, then the rest.
    pub(crate) versions: Vec<S>,
    /// The distribution's own severity for this package.
    pub(crate) severity: Option<Severity>,
    /// The module streams that it is about, `nodejs:16`; empty if it names none.
    pub(crate) streams: Vec<S>,
    /// The operating systems that it is about, by Go's names; empty means all.
    pub(crate) systems: Vec<S>,
    /// The processors, by Go's names; empty means all.
    pub(crate) processors: Vec<S>,
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
    /// Creating one takes longer than unpacking most blocks.
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> =
        RefCell::new(zstd::bulk::Decompressor::new().ok());
}

fn decompress(packed: &[u8], size: usize) -> Option<Vec<u8>> {
    DECOMPRESSOR
        .with_borrow_mut(|decompressor| decompressor.as_mut()?.decompress(packed, size).ok())
}

/// Unpacks to what [`postcard`] reads; `None` if it is damaged.
pub(crate) fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    match bytes.split_first()? {
        (0, plain) => Some(plain.to_vec()),
        (1, packed) => {
            let size = zstd::zstd_safe::get_frame_content_size(packed).ok()??;
            let size = usize::try_from(size).ok().filter(|size| *size <= MAX_BLOCK)?;
            decompress(packed, size)
        }
        _ => None,
    }
}

/// Many advisories, unpacked.
#[derive(Debug)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    ranges: Vec<Range<usize>>,
}

impl Block {
    /// Packs advisories together.
    pub(crate) fn pack(advisories: &[Advisory]) -> Option<Vec<u8>> {
        let each: Result<Vec<Vec<u8>>, _> = advisories.iter().map(postcard::to_allocvec).collect();
        pack(&each.ok()?)
    }

    /// Unpacks them; `None` if they are damaged.
    pub(crate) fn unpack(packed: &[u8]) -> Option<Self> {
        let bytes = unpack(packed)?;
        let (count, mut rest): (usize, &[u8]) = postcard::take_from_bytes(&bytes).ok()?;
        let mut ranges = Vec::new();
        for _ in 0..count {
            let (advisory, after): (&[u8], &[u8]) = postcard::take_from_bytes(rest).ok()?;
            let end = bytes.len() - after.len();
            ranges.push(end - advisory.len()..end);
            rest = after;
        }
        Some(Self { bytes, ranges })
    }

    /// How much memory it takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + self.ranges.len() * size_of::<Range<usize>>()
    }

    /// One of them; `None` if it is damaged or absent.
    pub(crate) fn advisory(&self, index: usize) -> Option<Advisory> {
        postcard::from_bytes(self.bytes.get(self.ranges.get(index)?.clone())?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advisory(id: &str, length: usize) -> Advisory {
        Advisory {
            id: id.to_owned(),
            aliases: Vec::new(),
            upstream: vec!["CVE-2024-1".to_owned()],
            summary: "vulnerable ".repeat(length),
            scores: Vec::new(),
            severity: Some(Severity::High),
            exploits: Vec::new(),
        }
    }

    #[test]
    fn packed_advisories_unpack() {
        for length in [0, 10, 10_000] {
            let all = [advisory("A-1", length), advisory("A-2", 0), advisory("A-3", length)];
            let block = Block::unpack(&Block::pack(&all).unwrap()).unwrap();
            for (index, expected) in all.into_iter().enumerate() {
                assert_eq!(block.advisory(index), Some(expected));
            }
            assert_eq!(block.advisory(3), None);
        }
    }

    #[test]
    fn damage_is_refused() {
        let whole = Block::pack(&[advisory("A-1", 100)]).unwrap();
        assert!(Block::unpack(&whole[..whole.len() - 1]).is_none());
        for bytes in [
            &[][..],
            &[7, 1],
            // A frame that claims to unpack to 2^62 bytes.
            &[1, 0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0, 0],
            // More advisories than there are bytes.
            &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 1],
        ] {
            assert!(Block::unpack(bytes).is_none(), "{bytes:?}");
        }
    }
}
