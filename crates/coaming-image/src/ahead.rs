//! A stream that is made on a thread of its own, a little ahead of its reader.
//!
//! Decompressing is most of the work of reading a compressed layer: what was made is looked through while
//! more is made, even where an image has fewer layers than the machine has processors. Invariants: what
//! is read, and the error behind it, are the stream's own; no more than [`WAITING`] portions wait; the
//! thread ends at the stream's end, or soon after its reader is dropped.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use crate::input::fill_as_far;

/// Large, so that threads seldom wake each other; small, so that the processor's caches hold it.
const PORTION: usize = 512 << 10;
/// How many portions wait to be read.
const WAITING: usize = 1;
/// How many bytes are free in front of a portion's own: for the rest of the one before.
pub(crate) const FRONT: usize = 4 << 10;

/// Bytes of the stream, in memory that is used again.
#[derive(Default)]
pub(crate) struct Portion {
    /// As many as [`FRONT`], then the portion's own, then maybe some that mean nothing.
    pub(crate) bytes: Vec<u8>,
    /// How many are its own; none at the stream's end.
    pub(crate) filled: usize,
}

/// A stream that is read ahead.
pub(crate) struct Ahead {
    portions: Receiver<io::Result<Portion>>,
    /// Where memory goes back.
    used: Sender<Vec<u8>>,
    ended: bool,
}

impl Ahead {
    /// Starts to read the stream.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub(crate) fn new(stream: Box<dyn Read + Send>) -> io::Result<Self> {
        let (sender, portions) = sync_channel(WAITING);
        let (used, spare) = channel();
        thread::Builder::new()
            .name("decompress".to_owned())
            .spawn(move || make(stream, &sender, &spare))?;
        Ok(Self { portions, used, ended: false })
    }

    /// The next portion.
    pub(crate) fn next(&mut self) -> io::Result<Portion> {
        if self.ended {
            return Ok(Portion::default());
        }
        let gone = |_| io::Error::other("the thread that decompresses it ended too soon");
        let portion = self.portions.recv().map_err(gone)??;
        self.ended = portion.filled == 0;
        Ok(portion)
    }

    /// Gives back the memory of a portion that was read.
    pub(crate) fn give_back(&self, bytes: Vec<u8>) {
        // Nobody wants it once the stream is at its end.
        let _ = self.used.send(bytes);
    }
}

/// Reads the stream in portions, to its end or its error, or until nobody wants it any more.
fn make(
    mut stream: Box<dyn Read + Send>,
    portions: &SyncSender<io::Result<Portion>>,
    spare: &Receiver<Vec<u8>>,
) {
    loop {
        let mut bytes = spare.try_recv().unwrap_or_default();
        bytes.resize(FRONT + PORTION, 0);
        let room = bytes.get_mut(FRONT..).unwrap_or_default();
        let (filled, outcome) = fill_as_far(&mut stream, room);
        let goes_on = outcome.is_ok() && filled > 0;
        // What was read before an error comes before it.
        if (filled > 0 || outcome.is_ok()) && portions.send(Ok(Portion { bytes, filled })).is_err()
        {
            return;
        }
        if let Err(error) = outcome {
            let _ = portions.send(Err(error));
        }
        if !goes_on {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::input::Input;

    /// Yields so many bytes, then fails or ends; says when it is dropped.
    struct Stream {
        left: usize,
        failure: Option<&'static str>,
        dropped: Arc<AtomicBool>,
    }

    impl Read for Stream {
        fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
            // In uneven steps.
            let count = self.left.min(target.len()).min(70_001);
            if count == 0 {
                return self.failure.take().map_or(Ok(0), |text| Err(io::Error::other(text)));
            }
            for (place, byte) in target.iter_mut().take(count).enumerate() {
                *byte = u8::try_from((self.left - place) % 251).unwrap();
            }
            self.left -= count;
            Ok(count)
        }
    }

    impl Drop for Stream {
        fn drop(&mut self) {
            self.dropped.store(true, Ordering::Release);
        }
    }

    fn stream(left: usize, failure: Option<&'static str>) -> (Stream, Arc<AtomicBool>) {
        let dropped = Arc::<AtomicBool>::default();
        (Stream { left, failure, dropped: Arc::clone(&dropped) }, dropped)
    }

    fn reader(stream: Stream) -> Input {
        Input::ahead(Ahead::new(Box::new(stream)).unwrap())
    }

    #[test]
    fn yields_what_the_stream_yields() {
        for length in [0, 1, PORTION - 1, PORTION, PORTION + 1, 7 * PORTION + 13] {
            let (mut direct, mut ahead) = (Vec::new(), Vec::new());
            stream(length, None).0.read_to_end(&mut direct).unwrap();
            let mut reader = reader(stream(length, None).0);
            assert_eq!(reader.read_to_end(&mut ahead).unwrap(), length);
            assert!(ahead == direct, "{length}");
            assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
        }
    }

    #[test]
    fn fails_as_the_stream_fails_behind_all_that_came_before() {
        for length in [0, 5, PORTION, 3 * PORTION + 5] {
            let mut reader = reader(stream(length, Some("torn")).0);
            let mut bytes = Vec::new();
            assert_eq!(reader.read_to_end(&mut bytes).unwrap_err().to_string(), "torn");
            assert_eq!(bytes.len(), length);
            // It is no end that one could take for the stream's.
            assert!(reader.read(&mut [0; 9]).is_err());
        }
    }

    #[test]
    fn a_reader_that_goes_away_ends_the_thread() {
        let (endless, dropped) = stream(usize::MAX, None);
        let mut reader = reader(endless);
        reader.read_exact(&mut [0; 100]).unwrap();
        drop(reader);
        let ended = (0..2_000).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            dropped.load(Ordering::Acquire)
        });
        assert!(ended);
    }
}
