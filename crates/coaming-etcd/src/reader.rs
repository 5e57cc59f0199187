//! Reads a file of any size through a window of bounded size.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// This much is read at once, unless more is requested.
const WINDOW_BYTES: u64 = 256 << 10;

/// A file, and the part of it that was read last.
pub(super) struct Reader<R> {
    inner: R,
    /// Where the content ends; a snapshot's checksum follows.
    length: u64,
    window: Vec<u8>,
    window_start: u64,
}

impl<R: Read + Seek> Reader<R> {
    /// A reader of the first `length` bytes.
    pub(super) fn new(inner: R, length: u64) -> Self {
        Self { inner, length, window: Vec::new(), window_start: 0 }
    }

    /// Where the content ends.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// These bytes of the content, as far as it goes. The caller bounds the range's size.
    ///
    /// # Errors
    ///
    /// If reading the file fails.
    pub(super) fn bytes(&mut self, range: Range<u64>) -> io::Result<&[u8]> {
        let end = range.end.min(self.length);
        let start = range.start.min(end);
        let window_end = self.window_start + self.window.len() as u64;
        if start < self.window_start || end > window_end {
            self.fill(start, (end - start).max(WINDOW_BYTES))?;
        }
        let [from, to] = [start, end].map(|at| at.saturating_sub(self.window_start));
        let [from, to] = [from, to].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
        let to = to.min(self.window.len());
        Ok(self.window.get(from.min(to)..to).unwrap_or_default())
    }

    fn fill(&mut self, start: u64, bytes: u64) -> io::Result<()> {
        let bytes = bytes.min(self.length - start);
        self.window.clear();
        self.window_start = start;
        self.inner.seek(SeekFrom::Start(start))?;
        (&mut self.inner).take(bytes).read_to_end(&mut self.window)?;
        Ok(())
    }
}
