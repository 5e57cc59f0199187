//! The bytes of an archive from front to back, where skipping is cheap.
//!
//! In a file, skipping costs nothing: reading goes on at the next offset. In a stream (a compressed
//! layer, the answer of a registry) skipped bytes are produced and thrown away, and small files are
//! lent in place. Invariant: memory is one buffer, whatever the size of the archive.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use crate::content::Content;
use crate::platform::read_at;

/// Headers are between files: a small buffer reads little of the files with them.
const FILE_BUFFER: usize = PEEK;
/// A stream is read as a whole: a buffer that fits into the caches of a processor, and that most
/// files, and what a decompressor yields at once, fit into.
const STREAM_BUFFER: usize = 128 << 10;
/// The most bytes that can be peeked at.
pub(crate) const PEEK: usize = 4 << 10;

/// Where the bytes come from.
enum Origin {
    /// A part of a file: its start, and its length.
    File { file: Arc<File>, offset: u64, length: u64 },
    /// A stream.
    Stream(Box<dyn Read + Send>),
}

/// Bytes to read once, from front to back.
pub(crate) struct Input {
    origin: Origin,
    /// Shared only with what was lent of it.
    buffer: Arc<Vec<u8>>,
    /// How much of the buffer was consumed.
    start: usize,
    /// How much of the buffer is filled.
    end: usize,
    /// The offset in the input of the buffer's `start`.
    position: u64,
}

impl Input {
    /// `length` bytes of a file, from `offset`.
    pub(crate) fn file(file: Arc<File>, offset: u64, length: u64) -> Self {
        Self::new(Origin::File { file, offset, length }, FILE_BUFFER)
    }

    /// The bytes of a stream.
    pub(crate) fn stream(stream: Box<dyn Read + Send>) -> Self {
        Self::new(Origin::Stream(stream), STREAM_BUFFER)
    }

    fn new(origin: Origin, size: usize) -> Self {
        Self { origin, buffer: Arc::new(vec![0; size]), start: 0, end: 0, position: 0 }
    }

    /// How many bytes were read or skipped.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The file and the offset in it of the next byte; `None` in a stream.
    pub(crate) fn file_offset(&self) -> Option<(&Arc<File>, u64)> {
        match &self.origin {
            Origin::File { file, offset, .. } => Some((file, offset.checked_add(self.position)?)),
            Origin::Stream(_) => None,
        }
    }

    /// The next bytes, at least `count` of them unless the input ends before. Consumes nothing.
    /// `count` must be small: at most [`PEEK`].
    pub(crate) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.end - self.start < count && self.fill()? > 0 {}
        Ok(self.buffered())
    }

    /// The next `count` bytes of a stream in place; `None`, with nothing consumed, if they do not
    /// fit into the buffer. A stream that ends before yields fewer.
    pub(crate) fn lend(&mut self, count: u64) -> io::Result<Option<Content>> {
        let fits = usize::try_from(count).ok().filter(|&count| count <= self.buffer.len());
        let (Some(count), Origin::Stream(_)) = (fits, &self.origin) else { return Ok(None) };
        let count = self.peek(count)?.len().min(count);
        let content = Content::lent(Arc::clone(&self.buffer), self.start, count);
        self.consume(count);
        Ok(Some(content))
    }

    /// Skips `count` bytes.
    ///
    /// # Errors
    ///
    /// If the input ends before.
    pub(crate) fn skip(&mut self, count: u64) -> io::Result<()> {
        let buffered = (self.end - self.start) as u64;
        if count <= buffered {
            self.consume(usize::try_from(count).unwrap_or(0));
            return Ok(());
        }
        if let Origin::File { length, .. } = self.origin {
            let target = self.position.saturating_add(count);
            if target > length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.position = target;
            (self.start, self.end) = (0, 0);
            return Ok(());
        }
        if self.copy(count, &mut io::sink())? < count {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Writes the next `count` bytes to a target, or all if there are fewer; returns how many.
    pub(crate) fn copy(&mut self, count: u64, to: &mut dyn io::Write) -> io::Result<u64> {
        let mut left = count;
        while left > 0 {
            let step = self.peek(1)?.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if step == 0 {
                break;
            }
            to.write_all(self.buffered().get(..step).unwrap_or_default())?;
            self.consume(step);
            left -= step as u64;
        }
        Ok(count - left)
    }

    /// Reads a stream to its end and drops the bytes; a file has nothing to check there.
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        if matches!(self.origin, Origin::Stream(_)) {
            loop {
                let count = self.peek(1)?.len();
                if count == 0 {
                    break;
                }
                self.consume(count);
            }
        }
        Ok(())
    }

    fn buffered(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
        self.position += count as u64;
    }

    /// Appends to what is buffered; returns how many bytes.
    fn fill(&mut self) -> io::Result<usize> {
        let behind = self.position + (self.end - self.start) as u64;
        // A copy, if a part of it is still lent.
        let buffer = Arc::make_mut(&mut self.buffer);
        buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let Some(room) = buffer.get_mut(self.end..) else { return Ok(0) };
        let count = match &mut self.origin {
            Origin::File { file, offset, length } => {
                let left = usize::try_from(length.saturating_sub(behind)).unwrap_or(usize::MAX);
                let count = room.len().min(left);
                read_at(file, room.get_mut(..count).unwrap_or_default(), *offset + behind)?
            }
            Origin::Stream(stream) => stream.read(room)?,
        };
        self.end += count;
        Ok(count)
    }
}

