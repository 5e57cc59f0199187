//! What was used while the image ran, joined with what the closure determines from the files.
//!
//! A trace only ever adds files: what was not used during it may be used tomorrow, so it is only
//! reported.

mod lines;

use std::collections::BTreeSet;
use std::path::Path;

use coaming_image::{Closure, EntryKind, ImageConfig, Reason, RequestedFile, Source, Tree};
use serde::Serialize;

/// The most unused files that the report names.
const LIST: usize = 1000;

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
    /// Which part of the trace was not understood.
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
    tree: &Tree,
    config: &ImageConfig,
    file: &Path,
    closure: &mut Closure,
    again: &dyn Fn(Vec<RequestedFile>) -> Closure,
) -> Result<TraceReport, TraceError> {
    let used = lines::read(file, tree, &config.working_directory)?;
    let Compared { report, added } = compare(tree, closure, used);
    if !added.is_empty() {
        *closure = again(added);
    }
    Ok(report)
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
