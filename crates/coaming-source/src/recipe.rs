//! Renders a chart or an overlay again with other texts of its files, for callers that edit them.
//!
//! Sources keep their ids from one rendering to the next, so that what refers to one of them still
//! finds it. Only files in the directories that the user named can be edited.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coaming_helm::Values;
use coaming_kube::{Source, SourceId, SourceKind};

use crate::layout::Overlay;
use crate::read::{Outcome, read_text};
use crate::release::Job;
use crate::{InputError, Options, chart, overlay, put_ids_into_maps};

/// What a variant was rendered from.
#[derive(Debug)]
pub struct Recipe {
    origin: Origin,
    ids: BTreeMap<(String, SourceKind), SourceId>,
    /// Ids from here on are free.
    free: SourceId,
}

/// What is rendered.
#[derive(Debug)]
enum Origin {
    Chart {
        job: Box<Job>,
        /// The files of the chart by the names that users see.
        files: BTreeMap<String, Vec<u8>>,
    },
    Overlay {
        overlay: Box<Overlay>,
        options: Box<Options>,
        /// The files that the result is from, and that may be edited.
        files: BTreeSet<String>,
        /// Those that may not.
        outside: BTreeSet<String>,
    },
}

impl Recipe {
    pub(crate) fn new(job: Job, files: Vec<(String, Vec<u8>)>) -> Self {
        let named = files.into_iter().map(|(name, text)| (job.chart.name_of(&name), text));
        let files = named.collect();
        Self::of(Origin::Chart { job: Box::new(job), files })
    }

    pub(crate) fn of_overlay(overlay: &Overlay, options: &Options) -> Self {
        let (overlay, options) = (Box::new(overlay.clone()), Box::new(options.clone()));
        let (files, outside) = (BTreeSet::new(), BTreeSet::new());
        Self::of(Origin::Overlay { overlay, options, files, outside })
    }

    fn of(origin: Origin) -> Self {
        Self { origin, ids: BTreeMap::new(), free: SourceId::new(u64::MAX / 2) }
    }

    /// Limits what can be edited of an overlay to these directories and files. A base may be anywhere.
    pub(crate) fn limit(&mut self, roots: &[PathBuf], sources: &[(SourceId, Arc<Source>)]) {
        let Origin::Overlay { files, outside, .. } = &mut self.origin else { return };
        let is_inside = |name: &str| {
            let real = Path::new(name).canonicalize();
            real.is_ok_and(|real| roots.iter().any(|root| real.starts_with(root)))
        };
        let named = sources.iter().map(|(_, source)| source);
        let used = named.filter(|source| source.kind == SourceKind::ChartFile);
        let names = used.map(|source| source.name.clone());
        for name in names {
            if is_inside(&name) {
                files.insert(name)
            } else {
                outside.insert(name)
            };
        }
    }

    /// Whether a file that it is rendered from is outside of what may be edited.
    #[must_use]
    pub fn is_outside(&self, name: &str) -> bool {
        matches!(&self.origin, Origin::Overlay { outside, .. } if outside.contains(name))
    }

    /// Remembers the ids of the first rendering. `variant` makes the ids of later sources unique.
    pub(crate) fn number(&mut self, variant: usize, sources: &[(SourceId, Arc<Source>)]) {
        self.ids =
            sources.iter().map(|(id, source)| ((source.name.clone(), source.kind), *id)).collect();
        let variant = u64::try_from(variant).unwrap_or(u64::MAX);
        self.free = SourceId::new((variant.saturating_add(1)).saturating_mul(1 << 40));
    }

    /// The text of one of its files as it is on disk, by the name that users see. `None` if there is
    /// no such file, as for files in a packed chart.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Arc<str>> {
        match &self.origin {
            Origin::Chart { job, files } => match files.get(name) {
                Some(bytes) => std::str::from_utf8(bytes).ok().map(Arc::from),
                None if job.files.contains(name) => {
                    job.options.values.iter().find_map(|values| match values {
                        Values::File(file, text) if file == name => Some(Arc::clone(text)),
                        _ => None,
                    })
                }
                None => None,
            },
            Origin::Overlay { options, files, .. } => {
                let path = files.get(name)?;
                read_text(Path::new(path), options.max_file_bytes).ok().map(Arc::from)
            }
        }
    }

    /// The sources that it renders to if some of its files have these texts.
    ///
    /// # Errors
    ///
    /// If the chart cannot be rendered with them, or if what it renders to is not valid YAML.
    pub fn render(
        &self,
        texts: &BTreeMap<String, Arc<str>>,
    ) -> Result<Vec<(SourceId, Arc<Source>)>, InputError> {
        let outcome = match &self.origin {
            Origin::Chart { job, files } => render_chart(job, files, texts)?,
            Origin::Overlay { overlay, options, .. } => {
                overlay::render_with(overlay, options, Some(texts))
            }
        };
        // An overlay may be built in part; what it could not be built with is known already.
        let is_partial = matches!(self.origin, Origin::Overlay { .. }) && !outcome.files.is_empty();
        if let Some(error) = outcome.errors.into_iter().next().filter(|_| !is_partial) {
            return Err(error);
        }
        let mut free = self.free.number();
        let mut ids: BTreeMap<(String, SourceKind), SourceId> = BTreeMap::new();
        let mut sources: Vec<(SourceId, Source)> = Vec::with_capacity(outcome.files.len());
        for source in outcome.files {
            let key = (source.name.clone(), source.kind);
            let id = self.ids.get(&key).copied().unwrap_or_else(|| {
                free += 1;
                SourceId::new(free)
            });
            ids.insert(key, id);
            sources.push((id, source));
        }
        put_ids_into_maps(sources.iter_mut().map(|(_, source)| source), |name| {
            ids.get(&(name.to_owned(), SourceKind::ChartFile)).copied()
        });
        Ok(sources.into_iter().map(|(id, source)| (id, Arc::new(source))).collect())
    }
}

/// Renders a chart with these texts in the place of its files and values.
fn render_chart(
    job: &Job,
    files: &BTreeMap<String, Vec<u8>>,
    texts: &BTreeMap<String, Arc<str>>,
) -> Result<Outcome, InputError> {
    let files = files.iter().map(|(name, bytes)| {
        let bytes = texts.get(name).map_or_else(|| bytes.clone(), |text| text.as_bytes().to_vec());
        (job.chart.name_inside(name).to_owned(), bytes)
    });
    let mut options = job.options.clone();
    for values in &mut options.values {
        if let Values::File(name, text) = values
            && job.files.contains(name)
            && let Some(new) = texts.get(name)
        {
            *text = Arc::clone(new);
        }
    }
    let rendered = coaming_helm::render(files.collect(), &options)
        .map_err(|error| chart::input_error(job, &options, error.into()))?;
    Ok(chart::sources(job, &rendered))
}
