//! Build Kustomize overlays as `kustomize build` does, with a map from every key and value of the
//! result to the file, and the bytes in it, that made it: a resource, a patch, a generator.
//!
//! A [`Files`] is all that a build sees. The result is that of Kustomize 5.7, byte for byte, with
//! its oddities: what users deploy is judged, and not what they might have meant.
//!
//! Invariants:
//!
//! * Nothing is fetched, and no program is run: a remote address in any field is a
//!   [`BuildError::Remote`], a plugin that is a program a [`BuildError::Program`].
//! * A kustomization reads files in or below its own directory, and other directories only as
//!   bases, as Kustomize restricts it. Links are followed before this is checked.
//! * A hostile overlay costs a bounded amount of time and memory: the depth of bases, the bytes that
//!   are read and the nodes that are built are limited; cycles are errors.
//! * Nothing depends on the environment, the clock or hash order.

mod annotate;
mod build;
mod charts;
mod config;
mod definitions;
mod failure;
mod files;
mod generate;
mod hash;
mod id;
mod json_patch;
mod known;
mod kustomization;
mod merge;
mod order;
mod output;
mod patch;
mod plugin;
mod replacement;
mod resource;
mod scalar;
mod schema;
mod selector;
mod share;
mod target;
mod transform;
mod value;
mod value_add;
mod variables;

use coaming_helm::{InputFile, SourceMap};

pub use build::build;
pub use failure::BuildError;
pub use files::{FileKind, Files, is_remote, join};

/// What a build depends on besides its files.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The minor version of Kubernetes 1 that charts see; the renderer's default without.
    pub kubernetes_minor: Option<u32>,
    /// Whether a build goes on without resources that are remote or do not exist: each is one of
    /// [`Built::problems`], and patches of what is not there are left out.
    pub skip_absent: bool,
}

/// What an overlay builds.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// The objects, in the order of the output.
    pub documents: Vec<Document>,
    /// The files that origins refer to.
    pub files: Vec<InputFile>,
    /// What was left out ([`Options::skip_absent`]).
    pub problems: Vec<BuildError>,
}

impl Built {
    /// The text that `kubectl kustomize` prints.
    #[must_use]
    pub fn text(&self) -> String {
        let texts: Vec<&str> =
            self.documents.iter().map(|document| document.text.as_str()).collect();
        texts.join("---\n")
    }
}

/// An object of the result.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its YAML, which ends with a line break.
    pub text: String,
    /// Where the bytes of the text come from. [`coaming_helm::Source::template`] is the resource,
    /// patch or generator; `values` is set only for what a chart made.
    pub map: SourceMap,
    /// The file that the object itself is from, as an index of [`Built::files`].
    pub file: Option<usize>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, by its path.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1.
    pub column: u32,
}
