//! The files of the workspace, and the judgement of one document in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use coaming_finding::{Finding, InputError, SourceId};
use coaming_kube::{Source, World};
use coaming_network::Reach;
use coaming_rules::{Images, Knowledge};
use coaming_scan::{Engine, Overrides, ScanError, VariantWorld};
use coaming_source::{Loaded, Unsaved};
use coaming_yaml::Span;

use crate::Options;

/// What a document is made of: a chart's file is judged by what the chart renders to.
pub(crate) const CHART_FILE: &str = "Chart.yaml";

/// The workspace as it was read, with the configuration that it was read by.
pub(crate) struct Workspace {
    engine: Engine,
    source_options: coaming_source::Options,
    today: Option<time::Date>,
    variants: Vec<VariantWorld>,
    /// In which variant each file is, by the file's name.
    places: BTreeMap<String, usize>,
    reaches: Vec<OnceLock<Reach>>,
}

/// What was found in one document.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// The findings that point into it and are not suppressed.
    pub(crate) findings: Vec<Placed>,
    /// What is not understood in it.
    pub(crate) errors: Vec<InputError>,
    /// The sources that the findings and their fixes point into, the document itself first of all.
    pub(crate) sources: BTreeMap<SourceId, Arc<Source>>,
    /// The sources that hold the objects of the document: the document, or what its chart renders to.
    pub(crate) objects: Vec<SourceId>,
}

/// A finding at its place in the document.
#[derive(Debug)]
pub(crate) struct Placed {
    /// The finding.
    pub(crate) finding: Finding,
    /// The span in the document.
    pub(crate) span: Span,
    /// Which of the finding's locations that is.
    pub(crate) location: usize,
}

impl Workspace {
    /// Reads everything below `roots`; `unsaved` texts count instead of those on disk.
    pub(crate) fn load(
        roots: &[PathBuf],
        options: &Options,
        unsaved: Unsaved,
    ) -> Result<Self, ScanError> {
        let config =
            coaming_scan::load_config(options.config.as_deref(), roots, Overrides::default())?;
        let source_options = coaming_source::Options {
            allow_empty: true,
            unsaved,
            ..coaming_scan::source_options(&config)?
        };
        let engine = Engine::new(config, options.fingerprint_key.as_deref())?;
        let loaded = match roots {
            [] => Loaded::default(),
            roots => coaming_source::load(roots, &source_options),
        };
        let mut this = Self {
            engine,
            source_options: coaming_source::Options {
                unsaved: Unsaved::default(),
                ..source_options
            },
            today: options.today,
            variants: loaded.variants.into_iter().map(VariantWorld::from).collect(),
            places: BTreeMap::new(),
            reaches: Vec::new(),
        };
        this.index();
        Ok(this)
    }

    fn index(&mut self) {
        let names = self.variants.iter().enumerate().rev().flat_map(|(number, variant)| {
            variant.world.sources().map(move |(_, source)| (source.name.clone(), number))
        });
        self.places = names.collect();
        self.reaches = self.variants.iter().map(|_| OnceLock::new()).collect();
    }

    /// Puts the texts of open documents into the worlds of the plain files and overlays.
    pub(crate) fn update(&mut self, open: &BTreeMap<PathBuf, Arc<str>>) {
        for (path, text) in open {
            if chart_of(path).is_some() {
                continue;
            }
            let name = name_of(path);
            let Some(&place) = self.places.get(&name) else {
                self.add(&name, text);
                continue;
            };
            let Some(variant) = self.variants.get_mut(place) else { continue };
            let found = variant.world.sources().find(|(_, source)| source.name == name);
            let Some((id, before)) = found.filter(|(_, before)| *before.text != **text) else {
                continue;
            };
            // What an overlay makes of a file is not made again while typing.
            if before.origin != coaming_kube::Origin::File {
                continue;
            }
            let buffer = coaming_source::buffer(&name, Arc::clone(text), &self.source_options);
            let Some(after) = buffer.source.map(Arc::new) else { continue };
            let sources = variant.world.sources().map(|(other, source)| {
                (other, Arc::clone(if other == id { &after } else { source }))
            });
            variant.world = World::numbered(sources.collect::<Vec<_>>());
            if let Some(reach) = self.reaches.get_mut(place) {
                *reach = OnceLock::new();
            }
        }
    }

