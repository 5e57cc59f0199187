//! The files of a stream until their readers have run: in the buffer of the stream itself, in
//! memory that is used again, or on disk.
//!
//! A stream cannot go back, and several readers want the same file. Invariants: each file is taken
//! once, with no byte after its end; memory is bounded for each stream, and for large files
//! [in total](crate::memory_budget).

use std::io;
use std::sync::Arc;

use crate::content::Content;
use crate::input::{Input, PEEK, fill_up};
use crate::memory_budget::Room;
use crate::sparse::SkippedRange;
use crate::tree::machine_code;

/// Files up to this size are always kept in memory.
const BUFFER_LIMIT: u64 = 4 << 20;
/// Files are read into memory in pieces that fit into the caches of a processor.
const PIECE: usize = 64 << 10;
/// The largest file that is taken.
const SPOOL_LIMIT: u64 = 4 << 30;

/// How much of a file its readers need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Portion {
    /// All of it.
    Whole,
    /// Of a program, all but its machine code, where that is one range.
    WithoutMachineCode,
}

/// The buffer for the files of a stream, one after the other. It is larger than most files, so that
/// it need not be allocated again for the next one; memory that is never written to costs nothing.
#[derive(Default)]
pub(crate) struct FileBuffer {
    /// As long as the longest file so far.
    bytes: Arc<Vec<u8>>,
    /// Permission to be longer than [`BUFFER_LIMIT`].
    room: Option<Room>,
}

impl FileBuffer {
    /// Takes the next `size` bytes, or at least the portion that is needed; fewer if the input ends
    /// before.
    ///
    /// # Errors
    ///
    /// If the stream or the disk fails, or the file is too large.
    pub(crate) fn take(
        &mut self,
        input: &mut Input,
        size: u64,
        portion: Portion,
    ) -> io::Result<Content> {
        if let Some(content) = input.lend(size)? {
            return Ok(content);
        }
        let skipped = match portion {
            Portion::Whole => SkippedRange::default(),
            Portion::WithoutMachineCode => {
                let start = input.peek(PEEK).unwrap_or_default();
                machine_code(start.get(..PEEK).unwrap_or(start), size)
            }
        };
        self.take_around(input, size, skipped)
    }

    /// Takes the next `size` bytes without the skipped range.
    fn take_around(
        &mut self,
        input: &mut Input,
        size: u64,
        skipped: SkippedRange,
    ) -> io::Result<Content> {
        if size > SPOOL_LIMIT {
            return Err(io::Error::other(format!("it is larger than {} GiB", SPOOL_LIMIT >> 30)));
        }
        if let Some(content) = self.fill(input, size, skipped)? {
            return Ok(content);
        }
        let mut file = tempfile::tempfile()?;
        let copy = |input: &mut Input, count| input.copy(count, &mut file);
        let (kept, skipped) = around(skipped, size, input, copy)?;
        Ok(Content::file(Arc::new(file), 0, kept).with_skipped(skipped))
    }

    /// Reads the next `size` bytes without the skipped range, or all if there are fewer. `None` if
    /// they must be kept on disk: then nothing was read.
    fn fill(
        &mut self,
        input: &mut Input,
        size: u64,
        skipped: SkippedRange,
    ) -> io::Result<Option<Content>> {
        // The buffer is not shared: what was read into it before was used and dropped.
        let Some(bytes) = self.room_for(size - skipped.length()) else { return Ok(None) };
        let mut filled = 0;
        let (_, skipped) = around(skipped, size, input, |input, count| {
            let read = append(bytes, filled, input, count)?;
            filled += read;
            Ok(read as u64)
        })?;
        Ok(Some(Content::lent(Arc::clone(&self.bytes), 0, filled).with_skipped(skipped)))
    }

    /// Room for a file of this size; `None` if there is none.
    fn room_for(&mut self, size: u64) -> Option<&mut Vec<u8>> {
        if size > BUFFER_LIMIT && self.room.as_ref().is_none_or(|room| room.bytes() < size) {
            self.room = None;
            self.room = Room::take(size);
            if self.room.is_none() {
                self.bytes = Arc::default();
                return None;
            }
        }
        let most = if size > BUFFER_LIMIT { Room::MOST } else { BUFFER_LIMIT };
        if (self.bytes.capacity() as u64) < size {
            self.bytes = Arc::default();
            self.bytes = Arc::new(Vec::with_capacity(usize::try_from(most).ok()?));
        }
        Arc::get_mut(&mut self.bytes)
    }
}

