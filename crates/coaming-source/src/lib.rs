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
//! * A Helm chart or Kustomize overlay is never parsed raw: it is rendered, or reported. Both are
//!   rendered here, without any program; each byte of the result knows the files that made it.

mod buffer;
mod chart;
mod docker;
mod empty;
mod excerpt;
mod kustomize;
mod layout;
mod misfit;
mod origins;
mod overlay;
mod program;
mod read;
mod recipe;
mod release;
mod render;
mod terraform;
mod texts;
mod unrendered;
mod walk;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use coaming_config::PatternBase;
use coaming_finding::Note;
use coaming_helm::Cluster;
use globset::GlobSet;
use rayon::prelude::*;

pub use buffer::{Buffer, buffer};
pub use chart::{ChartError, position, render_chart};
pub use coaming_finding::InputError;
pub use excerpt::excerpt;
pub use origins::{GivenValues, ValuesError, chart_with_origins, overlay_with_origins};
pub use overlay::{build_overlay, is_overlay};
pub use read::{ReadError, read_text};
pub use recipe::Recipe;
pub use release::Release;
pub use texts::{Texts, text_source};

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
    /// Whether charts and overlays are rendered.
    pub render: bool,
    /// Whether they are rendered by the programs on `PATH` instead of our own renderers.
    pub external: bool,
    /// The minor version of Kubernetes 1 that charts see; our renderer's default without.
    pub kubernetes_minor: Option<u32>,
    /// How charts are installed, by the user's configuration.
    pub releases: Vec<Release>,
    /// Whether charts are also rendered with each file of values in their `ci` directories.
    pub test_values: bool,
    /// Read the files that charts and overlays are made of instead of rendering them, for callers
    /// that edit files. Templates of charts are left out.
    pub as_written: bool,
    /// Whether charts can be rendered again with other texts of their files ([`Variant::recipe`]).
    pub keep_recipes: bool,
    /// Whether files of every name are searched for in directories ([`Texts`]).
    pub every_name: bool,
    /// Whether a path in which there is nothing to scan is accepted. A mistyped directory would
    /// otherwise pass forever.
    pub allow_empty: bool,
    /// Contents of manifests and files of charts that count instead of those on disk.
    pub unsaved: Unsaved,
    /// The cluster that `lookup` in charts reads; without, it finds nothing.
    pub cluster: Option<Arc<dyn Cluster>>,
}

/// The texts of an editor that are not saved yet, by the absolute paths of their files.
pub type Unsaved = Arc<BTreeMap<PathBuf, Arc<str>>>;

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
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
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
            releases: Vec::new(),
            test_values: false,
            as_written: false,
            keep_recipes: false,
            every_name: false,
            allow_empty: false,
            unsaved: Unsaved::default(),
            cluster: None,
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
    /// How to render it again, if it is a chart and [`Options::keep_recipes`] is set.
    pub recipe: Option<Box<Recipe>>,
}

