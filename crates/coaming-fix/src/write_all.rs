//! Writes many changes, and says which files must not be changed.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use coaming_finding::InputError;
use coaming_kube::{Origin, Source};
use rayon::prelude::*;

use crate::{Change, is_patchable, write};

/// What was written.
#[derive(Debug, Default)]
pub struct Written<'p> {
    /// The changes that were made.
    pub changes: Vec<&'p Change>,
    /// The files that could not be written.
    pub errors: Vec<InputError>,
    /// How many were not begun, because the run was stopped.
    pub left: usize,
}

/// Writes the files, each completely, until `is_stopped`.
#[must_use]
pub fn write_all(changes: &[Change], is_stopped: impl Fn() -> bool + Sync) -> Written<'_> {
    let write = |change| (!is_stopped()).then(|| write(change));
    let outcomes: Vec<_> = changes.par_iter().map(|change| (change, write(change))).collect();
    let mut written = Written::default();
    for (change, outcome) in outcomes {
        match outcome {
            None => written.left += 1,
            Some(Ok(())) => written.changes.push(change),
            Some(Err(error)) => {
                written.errors.push(InputError::new(&change.file, error.to_string()));
            }
        }
    }
    written
}

/// The changes that a patch can make, with the files named relative to the working directory, as `git
/// apply` takes them; and what it cannot.
#[must_use]
pub fn patchable(changes: &[Change]) -> (Vec<Change>, Vec<InputError>) {
    let (can, cannot): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| is_patchable(change));
    let message = "a patch cannot change a file in UTF-16: run without `--diff`";
    let errors = cannot.into_iter().map(|it| InputError::new(&it.file, message.to_owned()));
    (can.into_iter().map(from_here).collect(), errors.collect())
}

/// The change of a file named relative to the working directory.
fn from_here(change: &Change) -> Change {
    let here = std::env::current_dir().ok();
    let name =
        here.and_then(|here| Some(Path::new(&change.file).strip_prefix(here).ok()?.to_owned()));
    let file = name.map_or_else(|| change.file.clone(), |name| name.to_string_lossy().into_owned());
    Change { file, ..change.clone() }
}

/// The reason why a file must not be changed, if there is one. `broken` are files with errors, and with
/// `is_filter` the fixed text of standard input is the output.
#[must_use]
pub fn refusal(file: &Source, broken: &BTreeSet<String>, is_filter: bool) -> Option<String> {
    if file.origin == Origin::Rendered {
        Some("the object was rendered from this file; change the file manually".to_owned())
    } else if broken.contains(&file.name)
        && !coaming_yaml::parse(Arc::clone(&file.text)).errors.is_empty()
    {
        Some("the file has syntax errors; correct them first".to_owned())
    } else if !(file.origin.is_writable() || is_filter && file.origin == Origin::Stdin) {
        Some("standard input cannot be changed; pass the file as an argument".to_owned())
    } else {
        None
    }
}
