//! Modules and plans of Terraform and OpenTofu: the objects that they make, as rendered sources.

use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_finding::Note;
use coaming_kube::{FilePlace, Origin, RenderMap, RenderMark, Source, SourceId, SourceKind};
use coaming_terraform::{Manifest, Place, Rendered, SourceFile};
use coaming_yaml::{Document, LineIndex};

use crate::layout::{file_name, parent};
use crate::read::{self, Expectation, Outcome};
use crate::walk::Candidate;
use crate::{InputError, Options};

/// The files of one module, in the order of their names.
pub(crate) type Module = Vec<Candidate>;

/// What is not judged, for the notes.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    left_out: BTreeMap<String, usize>,
    partial: usize,
}

impl Tally {
    pub(crate) fn append(&mut self, other: Self) {
        self.partial += other.partial;
        for (kind, count) in other.left_out {
            *self.left_out.entry(kind).or_default() += count;
        }
    }

    pub(crate) fn notes(self) -> Vec<Note> {
        let is_one = |count: usize| count == 1;
        let mut notes: Vec<Note> = self
            .left_out
            .into_iter()
            .map(|(kind, count)| {
                let are = if is_one(count) { "resource is" } else { "resources are" };
                let why = if kind == "helm_release" {
                    "render the chart, and scan the result"
                } else {
                    "what it makes is known only to Terraform: scan the plan, `terraform show -json`"
                };
                Note { message: format!("{count} {kind} {are} not evaluated: {why}"), count }
            })
            .collect();
        let (count, have) =
            (self.partial, if is_one(self.partial) { "object has" } else { "objects have" });
        if count > 0 {
            let message = format!(
                "{count} {have} fields that only Terraform knows, and what depends on them is not judged: \
                 scan the plan, `terraform show -json`"
            );
            notes.push(Note { message, count });
        }
        notes
    }
}

/// Whether a name is that of a file of a module.
pub(crate) fn is_module_file(name: &str) -> bool {
    let file = file_name(name);
    let is_values = || {
        let stem = file.strip_suffix(".json").unwrap_or(file);
        stem == "terraform.tfvars" || stem.ends_with(".auto.tfvars")
    };
    [".tf", ".tofu", ".tf.json", ".tofu.json"].iter().any(|ending| file.ends_with(ending))
        || is_values()
}

/// Takes the files of modules out of those that were found.
pub(crate) fn take_modules(files: &mut BTreeMap<String, Candidate>) -> Vec<Module> {
    let mut modules: BTreeMap<String, Module> = BTreeMap::new();
    let taken: Vec<(String, Candidate)> =
        files.extract_if(.., |name, _| is_module_file(name)).collect();
    let is_replaced = |name: &str| {
        // OpenTofu reads `main.tofu` in the place of `main.tf`.
        let (stem, ending) =
            name.split_once(".tf").filter(|(_, rest)| matches!(*rest, "" | ".json")).unzip();
        let other = stem.zip(ending).map(|(stem, ending)| format!("{stem}.tofu{ending}"));
        other.is_some_and(|other| taken.iter().any(|(name, _)| *name == other))
    };
    for (name, candidate) in &taken {
        if !is_replaced(name) {
            modules.entry(parent(name).to_owned()).or_default().push(candidate.clone());
        }
    }
    modules.into_values().collect()
}

/// The objects of a module, and the names of its files if it is about Kubernetes.
pub(crate) fn module(module: &Module, options: &Options) -> (Outcome, Vec<String>) {
    let mut outcome = Outcome::default();
    let mut files = Vec::with_capacity(module.len());
    for candidate in module {
        match read::text(&candidate.path, options) {
            Ok(text) => files.push(SourceFile { name: candidate.name.clone(), text: text.into() }),
            Err(error) => {
                outcome.errors.push(InputError::new(&candidate.name, error.to_string()));
            }
        }
    }
    if !files.iter().any(|file| coaming_terraform::mentions_kubernetes(&file.text)) {
        return (Outcome::default(), Vec::new());
    }
    let rendered = coaming_terraform::render(&files);
    outcome.read = files.len();
    outcome.append(sources(&files, rendered));
    (outcome, files.into_iter().map(|file| file.name).collect())
}

/// The objects of a plan or a state; `None` for any other document.
pub(crate) fn plan(name: &str, document: &Document) -> Option<Outcome> {
    let root = document.root();
    if !coaming_terraform::is_plan(root) {
        return None;
    }
    let text = document.shared_source();
    let file = SourceFile { name: name.to_owned(), text };
    Some(sources(&[file], coaming_terraform::plan(root)))
}

