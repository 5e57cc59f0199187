//! The bytes of one file, wherever they are, to read and to seek in.
//!
//! Invariant: what is read in total is bounded, so that a file that claims wrong sizes for its
//! parts cannot make its reader fetch gigabytes.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use crate::sparse::{SkippedRange, SparseBytes};

/// The most bytes that one reader may fetch from one file.
const BUDGET: u64 = 256 << 20;

/// The bytes of a file.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    bytes: SparseBytes,
    position: u64,
    budget: u64,
    retainable: bool,
}

impl Content {
    /// Bytes that are in memory.
    pub(crate) fn memory(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let length = bytes.len();
        Self::lent(Arc::new(bytes), 0, length)
    }

    /// `length` bytes of a buffer, from `start`. Its owner can use the buffer again when no content
    /// of it is left.
    pub(crate) fn lent(buffer: Arc<Vec<u8>>, start: usize, length: usize) -> Self {
        Self::new(SparseBytes::memory(buffer, start, length))
    }

    /// `length` bytes of a file, from `offset`. If the file is shorter, reading ends early.
    pub(crate) fn file(file: Arc<File>, offset: u64, length: u64) -> Self {
        Self::new(SparseBytes::file(file, offset, length))
    }

    fn new(bytes: SparseBytes) -> Self {
        Self { bytes, position: 0, budget: BUDGET, retainable: false }
    }

    /// A file of which these bytes are all but the skipped range.
    pub(crate) fn with_skipped(self, skipped: SkippedRange) -> Self {
        Self { bytes: self.bytes.with_skipped(skipped), ..self }
    }

    /// Without a bound on what is read in total: for what is read once, from front to back.
    pub(crate) fn unbounded(mut self) -> Self {
        self.budget = u64::MAX;
        self
    }

    /// Marks it as free to keep: it is in a file that is open anyway.
    pub(crate) fn retainable(mut self) -> Self {
        self.retainable = true;
        self
    }

    /// Whether it may be kept for any length of time.
    pub(crate) fn is_retainable(&self) -> bool {
        self.retainable
    }

    /// The bytes by their offsets.
    pub(crate) fn bytes(&self) -> &SparseBytes {
        &self.bytes
    }

    /// All bytes, if they are in memory.
    pub(crate) fn in_memory(&self) -> Option<&[u8]> {
        self.bytes.in_memory()
    }

    /// All bytes.
    ///
    /// # Errors
    ///
    /// If they cannot be read, or are fewer than they should be.
    pub(crate) fn whole(&self) -> io::Result<Cow<'_, [u8]>> {
        if let Some(bytes) = self.in_memory() {
            return Ok(Cow::Borrowed(bytes));
        }
        let mut content = Self { position: 0, ..self.clone() };
        let mut bytes = vec![0; usize::try_from(self.length()).unwrap_or(0)];
        content.read_exact(&mut bytes)?;
        Ok(Cow::Owned(bytes))
    }

    /// The length of the file in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.bytes.length()
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = self.bytes.available(self.position)?.min(buffer.len() as u64);
        if wanted > self.budget {
            return Err(io::Error::other("reading this file takes more than is allowed for one"));
        }
        let Some(target) = buffer.get_mut(..usize::try_from(wanted).unwrap_or(0)) else {
            return Ok(0);
        };
        let count = self.bytes.read_at(self.position, target)?;
        self.position += count as u64;
        self.budget -= count as u64;
        Ok(count)
    }
}

impl Seek for Content {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(distance) => self.length().checked_add_signed(distance),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        self.position = position.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "a position before the start of the file")
        })?;
        Ok(self.position)
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
    fn refuses_to_be_read_without_end() {
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
