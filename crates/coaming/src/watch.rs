//! `coaming scan --watch`: the same again after every change.
//!
//! Invariants: a burst of changes causes one run; what a run writes itself causes none; an error of
//! a run, such as a configuration that is half written, is shown and does not end the watch.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::event::EventKind;
use notify::{Event, RecursiveMode, Watcher as _};

use crate::args::ScanArguments;
use crate::{CommandError, Outcome, output};

/// How long nothing may change before the next run.
const PAUSE: Duration = Duration::from_millis(100);
/// Directories that change without a change of what is scanned.
const IGNORED: [&str; 3] = [".git", "node_modules", "target"];

/// Runs `scan` now, and again after every change of the scanned paths. Ends only by Ctrl-C, or when
/// changes cannot be watched.
pub(crate) fn run(
    arguments: &ScanArguments,
    scan: impl Fn() -> Result<Outcome, CommandError>,
) -> Result<Outcome, CommandError> {
    let failed = |error: notify::Error| CommandError::Argument(format!("cannot watch: {error}"));
    if arguments.scope.paths.iter().any(|path| path.as_os_str() == "-") {
        let message = "`--watch` needs files or directories; standard input is read only once";
        return Err(CommandError::Argument(message.to_owned()));
    }
    let (sender, events) = channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // The receiver is gone only when the program ends.
        drop(sender.send(event));
    })
    .map_err(failed)?;
    let roots = watched(arguments);
    for (path, mode) in &roots {
        watcher.watch(path, *mode).map_err(failed)?;
    }
    let written = arguments
        .report
        .output
        .iter()
        .chain(&arguments.report.write_baseline)
        .filter_map(|path| std::path::absolute(path).ok())
        .collect();
    let roots = roots.into_iter().map(|(path, _)| path).collect();
    let ignored = Ignored { written, roots };
    loop {
        clear();
        if let Err(error) = scan() {
            // Nobody reads the output any more.
            if matches!(&error, CommandError::Output { .. }) {
                return Err(error);
            }
            output::complain(&error.to_string());
        }
        output::note("watching for changes; Ctrl-C ends");
        wait(&events, &ignored)?;
    }
}

/// What is watched: directories with everything in them; files by their directories, because editors
/// replace files.
fn watched(arguments: &ScanArguments) -> Vec<(PathBuf, RecursiveMode)> {
    let named = arguments.scope.paths.iter().chain(&arguments.scope.config);
    let mut watched: Vec<(PathBuf, RecursiveMode)> = named
        .filter_map(|path| {
            if path.is_dir() {
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

/// Waits for a change, and then until nothing changes for a moment.
fn wait(events: &Receiver<notify::Result<Event>>, ignored: &Ignored) -> Result<(), CommandError> {
    let ended = || CommandError::Argument("changes cannot be watched any more".to_owned());
    loop {
        let event = events.recv().map_err(|_| ended())?;
        if ignored.matters(&event) {
            break;
        }
    }
    loop {
        match events.recv_timeout(PAUSE) {
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => return Err(ended()),
        }
    }
}

/// What causes no run.
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
        let is_own = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(output::TEMPORARY));
        let is_tools = below.iter().any(|part| IGNORED.iter().any(|name| part == *name));
        is_own || is_tools || std::path::absolute(path).is_ok_and(|it| self.written.contains(&it))
    }
}

/// Clears a terminal, so that it shows only the last report.
fn clear() {
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
