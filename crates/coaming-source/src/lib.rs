//! Turn paths, charts, overlays and standard input into parsed files, ready for an inventory.
//!
//! This crate finds, reads and renders; it judges nothing. Invariants:
//!
//! * The result depends on the files alone: it is sorted by name, whatever order the disk or the
//!   threads gave.
//! * What can't be handled is an [`InputError`] that says what to do, and never costs the others.
//! * No input is read beyond [`Options::max_file_bytes`]; no file is written; no socket is opened
//!   but by `load_cluster` (feature `cluster`), which asks the cluster that the user named. A renderer that would fetch from the network is not started.
//! * A Helm chart or Kustomize overlay is never parsed raw: it is rendered, or reported.

#[cfg(feature = "cluster")]
mod cluster;
mod excerpt;
mod kustomize;
mod layout;
mod read;
mod render;
mod texts;
mod walk;

use std::path::PathBuf;

use globset::GlobSet;
use rayon::prelude::*;

#[cfg(feature = "cluster")]
pub use cluster::{ClusterOptions, load_cluster};
pub use excerpt::excerpt;
pub use read::{ReadError, read_text};
pub use texts::Texts;

use coaming_kube::FileEntry;

/// What to take in, and within which bounds.
#[derive(Clone, Debug)]
pub struct Options {
    /// Paths (as shown) that are left out, charts and overlays included.
    pub exclude: GlobSet,
    /// Whether `.gitignore` files are respected in directories. Files named outright are always read.
    pub gitignore: bool,
    /// The largest file that is read, in bytes.
    pub max_file_bytes: u64,
    /// Whether charts and overlays may be rendered by programs on `PATH`.
    pub render: bool,
    /// Take the files that charts and overlays are made of, in place of what is rendered from them:
    /// for whoever changes files, and does not judge objects. Charts' templates are left out.
    pub as_written: bool,
    /// Whether directories are searched for files of every name ([`Texts`]).
    pub every_name: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            exclude: GlobSet::empty(),
            gitignore: true,
            max_file_bytes: 64 << 20,
            render: true,
            as_written: false,
            every_name: false,
        }
    }
}

/// An input that could not be handled, wholly or in part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputError {
    /// The file or directory as the user named it.
    pub file: String,
    /// Line and column, from 1, where the trouble has a place.
    pub position: Option<(u32, u32)>,
    /// What is wrong and what to do.
    pub message: String,
}

impl InputError {
    fn new(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), position: None, message: message.into() }
    }
}

/// All that was taken in.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Parsed files that hold Kubernetes objects, and texts of the other kinds, sorted by name.
    pub files: Vec<FileEntry>,
    /// What could not be handled, sorted.
    pub errors: Vec<InputError>,
    /// How many files were read.
    pub read: usize,
}

/// Reads all that `paths` name: files, directories, globs, and `-` for standard input.
#[must_use]
pub fn load(paths: &[PathBuf], options: &Options) -> Loaded {
    let mut found = walk::find(paths, options);
    let mut layout = layout::sort_out(&mut found, options);
    let mut loaded = Loaded { errors: found.errors, ..Loaded::default() };
    if found.stdin {
        read::stdin(options).add_to(&mut loaded);
    }
    let outcomes: Vec<read::Outcome> = layout
        .plain
        .par_iter()
        .map_init(Vec::new, |buffer, candidate| read::file(candidate, options, buffer))
        .collect();
    loaded.files.reserve(outcomes.iter().map(|outcome| outcome.files.len()).sum());
    for outcome in outcomes {
        outcome.add_to(&mut loaded);
    }
    loaded.read += layout.texts.len();
    loaded.files.append(&mut layout.texts);
    loaded.errors.append(&mut layout.errors);
    if options.as_written {
        layout.charts.clear();
        layout.overlays.clear();
    }
    for outcome in render::all(&layout.charts, &layout.overlays, options) {
        outcome.add_to(&mut loaded);
    }
    loaded.files.sort_by(|a, b| a.name.cmp(&b.name));
    loaded.errors.sort();
    loaded.errors.dedup();
    loaded
}

#[cfg(test)]
mod tests;
