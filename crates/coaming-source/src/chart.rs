//! Reads the files of a chart, renders it, and keeps track of where each byte comes from.
//!
//! Only files in the chart's directory are read: a link that leads out of it is left out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use coaming_helm::{InputFile, Location, Manifest, RenderError, Rendered, Values};
use coaming_kube::{FilePlace, Origin, RenderMap, RenderMark, Source, SourceKind};
use coaming_yaml::LineIndex;
use ignore::WalkBuilder;

use crate::layout::Directory;
use crate::read::{self, Expectation, Outcome};
use crate::recipe::Recipe;
use crate::release::Job;
use crate::{InputError, Options, Unsaved, unrendered};

/// The most files of a chart that are read.
const MAX_FILES: usize = 20_000;

/// The most bytes of a chart that are read.
const MAX_BYTES: u64 = 256 << 20;

/// The most files that are not part of every chart, but that `.Files` may name.
const MAX_OTHERS: usize = 5_000;

/// The most bytes of such files.
const MAX_OTHER_BYTES: u64 = 64 << 20;

/// Why a chart could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// The path is neither a directory nor a packed chart, or cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// The directory holds more than a chart may.
    #[error("is too large for a chart")]
    TooLarge,
    /// The chart or its values are wrong.
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// Renders the chart at `path`: a directory, or a packed chart (`.tgz`).
///
/// # Errors
///
/// As [`ChartError`] says.
pub fn render_chart(path: &Path, options: &coaming_helm::Options) -> Result<Rendered, ChartError> {
    render_with(path, options, &Unsaved::default())
}

fn render_with(
    path: &Path,
    options: &coaming_helm::Options,
    unsaved: &Unsaved,
) -> Result<Rendered, ChartError> {
    let files = if path.is_file() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.metadata()?.len() > MAX_BYTES {
            return Err(ChartError::TooLarge);
        }
        vec![(name, std::fs::read(path)?)]
    } else {
        files(path, unsaved)?
    };
    Ok(coaming_helm::render(files, options)?)
}

/// The files below a chart's directory, named relative to it.
pub(crate) fn files(root: &Path, unsaved: &Unsaved) -> Result<Vec<(String, Vec<u8>)>, ChartError> {
    let canonical = root.canonicalize()?;
    let mut files = Vec::new();
    let (mut total, mut others, mut other_bytes) = (0, 0, 0);
    let walk = WalkBuilder::new(root)
        .standard_filters(false)
        .sort_by_file_name(Ord::cmp)
        .filter_entry(|entry| {
            entry.depth() == 0
                || (entry.file_name() != ".git" && entry.file_name() != "node_modules")
        })
        .build();
    for entry in walk {
        let entry = entry.map_err(|error| {
            error.into_io_error().unwrap_or_else(|| std::io::Error::other("unreadable"))
        })?;
        let path = entry.path();
        let is_inside = || path.canonicalize().is_ok_and(|path| path.starts_with(&canonical));
        let Ok(metadata) = path.metadata() else { continue };
        if !metadata.is_file() || (entry.path_is_symlink() && !is_inside()) {
            continue;
        }
        let Ok(name) = path.strip_prefix(root) else { continue };
        let name = name.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        if !is_part(&name) {
            // A chart at the root of a repository is beside everything else in it.
            others += 1;
            other_bytes += metadata.len();
            if others > MAX_OTHERS || other_bytes > MAX_OTHER_BYTES {
                continue;
            }
        }
        total += metadata.len();
        if files.len() >= MAX_FILES || total > MAX_BYTES {
            return Err(ChartError::TooLarge);
        }
        let content = match unsaved.get(path) {
            Some(text) => text.as_bytes().to_vec(),
            None => std::fs::read(path)?,
        };
        files.push((name, content));
    }
    Ok(files)
}

/// Whether a chart consists of this file, and does not only have it beside it.
fn is_part(name: &str) -> bool {
    const DIRECTORIES: [&str; 3] = ["templates/", "charts/", "crds/"];
    DIRECTORIES.iter().any(|directory| name.starts_with(directory))
        || (!name.contains('/') && !name.starts_with(".git"))
}

