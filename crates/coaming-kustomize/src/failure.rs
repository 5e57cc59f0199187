//! Why a build fails.
//!
//! A message may quote any value of the overlay. A [`Failure`] cannot be printed; [`Failure::shown`]
//! makes a [`BuildError`] of it, whose messages passed the gate.

use coaming_secret::gate::{KnownValues, ShownText};

use crate::Place;

/// Why an overlay could not be built, in words that may quote its values.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// [`BuildError::Invalid`].
    Invalid { place: Option<Place>, message: String },
    /// [`BuildError::Invalid`]: a file that a kustomization names does not exist.
    Missing { place: Option<Place>, name: String },
    /// [`BuildError::Remote`].
    Remote { place: Option<Place>, address: String },
    /// [`BuildError::Program`].
    Program { place: Option<Place>, message: String },
    /// [`BuildError::Limit`].
    Limit(&'static str),
}

impl Failure {
    /// The error, without the values of these inputs that are secrets.
    pub(crate) fn shown(self, known: &KnownValues) -> BuildError {
        match self {
            Self::Invalid { place, message } => {
                BuildError::Invalid { place, message: known.shown(&message) }
            }
            // Nobody keeps a secret in the name of a file: one that happens to contain one of the values
            // is shown.
            Self::Missing { place, name } => {
                let message = format!("names `{name}`, which does not exist");
                BuildError::Invalid { place, message: KnownValues::default().shown(&message) }
            }
            Self::Remote { place, address } if !address.contains(['?', '@']) => {
                BuildError::Remote { place, address: KnownValues::default().shown(&address) }
            }
            Self::Remote { place, address } => {
                BuildError::Remote { place, address: known.shown(&address) }
            }
            Self::Program { place, message } => {
                BuildError::Program { place, message: known.shown(&message) }
            }
            Self::Limit(what) => BuildError::Limit(what),
        }
    }
}

/// Why an overlay could not be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A file is malformed or missing, or a field asks for something that Kustomize refuses too.
    #[error("{message}")]
    Invalid {
        /// Where, if it is in a file.
        place: Option<Place>,
        /// What is wrong.
        message: ShownText,
    },
    /// A field names something that would be fetched from the network.
    #[error("`{address}` would be fetched from the network")]
    Remote {
        /// Where it is named.
        place: Option<Place>,
        /// The address.
        address: ShownText,
    },
    /// A plugin is a program, which is not run.
    #[error("{message}")]
    Program {
        /// Where it is configured.
        place: Option<Place>,
        /// What it is.
        message: ShownText,
    },
    /// The overlay exceeds a limit: of depth, of bytes, of objects.
    #[error("this overlay is too large to build: {0}")]
    Limit(&'static str),
}

impl BuildError {
    /// Where the error is, if it is in a file.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Invalid { place, .. }
            | Self::Remote { place, .. }
            | Self::Program { place, .. } => place.as_ref(),
            Self::Limit(_) => None,
        }
    }
}