/// Reads until the target is full or the source ends; returns how many bytes were read.
pub(crate) fn fill_up(from: &mut impl Read, target: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = target.get_mut(filled..).filter(|room| !room.is_empty()) {
        match from.read(room) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

impl Read for Input {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        // A long read need not go through the buffer.
        if let Origin::Stream(stream) = &mut self.origin
            && self.start == self.end
            && target.len() >= PEEK
        {
            let count = stream.read(target)?;
            self.position += count as u64;
            return Ok(count);
        }
        let mut available = self.peek(1)?;
        let count = available.read(target)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn both(bytes: &[u8]) -> [Input; 2] {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before").unwrap();
        file.write_all(bytes).unwrap();
        file.write_all(b"after").unwrap();
        [
            Input::file(Arc::new(file), 6, bytes.len() as u64),
            Input::stream(Box::new(io::Cursor::new(bytes.to_vec()))),
        ]
    }

    proptest::proptest! {
        #[test]
        fn reads_and_skips_as_a_slice_does(
            steps in proptest::collection::vec((0_u8..4, 0_usize..9000), 0..40),
        ) {
            let bytes: Vec<u8> = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
            for mut input in both(&bytes) {
                let mut at = 0;
                let mut lent = Vec::new();
                for &(what, count) in &steps {
                    let expected = bytes.get(at..at + count);
                    match what {
                        0 => {
                            let passed = input.skip(count as u64);
                            proptest::prop_assert_eq!(passed.is_ok(), expected.is_some());
                        }
                        1 => {
                            let mut target = vec![0; count];
                            let read = input.read_exact(&mut target);
                            proptest::prop_assert_eq!(read.is_ok(), expected.is_some());
                            if let Some(expected) = expected {
                                proptest::prop_assert_eq!(&target, expected);
                            }
                        }
                        2 => {
                            let count = count.min(PEEK);
                            let seen = input.peek(count).unwrap();
                            let there = &bytes[at..(at + count).min(bytes.len())];
                            proptest::prop_assert!(seen.starts_with(there));
                            continue;
                        }
                        _ => {
                            let Some(content) = input.lend(count as u64).unwrap() else {
                                proptest::prop_assert!(input.file_offset().is_some());
                                continue;
                            };
                            lent.push((content, expected.unwrap_or(&bytes[at..])));
                        }
                    }
                    if expected.is_none() { break }
                    at += count;
                    proptest::prop_assert_eq!(input.position(), at as u64);
                }
                // Lent bytes stay the same, whatever is read after them.
                for (content, expected) in lent {
                    proptest::prop_assert_eq!(content.in_memory().unwrap(), expected);
                }
            }
        }
    }
}
