//! The files of a stream, while they wait for their readers: where they lie in the stream's own buffer, in
//! memory that is used again, or on the disk.
//!
//! Invariants: each file is taken once, and none of its bytes is read after it; memory is bounded for each
//! stream, and for large files [in all](crate::memory).

use std::io;
use std::sync::Arc;

use crate::content::{Content, Gap};
use crate::input::{Input, fill_up};
use crate::memory::Room;

/// Files up to this size always wait in memory.
const BUFFER_LIMIT: u64 = 4 << 20;
/// Files are read into memory in pieces that the processor's caches hold.
const PIECE: usize = 64 << 10;
/// The largest file that waits.
const SPOOL_LIMIT: u64 = 4 << 30;

/// Where the files of a stream wait for their readers, one after the other. Memory that was never written
/// to costs nothing: there is more of it than most files need, so that it is not given back and had anew.
#[derive(Default)]
pub(crate) struct Buffer {
    /// As long as the longest file up to now.
    bytes: Arc<Vec<u8>>,
    /// The right to be longer than [`BUFFER_LIMIT`].
    room: Option<Room>,
}

impl Buffer {
    /// Takes the next `size` bytes, maybe without the gap; fewer if the input ends before.
    ///
    /// # Errors
    ///
    /// If the stream or the disk fails, or there are more bytes than may wait.
    pub(crate) fn take(&mut self, input: &mut Input, size: u64, gap: Gap) -> io::Result<Content> {
        if let Some(content) = input.lend(size)? {
            return Ok(content);
        }
        if size > SPOOL_LIMIT {
            return Err(io::Error::other(format!("it has more than {} GiB", SPOOL_LIMIT >> 30)));
        }
        if let Some(content) = self.fill(input, size, gap)? {
            return Ok(content);
        }
        let mut file = tempfile::tempfile()?;
        let (kept, gap) = around(gap, size, input, |input, count| input.copy(count, &mut file))?;
        Ok(Content::file(Arc::new(file), 0, kept).with_gap(gap))
    }

    /// Reads the next `size` bytes but for the gap, or all if there are fewer. `None` where they must wait
    /// on the disk: nothing was read then.
    fn fill(&mut self, input: &mut Input, size: u64, gap: Gap) -> io::Result<Option<Content>> {
        // Nobody else has it: what was read into it before was used and dropped.
        let Some(bytes) = self.room_for(size - gap.length()) else { return Ok(None) };
        let mut filled = 0;
        let (_, gap) = around(gap, size, input, |input, count| {
            let read = append(bytes, filled, input, count)?;
            filled += read;
            Ok(read as u64)
        })?;
        Ok(Some(Content::lent(Arc::clone(&self.bytes), 0, filled).with_gap(gap)))
    }

    /// Room for a file of this size; `None` where there is none.
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

/// Takes a file of `size` bytes from the input, and passes over the gap. Says how many were taken, and
/// which gap is in them: none where the input ends before it is over.
fn around(
    gap: Gap,
    size: u64,
    input: &mut Input,
    mut take: impl FnMut(&mut Input, u64) -> io::Result<u64>,
) -> io::Result<(u64, Gap)> {
    let before = if gap.length() == 0 { size } else { gap.start };
    let front = take(input, before)?;
    if gap.length() == 0
        || front < before
        || input.copy(gap.length(), &mut io::sink())? < gap.length()
    {
        return Ok((front, Gap::default()));
    }
    Ok((front + take(input, size - gap.end)?, gap))
}

/// Reads the next `count` bytes to a place in a buffer, or all if there are fewer; says how many they were.
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

    /// What is taken of a stream of so many bytes, and what is left of the stream.
    fn taken(buffer: &mut Buffer, there: usize, size: u64, gap: Gap) -> (Content, u64) {
        let bytes: Vec<u8> = (0..251).cycle().take(there).collect();
        let mut input = Input::stream(Box::new(io::Cursor::new(bytes)));
        let content = buffer.take(&mut input, size, gap).unwrap();
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
    fn takes_so_many_bytes_wherever_they_wait() {
        let mut buffer = Buffer::default();
        // In the stream's buffer, in memory, and on the disk, for so much room is never given.
        for size in [0, 1, 1000, 1 << 20, 5 << 20, Room::MOST + 1] {
            let there = usize::try_from(size).unwrap() + 7;
            let (mut content, left) = taken(&mut buffer, there, size, Gap::default());
            assert_eq!((content.length(), left), (size, 7));
            if size > 0 {
                assert_eq!(read(&mut content, size - 1, 1).unwrap(), [((size - 1) % 251) as u8]);
            }
            assert!(read(&mut content, size, 1).is_err());
        }
    }

    #[test]
    fn leaves_a_gap_out() {
        let mut buffer = Buffer::default();
        for size in [1 << 20, 2 * Room::MOST] {
            let gap = Gap { start: 300_000, end: 700_000 };
            let there = usize::try_from(size).unwrap();
            let (mut content, left) = taken(&mut buffer, there, size, gap);
            assert_eq!((content.length(), left), (size, 0));
            for place in [0, gap.start - 1, gap.end, size - 1] {
                assert_eq!(read(&mut content, place, 1).unwrap(), [(place % 251) as u8]);
            }
            assert!(read(&mut content, gap.start, 1).is_err());
        }
    }

    #[test]
    fn a_stream_that_ends_early_yields_what_there_is() {
        let mut buffer = Buffer::default();
        let gap = Gap { start: 300_000, end: 700_000 };
        for (there, length) in [(200_000, 200_000), (500_000, 300_000), (800_000, 800_000)] {
            let (content, left) = taken(&mut buffer, there, 1 << 20, gap);
            assert_eq!((content.length(), left), (length, 0), "{there}");
        }
    }
}
