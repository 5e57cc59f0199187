//! How much memory the readers of layers take at once.
//!
//! Layers are read side by side, and what one needs may be large: the window of a zstd frame (what a
//! decompressor must keep of what it made), up to 128 MiB, and a program that waits for its readers.
//! Invariants: windows in use are together no larger than [`WINDOWS`], or there is but one; files wait
//! in memory only where there is room beside the windows, and else on the disk. So memory is bounded,
//! however many layers an image has and however many threads read them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The most bytes of windows in use, unless there is but one. The usual levels of compression ask for
/// 2 to 8 MiB each.
const WINDOWS: u64 = 32 << 20;
/// The most bytes of windows and of large files that wait in memory.
const ALL: u64 = 40 << 20;

/// What is in use in the whole process.
static IN_USE: Mutex<InUse> = Mutex::new(InUse { windows: 0, files: 0 });
static FREED: Condvar = Condvar::new();

struct InUse {
    windows: u64,
    files: u64,
}

fn in_use() -> MutexGuard<'static, InUse> {
    IN_USE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to a window of so many bytes, until it is dropped.
#[derive(Debug)]
pub(crate) struct Window(u64);

impl Window {
    /// Waits until there is room for the window. Whoever waits must not have another one: two that wait
    /// for each other would wait for ever.
    pub(crate) fn wait(bytes: u64) -> Self {
        let full = |it: &mut InUse| it.windows > 0 && it.windows.saturating_add(bytes) > WINDOWS;
        let mut in_use = FREED.wait_while(in_use(), full).unwrap_or_else(PoisonError::into_inner);
        in_use.windows = in_use.windows.saturating_add(bytes);
        Self(bytes)
    }

    /// How many bytes it has.
    pub(crate) fn bytes(&self) -> u64 {
        self.0
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let mut in_use = in_use();
        in_use.windows = in_use.windows.saturating_sub(self.0);
        FREED.notify_all();
    }
}

/// The right to keep a file of so many bytes in memory, until it is dropped.
#[derive(Debug)]
pub(crate) struct Room(u64);

impl Room {
    /// More than this is never given.
    pub(crate) const MOST: u64 = ALL;

    /// How many bytes it has.
    pub(crate) fn bytes(&self) -> u64 {
        self.0
    }

    /// The right, if there is room for it now.
    pub(crate) fn take(bytes: u64) -> Option<Self> {
        let mut in_use = in_use();
        let all = in_use.windows.saturating_add(in_use.files).saturating_add(bytes);
        (all <= ALL).then(|| in_use.files += bytes)?;
        Some(Self(bytes))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut in_use = in_use();
        in_use.files = in_use.files.saturating_sub(self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    /// One test, for what is in use is the process's.
    #[test]
    fn large_windows_wait_for_each_other_and_files_for_neither() {
        let small = [Window::wait(8 << 20), Window::wait(8 << 20)];
        let (sender, receiver) = channel();
        let waiting = std::thread::spawn(move || {
            let window = Window::wait(128 << 20);
            sender.send(window.bytes()).unwrap();
            drop(window);
        });
        assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err());
        // The threads of other tests may have windows too, small ones.
        let file = Room::take(4 << 20).unwrap();
        assert!(Room::take(ALL).is_none());
        drop(small);
        assert_eq!(receiver.recv_timeout(Duration::from_secs(20)).unwrap(), 128 << 20);
        waiting.join().unwrap();
        drop(file);
    }
}
