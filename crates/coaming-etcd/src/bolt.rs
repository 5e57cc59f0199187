//! The pages of bbolt, the store beneath etcd: what the bytes of one page mean.
//!
//! All numbers are little-endian, as on every machine that etcd supports. This module looks at
//! bytes in memory only, and trusts no number that it reads: what does not fit its page is `None`,
//! never a panic. `walk` decides which pages are read, and how often.

use super::bytes::{slice_at, u16_at, u32_at, u64_at};

/// The bytes before a page's elements: id (8), flags (2), count (2), overflow (4).
pub(super) const HEADER_BYTES: usize = 16;

/// The smallest page size of bbolt.
pub(super) const MIN_PAGE_BYTES: u64 = 1 << 10;
/// The largest page size of any supported machine; the format of bbolt would allow more.
pub(super) const MAX_PAGE_BYTES: u64 = 64 << 10;

const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const META: u16 = 0x04;
const FREELIST: u16 = 0x10;

const META_MAGIC: u32 = 0xed0c_daed;
const META_VERSION: u32 = 2;
/// The checksum of a meta page covers these bytes.
const META_SUMMED_BYTES: usize = 56;

/// A leaf element with this flag contains a bucket, not a value.
const BUCKET: u32 = 0x01;
/// The bytes of a bucket's value before its inline page, if it has one: root (8), sequence (8).
const BUCKET_BYTES: usize = 16;

/// What a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageKind {
    /// Keys, and the pages below them.
    Branch,
    /// Keys with their values.
    Leaf,
    /// The state of the whole store.
    Meta,
    /// The IDs of free pages.
    Freelist,
}

/// The first bytes of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The page's own ID.
    pub(super) id: u64,
    pub(super) kind: PageKind,
    /// How many elements it has.
    pub(super) count: u16,
    /// How many of the following pages belong to it.
    pub(super) overflow: u32,
}

impl Header {
    pub(super) fn parse(page: &[u8]) -> Option<Self> {
        let kind = match u16_at(page, 8)? {
            BRANCH => PageKind::Branch,
            LEAF => PageKind::Leaf,
            META => PageKind::Meta,
            FREELIST => PageKind::Freelist,
            _ => return None,
        };
        let (id, count, overflow) = (u64_at(page, 0)?, u16_at(page, 10)?, u32_at(page, 12)?);
        Some(Self { id, kind, count, overflow })
    }
}

/// The state of the whole store. There are two; the newer valid one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    /// Bytes per page.
    pub(super) page_bytes: u32,
    /// The page at which the tree of buckets begins.
    pub(super) root: u64,
    /// The page that lists the free ones; `None` where it was not written, as etcd configures.
    pub(super) freelist: Option<u64>,
    /// Pages from this one on were never used.
    pub(super) end: u64,
    /// The number of the transaction that wrote it.
    pub(super) transaction: u64,
}

impl Meta {
    /// Reads a page that should be a meta page; `None` unless its checksum matches.
    pub(super) fn parse(page: &[u8]) -> Option<Self> {
        if Header::parse(page)?.kind != PageKind::Meta {
            return None;
        }
        let meta = page.get(HEADER_BYTES..)?;
        let checksum = u64_at(meta, META_SUMMED_BYTES)?;
        let page_bytes = u32_at(meta, 8)?;
        let valid = u32_at(meta, 0)? == META_MAGIC
            && u32_at(meta, 4)? == META_VERSION
            && fnv1a(meta.get(..META_SUMMED_BYTES)?) == checksum
            && page_bytes.is_power_of_two()
            && (MIN_PAGE_BYTES..=MAX_PAGE_BYTES).contains(&u64::from(page_bytes));
        if !valid {
            return None;
        }
        let freelist = u64_at(meta, 32)?;
        Some(Self {
            page_bytes,
            root: u64_at(meta, 16)?,
            freelist: (freelist != u64::MAX).then_some(freelist),
            end: u64_at(meta, 40)?,
            transaction: u64_at(meta, 48)?,
        })
    }
}

/// FNV-1a of 64 bits, the checksum of bbolt's meta pages.
pub(super) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The page that element `index` of a branch page points to.
pub(super) fn child(page: &[u8], index: u16) -> Option<u64> {
    u64_at(page, HEADER_BYTES + usize::from(index) * 16 + 8)
}

/// An element of a leaf page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element<'p> {
    /// A key with its value.
    Value {
        /// The key.
        key: &'p [u8],
        /// The value.
        value: &'p [u8],
    },
    /// A bucket whose tree begins at a page.
    Bucket {
        /// The bucket's name.
        name: &'p [u8],
        /// The page.
        root: u64,
    },
    /// A bucket so small that its only page is in the element.
    Inline {
        /// The bucket's name.
        name: &'p [u8],
        /// The page.
        page: &'p [u8],
    },
}

/// Element `index` of a leaf page; `None` where it does not fit the page.
pub(super) fn element(page: &[u8], index: u16) -> Option<Element<'_>> {
    let at = HEADER_BYTES + usize::from(index) * 16;
    let flags = u32_at(page, at)?;
    let [position, key_bytes, value_bytes] =
        [u32_at(page, at + 4)?, u32_at(page, at + 8)?, u32_at(page, at + 12)?]
            .map(|number| usize::try_from(number).ok());
    let (position, key_bytes, value_bytes) = (position?, key_bytes?, value_bytes?);
    // Positions count from the element itself.
    let start = at.checked_add(position)?;
    let key = slice_at(page, start, key_bytes)?;
    let value = slice_at(page, start.checked_add(key_bytes)?, value_bytes)?;
    if flags & BUCKET == 0 {
        return Some(Element::Value { key, value });
    }
    match u64_at(value, 0)? {
        0 => Some(Element::Inline { name: key, page: value.get(BUCKET_BYTES..)? }),
        root => Some(Element::Bucket { name: key, root }),
    }
}
