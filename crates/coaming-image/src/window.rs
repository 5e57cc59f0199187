//! zstd's windows: how much of what it made a decompressor must keep in memory.
//!
//! Layers are read side by side, and a frame may ask for 128 MiB. Invariant: of large windows one is in
//! use at a time in the whole process, as far as a stream's first frame tells; so memory is that of one
//! such layer, however many an image has.

use std::sync::{Condvar, Mutex, PoisonError};

/// What the usual levels of compression ask for, and what may be in use on each thread.
const USUAL: u64 = 8 << 20;

static IN_USE: Mutex<bool> = Mutex::new(false);
static FREED: Condvar = Condvar::new();

/// The right to a large window, until it is dropped.
pub(crate) struct Permit(());

impl Permit {
    /// Waits for the right to decompress a stream that begins so; `None` where none is needed.
    pub(crate) fn wait(stream: &[u8]) -> Option<Self> {
        if window(stream)? <= USUAL {
            return None;
        }
        let in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut in_use =
            FREED.wait_while(in_use, |in_use| *in_use).unwrap_or_else(PoisonError::into_inner);
        *in_use = true;
        Some(Self(()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *IN_USE.lock().unwrap_or_else(PoisonError::into_inner) = false;
        FREED.notify_one();
    }
}

/// The bytes of window that the frame asks for that a stream begins with.
fn window(stream: &[u8]) -> Option<u64> {
    let (&descriptor, rest) = stream.get(4..)?.split_first()?;
    if descriptor & 0x20 == 0 {
        let &window = rest.first()?;
        let base = 1_u64.checked_shl(10 + u32::from(window >> 3))?;
        return Some(base + base / 8 * u64::from(window & 7));
    }
    // All of the content is the window: its size stands behind the dictionary's number.
    let dictionary = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied()?;
    let size = rest.get(dictionary..)?;
    match descriptor >> 6 {
        0 => size.first().map(|&size| u64::from(size)),
        1 => size.first_chunk().map(|&size| u64::from(u16::from_le_bytes(size)) + 256),
        2 => size.first_chunk().map(|&size| u64::from(u32::from_le_bytes(size))),
        _ => size.first_chunk().map(|&size| u64::from_le_bytes(size)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn compressed(window_log: u32, known: Option<u64>) -> Vec<u8> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(window_log).unwrap();
        encoder.set_pledged_src_size(known).unwrap();
        encoder.write_all(&vec![7; 3 << 20]).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn reads_what_zstd_writes() {
        assert_eq!(window(&compressed(20, None)), Some(1 << 20));
        assert_eq!(window(&compressed(27, None)), Some(128 << 20));
        assert_eq!(window(&compressed(27, Some(3 << 20))), Some(3 << 20));
        assert_eq!(window(b"\x28\xb5\x2f\xfd"), None);
        for length in 0..14 {
            let header = [0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
            let _ = window(header.get(..length).unwrap_or(&header));
        }
    }

    #[test]
    fn large_windows_wait_for_each_other() {
        let large = compressed(27, None);
        assert!(Permit::wait(&compressed(20, None)).is_none());
        let first = Permit::wait(&large);
        assert!(first.is_some());
        let (sender, receiver) = std::sync::mpsc::channel();
        let waiting = std::thread::spawn(move || {
            let permit = Permit::wait(&large);
            sender.send(permit.is_some()).unwrap();
        });
        assert!(receiver.recv_timeout(std::time::Duration::from_millis(50)).is_err());
        drop(first);
        assert!(receiver.recv_timeout(std::time::Duration::from_secs(20)).unwrap());
        waiting.join().unwrap();
    }
}
