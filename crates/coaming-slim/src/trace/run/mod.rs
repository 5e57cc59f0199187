//! Runs the image's own program in a container and observes which files it opens.
//!
//! Nothing of the image is trusted: its program runs with `runc` in namespaces of its own, as users
//! that the host does not have, without new privileges, with few capabilities, a filter of system
//! calls, limits of processes, memory and time, and without a network unless the user asks for one.
//! The kernel reports opened files for each directory (`inotify`): that is independent of mounts
//! and links, and costs the observed program nothing. Invariant: the container and the unpacked files
//! are gone afterwards; if this process itself was killed, after the next trace.

mod bundle;
mod container;
mod leftover;
mod output;
mod program;
mod unpack;
mod watch;

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use coaming_image::{EntryKind, Image, Tree};

use self::container::Container;
use self::program::Program;
use super::{RunOptions, TraceError, Used};

/// The first of the host's users and groups that the container's are mapped to: after the ranges of
/// systemd, and hardly ever assigned.
const FIRST_ID: u32 = 0x7000_0000;
/// How many users and groups a container has.
const IDS: u32 = 65536;
/// The user that all others are mapped to.
const NOBODY: u32 = 65534;
/// How often the state is looked at.
const PERIOD: Duration = Duration::from_millis(20);

/// A user or a group of the container, as the host knows it.
fn host_id(id: u32) -> u32 {
    FIRST_ID + if id < IDS { id } else { NOBODY }
}

/// Why the observation ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The program ended by itself, with this status.
    Ended(Option<i32>),
    /// The command of the user succeeded.
    Succeeded,
    /// The time is over.
    Time,
}

/// Runs the image and returns the files that were opened.
pub(super) fn observe(
    image: &Image,
    tree: &Tree,
    options: &RunOptions,
) -> Result<Used, TraceError> {
    if !rustix::process::geteuid().is_root() {
        return Err(TraceError::NotRoot);
    }
    let program = Program::of(image)?;
    leftover::remove(&options.runtime);
    let directory = leftover::TraceDirectory::create().map_err(TraceError::Unpack)?;
    let root = directory.path().join("rootfs");
    unpack::unpack(image, tree, &root, &options.stop)?;
    bundle::write(directory.path(), tree, &program, options)?;
    let watch = watch::Watch::start(&root, directory.path()).map_err(TraceError::Watch)?;
    let mut container = Container::start(directory.path(), options)?;
    let end = wait(&mut container, options);
    container.stop(&program.stop_signal);
    let opened = watch.finish().map_err(TraceError::Watch)?;
    let end = end?;
    if !container.was_created() {
        let (runtime, message) = (options.runtime.display().to_string(), container.said(&[]));
        return Err(TraceError::Runtime { runtime, message });
    }
    let mut used = Used { notes: notes(&end, options), ..Used::default() };
    if opened.is_incomplete {
        used.notes.push("The kernel dropped events: the trace is not complete.".to_owned());
    }
    if matches!(end, End::Ended(code) if code != Some(0)) {
        let secrets: Vec<&str> = program.secrets(options);
        used.notes.push(format!("The last that it wrote: {}", container.said(&secrets)));
    }
    for path in opened.paths {
        let found = tree.find(&path).filter(|(_, node)| node.kind == EntryKind::File);
        if let Some((found, _)) = found {
            used.paths.insert(found.to_owned());
        }
    }
    Ok(used)
}

fn wait(container: &mut Container, options: &RunOptions) -> Result<End, TraceError> {
    let start = Instant::now();
    loop {
        if options.stop.load(Ordering::Relaxed) {
            return Err(TraceError::Interrupted);
        }
        if let Some(status) = container.ended().map_err(TraceError::Wait)? {
            return Ok(End::Ended(status.code()));
        }
        if container.command_succeeded(options)? {
            return Ok(End::Succeeded);
        }
        if start.elapsed() >= options.limit {
            return Ok(End::Time);
        }
        std::thread::sleep(PERIOD);
    }
}

/// What the user should know about how far the trace got.
fn notes(end: &End, options: &RunOptions) -> Vec<String> {
    let seconds = options.limit.as_secs();
    let how = match end {
        End::Ended(Some(0)) => "its program ended".to_owned(),
        End::Ended(Some(code)) => format!("its program ended with status {code}"),
        End::Ended(None) => "its program was killed".to_owned(),
        End::Succeeded => "the command of the trace succeeded".to_owned(),
        End::Time => format!("the time was over ({seconds} s)"),
    };
    let mut notes = vec![format!("The image ran until {how}.")];
    if options.command.is_some() && *end != End::Succeeded {
        notes.push(
            "The command of the trace did not succeed: what it was to exercise may be missing."
                .to_owned(),
        );
    }
    notes
}

/// Reads a small file of the unpacked image, by its path in the tree.
fn read(root: &Path, tree: &Tree, path: &str) -> io::Result<Option<String>> {
    use std::io::Read as _;
    let Some((path, node)) = tree.find(path) else { return Ok(None) };
    if node.kind != EntryKind::File {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(unpack::inside(root, path))?;
    file.take(1 << 20).read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
