//! How much memory the readers of layers use at the same time.
//!
//! Layers are read in parallel, and one may need much: the window of a zstd frame (the output that
//! a decompressor must keep), up to 128 MiB, or a program that is deferred until its analysers run.
//! Invariants: the windows in use together are no larger than [`WINDOWS`], or there is only one;
//! large files are kept in memory only while there is room next to the windows, else on disk. So
//! memory is bounded for any number of layers and threads.
//!
//! The budget is that of the process: two images that are read at the same time share it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The most bytes of windows in use, unless there is only one. The usual levels of compression need
/// 2 to 8 MiB each.
const WINDOWS: u64 = 32 << 20;
/// The most bytes of windows and of large files in memory.
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

/// Permission to use a window of this many bytes, until it is dropped.
#[derive(Debug)]
pub(crate) struct Window(u64);

impl Window {
    /// Waits until there is room for the window. The caller must not hold another one: two callers
    /// that wait for each other would never go on.
    pub(crate) fn wait(bytes: u64) -> Self {
        let full = |it: &mut InUse| it.windows > 0 && it.windows.saturating_add(bytes) > WINDOWS;
        let mut in_use = FREED.wait_while(in_use(), full).unwrap_or_else(PoisonError::into_inner);
        in_use.windows = in_use.windows.saturating_add(bytes);
        Self(bytes)
    }

    /// Its size in bytes.
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

/// Permission to keep a file of this many bytes in memory, until it is dropped.
#[derive(Debug)]
pub(crate) struct Room(u64);

impl Room {
    /// The largest file that is ever permitted.
    pub(crate) const MOST: u64 = ALL;

    /// Its size in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.0
    }

    /// The permission, if there is room for it now.
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

    /// One test, because the budget is that of the process.
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
        // The threads of other tests may hold windows too, but small ones.
        let file = Room::take(4 << 20).unwrap();
        assert!(Room::take(ALL).is_none());
        drop(small);
        assert_eq!(receiver.recv_timeout(Duration::from_secs(20)).unwrap(), 128 << 20);
        waiting.join().unwrap();
        drop(file);
    }
}
