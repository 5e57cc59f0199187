//! Make a smaller image that holds only what the entry point needs.
//!
//! What that is, [`coaming_image::closure`] says; here it is chosen, written and told. Invariants:
//!
//! * Nothing is run, and nothing of the image is unpacked: files go from the layers into the new one.
//! * Nothing is written but the output, which appears whole or not at all, and never replaces what
//!   is no image.
//! * The same image and the same wishes make the same bytes.
//! * An image that can't be read whole is not slimmed.

mod configuration;
mod database;
mod keep;
mod layer;
mod layout;
mod report;
mod rpm;
mod select;

use std::path::Path;

use coaming_image::{Image, ImageFacts, Limit, closure};

pub use layout::Form;
pub use report::{Counts, Gone, KeptFile, KeptGroup, Report};

/// What the user wants beside the entry point, and how the result is named.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Packages of the distribution, paths, or patterns of paths.
    pub keep: Vec<String>,
    /// The name that the result has for whoever loads it: `shop/web:1.4-slim`.
    pub name: Option<String>,
    /// Whether to replace an image that is there.
    pub force: bool,
}

/// Why an image can't be slimmed. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SlimError {
    /// The image has more files than are looked at.
    #[error("the image has too many files to be slimmed (more than 400000)")]
    TooLarge,
    /// A part of the image can't be read, so that nobody knows what is in it.
    #[error("the image can't be read whole, so what it needs is unknown: {0}")]
    Unreadable(String),
    /// Neither an entry point nor a command is set.
    #[error(
        "the image has no ENTRYPOINT and no CMD: name what must stay by --keep, such as \
         --keep /usr/bin/app"
    )]
    NoEntryPoint,
    /// The entry point is not in the image.
    #[error(
        "the entry point {0} is no program in the image; if it is mounted at run time, name what \
         it needs by --keep"
    )]
    NoProgram(String),
    /// What the user wants to keep is not there.
    #[error("--keep {0}: the image has neither such a package nor such a file")]
    NothingToKeep(String),
    /// A pattern is none.
    #[error("--keep {pattern}: {message}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        message: String,
    },
    /// The output is there already, and may not be replaced.
    #[error("{path} exists: {advice}")]
    Exists {
        /// The output.
        path: String,
        /// What to do.
        advice: &'static str,
    },
    /// The output's name asks for a form that is not written.
    #[error(
        "{0}: images are written as a directory or as a .tar, whose layer is compressed already"
    )]
    Form(String),
    /// The configuration does not keep to its format.
    #[error("the image's configuration can't be read: {0}")]
    Configuration(serde_json::Error),
    /// Something can't be written.
    #[error("can't write {path}: {source}")]
    Write {
        /// What.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The result can't be read back.
    #[error("what was written can't be read back: {0}")]
    Verify(#[from] coaming_image::ImageError),
}

/// What was made, with the facts before and after.
#[derive(Debug)]
pub struct Slimmed {
    /// What went, what stayed and why, and what can't be known.
    pub report: Report,
    /// The facts of the image that was slimmed.
    pub before: ImageFacts,
    /// The facts of the new image, as they were read back.
    pub after: ImageFacts,
}

/// Writes a smaller image to `out`: an OCI archive if that ends in `.tar`, else the directory of an OCI
/// layout.
///
/// # Errors
///
/// If the image can't be read whole, has no entry point, or the output can't be written; then nothing
/// is written.
pub fn slim(image: &Image, out: &Path, options: &Options) -> Result<Slimmed, SlimError> {
    let form = Form::of(out)?;
    form.check(out, options.force)?;
    let (before, tree) = image.read_with_tree();
    let tree = tree.ok_or(SlimError::TooLarge)?;
    if let Some(problem) =
        before.problems.iter().find(|it| it.place.path.is_empty() && it.place.layer.is_some())
    {
        return Err(SlimError::Unreadable(problem.message.clone()));
    }
    let asked = keep::asked(&tree, &options.keep)?;
    let closure = closure(&tree, &before.config, &asked);
    if closure.programs.is_empty() && asked.is_empty() {
        let missing = closure.limits.into_iter().find_map(|limit| match limit {
            Limit::NoProgram { program } => Some(program),
            _ => None,
        });
        return Err(missing.map_or(SlimError::NoEntryPoint, SlimError::NoProgram));
    }
    let chosen = select::choose(&tree, closure);
    let layer = layer::write(image, &tree, &chosen)?;
    let configuration = configuration::slimmed(image, &layer.diff_id)?;
    let digest = layout::write(out, form, options, &configuration, layer.compressed)?;
    let after = Image::open(out, None)?.read();
    let notes = configuration::notes(image, &tree, &chosen, &after);
    let report = report::report(&tree, &chosen, &before, &after, digest, notes);
    Ok(Slimmed { report, before, after })
}
