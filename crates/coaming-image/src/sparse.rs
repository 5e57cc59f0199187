//! A file's bytes by their offsets, of which one range may have been skipped and is kept nowhere.
//!
//! The machine code of a program is most of it, and no reader needs it. Everything that follows
//! from leaving it out is in this module: offsets are those of the whole file, and reading within
//! the skipped range is an error. Invariant: never yields bytes outside the file.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use object::{ReadCache, ReadRef};

use crate::content::Content;
use crate::platform::read_at;

/// A range of a file that is kept nowhere; empty for most files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SkippedRange {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl SkippedRange {
    /// Its length in bytes.
    pub(crate) fn length(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// The offset up to which bytes can be read from this offset; `None` within the range.
    fn limit(self, offset: u64) -> Option<u64> {
        match offset {
            before if before < self.start => Some(self.start),
            within if within < self.end => None,
            _ => Some(u64::MAX),
        }
    }

    /// The offset of a byte among those that are kept.
    fn kept(self, offset: u64) -> u64 {
        if offset < self.end { offset } else { offset - self.length() }
    }
}

/// Where the bytes are.
#[derive(Clone, Debug)]
enum Storage {
    /// In a buffer, from this offset.
    Memory(Arc<Vec<u8>>, usize),
    /// In a file, from this offset.
    File(Arc<File>, u64),
}

/// The bytes of a file, in memory or on disk, without a skipped range.
#[derive(Clone, Debug)]
pub(crate) struct SparseBytes {
    storage: Storage,
    skipped: SkippedRange,
    /// The length of the whole file.
    length: u64,
}

impl SparseBytes {
    /// `length` bytes of a buffer, from `start`.
    pub(crate) fn memory(buffer: Arc<Vec<u8>>, start: usize, length: usize) -> Self {
        let length = buffer.len().saturating_sub(start).min(length) as u64;
        let (storage, skipped) = (Storage::Memory(buffer, start), SkippedRange::default());
        Self { storage, skipped, length }
    }

    /// `length` bytes of a file, from `offset`. If the file is shorter, reading ends early.
    pub(crate) fn file(file: Arc<File>, offset: u64, length: u64) -> Self {
        let (storage, skipped) = (Storage::File(file, offset), SkippedRange::default());
        Self { storage, skipped, length }
    }

    /// A file of which these bytes are all but the skipped range.
    pub(crate) fn with_skipped(self, skipped: SkippedRange) -> Self {
        let length = self.length.saturating_add(skipped.length());
        Self { skipped, length, ..self }
    }

    /// The length of the whole file in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// All bytes, if they are in memory and nothing was skipped.
    pub(crate) fn in_memory(&self) -> Option<&[u8]> {
        let parts = self.parts().filter(|parts| parts.skipped.length() == 0)?;
        Some(parts.bytes)
    }

    /// The bytes that are in memory, if they are not in a file.
    fn parts(&self) -> Option<Parts<'_>> {
        let Storage::Memory(buffer, start) = &self.storage else { return None };
        let count = usize::try_from(self.length.checked_sub(self.skipped.length())?).ok()?;
        Some(Parts { bytes: buffer.get(*start..)?.get(..count)?, skipped: self.skipped })
    }

    /// How many bytes can be read at once from this offset.
    ///
    /// # Errors
    ///
    /// If the offset is within the skipped range.
    pub(crate) fn available(&self, offset: u64) -> io::Result<u64> {
        let skipped = || io::Error::other("the machine code of the program was left out");
        let limit = self.skipped.limit(offset).ok_or_else(skipped)?;
        Ok(self.length.saturating_sub(offset).min(limit - offset))
    }

    /// Reads bytes from this offset; returns how many. The target must be no longer than what is
    /// [available](Self::available) there.
    pub(crate) fn read_at(&self, offset: u64, target: &mut [u8]) -> io::Result<usize> {
        let kept = self.skipped.kept(offset);
        match &self.storage {
            Storage::Memory(buffer, start) => {
                let from = start.saturating_add(usize::try_from(kept).unwrap_or(usize::MAX));
                io::Read::read(&mut buffer.get(from..).unwrap_or_default(), target)
            }
            Storage::File(file, offset) => read_at(file, target, offset.saturating_add(kept)),
        }
    }
}

/// The longest string that is searched for its end: a file without ends must not be searched to its
/// last byte for each string.
const TEXT_LIMIT: u64 = 4096;

/// A file's bytes by their offsets, for parsers of tables: borrowed if they are in memory, else
/// read once and kept.
#[derive(Clone, Copy)]
pub(crate) enum ReadAt<'a> {
    Memory(Parts<'a>),
    Cached(&'a ReadCache<Content>),
}

impl<'a> ReadAt<'a> {
    /// The bytes of a content. The cache must be of the same content; it is used only if the bytes
    /// are not in memory.
    pub(crate) fn new(content: &'a Content, cache: &'a ReadCache<Content>) -> Self {
        content.bytes().parts().map_or(Self::Cached(cache), Self::Memory)
    }
}

/// The bytes of a file that are in memory, without the skipped range.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    bytes: &'a [u8],
    skipped: SkippedRange,
}

impl<'a> Parts<'a> {
    /// The file's bytes from `start` up to `end`; `None` if it is shorter or a part was skipped.
    fn get(self, start: u64, end: u64) -> Option<&'a [u8]> {
        if end > self.skipped.limit(start)? {
            return None;
        }
        let count = usize::try_from(end.checked_sub(start)?).ok()?;
        self.bytes.get(usize::try_from(self.skipped.kept(start)).ok()?..)?.get(..count)
    }
}

impl<'a> ReadRef<'a> for ReadAt<'a> {
    fn len(self) -> Result<u64, ()> {
        match self {
            Self::Memory(parts) => Ok(parts.bytes.len() as u64 + parts.skipped.length()),
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
                let end = end.min(parts.skipped.limit(range.start).ok_or(())?);
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
    use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

    use super::*;

    #[test]
    fn yields_what_is_before_and_after_the_skipped_range() {
        let skipped = SkippedRange { start: 4, end: 10 };
        let kept =
            || Content::lent(Arc::new(b"0123ab,cd more".to_vec()), 0, 9).with_skipped(skipped);
        let content = kept();
        let cache = ReadCache::new(content.clone());
        let bytes = ReadAt::new(&content, &cache);
        assert_eq!(ReadRef::len(bytes), Ok(15));
        assert_eq!(bytes.read_bytes_at(0, 4), Ok(&b"0123"[..]));
        assert_eq!(bytes.read_bytes_at(10, 5), Ok(&b"ab,cd"[..]));
        assert_eq!(bytes.read_bytes_at_until(10..15, b','), Ok(&b"ab"[..]));
        for (offset, size) in [(0, 5), (4, 1), (3, 8), (9, 2), (10, 6), (u64::MAX, 2)] {
            assert!(bytes.read_bytes_at(offset, size).is_err(), "{offset} {size}");
        }
        for range in [0..15, 4..15, 10..16] {
            assert!(bytes.read_bytes_at_until(range, b'+').is_err());
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before0123ab,cd more").unwrap();
        let in_file = Content::file(Arc::new(file), 6, 9).with_skipped(skipped);
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
}
