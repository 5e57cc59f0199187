//! Builds overlays from their files on disk, and keeps track of where each byte comes from.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use coaming_helm::{Location, Source as Place};
use coaming_kube::{FilePlace, Origin, RenderMap, RenderMark, Source, SourceKind};
use coaming_kustomize::{BuildError, Built, FileKind, Files};

use crate::layout::Overlay;
use crate::read::{self, Expectation, Outcome};
use crate::recipe::Recipe;
use crate::walk::display_name;
use crate::{InputError, Options, chart};

/// The names of a kustomization's file.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Whether a directory has a kustomization.
#[must_use]
pub fn is_overlay(path: &Path) -> bool {
    NAMES.iter().any(|name| path.join(name).is_file())
}

/// Builds the overlay of a directory.
///
/// # Errors
///
/// As [`BuildError`] says; a remote address is an error too.
pub fn build_overlay(path: &Path, kubernetes_minor: Option<u32>) -> Result<Built, BuildError> {
    let files = Disk { limit: Options::default().max_file_bytes, texts: None };
    let options = coaming_kustomize::Options { kubernetes_minor, skip_absent: false };
    coaming_kustomize::build(&files, &display_name(&crate::walk::without_detours(path)), &options)
}

/// The files of this machine, by their display names.
struct Disk<'t> {
    /// The largest file that is read, in bytes.
    limit: u64,
    /// Texts that take the place of files.
    texts: Option<&'t BTreeMap<String, Arc<str>>>,
}

impl Files for Disk<'_> {
    fn kind(&self, path: &str) -> FileKind {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => FileKind::File,
            Ok(metadata) if metadata.is_dir() => FileKind::Directory,
            _ => FileKind::Missing,
        }
    }

    fn real_path(&self, path: &str) -> String {
        std::fs::canonicalize(path).map_or_else(|_| path.to_owned(), |real| display_name(&real))
    }

    fn read(&self, path: &str) -> Result<Arc<[u8]>, String> {
        if let Some(text) = self.texts.and_then(|texts| texts.get(path)) {
            return Ok(text.as_bytes().into());
        }
        let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
        let length = std::fs::metadata(path).map_err(unreadable)?.len();
        if length > self.limit {
            return Err(format!("is larger than {} MiB", self.limit >> 20));
        }
        std::fs::read(path).map(Arc::from).map_err(unreadable)
    }

    fn chart(&self, path: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        chart::files(Path::new(path), &crate::Unsaved::default()).map_err(|error| error.to_string())
    }
}

/// Builds an overlay for a scan.
pub(crate) fn render(overlay: &Overlay, options: &Options) -> Outcome {
    let outcome = render_with(overlay, options, None);
    let recipe = options.keep_recipes.then(|| Box::new(Recipe::of_overlay(overlay, options)));
    Outcome { recipe, ..outcome }
}

/// Builds an overlay; these texts take the place of files.
pub(crate) fn render_with(
    overlay: &Overlay,
    options: &Options,
    texts: Option<&BTreeMap<String, Arc<str>>>,
) -> Outcome {
    let files = Disk { limit: options.max_file_bytes, texts };
    let wanted = coaming_kustomize::Options {
        kubernetes_minor: options.kubernetes_minor,
        skip_absent: true,
    };
    let directory = &overlay.directory.name;
    match coaming_kustomize::build(&files, directory, &wanted) {
        Ok(built) => {
            let is_partial = !built.documents.is_empty();
            let problems = built.problems.iter();
            let errors = problems.map(|problem| input_error(overlay, problem, is_partial));
            let errors = errors.collect();
            Outcome { errors, ..sources(overlay, &built) }
        }
        Err(error) => Outcome::failed(input_error(overlay, &error, false)),
    }
}

/// The error, at the file and line that it names.
fn input_error(overlay: &Overlay, error: &BuildError, is_partial: bool) -> InputError {
    let directory = &overlay.directory.name;
    let message = match error {
        BuildError::Remote { address, .. } => {
            let rest = if is_partial {
                "what is local was built without it"
            } else {
                "the local files that it lists were read as they are written"
            };
            format!(
                "is built on `{address}`, which would be fetched from the network: render it \
                 yourself: `kustomize build {directory} | coaming scan -`; {rest}"
            )
        }
        BuildError::Program { message, .. } => format!(
            "{message}: render it yourself: `kustomize build {directory} | coaming scan -`; the \
             local files that it lists were read as they are written"
        ),
        error => error.to_string(),
    };
    match error.place() {
        Some(place) => InputError {
            position: Some((place.line, place.column)),
            ..InputError::new(&place.file, message)
        },
        None => InputError::new(&overlay.file, message),
    }
}

/// One source per file that objects are from, with the map of its bytes, and the files that the
/// maps refer to.
fn sources(overlay: &Overlay, built: &Built) -> Outcome {
    let names: Vec<String> = built.files.iter().map(|file| file.name.clone()).collect();
    let mut by_file: BTreeMap<&str, (String, Vec<RenderMark>)> = BTreeMap::new();
    let mut is_used = vec![false; names.len()];
    for document in &built.documents {
        let name = document.file.and_then(|file| names.get(file)).unwrap_or(&overlay.file);
        let (text, marks) = by_file.entry(name).or_default();
        text.push_str("---\n");
        let base = u32::try_from(text.len()).unwrap_or(u32::MAX);
        for (start, place) in document.map.segments() {
            let mark = mark(base.saturating_add(start), place);
            for place in [mark.template, mark.values].into_iter().flatten() {
                if let Some(used) = is_used.get_mut(place.file as usize) {
                    *used = true;
                }
            }
            marks.push(mark);
        }
        text.push_str(&document.text);
    }
    let mut outcome = Outcome { read: 1, ..Outcome::default() };
    for (name, (text, marks)) in by_file {
        let map = RenderMap { marks, names: names.clone(), files: Vec::new(), is_shared: true };
        let mut parsed = read::parse(name, Arc::from(text), Expectation::Anything);
        for mut source in parsed.files.drain(..) {
            source.origin = Origin::Rendered;
            source.rendering = Some(Box::new(map.clone()));
            outcome.files.push(source);
        }
    }
    for ((file, name), used) in built.files.iter().zip(&names).zip(is_used) {
        if used {
            let text = Arc::clone(&file.text);
            outcome.files.push(Source::text(name, text, SourceKind::ChartFile));
        }
    }
    outcome
}

fn mark(start: u32, place: Place) -> RenderMark {
    let moved = |location: Location| FilePlace {
        file: u32::try_from(location.file).unwrap_or(u32::MAX),
        offset: location.offset,
        verbatim: location.verbatim,
    };
    RenderMark {
        start,
        template: place.template.map(moved),
        values: place.values.map(moved),
        generated: place.generated,
    }
}
