//! One file's bytes, wherever they lie, to read and to seek in.
//!
//! Invariants: never yields bytes outside the file; what is read in total is bounded, so that a file
//! which lies about its inner sizes can't make its reader fetch gigabytes.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use object::{ReadCache, ReadRef};

/// The most bytes that one reader may fetch from one file.
const BUDGET: u64 = 256 << 20;

/// Where the bytes are.
#[derive(Clone, Debug)]
enum Place {
    /// In a buffer, from this offset.
    Memory(Arc<Vec<u8>>, usize),
    /// In a file, from this offset.
    File(Arc<File>, u64),
}

/// Bytes of a file that nobody asks for, and that are kept nowhere; of most files there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Gap {
    /// How many bytes it has.
    pub(crate) fn length(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// How far one can read from a place; `None` within the gap.
    fn limit(self, start: u64) -> Option<u64> {
        match start {
            before if before < self.start => Some(self.start),
            within if within < self.end => None,
            _ => Some(u64::MAX),
        }
    }

    /// Where a byte lies among those that are kept.
    fn kept(self, place: u64) -> u64 {
        if place < self.end { place } else { place - self.length() }
    }
}

/// A file's bytes.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    place: Place,
    gap: Gap,
    length: u64,
    position: u64,
    budget: u64,
    stays: bool,
}

impl Content {
    /// Bytes that are in memory.
    pub(crate) fn memory(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let length = bytes.len();
        Self::lent(Arc::new(bytes), 0, length)
    }

    /// `length` bytes of a buffer, from `start`. Whoever lends it takes it back when no content of it is
    /// left.
    pub(crate) fn lent(buffer: Arc<Vec<u8>>, start: usize, length: usize) -> Self {
        let length = buffer.len().saturating_sub(start).min(length) as u64;
        Self::at(Place::Memory(buffer, start), length)
    }

    /// `length` bytes of a file, from `offset`. If the file is shorter, reading ends early.
    pub(crate) fn file(file: Arc<File>, offset: u64, length: u64) -> Self {
        Self::at(Place::File(file, offset), length)
    }

    fn at(place: Place, length: u64) -> Self {
        Self { place, gap: Gap::default(), length, position: 0, budget: BUDGET, stays: false }
    }

    /// A file of which these bytes are all but the gap.
    pub(crate) fn with_gap(mut self, gap: Gap) -> Self {
        self.length = self.length.saturating_add(gap.length());
        self.gap = gap;
        self
    }

    /// Without a bound on what is read in total: for what is read once, from front to back.
    pub(crate) fn unbounded(mut self) -> Self {
        self.budget = u64::MAX;
        self
    }

    /// To keep it costs nothing: it lies in a file that is open anyway.
    pub(crate) fn staying(mut self) -> Self {
        self.stays = true;
        self
    }

    /// Whether it may be kept for as long as anybody likes.
    pub(crate) fn stays(&self) -> bool {
        self.stays
    }

    /// All bytes, if they are in memory.
    pub(crate) fn in_memory(&self) -> Option<&[u8]> {
        let parts = self.parts().filter(|parts| parts.gap.length() == 0)?;
        Some(parts.bytes)
    }

    /// What of the bytes is in memory, if they are not in a file.
    fn parts(&self) -> Option<Parts<'_>> {
        let Place::Memory(buffer, start) = &self.place else { return None };
        let count = usize::try_from(self.length.checked_sub(self.gap.length())?).ok()?;
        Some(Parts { bytes: buffer.get(*start..)?.get(..count)?, gap: self.gap })
    }

    /// All bytes.
    ///
    /// # Errors
    ///
    /// If they can't be read, or are fewer than they should be.
    pub(crate) fn whole(&self) -> io::Result<Cow<'_, [u8]>> {
        if let Some(bytes) = self.in_memory() {
            return Ok(Cow::Borrowed(bytes));
        }
        let mut content = Self { position: 0, ..self.clone() };
        let mut bytes = vec![0; usize::try_from(self.length).unwrap_or(0)];
        content.read_exact(&mut bytes)?;
        Ok(Cow::Owned(bytes))
    }

    /// How many bytes there are.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.position);
        let left_out = || io::Error::other("the program's machine code was left out");
        let limit = self.gap.limit(self.position).ok_or_else(left_out)?;
        let wanted = left.min(buffer.len() as u64).min(limit - self.position);
        if wanted > self.budget {
            return Err(io::Error::other("reading this file takes more than is allowed for one"));
        }
        let Some(target) = buffer.get_mut(..usize::try_from(wanted).unwrap_or(0)) else {
            return Ok(0);
        };
        let kept = self.gap.kept(self.position);
        let count = match &self.place {
            Place::Memory(buffer, start) => {
                let place = start.saturating_add(usize::try_from(kept).unwrap_or(usize::MAX));
                Read::read(&mut buffer.get(place..).unwrap_or_default(), target)?
            }
            Place::File(file, offset) => file.read_at(target, offset.saturating_add(kept))?,
        };
        self.position += count as u64;
        self.budget -= count as u64;
        Ok(count)
    }
}

impl Seek for Content {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(distance) => self.length.checked_add_signed(distance),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        self.position = position.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "a place before the start of the file")
        })?;
        Ok(self.position)
    }
}

