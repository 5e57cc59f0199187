//! One file's bytes, wherever they lie, to read and to seek in.
//!
//! Invariants: never yields bytes outside the file; what is read in total is bounded, so that a file
//! which lies about its inner sizes can't make its reader fetch gigabytes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// The most bytes that one reader may fetch from one file.
const BUDGET: u64 = 256 << 20;

/// Where the bytes are.
#[derive(Clone, Debug)]
enum Place {
    /// In memory.
    Memory(Arc<[u8]>),
    /// In a file, from this offset.
    File(Arc<File>, u64),
}

/// A file's bytes.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    place: Place,
    length: u64,
    position: u64,
    budget: u64,
    stays: bool,
}

impl Content {
    /// Bytes that are in memory.
    pub(crate) fn memory(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        let length = bytes.len() as u64;
        Self { place: Place::Memory(bytes), length, position: 0, budget: BUDGET, stays: false }
    }

    /// `length` bytes of a file, from `offset`. If the file is shorter, reading ends early.
    pub(crate) fn file(file: Arc<File>, offset: u64, length: u64) -> Self {
        Self { place: Place::File(file, offset), length, position: 0, budget: BUDGET, stays: false }
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

    /// How many bytes there are.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.position);
        let wanted = left.min(buffer.len() as u64);
        if wanted > self.budget {
            return Err(io::Error::other("reading this file takes more than is allowed for one"));
        }
        let Some(target) = buffer.get_mut(..usize::try_from(wanted).unwrap_or(0)) else {
            return Ok(0);
        };
        let count = match &self.place {
            Place::Memory(bytes) => {
                let start = usize::try_from(self.position).unwrap_or(usize::MAX);
                let mut rest = bytes.get(start..).unwrap_or_default();
                rest.read(target)?
            }
            Place::File(file, offset) => {
                file.read_at(target, offset.saturating_add(self.position))?
            }
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn yields_the_same_from_memory_and_from_a_file() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before0123456789after").unwrap();
        let places = [Content::memory(*b"0123456789"), Content::file(Arc::new(file), 6, 10)];
        for mut content in places {
            let mut text = String::new();
            content.read_to_string(&mut text).unwrap();
            assert_eq!(text, "0123456789");
            assert_eq!(content.seek(SeekFrom::End(-3)).unwrap(), 7);
            let mut rest = [0; 8];
            assert_eq!(content.read(&mut rest).unwrap(), 3);
            content.seek(SeekFrom::Start(100)).unwrap();
            assert_eq!(content.read(&mut rest).unwrap(), 0);
            assert!(content.seek(SeekFrom::Current(-101)).is_err());
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
