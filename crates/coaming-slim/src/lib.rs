//! Make a smaller image that holds only what the entry point needs.
//!
//! [`coaming_image::closure`] determines what that is; this crate selects the files, writes the image
//! and reports what it did. Invariants:
//!
//! * Files go from the layers straight into the new one. Nothing is run and nothing is unpacked,
//!   unless the user asks for a trace of a real run.
//! * Only the output is written. It appears whole or not at all, and replaces nothing but an image.
//! * The same image and the same options make the same bytes.
//! * An image that cannot be read completely is not slimmed.

mod configuration;
mod database;
mod keep;
mod layer;
mod layout;
mod report;
mod rpm;
mod select;
mod trace;

use std::path::Path;

use coaming_image::{Image, ImageFacts, Limit};
use coaming_oci::ReferenceError;

pub use layout::OutputFormat;
pub use report::{Counts, Gone, KeptFile, KeptGroup, Report};
pub use trace::{RunOptions, Trace, TraceError, TraceReport, Variable};

/// What to keep in addition to what the entry point needs, and how to name the result.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Packages of the distribution, paths, or glob patterns of paths.
    pub keep: Vec<String>,
    /// The name of the result for `docker load`: `shop/web:1.4-slim`.
    pub name: Option<String>,
    /// Whether to replace an existing image.
    pub force: bool,
    /// A trace of what is used while the image runs.
    pub trace: Option<Trace>,
}

/// Why an image cannot be slimmed. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SlimError {
    /// The image has more than 400,000 files.
    #[error("the image has too many files to be slimmed (more than 400000)")]
    TooLarge,
    /// A layer cannot be read, so that its files are unknown.
    #[error("the image cannot be read completely, so what it needs is unknown: {0}")]
    Unreadable(String),
    /// Neither an entry point nor a command is set.
    #[error(
        "the image has neither ENTRYPOINT nor CMD: name what must stay with --keep, such as \
         --keep /usr/bin/app"
    )]
    NoEntryPoint,
    /// The entry point is not in the image.
    #[error(
        "the entry point {0} is not a program in the image; if it is mounted at run time, name \
         what it needs with --keep"
    )]
    NoProgram(String),
    /// The image has nothing that matches a `--keep`.
    #[error("--keep {0}: the image has neither a package nor a file of this name")]
    NothingToKeep(String),
    /// A `--keep` is not a valid glob pattern.
    #[error("--keep {pattern}: {message}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        message: String,
    },
    /// The output exists and may not be replaced.
    #[error("{path} exists: {advice}")]
    Exists {
        /// The output.
        path: String,
        /// What to do.
        advice: &'static str,
    },
    /// The output's name asks for an unsupported format.
    #[error(
        "{0}: images are written as a directory or as a .tar, whose layer is compressed already"
    )]
    Format(String),
    /// The name for the result is not a valid reference.
    #[error("--name {name}: it is not a valid image name: {source}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        source: ReferenceError,
    },
    /// The name for the result has a digest, which cannot be known before the image is written.
    #[error("--name {0}: a new image cannot be named by a digest")]
    NameWithDigest(String),
    /// The image's configuration is not valid JSON.
    #[error("the image's configuration cannot be read: {0}")]
    Configuration(#[source] serde_json::Error),
    /// The output or a temporary file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The trace cannot be used.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The result cannot be read back.
    #[error("the new image cannot be read back: {0}")]
    Verify(#[from] coaming_image::ImageError),
}

/// The result, with the facts about the image before and after.
#[derive(Debug)]
pub struct Slimmed {
    /// What was removed, what stayed and why, and what remains uncertain.
    pub report: Report,
    /// The facts about the original image.
    pub before: ImageFacts,
    /// The facts about the new image, read back from the output.
    pub after: ImageFacts,
}

/// Writes a smaller image to `out`: an OCI archive if the path ends in `.tar`, or else the directory
/// of an OCI layout.
///
/// # Errors
///
/// See [`SlimError`]. Then nothing is written.
pub fn slim(image: &Image, out: &Path, options: &Options) -> Result<Slimmed, SlimError> {
    let format = OutputFormat::of(out)?;
    format.check(out, options.force)?;
    let name = options.name.as_deref().map(layout::full_name).transpose()?;
    let (before, tree) = image.read_with_tree();
    let tree = tree.ok_or(SlimError::TooLarge)?;
    if let Some(problem) =
        before.problems.iter().find(|it| it.place.path.is_empty() && it.place.layer.is_some())
    {
        return Err(SlimError::Unreadable(problem.message.clone()));
    }
    let requested = keep::requested(&tree, &options.keep)?;
    let mut closure = coaming_image::closure(&tree, &before.config, &requested);
    if closure.programs.is_empty() && requested.is_empty() {
        let missing = closure.limits.into_iter().find_map(|limit| match limit {
            Limit::NoProgram { program } => Some(program),
            _ => None,
        });
        return Err(missing.map_or(SlimError::NoEntryPoint, SlimError::NoProgram));
    }
    let again = |added: Vec<_>| {
        let all: Vec<_> = requested.iter().cloned().chain(added).collect();
        coaming_image::closure(&tree, &before.config, &all)
    };
    let files = (image, &tree);
    let join = |trace: &Trace| trace::join(files, &before.config, trace, &mut closure, &again);
    let trace = options.trace.as_ref().map(join).transpose()?;
    let selection = select::select(&tree, closure);
    let layer = layer::write(image, &tree, &selection)?;
    let configuration = configuration::slimmed(image, &layer.diff_id)?;
    let digest =
        layout::write(out, format, options, &configuration, layer.compressed, name.as_ref())?;
    let after = Image::open(out, None)?.read();
    let notes = configuration::notes(image, &tree, &selection, &after);
    let mut report = report::report(&tree, &selection, &before, &after, digest.to_string(), notes);
    report.trace = trace;
    Ok(Slimmed { report, before, after })
}