/// The longest text that is looked for to its end: a file that has none must not be searched for each.
const TEXT_LIMIT: u64 = 4096;

/// A file's bytes by their places, for parsers of tables: where they lie if they are in memory, else
/// read once and kept.
#[derive(Clone, Copy)]
pub(crate) enum Places<'a> {
    Memory(Parts<'a>),
    Cached(&'a ReadCache<Content>),
}

impl<'a> Places<'a> {
    /// Those of a content; the cache is of the same, and read only if need be.
    pub(crate) fn new(content: &'a Content, cache: &'a ReadCache<Content>) -> Self {
        content.parts().map_or(Self::Cached(cache), Self::Memory)
    }
}

/// The bytes of a file that are in memory, one behind the other.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    bytes: &'a [u8],
    gap: Gap,
}

impl<'a> Parts<'a> {
    /// The file's bytes from `start` up to `end`; `None` where it is shorter, or the gap is among them.
    fn get(self, start: u64, end: u64) -> Option<&'a [u8]> {
        if end > self.gap.limit(start)? {
            return None;
        }
        let count = usize::try_from(end.checked_sub(start)?).ok()?;
        self.bytes.get(usize::try_from(self.gap.kept(start)).ok()?..)?.get(..count)
    }
}

impl<'a> ReadRef<'a> for Places<'a> {
    fn len(self) -> Result<u64, ()> {
        match self {
            Self::Memory(parts) => Ok(parts.bytes.len() as u64 + parts.gap.length()),
            Self::Cached(cache) => cache.len(),
        }
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'a [u8], ()> {
        match self {
            Self::Memory(parts) => parts.get(offset, offset.checked_add(size).ok_or(())?).ok_or(()),
            Self::Cached(cache) => cache.read_bytes_at(offset, size),
        }
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'a [u8], ()> {
        match self {
            Self::Memory(parts) => {
                let end = range.end.min(range.start.saturating_add(TEXT_LIMIT));
                let end = end.min(parts.gap.limit(range.start).ok_or(())?);
                let bytes = parts.get(range.start, end).ok_or(())?;
                let length = memchr::memchr(delimiter, bytes).ok_or(())?;
                bytes.get(..length).ok_or(())
            }
            Self::Cached(cache) => cache.read_bytes_at_until(range, delimiter),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn yields_the_same_from_memory_and_from_a_file() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before0123456789after").unwrap();
        let places = [
            Content::lent(Arc::new(b"before0123456789after".to_vec()), 6, 10),
            Content::file(Arc::new(file), 6, 10),
        ];
        for mut content in places {
            let mut text = String::new();
            content.read_to_string(&mut text).unwrap();
            assert_eq!(text, "0123456789");
            assert_eq!(*content.whole().unwrap(), *b"0123456789");
            assert_eq!(content.seek(SeekFrom::End(-3)).unwrap(), 7);
            let mut rest = [0; 8];
            assert_eq!(content.read(&mut rest).unwrap(), 3);
            content.seek(SeekFrom::Start(100)).unwrap();
            assert_eq!(content.read(&mut rest).unwrap(), 0);
            assert!(content.seek(SeekFrom::Current(-101)).is_err());
        }
    }

    #[test]
    fn yields_what_is_before_and_behind_a_gap() {
        let gap = Gap { start: 4, end: 10 };
        let kept = || Content::lent(Arc::new(b"0123ab,cd more".to_vec()), 0, 9).with_gap(gap);
        let content = kept();
        let cache = ReadCache::new(content.clone());
        let places = Places::new(&content, &cache);
        assert_eq!(ReadRef::len(places), Ok(15));
        assert_eq!(places.read_bytes_at(0, 4), Ok(&b"0123"[..]));
        assert_eq!(places.read_bytes_at(10, 5), Ok(&b"ab,cd"[..]));
        assert_eq!(places.read_bytes_at_until(10..15, b','), Ok(&b"ab"[..]));
        for (offset, size) in [(0, 5), (4, 1), (3, 8), (9, 2), (10, 6), (u64::MAX, 2)] {
            assert!(places.read_bytes_at(offset, size).is_err(), "{offset} {size}");
        }
        for range in [0..15, 4..15, 10..16] {
            assert!(places.read_bytes_at_until(range, b'+').is_err());
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before0123ab,cd more").unwrap();
        let in_file = Content::file(Arc::new(file), 6, 9).with_gap(gap);
        for mut content in [kept(), in_file] {
            let mut part = [0; 3];
            content.seek(SeekFrom::Start(2)).unwrap();
            assert_eq!(content.read(&mut part).unwrap(), 2);
            assert!(content.read(&mut part).is_err());
            content.seek(SeekFrom::Start(12)).unwrap();
            content.read_exact(&mut part).unwrap();
            assert_eq!(&part, b",cd");
            assert_eq!(content.read(&mut part).unwrap(), 0);
            assert!(content.whole().is_err());
        }
    }

    #[test]
    fn refuses_to_be_read_for_ever() {
        let mut content = Content::memory(vec![0; 1 << 20]);
        content.budget = 3 << 20;
        let mut buffer = vec![0; 1 << 20];
        for _ in 0..3 {
            content.rewind().unwrap();
            content.read_exact(&mut buffer).unwrap();
        }
        content.rewind().unwrap();
        assert!(content.read_exact(&mut buffer).is_err());
    }
}