impl Variant {
    /// The only variant of an input.
    #[must_use]
    pub fn only(sources: Vec<Source>) -> Self {
        let numbered = (0..).map(SourceId::new).zip(sources.into_iter().map(Arc::new));
        Self { sources: numbered.collect(), ..Self::default() }
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
    /// What was not evaluated, such as a template that runs a program.
    pub notes: Vec<Note>,
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

impl Loaded {
    /// One world of all objects of all variants.
    #[must_use]
    pub fn into_world(self) -> World {
        World::numbered(self.variants.into_iter().flat_map(|variant| variant.sources))
    }
}

/// Reads everything that `paths` name: files, directories, globs, and `-` for standard input.
#[must_use]
pub fn load(paths: &[PathBuf], options: &Options) -> Loaded {
    let paths: Vec<PathBuf> = paths.iter().map(|path| walk::without_detours(path)).collect();
    let paths = paths.as_slice();
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
    let mut of_modules = Vec::new();
    for (outcome, names) in terraform_modules(&layout, options) {
        plain.append(outcome);
        of_modules.extend(names);
    }
    let mut rendered = render::overlays(&layout.overlays, options);
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
    let mut notes = std::mem::take(&mut plain.tally).notes();
    let (errors, notes_found) = (&mut plain.errors, &mut notes);
    let releases = release::all(&layout, &plain.files, paths, options, errors, notes_found);
    let (charts_rendered, installers) = render::charts(&layout.charts, releases, options);
    rendered.extend(charts_rendered);
    for installer in installers {
        if let Some(source) = plain.files.get_mut(installer.source) {
            source.set_installed(installer.document);
        }
    }
    rendered.sort_by(|(a, _), (b, _)| a.cmp(b));
    let named = rendered.into_iter().map(|(name, outcome)| (Some(Arc::from(name)), outcome));
    let mut loaded = put_together(std::iter::once((None, plain)).chain(named).collect());
    if !found.excluded.is_empty() {
        let count = found.excluded.len();
        let (files, are) = if count == 1 { ("file", "is") } else { ("files", "are") };
        let message =
            format!("{count} named {files} {are} left out by `exclude` in the configuration");
        notes.push(Note { message, count });
    }
    loaded.notes = notes;
    if options.keep_recipes {
        let roots: Vec<PathBuf> =
            paths.iter().filter_map(|path| path.canonicalize().ok()).collect();
        for Variant { recipe, sources, .. } in &mut loaded.variants {
            if let Some(recipe) = recipe {
                recipe.limit(&roots, sources);
            }
        }
    }
    if !options.allow_empty {
        let known = charts.into_iter().chain(found.excluded).chain(of_modules);
        loaded.errors.extend(empty::paths(paths, &loaded, known, &found.thinned, options));
        loaded.errors.sort();
    }
    loaded
}

/// The objects of all modules of Terraform, with the names of the files of each.
fn terraform_modules(layout: &layout::Layout, options: &Options) -> Vec<(Outcome, Vec<String>)> {
    layout.modules.par_iter().map(|module| terraform::module(module, options)).collect()
}

/// Numbers the sources of all variants by their names, so that findings of different variants are in
/// the order of the files.
fn put_together(outcomes: Vec<(Option<Arc<str>>, Outcome)>) -> Loaded {
    let mut loaded = Loaded::default();
    let mut sources: Vec<(usize, Source)> = Vec::new();
    for (place, (name, outcome)) in outcomes.into_iter().enumerate() {
        let sources_of_it = Vec::with_capacity(outcome.files.len());
        let recipe = outcome.recipe;
        loaded.variants.push(Variant { name, sources: sources_of_it, recipe });
        loaded.errors.extend(outcome.errors);
        loaded.read += outcome.read;
        sources.extend(outcome.files.into_iter().map(|source| (place, source)));
    }
    sources.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    let ids: BTreeMap<(usize, String), SourceId> = (0..)
        .zip(&sources)
        .filter(|(_, (_, source))| source.kind == SourceKind::ChartFile)
        .map(|(number, (place, source))| ((*place, source.name.clone()), SourceId::new(number)))
        .collect();
    for (place, source) in &mut sources {
        put_ids_into_maps(std::iter::once(source), |name| {
            ids.get(&(*place, name.to_owned())).copied()
        });
    }
    for (number, (place, source)) in (0..).zip(sources) {
        if let Some(variant) = loaded.variants.get_mut(place) {
            variant.sources.push((SourceId::new(number), Arc::new(source)));
        }
    }
    for (number, variant) in loaded.variants.iter_mut().enumerate() {
        if let Some(recipe) = &mut variant.recipe {
            recipe.number(number, &variant.sources);
        }
    }
    loaded.variants.retain(|variant| !variant.sources.is_empty());
    loaded.errors.sort();
    loaded.errors.dedup();
    loaded
}

/// Tells the maps of rendered sources the ids of the files that they refer to.
fn put_ids_into_maps<'s>(
    sources: impl Iterator<Item = &'s mut Source>,
    id_of: impl Fn(&str) -> Option<SourceId>,
) {
    for source in sources {
        if let Some(map) = &mut source.rendering {
            let unknown = SourceId::new(u64::MAX);
            map.files = map.names.iter().map(|name| id_of(name).unwrap_or(unknown)).collect();
        }
    }
}
