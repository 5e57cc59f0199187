//! Turn paths, charts, overlays and standard input into parsed files, ready for a world.
//!
//! This crate finds, reads and renders; it judges nothing. Invariants:
//!
//! * The result depends on the files alone: it is sorted by name, whatever order the disk or the
//!   threads gave.
//! * An input that cannot be handled is an [`InputError`] that says what to do; the others stay
//!   whole.
//! * No input is read beyond [`Options::max_file_bytes`]; no file is written; no socket is opened.
//!   A renderer that would fetch from the network is not started.
//! * A Helm chart or Kustomize overlay is never parsed raw: it is rendered, or reported. Charts are
//!   rendered here, without any program; each byte of the result knows its template and values.

mod admission;
mod chart;
mod empty;
mod excerpt;
mod kustomize;
mod layout;
mod misfit;
mod read;
mod render;
mod texts;
mod walk;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use coaming_config::PatternBase;
use globset::GlobSet;
use rayon::prelude::*;

pub use admission::{AdmissionError, AdmissionRequest, MAX_REVIEW_BYTES, admission_request};
pub use chart::{ChartError, position, render_chart};
pub use coaming_finding::InputError;
pub use excerpt::excerpt;
pub use read::{ReadError, read_text};
pub use texts::Texts;

use coaming_kube::{Source, SourceId, SourceKind, World};

use read::Outcome;

/// What to read, and within which bounds.
#[derive(Clone, Debug)]
pub struct Options {
    /// Paths to leave out, including charts and overlays.
    pub exclude: Exclude,
    /// Whether `.gitignore` files are respected in directories. Files that the user named are
    /// always read.
    pub gitignore: bool,
    /// The largest file that is read, in bytes.
    pub max_file_bytes: u64,
    /// Whether charts are rendered, and overlays by programs on `PATH`.
    pub render: bool,
    /// Whether charts are rendered by the `helm` on `PATH` instead of our own renderer.
    pub external: bool,
    /// The minor version of Kubernetes 1 that charts see; our renderer's default without.
    pub kubernetes_minor: Option<u32>,
    /// Read the files that charts and overlays are made of instead of rendering them, for callers
    /// that edit files. Templates of charts are left out.
    pub as_written: bool,
    /// Whether files of every name are searched for in directories ([`Texts`]).
    pub every_name: bool,
    /// Whether a path in which there is nothing to scan is accepted. A mistyped directory would
    /// otherwise pass forever.
    pub allow_empty: bool,
}

/// Patterns of paths to leave out.
#[derive(Clone, Debug, Default)]
pub struct Exclude {
    /// The patterns: a directory that matches is left out with everything in it.
    pub globs: GlobSet,
    /// Where the patterns start.
    pub base: PatternBase,
}

impl Exclude {
    /// Whether a file is left out, by its displayed name.
    fn matches(&self, name: &str) -> bool {
        if self.globs.is_empty() {
            return false;
        }
        let name = self.base.relative(name);
        let directories = name.match_indices('/').filter_map(|(end, _)| name.get(..end));
        self.globs.is_match(&*name) || directories.into_iter().any(|part| self.globs.is_match(part))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            exclude: Exclude::default(),
            gitignore: true,
            max_file_bytes: 64 << 20,
            render: true,
            external: false,
            kubernetes_minor: None,
            as_written: false,
            every_name: false,
            allow_empty: false,
        }
    }
}

/// One possible cluster: what a chart or an overlay renders to, or the plain files of the input.
///
/// Three overlays of one base are three possible clusters, not one: each is judged by itself.
#[derive(Debug, Default)]
pub struct Variant {
    /// The directory of the chart or overlay; `None` for the plain files.
    pub name: Option<Arc<str>>,
    /// Its sources, sorted by name. Ids are unique across variants.
    pub sources: Vec<(SourceId, Arc<Source>)>,
}

impl Variant {
    /// The only variant of an input.
    #[must_use]
    pub fn only(sources: Vec<Source>) -> Self {
        let numbered = (0..).map(SourceId::new).zip(sources.into_iter().map(Arc::new));
        Self { name: None, sources: numbered.collect() }
    }