    /// Adds a file that is not on disk yet to the plain files.
    fn add(&mut self, name: &str, text: &Arc<str>) {
        let buffer = coaming_source::buffer(name, Arc::clone(text), &self.source_options);
        let Some(source) = buffer.source else { return };
        if self.variants.first().is_none_or(|variant| variant.name.is_some()) {
            let (name, world) = (None, World::new(Vec::new()));
            self.variants
                .insert(0, VariantWorld { name, world, recipe: None, known: Knowledge::default() });
        }
        if let Some(plain) = self.variants.first_mut() {
            plain.world.apply(coaming_kube::Delta::Put(Box::new(source)));
        }
        self.index();
    }

    /// Judges a document. `unsaved` are the texts of all open documents, this one included.
    pub(crate) fn judge(&self, path: &Path, text: &Arc<str>, unsaved: &Unsaved) -> Judgement {
        let name = name_of(path);
        if self.source_options.exclude.matches(&name) || is_kustomization(path) {
            return Judgement::default();
        }
        match chart_of(path) {
            Some(chart) => self.judge_chart(&chart, &name, unsaved),
            None => self.judge_alone(&name, text),
        }
    }

    /// Judges a document with the world as it is.
    fn judge_alone(&self, name: &str, text: &Arc<str>) -> Judgement {
        let buffer = coaming_source::buffer(name, Arc::clone(text), &self.source_options);
        let errors = buffer.errors;
        let Some(source) = buffer.source.map(Arc::new) else {
            return Judgement { errors, ..Judgement::default() };
        };
        let images = Images::default();
        let empty = World::new(Vec::new());
        let world = self.world_of(name).unwrap_or(&empty);
        let report = if source.kind == coaming_kube::SourceKind::Manifest {
            self.engine.review(world, &images, &source, self.today)
        } else {
            let alone = World::numbered([(Engine::SUBJECT, Arc::clone(&source))]);
            self.engine.scan(&alone, &images, self.today)
        };
        let mut judgement =
            Judgement { errors, objects: vec![Engine::SUBJECT], ..Judgement::default() };
        judgement.sources.insert(Engine::SUBJECT, source);
        judgement.add(report.findings, name, |id| world.source_arc(id));
        judgement
    }

    /// Judges a file of a chart by what the chart renders to.
    fn judge_chart(&self, chart: &Path, name: &str, unsaved: &Unsaved) -> Judgement {
        let (variants, errors) = self.rendered(chart, unsaved);
        let chart = name_of(chart);
        let is_here = |error: &InputError| error.file == name || error.file == chart;
        let errors = errors.into_iter().filter(is_here).collect();
        let mut judgement = Judgement { errors, ..Judgement::default() };
        let report = self.engine.scan_variants(&variants, &Images::default(), self.today);
        let worlds = || variants.iter().map(|variant| &variant.world);
        let find = |id| worlds().find_map(|world| world.source_arc(id));
        for (id, source) in worlds().flat_map(World::sources).filter(|(_, it)| it.name == name) {
            judgement.sources.insert(id, Arc::clone(source));
            if source.rendering.is_some() {
                judgement.objects.push(id);
            }
        }
        // Places of rendered objects are looked up in all files of the chart.
        let files = worlds().flat_map(World::sources);
        let files = files.filter(|(_, source)| source.kind == coaming_kube::SourceKind::ChartFile);
        judgement.sources.extend(files.map(|(id, source)| (id, Arc::clone(source))));
        judgement.add(report.findings, name, find);
        judgement
    }

    /// The world that a file is in: that of the overlay which uses it, or of the plain files.
    fn world_of(&self, name: &str) -> Option<&World> {
        let place = self.places.get(name).copied();
        let variant = match place {
            Some(place) => self.variants.get(place),
            None => self.variants.first().filter(|variant| variant.name.is_none()),
        };
        variant.map(|variant| &variant.world)
    }

    /// What may connect to what in the world of a file.
    pub(crate) fn reach_of(&self, path: &Path) -> Option<&Reach> {
        let place = *self.places.get(&name_of(path))?;
        let world = &self.variants.get(place)?.world;
        let reach = self.reaches.get(place)?;
        Some(reach.get_or_init(|| Reach::new(coaming_network::from_world(world))))
    }

