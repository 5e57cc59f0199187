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
const PORTION: usize = 256 << 10;
/// How many portions wait to be read.
const WAITING: usize = 2;

/// Bytes of the stream, at the front of memory that is used again.
#[derive(Default)]
struct Portion {
    bytes: Vec<u8>,
    filled: usize,
}

/// A stream that is read ahead.
pub(crate) struct Ahead {
    /// A portion without bytes is the stream's end.
    portions: Receiver<io::Result<Portion>>,
    /// Where memory goes back.
    used: Sender<Vec<u8>>,
    portion: Portion,
    /// How many bytes of the portion were read.
    start: usize,
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
        Ok(Self { portions, used, portion: Portion::default(), start: 0, ended: false })
    }

    /// The next portion; one without bytes at the end.
    fn next(&mut self) -> io::Result<()> {
        let used = std::mem::take(&mut self.portion);
        self.start = 0;
        // Nobody wants it once the stream is at its end.
        let _ = self.used.send(used.bytes);
        let gone = |_| io::Error::other("the thread that decompresses it ended too soon");
        self.portion = self.portions.recv().map_err(gone)??;
        self.ended = self.portion.filled == 0;
        Ok(())
    }
}

impl Read for Ahead {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.start == self.portion.filled && !self.ended && !target.is_empty() {
            self.next()?;
        }
        let mut left = self.portion.bytes.get(self.start..self.portion.filled).unwrap_or_default();
        let count = left.read(target)?;
        self.start += count;
        Ok(count)
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
        bytes.resize(PORTION, 0);
        let (filled, outcome) = fill_as_far(&mut stream, &mut bytes);
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

    #[test]
    fn yields_what_the_stream_yields() {
        for length in [0, 1, PORTION - 1, PORTION, PORTION + 1, 7 * PORTION + 13] {
            let (mut direct, mut ahead) = (Vec::new(), Vec::new());
            stream(length, None).0.read_to_end(&mut direct).unwrap();
            let mut reader = Ahead::new(Box::new(stream(length, None).0)).unwrap();
            assert_eq!(reader.read_to_end(&mut ahead).unwrap(), length);
            assert!(ahead == direct, "{length}");
            assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
        }
    }

    #[test]
    fn fails_as_the_stream_fails_behind_all_that_came_before() {
        for length in [0, 5, PORTION, 3 * PORTION + 5] {
            let mut reader = Ahead::new(Box::new(stream(length, Some("torn")).0)).unwrap();
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
        let mut reader = Ahead::new(Box::new(endless)).unwrap();
        reader.read_exact(&mut [0; 100]).unwrap();
        drop(reader);
        let ended = (0..2_000).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            dropped.load(Ordering::Acquire)
        });
        assert!(ended);
    }
}