/// Renders a chart for a scan.
pub(crate) fn render(job: Job, options: &Options) -> Outcome {
    let (chart, is_default) = (job.chart.clone(), job.label.is_empty());
    let mut outcome = render_job(job, options);
    if is_default && outcome.files.is_empty() && !outcome.errors.is_empty() {
        outcome.append(whole_objects(&chart, options));
    }
    outcome
}

/// The files of a chart that are manifests as they are written, and the roles in its templates: they
/// are judged even if the chart cannot be rendered.
fn whole_objects(directory: &Directory, options: &Options) -> Outcome {
    let mut outcome = Outcome::default();
    let is_manifest = |name: &str| {
        (name.contains("templates/") || name.contains("crds/"))
            && [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending))
    };
    for (name, bytes) in files(&directory.path, &options.unsaved).unwrap_or_default() {
        let Ok(text) = String::from_utf8(bytes) else { continue };
        if !is_manifest(&name) {
            continue;
        }
        let name = directory.name_of(&name);
        if !text.contains("{{") {
            outcome.append(read::parse(&name, text.into(), Expectation::Anything));
        } else if let Some(roles) = unrendered::roles(&text) {
            outcome.append(as_rendered(&name, roles, text));
        }
    }
    outcome
}

/// A text in which each byte is from the same byte of a template.
fn as_rendered(name: &str, text: String, template: String) -> Outcome {
    let start = FilePlace { file: 0, offset: 0, verbatim: true };
    let mark = RenderMark { start: 0, template: Some(start), values: None, generated: false };
    let names = vec![name.to_owned()];
    let map = RenderMap { marks: vec![mark], names, files: Vec::new(), is_shared: false };
    let mut outcome = read::parse(name, text.into(), Expectation::Syntax);
    for source in &mut outcome.files {
        source.origin = Origin::Rendered;
        source.rendering = Some(Box::new(map.clone()));
    }
    outcome.files.push(Source::text(name, template.into(), SourceKind::ChartFile));
    outcome
}

fn render_job(job: Job, options: &Options) -> Outcome {
    let directory = &job.chart;
    if !options.keep_recipes || directory.path.is_file() {
        return match render_with(&directory.path, &job.options, &options.unsaved) {
            Ok(rendered) => sources(&job, &rendered),
            Err(error) => failed(&job, options, error),
        };
    }
    let rendered = files(&directory.path, &options.unsaved)
        .and_then(|files| Ok((coaming_helm::render(files.clone(), &job.options)?, files)));
    match rendered {
        Ok((rendered, files)) => {
            let outcome = sources(&job, &rendered);
            Outcome { recipe: Some(Box::new(Recipe::new(job, files))), ..outcome }
        }
        Err(error) => failed(&job, options, error),
    }
}

/// The outcome of a failed rendering. What a dependency would have defined is missed only because the
/// dependency is missing: then that is the error.
fn failed(job: &Job, options: &Options, error: ChartError) -> Outcome {
    let strict = coaming_helm::Options { allow_missing_dependencies: false, ..job.options.clone() };
    let cause = match render_with(&job.chart.path, &strict, &options.unsaved) {
        Err(cause @ ChartError::Render(RenderError::MissingDependencies(_))) => cause,
        _ => error,
    };
    Outcome::failed(input_error(job, &job.options, cause))
}

/// The name that users see for a file of a rendering.
fn shown_name(directory: &Directory, file: &InputFile) -> String {
    if file.given { file.name.clone() } else { directory.name_of(&file.name) }
}

/// The error, at the file and line that it names. What asks for the rendering is named, for another
/// one of the same chart may succeed.
pub(crate) fn input_error(
    job: &Job,
    options: &coaming_helm::Options,
    error: ChartError,
) -> InputError {
    let is_given = |file: &str| {
        options.values.iter().any(|values| matches!(values, Values::File(name, _) if name == file))
    };
    let directory = &job.chart;
    let name = |file: &str| if is_given(file) { file.to_owned() } else { directory.name_of(file) };
    let what = match job.label.as_str() {
        "" => "cannot be rendered".to_owned(),
        label => format!("cannot be rendered for {label}"),
    };
    match error {
        ChartError::Render(RenderError::Place { file, line, column, message, is_malformed }) => {
            let message = if options.values.is_empty() && !is_malformed {
                format!(
                    "cannot be rendered with the default values: {message}: name other values in \
                     `releases` of coaming.yaml, or use `--variants ci`"
                )
            } else {
                format!("{what}: {message}")
            };
            InputError { position: Some((line, column)), ..InputError::new(name(&file), message) }
        }
        error => InputError::new(directory.name.clone(), format!("this chart {what}: {error}")),
    }
}