    /// What a chart renders to, with the map of its bytes, and what is wrong with it.
    pub(crate) fn rendered(
        &self,
        chart: &Path,
        unsaved: &Unsaved,
    ) -> (Vec<VariantWorld>, Vec<InputError>) {
        let options =
            coaming_source::Options { unsaved: Arc::clone(unsaved), ..self.source_options.clone() };
        let loaded = coaming_source::load(&[chart.to_path_buf()], &options);
        (loaded.variants.into_iter().map(VariantWorld::from).collect(), loaded.errors)
    }

    /// The findings of a manifest while fixes are made in it.
    pub(crate) fn review(&self, source: &Arc<Source>) -> Vec<Finding> {
        let empty = World::new(Vec::new());
        let world = self.world_of(&source.name).unwrap_or(&empty);
        self.engine.review(world, &Images::default(), source, self.today).findings
    }
}

impl Judgement {
    /// Adds the findings that point into the file `name`, with the sources that they need.
    fn add<'s>(
        &mut self,
        findings: Vec<Finding>,
        name: &str,
        find: impl Fn(SourceId) -> Option<&'s Arc<Source>>,
    ) {
        for finding in findings.into_iter().filter(|finding| finding.suppressed.is_none()) {
            let edits = finding.fix.iter().flat_map(|fix| {
                let documents = fix.edits.iter().map(|edits| edits.source);
                documents.chain(fix.file_edits.iter().map(|edits| edits.source))
            });
            let places = finding.locations.iter().filter_map(|location| location.source);
            for id in edits.chain(places) {
                if let Some(source) = find(id).filter(|_| !self.sources.contains_key(&id)) {
                    self.sources.insert(id, Arc::clone(source));
                }
            }
            let here = finding.locations.iter().position(|location| {
                let source = location.source.and_then(|id| self.sources.get(&id));
                source.is_some_and(|source| source.name == name && source.rendering.is_none())
            });
            let Some(location) = here else { continue };
            let span = finding.locations.get(location).and_then(|location| location.span);
            let span = span.unwrap_or(Span::new(0, 0));
            self.findings.push(Placed { finding, span, location });
        }
    }
}

/// What sources call a file.
pub(crate) fn name_of(path: &Path) -> String {
    path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}

fn is_kustomization(path: &Path) -> bool {
    coaming_kube::is_kustomization(&name_of(path))
}

/// The directory of the chart that a file is a part of: the outermost, which renders the others.
pub(crate) fn chart_of(file: &Path) -> Option<PathBuf> {
    let is_chart = |directory: &&Path| directory.join(CHART_FILE).is_file();
    let mut chart = file.ancestors().skip(1).find(is_chart)?;
    let inside = file.strip_prefix(chart).ok()?;
    let first = inside.iter().next().unwrap_or_default().to_string_lossy();
    let is_part = match inside.iter().count() {
        1 => first == CHART_FILE || first.starts_with("values"),
        _ => matches!(&*first, "templates" | "charts" | "crds"),
    };
    if !is_part {
        return None;
    }
    while let Some(outer) = chart
        .parent()
        .filter(|charts| charts.file_name().is_some_and(|name| name == "charts"))
        .and_then(Path::parent)
        .filter(is_chart)
    {
        chart = outer;
    }
    Some(chart.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_charts_are_recognized() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        for path in ["shop/templates", "shop/charts/db/templates", "plain"] {
            std::fs::create_dir_all(root.join(path)).unwrap();
        }
        for path in ["shop/Chart.yaml", "shop/charts/db/Chart.yaml"] {
            std::fs::write(root.join(path), "name: a\n").unwrap();
        }
        let shop = Some(root.join("shop"));
        assert_eq!(chart_of(&root.join("shop/templates/web.yaml")), shop);
        assert_eq!(chart_of(&root.join("shop/charts/db/templates/db.yaml")), shop);
        assert_eq!(chart_of(&root.join("shop/charts/db/values.yaml")), shop);
        assert_eq!(chart_of(&root.join("shop/values-test.yaml")), shop);
        assert_eq!(chart_of(&root.join("shop/pod.yaml")), None);
        assert_eq!(chart_of(&root.join("plain/pod.yaml")), None);
    }
}
