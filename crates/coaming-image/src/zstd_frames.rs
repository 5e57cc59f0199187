//! Streams of zstd, frame by frame.
//!
//! Each frame declares the size of its window, independently of the frames before it. Invariant: no
//! frame is started before there is [room](crate::memory_budget) for its window, and none that
//! needs more than [`LIMIT`].

use std::io::{self, Read};

use zstd::stream::raw::{DParameter, Decoder, Operation as _};

use crate::memory_budget::Window;

/// The largest window of a frame, as a power of 2: what `zstd --ultra -22` and `--long` use.
const LIMIT_LOG: u32 = 27;
const LIMIT: u64 = 1 << LIMIT_LOG;
/// Blocks are up to 128 KiB: those that are whole in the buffer are decompressed in place.
const BUFFER: usize = 128 << 10;
/// The longest header of a frame.
const HEADER: usize = 18;

/// The first bytes of a frame, and of a frame without content.
const MAGIC: u32 = 0xfd2f_b528;
const SKIPPABLE: u32 = 0x184d_2a50;

/// Whether a stream that starts with these bytes is compressed with zstd. Some tools write a
/// skippable frame first.
pub(crate) fn is_zstd(stream: &[u8]) -> bool {
    stream.first_chunk().is_some_and(|&magic| {
        let magic = u32::from_le_bytes(magic);
        magic == MAGIC || magic & !0xf == SKIPPABLE
    })
}

/// The decompressed content of a stream of frames.
pub(crate) struct ZstdFrames<R> {
    stored: R,
    decoder: Decoder<'static>,
    /// Permission for the memory of the decoder.
    window: Option<Window>,
    buffer: Vec<u8>,
    /// How much of the buffer was consumed, and how much is filled.
    start: usize,
    end: usize,
    /// Whether a frame was started and is not at its end.
    within: bool,
}

impl<R: Read> ZstdFrames<R> {
    /// The content of a stream of frames.
    ///
    /// # Errors
    ///
    /// If there is not enough memory for a decoder.
    pub(crate) fn new(stored: R) -> io::Result<Self> {
        let (start, end, window, within) = Default::default();
        let buffer = vec![0; BUFFER];
        Ok(Self { stored, decoder: decoder()?, window, buffer, start, end, within })
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Appends to what is buffered; returns how many bytes.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let count = self.stored.read(room)?;
        self.end += count;
        Ok(count)
    }

    /// Starts the next frame; false at the end of the stream.
    fn next(&mut self) -> io::Result<bool> {
        while self.unread().len() < HEADER && self.fill()? > 0 {}
        if self.unread().is_empty() {
            return Ok(false);
        }
        // The decoder reports what is not a valid frame.
        let Some(header) = FrameHeader::read(self.unread()) else { return Ok(true) };
        if header.window > LIMIT {
            return Err(io::Error::other(format!(
                "a zstd frame needs {} MiB of memory to decompress, more than the limit of {} MiB: \
                 compress it with a smaller window, such as `zstd --long={LIMIT_LOG}`",
                header.window.div_ceil(1 << 20),
                LIMIT >> 20
            )));
        }
        if self.window.as_ref().is_none_or(|window| window.bytes() < header.memory) {
            // The memory of the decoder for the frames before is freed first.
            self.decoder = decoder()?;
            self.window = None;
            self.window = Some(Window::wait(header.memory));
        }
        Ok(true)
    }
}

impl<R: Read> Read for ZstdFrames<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if target.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.within && !self.next()? {
                return Ok(0);
            }
            let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
            let status = self.decoder.run_on_buffers(unread, target)?;
            self.start += status.bytes_read;
            self.within = status.remaining > 0;
            if !self.within {
                self.decoder.reinit()?;
            }
            if status.bytes_written > 0 {
                return Ok(status.bytes_written);
            }
            if self.within && self.unread().is_empty() && self.fill()? == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the last zstd frame is incomplete",
                ));
            }
        }
    }
}

fn decoder() -> io::Result<Decoder<'static>> {
    let mut decoder = Decoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(LIMIT_LOG))?;
    Ok(decoder)
}

/// What the header of a frame declares.
#[derive(Debug, PartialEq, Eq)]
struct FrameHeader {
    /// How far back its blocks may point.
    window: u64,
    /// How much of its content must be kept for that: never more than there is.
    memory: u64,
}

