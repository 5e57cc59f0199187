//! What was used while the image ran, joined with what the closure determines from the files.
//!
//! A trace only ever adds files: what was not used during it may be used tomorrow, so it is only
//! reported.

mod lines;
#[cfg(target_os = "linux")]
mod run;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use coaming_image::{Closure, EntryKind, Image, ImageConfig, Reason, RequestedFile, Source, Tree};
use serde::Serialize;

/// The most unused files that the report names.
const LIST: usize = 1000;

/// Where a trace comes from.
#[derive(Clone, Debug)]
pub enum Trace {
    /// Another tool wrote it to this file.
    File(PathBuf),
    /// The image is run and observed.
    Run(RunOptions),
}

/// How to run an image.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The runtime: `runc`, or a program with the same arguments.
    pub runtime: PathBuf,
    /// How long the image runs, at most.
    pub limit: Duration,
    /// A command of the host's shell that exercises the image, in the image's network. It is tried
    /// again until it succeeds; then the run ends.
    pub command: Option<String>,
    /// Variables in addition to those of the image.
    pub environment: Vec<Variable>,
    /// Whether the image has the host's network, instead of none.
    pub network: bool,
    /// Set when the user wants to stop.
    pub stop: Arc<AtomicBool>,
}

/// A variable whose value may be a secret.
#[derive(Clone)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl fmt::Debug for Variable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}=…", self.name)
    }
}

/// Why nothing is known from a trace.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read.
    #[error("--trace-file {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file names nothing in the image.
    #[error(
        "--trace-file {path}: none of its {lines} lines names a file of the image; expected are \
         paths, one per line, or the output of strace or Inspektor Gadget (-o json)"
    )]
    Nothing {
        /// The file.
        path: String,
        /// The number of lines.
        lines: u64,
    },
    /// Only Linux has containers.
    #[error("--trace needs Linux: run the image there, and give what was used with --trace-file")]
    NotLinux,
    /// Only root can map users.
    #[error(
        "--trace needs root, to unpack the image with its owners; run it with sudo, or give what \
         another tool observed with --trace-file"
    )]
    NotRoot,
    /// Nothing can be run.
    #[error("--trace: the image has neither ENTRYPOINT nor CMD, so there is nothing to run")]
    NoProgram,
    /// The image is for other machines.
    #[error("--trace: the image is for {image}, but this machine is {host}")]
    Platform {
        /// The architecture of the image.
        image: String,
        /// The architecture of the machine.
        host: String,
    },
    /// The image's user is unknown.
    #[error("--trace: the image's USER {0} is neither a number nor in its /etc/passwd")]
    User(String),
    /// The image cannot be unpacked.
    #[error("--trace: cannot unpack the image to a temporary directory (TMPDIR): {0}")]
    Unpack(#[source] io::Error),
    /// The files cannot be observed.
    #[error(
        "--trace: cannot observe the image's directories: {0}; if there are too many, raise \
         fs.inotify.max_user_watches"
    )]
    Watch(#[source] io::Error),
    /// The runtime was not found.
    #[error(
        "--trace: cannot run {runtime}: {source}; install runc, or name it with --trace-runtime"
    )]
    NoRuntime {
        /// The runtime.
        runtime: String,
        /// The operating system's error.
        source: io::Error,
    },
    /// The runtime refused to run the image.
    #[error("--trace: {runtime} cannot run the image: {message}")]
    Runtime {
        /// The runtime.
        runtime: String,
        /// What it said.
        message: String,
    },
    /// The container cannot be watched.
    #[error("--trace: cannot wait for the container: {0}")]
    Wait(#[source] io::Error),
    /// The user stopped it.
    #[error("--trace: interrupted; the container and the unpacked files are removed")]
    Interrupted,
}

/// What only one of the trace and the closure has.
#[derive(Clone, Debug, Serialize)]
pub struct TraceReport {
    /// The files of the image that were used.
    pub used: u64,
    /// Used, but not in the closure: these were added. With their sizes, the largest first.
    pub only_used: Vec<(String, u64)>,
    /// In the closure, but not used during the trace: these stay. The number of all.
    pub unused: u64,
    /// The size in bytes of all unused files.
    pub unused_bytes: u64,
    /// The largest unused files with their sizes, the largest first.
    pub only_kept: Vec<(String, u64)>,
    /// How the run ended, and which part of the trace was not understood.
    pub notes: Vec<String>,
}

/// The files that were used, by their paths without links.
#[derive(Debug, Default)]
struct Used {
    paths: BTreeSet<String>,
    notes: Vec<String>,
}

/// Adds what a trace shows to the closure. `again` computes the closure with more requested files.
pub(crate) fn join(
    (image, tree): (&Image, &Tree),
    config: &ImageConfig,
    trace: &Trace,
    closure: &mut Closure,
    again: &dyn Fn(Vec<RequestedFile>) -> Closure,
) -> Result<TraceReport, TraceError> {
    let used = match trace {
        Trace::File(file) => lines::read(file, tree, &config.working_directory)?,
        Trace::Run(options) => observe(image, tree, options)?,
    };
    let Compared { report, added } = compare(tree, closure, used);
    if !added.is_empty() {
        *closure = again(added);
    }
    Ok(report)
}

#[cfg(target_os = "linux")]
use run::observe;

#[cfg(not(target_os = "linux"))]
fn observe(_: &Image, _: &Tree, _: &RunOptions) -> Result<Used, TraceError> {
    Err(TraceError::NotLinux)
}

/// The report, and the files to add.
struct Compared {
    report: TraceReport,
    added: Vec<RequestedFile>,
}

fn compare(tree: &Tree, closure: &Closure, used: Used) -> Compared {
    let sources = |paths: &mut dyn Iterator<Item = &String>| -> BTreeSet<Source> {
        paths.filter_map(|path| tree.get(path)).map(|node| node.source.clone()).collect()
    };
    // A file with several names was used by one of them.
    let (kept_sources, used_sources) =
        (sources(&mut closure.files.keys()), sources(&mut used.paths.iter()));
    let sized = |path: &str| (path.to_owned(), tree.get(path).map_or(0, |node| node.size));
    let mut only_used: Vec<(String, u64)> = used
        .paths
        .iter()
        .filter(|path| tree.get(path).is_some_and(|it| !kept_sources.contains(&it.source)))
        .map(|path| sized(path))
        .collect();
    let added = only_used
        .iter()
        .map(|(path, _)| RequestedFile { path: path.clone(), of: "the trace".into(), run: false })
        .collect();
    let mut only_kept: Vec<(String, u64)> = closure
        .files
        .iter()
        .filter(|(_, because)| because.reason != Reason::Record)
        .filter(|(path, _)| {
            tree.get(path).is_some_and(|node| {
                node.kind == EntryKind::File && !used_sources.contains(&node.source)
            })
        })
        .map(|(path, _)| sized(path))
        .collect();
    let (unused, unused_bytes) =
        (only_kept.len() as u64, only_kept.iter().map(|(_, size)| size).sum());
    for list in [&mut only_used, &mut only_kept] {
        list.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    }
    only_kept.truncate(LIST);
    let (count, notes) = (used_sources.len() as u64, used.notes);
    let report = TraceReport { used: count, only_used, unused, unused_bytes, only_kept, notes };
    Compared { report, added }
}
