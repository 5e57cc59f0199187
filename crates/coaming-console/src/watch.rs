//! The same again after every change of a file.
//!
//! Invariants: a burst of changes causes one run; what a run writes itself causes none.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::event::EventKind;
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::output::TEMPORARY;

/// How long nothing may change before the next run.
const PAUSE: Duration = Duration::from_millis(100);
/// Directories that change without a change of what is scanned.
const IGNORED: [&str; 3] = [".git", "node_modules", "target"];

/// Why changes cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// Standard input is among the paths.
    #[error("`--watch` needs files or directories; standard input is read only once")]
    StandardInput,
    /// The system cannot watch a path.
    #[error("cannot watch: {0}")]
    Watch(#[from] notify::Error),
    /// The system reports no more changes.
    #[error("changes cannot be watched any more")]
    Ended,
}

/// Watches paths for changes.
#[derive(Debug)]
pub struct FileWatch {
    events: Receiver<notify::Result<Event>>,
    ignored: Ignored,
    /// It watches until it is dropped.
    _watcher: RecommendedWatcher,
}

impl FileWatch {
    /// Watches `paths` (files, directories or globs); what a run writes to the files `written` is not
    /// a change.
    ///
    /// # Errors
    ///
    /// See [`WatchError`].
    pub fn start<'a>(
        paths: impl IntoIterator<Item = &'a PathBuf>,
        written: impl IntoIterator<Item = &'a PathBuf>,
    ) -> Result<Self, WatchError> {
        let roots = watched(paths);
        if roots.iter().any(|(path, _)| path.as_os_str() == "-") {
            return Err(WatchError::StandardInput);
        }
        let (sender, events) = channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // The receiver is gone only when the program ends.
            drop(sender.send(event));
        })?;
        for (path, mode) in &roots {
            watcher.watch(path, *mode)?;
        }
        let written = written.into_iter().filter_map(|path| std::path::absolute(path).ok());
        let roots = roots.into_iter().map(|(path, _)| path).collect();
        let ignored = Ignored { written: written.collect(), roots };
        Ok(Self { events, ignored, _watcher: watcher })
    }

    /// Waits for a change, and then until nothing changes for a moment.
    ///
    /// # Errors
    ///
    /// If the system reports no more changes.
    pub fn wait(&self) -> Result<(), WatchError> {
        loop {
            let event = self.events.recv().map_err(|_| WatchError::Ended)?;
            if self.ignored.matters(&event) {
                break;
            }
        }
        loop {
            match self.events.recv_timeout(PAUSE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(WatchError::Ended),
            }
        }
    }
}

/// What is watched: directories with everything in them; files by their directories, because editors
/// replace files.
fn watched<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Vec<(PathBuf, RecursiveMode)> {
    let mut watched: Vec<(PathBuf, RecursiveMode)> = paths
        .into_iter()
        .filter_map(|path| {
            if path.as_os_str() == "-" || path.is_dir() {
                return Some((path.clone(), RecursiveMode::Recursive));
            }
            // Of a glob, what is above its first pattern.
            let existing = path.ancestors().skip(1).find(|above| above.is_dir())?;
            let mode =
                if path.exists() { RecursiveMode::NonRecursive } else { RecursiveMode::Recursive };
            Some((existing.to_path_buf(), mode))
        })
        .map(|(path, mode)| match path.as_os_str().is_empty() {
            true => (PathBuf::from("."), mode),
            false => (path, mode),
        })
        .collect();
    watched.sort_by(|a, b| a.0.cmp(&b.0));
    watched.dedup();
    watched
}

/// What causes no run.
#[derive(Debug)]
struct Ignored {
    /// Files that a run writes.
    written: Vec<PathBuf>,
    /// What is watched: only names below count.
    roots: Vec<PathBuf>,
}

impl Ignored {
    /// Whether an event is a change that a scan may see. What the watcher cannot tell counts as one.
    fn matters(&self, event: &notify::Result<Event>) -> bool {
        let Ok(event) = event else { return true };
        if matches!(event.kind, EventKind::Access(_)) {
            return false;
        }
        event.paths.is_empty() || event.paths.iter().any(|path| !self.contains(path))
    }

    fn contains(&self, path: &Path) -> bool {
        let below = self.roots.iter().find_map(|root| path.strip_prefix(root).ok()).unwrap_or(path);
        let is_own =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(TEMPORARY));
        let is_tools = below.iter().any(|part| IGNORED.iter().any(|name| part == *name));
        is_own || is_tools || std::path::absolute(path).is_ok_and(|it| self.written.contains(&it))
    }
}

/// Clears a terminal, so that it shows only the last report.
pub fn clear_terminal() {
    let mut out = io::stdout().lock();
    if out.is_terminal() {
        // A terminal that cannot be written to will be noticed by the report.
        drop(out.write_all(b"\x1b[2J\x1b[3J\x1b[H"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_files_and_tools_cause_no_run() {
        let written = vec![std::path::absolute("out.json").unwrap()];
        let ignored = Ignored { written, roots: vec!["/target/a".into()] };
        for path in ["/target/a/.git/index", "a/.coaming-x1", "out.json", "/target/a/target/b.d"] {
            assert!(ignored.contains(Path::new(path)), "{path}");
        }
        for path in ["/target/a/web.yaml", "a/.github/web.yaml", "coaming.yaml"] {
            assert!(!ignored.contains(Path::new(path)), "{path}");
        }
    }
}