/// One source per file, with the map of its bytes, and the files that the maps refer to.
fn sources(files: &[SourceFile], rendered: Rendered) -> Outcome {
    let mut outcome = Outcome::default();
    outcome.tally.left_out = rendered.left_out;
    outcome.tally.partial = rendered.partial;
    let errors = rendered.problems.into_iter().filter_map(|problem| {
        let name = &files.get(problem.file)?.name;
        let message = format!("not valid in Terraform's language: {}", problem.message);
        Some(InputError { position: Some(problem.position), ..InputError::new(name, message) })
    });
    outcome.errors.extend(errors);
    let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    let mut by_file: BTreeMap<usize, Joined> = BTreeMap::new();
    for manifest in rendered.manifests {
        let Some(file) = files.get(manifest.file) else { continue };
        match documents(file, &manifest) {
            Ok(documents) => by_file.entry(manifest.file).or_default().add(&manifest, &documents),
            Err(error) => outcome.errors.push(error),
        }
    }
    let mut is_used = vec![false; files.len()];
    for (file, joined) in by_file {
        let Some(name) = names.get(file) else { continue };
        for place in joined.marks.iter().flat_map(|it| [it.template, it.values]).flatten() {
            if let Some(used) = is_used.get_mut(place.file as usize) {
                *used = true;
            }
        }
        let map = RenderMap {
            marks: joined.marks,
            names: names.clone(),
            files: Vec::new(),
            is_shared: false,
        };
        let mut parsed = read::parse(name, Arc::from(joined.text), Expectation::Syntax);
        for mut source in parsed.files.drain(..) {
            source.origin = Origin::Rendered;
            source.rendering = Some(Box::new(map.clone()));
            joined.incomplete.iter().for_each(|document| source.set_incomplete(*document));
            outcome.files.push(source);
        }
    }
    for (file, used) in files.iter().zip(is_used) {
        if used {
            let text = Arc::clone(&file.text);
            outcome.files.push(Source::text(&file.name, text, SourceKind::ChartFile));
        }
    }
    outcome
}

/// All manifests of a file.
#[derive(Default)]
struct Joined {
    text: String,
    marks: Vec<RenderMark>,
    documents: u32,
    /// The documents in which what is absent says nothing.
    incomplete: Vec<u32>,
}

impl Joined {
    /// Adds a manifest. What is absent in an object is judged only of workloads there is a way to leave
    /// that out for: other objects that are not whole are left out, and counted.
    fn add(&mut self, manifest: &Manifest, source: &Source) {
        let id = SourceId::new(0);
        let is_workload = source
            .objects(id)
            .all(|it| source.workloads_of(it).next().or(source.fragments_of(it).next()).is_some());
        if manifest.is_incomplete && !is_workload {
            return;
        }
        self.text.push_str("---\n");
        let base = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let moved = |place: Place| FilePlace {
            file: place.file,
            offset: place.offset,
            verbatim: place.verbatim,
        };
        self.marks.extend(manifest.marks.iter().map(|mark| RenderMark {
            start: base.saturating_add(mark.start),
            template: mark.place.map(moved),
            values: mark.value.map(moved),
            generated: false,
        }));
        self.text.push_str(&manifest.text);
        if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        let count = u32::try_from(source.documents().len()).unwrap_or(0);
        if manifest.is_incomplete {
            self.incomplete.extend(self.documents..self.documents + count);
        }
        self.documents += count;
    }
}

/// What a manifest contains; the error is at its resource.
fn documents(file: &SourceFile, manifest: &Manifest) -> Result<Source, InputError> {
    let parsed = read::parse(&file.name, Arc::from(manifest.text.as_str()), Expectation::Syntax);
    let offset = manifest.marks.iter().find_map(|mark| mark.place).map_or(0, |it| it.offset);
    let position = LineIndex::new(&file.text).position(&file.text, offset);
    if let Some(error) = parsed.errors.into_iter().next() {
        let message = format!("in the manifest that starts here: {}", error.message);
        return Err(InputError { position: Some(position), message, ..error });
    }
    parsed.files.into_iter().next().ok_or_else(|| {
        let message = "the manifest that starts here is no Kubernetes object".to_owned();
        InputError { position: Some(position), ..InputError::new(&file.name, message) }
    })
}
