//! Reads the files of a chart, renders it, and keeps track of where each byte comes from.
//!
//! Only files in the chart's directory are read: a link that leads out of it is left out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use coaming_helm::{Location, Manifest, RenderError, Rendered, Values};
use coaming_kube::{FilePlace, Origin, RenderMap, RenderMark, Source, SourceKind};
use coaming_yaml::LineIndex;
use ignore::WalkBuilder;

use crate::layout::Directory;
use crate::read::{self, Outcome};
use crate::{InputError, Options};

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
    let files = if path.is_file() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.metadata()?.len() > MAX_BYTES {
            return Err(ChartError::TooLarge);
        }
        vec![(name, std::fs::read(path)?)]
    } else {
        files(path)?
    };
    Ok(coaming_helm::render(files, options)?)
}

/// The files below a chart's directory, named relative to it.
fn files(root: &Path) -> Result<Vec<(String, Vec<u8>)>, ChartError> {
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
        files.push((name, std::fs::read(path)?));
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
pub(crate) fn render(directory: &Directory, options: &Options) -> Outcome {
    let mut wanted = coaming_helm::Options {
        release_name: "release".to_owned(),
        include_crds: true,
        values: Vec::<Values>::new(),
        ..coaming_helm::Options::default()
    };
    if let Some(minor) = options.kubernetes_minor {
        wanted.kubernetes_minor = minor;
    }
    match render_chart(&directory.path, &wanted) {
        Ok(rendered) => sources(directory, &rendered),
        Err(error) => Outcome::failed(input_error(&directory.name, error)),
    }
}

fn name_in(directory: &str, name: &str) -> String {
    if directory == "." { name.to_owned() } else { format!("{directory}/{name}") }
}

/// The error, at the file and line that it names.
fn input_error(directory: &str, error: ChartError) -> InputError {
    match error {
        ChartError::Render(RenderError::Place { file, line, column, message }) => InputError {
            position: Some((line, column)),
            ..InputError::new(name_in(directory, &file), format!("cannot be rendered: {message}"))
        },
        error => {
            InputError::new(directory.to_owned(), format!("this chart cannot be rendered: {error}"))
        }
    }
}

/// One source per template, with the map of its bytes, and the files that the maps refer to.
fn sources(directory: &Directory, rendered: &Rendered) -> Outcome {
    let mut by_template: BTreeMap<usize, (String, Vec<RenderMark>)> = BTreeMap::new();
    for manifest in &rendered.manifests {
        let (text, marks) = by_template.entry(manifest.file).or_default();
        text.push_str("---\n");
        append(manifest, text, marks);
        text.push('\n');
    }
    let names: Vec<String> =
        rendered.files.iter().map(|file| name_in(&directory.name, &file.name)).collect();
    let mut outcome = Outcome { read: 1, ..Outcome::default() };
    let mut is_used = vec![false; names.len()];
    for (file, (text, marks)) in by_template {
        let Some(name) = names.get(file) else { continue };
        for place in marks.iter().flat_map(|mark| [mark.template, mark.values]).flatten() {
            if let Some(used) = is_used.get_mut(place.file as usize) {
                *used = true;
            }
        }
        let map = RenderMap { marks, names: names.clone(), files: Vec::new() };
        let mut parsed = read::parse(name, Arc::from(text), read::Expectation::Syntax);
        outcome.errors.extend(parsed.errors.into_iter().map(|error| InputError {
            position: None,
            message: format!("after rendering: {}", error.message),
            ..error
        }));
        for mut source in parsed.files.drain(..) {
            source.origin = Origin::Rendered;
            source.rendering = Some(Box::new(map.clone()));
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