impl FrameHeader {
    /// Reads the header of a frame; `None` if it is not valid or not complete.
    fn read(frame: &[u8]) -> Option<Self> {
        let (magic, frame) = frame.split_first_chunk()?;
        let magic = u32::from_le_bytes(*magic);
        if magic & !0xf == SKIPPABLE {
            return Some(Self { window: 0, memory: 0 });
        }
        let (&descriptor, mut rest) = frame.split_first().filter(|_| magic == MAGIC)?;
        let single = descriptor & 0x20 != 0;
        let mut window = None;
        if !single {
            let (&log, behind) = rest.split_first()?;
            let base = 1_u64 << (10 + u32::from(log >> 3));
            window = Some(base + base / 8 * u64::from(log & 7));
            rest = behind;
        }
        let dictionary = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied()?;
        let size = rest.get(dictionary..)?;
        let content = match descriptor >> 6 {
            0 if single => Some(u64::from(*size.first()?)),
            0 => None,
            1 => Some(u64::from(u16::from_le_bytes(*size.first_chunk()?)) + 256),
            2 => Some(u64::from(u32::from_le_bytes(*size.first_chunk()?))),
            _ => Some(u64::from_le_bytes(*size.first_chunk()?)),
        };
        // Without a declared window, all of the content is the window.
        let window = window.or(content)?;
        Some(Self { window, memory: content.map_or(window, |content| content.min(window)) })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn compressed(window_log: u32, known: Option<u64>, content: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(window_log).unwrap();
        encoder.set_pledged_src_size(known).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn read(stored: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        ZstdFrames::new(stored)?.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn reads_the_windows_that_zstd_writes() {
        let content = vec![7; 3 << 20];
        let header = |window_log, known| {
            FrameHeader::read(&compressed(window_log, known, &content))
                .map(|header| (header.window >> 20, header.memory >> 20))
        };
        assert_eq!(header(20, None), Some((1, 1)));
        assert_eq!(header(27, None), Some((128, 128)));
        // A frame whose content is smaller than its window takes no more than the content.
        assert_eq!(header(27, Some(3 << 20)), Some((3, 3)));
        assert_eq!(header(20, Some(3 << 20)), Some((1, 1)));
        let bytes = [0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0x88, 0, 0, 0x10, 0, 0, 0, 0, 0];
        let (window, memory) = (128 << 20, 1 << 20);
        assert_eq!(FrameHeader::read(&bytes), Some(FrameHeader { window, memory }));
        for length in 0..bytes.len() {
            assert_eq!(FrameHeader::read(bytes.get(..length).unwrap()), None);
        }
    }

    #[test]
    fn reads_frames_of_all_kinds_one_after_the_other() {
        let skipped = [&0x184d_2a53_u32.to_le_bytes()[..], &5_u32.to_le_bytes(), b"5,6,7"].concat();
        let text: Vec<u8> = (0..700_000_u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
        let frames = [
            skipped.clone(),
            compressed(17, None, &text),
            compressed(10, None, b""),
            skipped,
            compressed(24, None, b"more"),
            compressed(19, Some(3), b"end"),
        ];
        let stored = frames.concat();
        assert!(is_zstd(&stored) && is_zstd(&frames[1]) && !is_zstd(b"\x1f\x8b\x08\0"));
        let content = [&text[..], b"more", b"end"].concat();
        assert_eq!(read(&stored).unwrap(), content);
        // However few bytes the stream yields at once.
        struct Slow<'a>(&'a [u8]);
        impl Read for Slow<'_> {
            fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
                let length = target.len().min(1);
                self.0.read(target.get_mut(..length).unwrap_or_default())
            }
        }
        let mut slow = ZstdFrames::new(Slow(&stored)).unwrap();
        for expected in content.chunks(1000) {
            let mut part = vec![0; expected.len()];
            slow.read_exact(&mut part).unwrap();
            assert!(part == expected);
        }
    }

    #[test]
    fn early_ends_and_damage_are_errors() {
        let mut stored = compressed(17, None, &vec![7; 300_000]);
        for cut in [1, 5, stored.len() / 2, stored.len() - 1] {
            assert!(read(stored.get(..cut).unwrap()).is_err(), "{cut}");
        }
        assert!(read(&[&stored[..], b"after the frame"].concat()).is_err());
        *stored.last_mut().unwrap() ^= 1;
        assert!(read(&stored).is_err());
    }

    #[test]
    fn a_window_that_is_too_large_is_refused_in_any_frame() {
        let (small, mut large) = (compressed(17, None, b"small"), compressed(17, None, b"large"));
        large[5] = (31 - 10) << 3;
        for stored in [large.clone(), [small, large].concat()] {
            let error = read(&stored).unwrap_err().to_string();
            assert!(error.contains("needs 2048 MiB") && error.contains("--long=27"), "{error}");
        }
    }
}