/// One source per template, with the map of its bytes, and the files that the maps refer to.
pub(crate) fn sources(job: &Job, rendered: &Rendered) -> Outcome {
    let directory = &job.chart;
    let namespace = Some(job.options.namespace.as_str()).filter(|name| *name != "default");
    let namespace: Option<Arc<str>> = namespace.map(Arc::from);
    let mut by_template: BTreeMap<usize, (String, Vec<RenderMark>)> = BTreeMap::new();
    for manifest in &rendered.manifests {
        let (text, marks) = by_template.entry(manifest.file).or_default();
        text.push_str("---\n");
        append(manifest, text, marks);
        text.push('\n');
    }
    let names: Vec<String> =
        rendered.files.iter().map(|file| shown_name(directory, file)).collect();
    let mut outcome = Outcome { read: 1, ..Outcome::default() };
    outcome.errors.extend(missing_dependencies(directory, rendered));
    let mut is_used = vec![false; names.len()];
    for (file, (text, marks)) in by_template {
        let Some(name) = names.get(file) else { continue };
        for place in marks.iter().flat_map(|mark| [mark.template, mark.values]).flatten() {
            if let Some(used) = is_used.get_mut(place.file as usize) {
                *used = true;
            }
        }
        let map = RenderMap { marks, names: names.clone(), files: Vec::new(), is_shared: false };
        let mut parsed = read::parse(name, Arc::from(text), Expectation::Syntax);
        outcome.errors.extend(parsed.errors.into_iter().map(|error| InputError {
            position: None,
            message: format!("after rendering: {}", error.message),
            ..error
        }));
        for mut source in parsed.files.drain(..) {
            source.origin = Origin::Rendered;
            source.rendering = Some(Box::new(map.clone()));
            source.namespace.clone_from(&namespace);
            outcome.files.push(source);
        }
    }
    for ((file, name), used) in rendered.files.iter().zip(&names).zip(is_used) {
        if used {
            let text = Arc::clone(&file.text);
            outcome.files.push(Source::text(name, text, SourceKind::ChartFile));
        }
    }
    outcome
}

/// What is not judged since it is not part of the rendering.
fn missing_dependencies(directory: &Directory, rendered: &Rendered) -> Option<InputError> {
    let missing = &rendered.missing_dependencies;
    let (verb, its, it) =
        if missing.len() == 1 { ("is", "its", "it") } else { ("are", "their", "them") };
    let message = format!(
        "{} {verb} missing in charts/, so {its} objects are not judged: run `helm dependency build` \
         to fetch {it}",
        missing.join(", ")
    );
    (!missing.is_empty()).then(|| InputError::new(directory.name.clone(), message))
}

/// Appends a manifest and its marks.
fn append(manifest: &Manifest, text: &mut String, marks: &mut Vec<RenderMark>) {
    let base = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let place = |location: Location| FilePlace {
        file: u32::try_from(location.file).unwrap_or(u32::MAX),
        offset: location.offset,
        verbatim: location.verbatim,
    };
    marks.extend(manifest.map.segments().map(|(start, source)| RenderMark {
        start: base.saturating_add(start),
        template: source.template.map(place),
        values: source.values.map(place),
        generated: source.generated,
    }));
    text.push_str(&manifest.text);
}

/// A position in one of a rendering's files: name, line and column.
#[must_use]
pub fn position(rendered: &Rendered, location: Location) -> Option<(&str, u32, u32)> {
    let file = rendered.files.get(location.file)?;
    let (line, column) = LineIndex::new(&file.text).position(&file.text, location.offset);
    Some((&file.name, line, column))
}