    /// Its world.
    #[must_use]
    pub fn world(&self) -> World {
        World::numbered(self.sources.iter().cloned())
    }
}

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The possible clusters: the plain files first, if there are any, then charts and overlays by
    /// name.
    pub variants: Vec<Variant>,
    /// The inputs that could not be handled, sorted.
    pub errors: Vec<InputError>,
    /// How many files were read.
    pub read: usize,
}

impl Loaded {
    /// Every source of every variant, sorted by name.
    #[must_use]
    pub fn into_sources(self) -> Vec<Source> {
        let all = self.variants.into_iter().flat_map(|variant| variant.sources);
        let mut sources: Vec<(SourceId, Arc<Source>)> = all.collect();
        sources.sort_by_key(|(id, _)| *id);
        sources.into_iter().map(|(_, source)| Arc::unwrap_or_clone(source)).collect()
    }
}

/// Reads everything that `paths` name: files, directories, globs, and `-` for standard input.
#[must_use]
pub fn load(paths: &[PathBuf], options: &Options) -> Loaded {
    let mut found = walk::find(paths, options);
    let mut layout = layout::classify(&mut found, options);
    let charts: Vec<String> = layout.charts.iter().map(|chart| chart.name.clone()).collect();
    let mut plain = Outcome { errors: found.errors, ..Outcome::default() };
    if found.stdin {
        plain.append(read::stdin(options));
    }
    if options.as_written {
        layout.charts.clear();
        layout.overlays.clear();
    }
    let mut rendered = render::all(&layout.charts, &layout.overlays, options);
    layout.plain.extend(layout::unrendered(&layout.overlays, &rendered, &layout.plain));
    let outcomes: Vec<Outcome> = layout
        .plain
        .par_iter()
        .map_init(Vec::new, |buffer, candidate| read::file(candidate, options, buffer))
        .collect();
    plain.files.reserve(outcomes.iter().map(|outcome| outcome.files.len()).sum());
    outcomes.into_iter().for_each(|outcome| plain.append(outcome));
    plain.read += layout.texts.len();
    plain.files.append(&mut layout.texts);
    plain.errors.append(&mut layout.errors);
    rendered.sort_by(|(a, _), (b, _)| a.cmp(b));
    let named = rendered.into_iter().map(|(name, outcome)| (Some(Arc::from(name)), outcome));
    let mut loaded = put_together(std::iter::once((None, plain)).chain(named).collect());
    if !options.allow_empty {
        let known = charts.into_iter().chain(found.excluded);
        loaded.errors.extend(empty::paths(paths, &loaded, known));
        loaded.errors.sort();
    }
    loaded
}

/// Numbers the sources of all variants by their names, so that findings of different variants are in
/// the order of the files.
fn put_together(outcomes: Vec<(Option<Arc<str>>, Outcome)>) -> Loaded {
    let mut loaded = Loaded::default();
    let mut sources: Vec<(usize, Source)> = Vec::new();
    for (place, (name, outcome)) in outcomes.into_iter().enumerate() {
        loaded.variants.push(Variant { name, sources: Vec::with_capacity(outcome.files.len()) });
        loaded.errors.extend(outcome.errors);
        loaded.read += outcome.read;
        sources.extend(outcome.files.into_iter().map(|source| (place, source)));
    }
    sources.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    let ids: BTreeMap<(usize, &str), SourceId> = (0..)
        .zip(&sources)
        .filter(|(_, (_, source))| source.kind == SourceKind::ChartFile)
        .map(|(number, (place, source))| ((*place, source.name.as_str()), SourceId::new(number)))
        .collect();
    let of_maps: Vec<Vec<SourceId>> = sources
        .iter()
        .map(|(place, source)| {
            let names = source.rendering.iter().flat_map(|map| &map.names);
            let unknown = SourceId::new(u64::MAX);
            names.map(|name| *ids.get(&(*place, name.as_str())).unwrap_or(&unknown)).collect()
        })
        .collect();
    for (number, ((place, mut source), files)) in (0..).zip(sources.into_iter().zip(of_maps)) {
        if let Some(map) = &mut source.rendering {
            map.files = files;
        }
        if let Some(variant) = loaded.variants.get_mut(place) {
            variant.sources.push((SourceId::new(number), Arc::new(source)));
        }
    }
    loaded.variants.retain(|variant| !variant.sources.is_empty());
    loaded.errors.sort();
    loaded.errors.dedup();
    loaded
}
