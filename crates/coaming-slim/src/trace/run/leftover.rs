//! Traces whose own process was killed: what they left is removed by the next trace.
//!
//! The directory of a trace has a locked file in it while the trace runs; the kernel releases the lock
//! with the process. Invariant: only directories that root, or the root of a container, made for a
//! trace are touched: anybody can create directories beside them.

use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;

use super::{FIRST_ID, container};

/// How the names of directories of traces start.
const PREFIX: &str = "coaming-trace-";
/// The locked file.
const LOCK: &str = "lock";

/// A directory for a trace, which is gone with the value.
pub(super) struct TraceDirectory {
    directory: TempDir,
    _lock: File,
}

impl TraceDirectory {
    pub(super) fn create() -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        // It gets its name when it is locked: nobody finds it unlocked before.
        let new = directory.path().join("lock.new");
        let lock = File::create_new(&new)?;
        lock.lock()?;
        std::fs::rename(&new, directory.path().join(LOCK))?;
        DirBuilder::new().mode(0o700).create(container::state(directory.path()))?;
        Ok(Self { directory, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Removes what killed traces left, as far as this is possible.
pub(super) fn remove(runtime: &Path) {
    let Ok(entries) = std::fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            // That of a trace which just started or ended may be gone already.
            drop(remove_one(&entry.path(), runtime));
        }
    }
}

fn remove_one(directory: &Path, runtime: &Path) -> io::Result<()> {
    let is_own = |metadata: &Metadata, users: &[u32]| {
        metadata.is_dir() && metadata.mode() & 0o077 == 0 && users.contains(&metadata.uid())
    };
    let state = container::state(directory);
    if !is_own(&directory.symlink_metadata()?, &[0, FIRST_ID])
        || !is_own(&state.symlink_metadata()?, &[0])
    {
        return Ok(());
    }
    let lock = File::open(directory.join(LOCK))?;
    if lock.try_lock().is_err() {
        return Ok(());
    }
    let name = directory.file_name().unwrap_or_default();
    let mut command = container::runtime(runtime, directory);
    command.args(["delete", "--force"]).arg(name);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    // With another runtime than the one that started it, the container is still there.
    if std::fs::read_dir(&state)?.next().is_some() {
        return Ok(());
    }
    std::fs::remove_dir_all(directory)
}
