//! Render Helm charts as `helm template` does, with a map from every rendered byte to its origin.
//!
//! A chart's files come in, manifests and a source map come out. The evaluation of templates is this
//! crate's own, because no library keeps track of where a byte comes from: every value carries the
//! place in the values file that it is from, every text the template nodes that wrote its parts, and
//! both survive `include`, `tpl`, `range` and `toYaml | nindent`.
//!
//! Invariants:
//!
//! * The output is Helm's, byte for byte, but for random values: these are deterministic, and marked
//!   as generated ([`Source::generated`]).
//! * Nothing is read but the given bytes: no file, no environment, no clock, no network. Only a
//!   caller can give templates a cluster to look into ([`Cluster`]).
//! * No error shows a value that is a secret: what fails is a [`failure::Failure`], which cannot be
//!   printed, until the gate has made a [`RenderError`] of it.
//! * A hostile chart costs a bounded amount of time and memory: nodes, bytes of text (intermediate
//!   results included), recursion and nesting are limited, and exceeding a limit is an error.

mod budget;
mod bytes;
mod chart;
mod cluster;
mod dates;
mod decode;
mod emit;
mod evaluate;
mod failure;
mod functions;
mod json;
mod json_read;
mod manifests;
mod number;
mod origin;
mod print;
mod printf;
mod render;
mod semver;
mod tabs;
mod template;
mod text;
mod value;

use std::sync::Arc;

pub use cluster::Cluster;
pub use emit::{Shape, Tree, write_yaml};
pub use evaluate::{Text, evaluate, yaml_to_json};
pub use failure::RenderError;
pub use render::render;

/// What a rendering depends on besides the chart.
#[derive(Clone, Debug)]
pub struct Options {
    /// `.Release.Name`.
    pub release_name: String,
    /// `.Release.Namespace`.
    pub namespace: String,
    /// Values, in the order of their flags: later ones win.
    pub values: Vec<Values>,
    /// The minor version of Kubernetes 1 that charts see.
    pub kubernetes_minor: u32,
    /// Further API versions that charts see, such as `monitoring.coreos.com/v1`.
    pub api_versions: Vec<String>,
    /// Whether the files of `crds/` are part of the result.
    pub include_crds: bool,
    /// Whether tests (`helm.sh/hook: test`) are left out.
    pub skip_tests: bool,
    /// The cluster that `lookup` reads, and whose API versions charts see; without, `lookup` finds
    /// nothing, as in Helm's template mode.
    pub cluster: Option<Arc<dyn Cluster>>,
    /// Whether a chart is rendered without the dependencies that `charts/` lacks; Helm refuses it.
    pub allow_missing_dependencies: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            release_name: "release-name".to_owned(),
            namespace: "default".to_owned(),
            values: Vec::new(),
            kubernetes_minor: 35,
            api_versions: Vec::new(),
            include_crds: false,
            skip_tests: false,
            cluster: None,
            allow_missing_dependencies: false,
        }
    }
}

/// Values that the user gives for a chart.
#[derive(Clone, Debug)]
pub enum Values {
    /// `--values`: a YAML file, with its name.
    File(String, Arc<str>),
    /// YAML that a template made: a values file of a helmfile.
    Made {
        /// The name of the template's file.
        name: String,
        /// The template.
        text: Arc<str>,
        /// The YAML.
        made: String,
        /// Where the YAML comes from, in the template.
        map: SourceMap,
    },
    /// `--set`: assignments, such as `a.b=1,c={x,y}`.
    Set(String),
    /// `--set-string`: assignments of text.
    SetString(String),
    /// `--set-json`: assignments of JSON, or an object of values.
    SetJson(String),
    /// `--set-file`: a path and the content of a file.
    SetFile(String, String),
}

impl Values {
    /// The flag that gives such assignments.
    fn flag(&self) -> Option<&'static str> {
        match self {
            Self::File(..) | Self::Made { .. } => None,
            Self::Set(_) => Some("--set"),
            Self::SetString(_) => Some("--set-string"),
            Self::SetJson(_) => Some("--set-json"),
            Self::SetFile(..) => Some("--set-file"),
        }
    }
}

