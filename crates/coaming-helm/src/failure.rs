//! Why a rendering fails.
//!
//! A message may quote any value of the chart. A [`Failure`] cannot be printed; [`Failure::shown`]
//! makes a [`RenderError`] of it, whose messages passed the gate.

use coaming_secret::gate::{KnownValues, ShownText};

use crate::Values;
use crate::chart::Files;

/// Why a chart could not be rendered, in words that may quote its values.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// [`RenderError::Chart`].
    Chart(String),
    /// [`RenderError::MissingDependencies`].
    MissingDependencies(Vec<String>),
    /// [`RenderError::Values`].
    Values(String),
    /// [`RenderError::Place`].
    Place { file: String, line: u32, column: u32, message: String, is_malformed: bool },
}

/// Why a chart could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The chart itself is malformed or incomplete: no `Chart.yaml`, say.
    #[error("{0}")]
    Chart(ShownText),
    /// `charts/` lacks dependencies that `Chart.yaml` names.
    #[error(
        "found in Chart.yaml, but missing in charts/ directory: {}: run `helm dependency build` to \
         fetch them", .0.join(", ")
    )]
    MissingDependencies(Vec<String>),
    /// Given values cannot be read.
    #[error("{0}")]
    Values(ShownText),
    /// A place in one of the chart's files is wrong: a template fails, or a value violates the
    /// chart's schema.
    #[error("{message}")]
    Place {
        /// The file, by its path in the chart or its given name.
        file: String,
        /// The line, counted from 1.
        line: u32,
        /// The column, counted from 1.
        column: u32,
        /// What is wrong.
        message: ShownText,
        /// Whether the file itself is malformed, so that no values can help.
        is_malformed: bool,
    },
}

impl Failure {
    /// The error, without the values of these inputs that are secrets.
    pub(crate) fn shown(self, known: &KnownValues) -> RenderError {
        match self {
            Self::Chart(message) => RenderError::Chart(known.shown(&message)),
            Self::MissingDependencies(names) => RenderError::MissingDependencies(
                names.iter().map(|name| known.shown(name).to_string()).collect(),
            ),
            Self::Values(message) => RenderError::Values(known.shown(&message)),
            Self::Place { file, line, column, message, is_malformed } => {
                let message = known.shown(&message);
                RenderError::Place { file, line, column, message, is_malformed }
            }
        }
    }
}

/// What the files and values of a rendering contain.
pub(crate) fn known(files: &Files, values: &[Values]) -> KnownValues {
    let mut known = KnownValues::default();
    for file in &files.all {
        known.add_file(&file.name, &file.text);
    }
    for (name, content) in &files.others {
        known.add_file(name, &String::from_utf8_lossy(content));
    }
    for given in values {
        match given {
            // Also one that was not reached before the failure.
            Values::File(name, text) => known.add_file(name, text),
            Values::Made { name, made, .. } => {
                known.add_file(name, made);
                known.add_file("values.yaml", made);
            }
            Values::Set(text) | Values::SetString(text) | Values::SetJson(text) => {
                known.add_assignments(text);
            }
            Values::SetFile(path, content) => {
                content.lines().chain([content.as_str()]).for_each(|line| known.add(path, line));
            }
        }
    }
    known
}