/// Takes a file of `size` bytes from the input, and skips a range of it. Returns how many bytes
/// were taken, and the range that was skipped in them: an empty one if the input ends before its
/// end.
fn around(
    skipped: SkippedRange,
    size: u64,
    input: &mut Input,
    mut take: impl FnMut(&mut Input, u64) -> io::Result<u64>,
) -> io::Result<(u64, SkippedRange)> {
    let before = if skipped.length() == 0 { size } else { skipped.start };
    let front = take(input, before)?;
    if skipped.length() == 0
        || front < before
        || input.copy(skipped.length(), &mut io::sink())? < skipped.length()
    {
        return Ok((front, SkippedRange::default()));
    }
    Ok((front + take(input, size - skipped.end)?, skipped))
}

/// Reads the next `count` bytes to an offset in a buffer, or all if there are fewer; returns how
/// many.
fn append(bytes: &mut Vec<u8>, at: usize, input: &mut Input, count: u64) -> io::Result<usize> {
    let count = usize::try_from(count).map_err(io::Error::other)?;
    let mut filled = 0;
    while filled < count {
        let piece = PIECE.min(count - filled);
        let (start, end) = (at + filled, at + filled + piece);
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        let read = fill_up(input, bytes.get_mut(start..end).unwrap_or_default())?;
        filled += read;
        if read < piece {
            break;
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken of a stream of `there` bytes, and how many are left in the stream.
    fn taken(
        buffer: &mut FileBuffer,
        there: usize,
        size: u64,
        skipped: SkippedRange,
    ) -> (Content, u64) {
        let bytes: Vec<u8> = (0..251).cycle().take(there).collect();
        let mut input = Input::stream(Box::new(io::Cursor::new(bytes)));
        let content = match input.lend(size).unwrap() {
            Some(content) => content,
            None => buffer.take_around(&mut input, size, skipped).unwrap(),
        };
        let left = input.copy(u64::MAX, &mut io::sink()).unwrap();
        (content, left)
    }

    fn read(content: &mut Content, start: u64, count: usize) -> io::Result<Vec<u8>> {
        use std::io::{Read as _, Seek as _};
        let mut bytes = vec![0; count];
        content.seek(io::SeekFrom::Start(start))?;
        content.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn yields_the_same_bytes_wherever_they_are_kept() {
        let mut buffer = FileBuffer::default();
        // In the buffer of the stream, in memory, and on disk, because so much is never permitted.
        for size in [0, 1, 1000, 1 << 20, 5 << 20, Room::MOST + 1] {
            let there = usize::try_from(size).unwrap() + 7;
            let (mut content, left) = taken(&mut buffer, there, size, SkippedRange::default());
            assert_eq!((content.length(), left), (size, 7));
            if size > 0 {
                assert_eq!(read(&mut content, size - 1, 1).unwrap(), [((size - 1) % 251) as u8]);
            }
            assert!(read(&mut content, size, 1).is_err());
        }
    }

    #[test]
    fn leaves_a_range_out() {
        let mut buffer = FileBuffer::default();
        for size in [1 << 20, 2 * Room::MOST] {
            let skipped = SkippedRange { start: 300_000, end: 700_000 };
            let there = usize::try_from(size).unwrap();
            let (mut content, left) = taken(&mut buffer, there, size, skipped);
            assert_eq!((content.length(), left), (size, 0));
            for place in [0, skipped.start - 1, skipped.end, size - 1] {
                assert_eq!(read(&mut content, place, 1).unwrap(), [(place % 251) as u8]);
            }
            assert!(read(&mut content, skipped.start, 1).is_err());
        }
    }

    #[test]
    fn a_stream_that_ends_early_yields_what_there_is() {
        let mut buffer = FileBuffer::default();
        let skipped = SkippedRange { start: 300_000, end: 700_000 };
        for (there, length) in [(200_000, 200_000), (500_000, 300_000), (800_000, 800_000)] {
            let (content, left) = taken(&mut buffer, there, 1 << 20, skipped);
            assert_eq!((content.length(), left), (length, 0), "{there}");
        }
    }
}