/// A rendered chart.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The manifests, in the order of `helm template`: hooks come last.
    pub manifests: Vec<Manifest>,
    /// The files that origins refer to.
    pub files: Vec<InputFile>,
    /// The enabled dependencies that are not part of the result, since `charts/` lacks them.
    pub missing_dependencies: Vec<String>,
}

impl Rendered {
    /// The text that `helm template` prints.
    #[must_use]
    pub fn text(&self) -> String {
        let write = |text: &mut String, manifest: &Manifest| {
            text.push_str("---\n# Source: ");
            text.push_str(&manifest.template);
            text.push('\n');
            text.push_str(&manifest.text);
            text.push('\n');
        };
        let mut plain = String::new();
        let (hooks, others): (Vec<_>, Vec<_>) =
            self.manifests.iter().partition(|manifest| manifest.hook.is_some());
        others.into_iter().for_each(|manifest| write(&mut plain, manifest));
        let mut text = format!("{}\n", plain.trim());
        hooks.into_iter().for_each(|manifest| write(&mut text, manifest));
        text
    }
}

/// A file that a rendering read.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// Its path in the chart, or the name that the caller gave it.
    pub name: String,
    /// Its text.
    pub text: Arc<str>,
    /// Whether the caller gave it beside the chart ([`Values::File`]).
    pub given: bool,
}

/// A document that a template rendered.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The template, as Helm names it: `chart/charts/subchart/templates/web.yaml`.
    pub template: String,
    /// The template's index in [`Rendered::files`].
    pub file: usize,
    /// Its text, without separators.
    pub text: String,
    /// The events that it is a hook for, if it is one.
    pub hook: Option<String>,
    /// Where its bytes come from.
    pub map: SourceMap,
}

/// Where the bytes of a text come from.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    marks: Vec<text::Mark>,
}

/// The origin of a byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The template node that wrote it.
    pub template: Option<Location>,
    /// The place in a values file that it is from, if a value made it.
    pub values: Option<Location>,
    /// Whether it is not for a search for credentials: a random function made it, so that every
    /// installation has another value, or it is a copy of a text that is searched by itself.
    pub generated: bool,
}

/// A byte of an input file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The index in [`Rendered::files`].
    pub file: usize,
    /// The byte in its text.
    pub offset: u32,
    /// Whether the following bytes come from the following bytes of the file, and not all from the
    /// same node.
    pub verbatim: bool,
}

impl SourceMap {
    /// The origin of the byte at `offset`.
    #[must_use]
    pub fn at(&self, offset: usize) -> Source {
        let after = self.marks.partition_point(|(start, _)| *start as usize <= offset);
        let Some((start, origin)) = after.checked_sub(1).and_then(|index| self.marks.get(index))
        else {
            return Source::default();
        };
        source(origin.advanced(offset - *start as usize))
    }

    /// The bytes at which the origin changes, with the origin from there on.
    pub fn segments(&self) -> impl Iterator<Item = (u32, Source)> {
        self.marks.iter().map(|(start, origin)| (*start, source(*origin)))
    }

    /// Whether a random function made a byte of this range.
    #[must_use]
    pub fn is_generated(&self, range: std::ops::Range<usize>) -> bool {
        let first = self.marks.partition_point(|(start, _)| *start as usize <= range.start);
        let touching = self.marks.get(first.saturating_sub(1)..).unwrap_or_default();
        touching
            .iter()
            .take_while(|(start, _)| (*start as usize) < range.end)
            .any(|(_, origin)| origin.generated)
    }
}

fn source(origin: origin::Origin) -> Source {
    let location = |place: origin::Place| {
        let file = usize::from(place.file).checked_sub(1)?;
        Some(Location { file, offset: place.offset, verbatim: place.verbatim })
    };
    Source {
        template: location(origin.template),
        values: location(origin.value),
        generated: origin.generated,
    }
}
