//! What a chart or an overlay renders to, as text that says where each object is from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use coaming_helm::{Manifest, Rendered, Values};
use coaming_kustomize::Built;
use coaming_yaml::LineIndex;

use crate::{ChartError, ReadError, position, read_text};

/// The largest values file, in bytes.
const MAX_VALUES: u64 = 64 << 20;

/// The objects of an overlay, with comments that name the files that made each, and the first line
/// in them.
#[must_use]
pub fn overlay_with_origins(built: &Built) -> String {
    let indices: Vec<LineIndex> =
        built.files.iter().map(|file| LineIndex::new(&file.text)).collect();
    let mut text = String::new();
    for document in &built.documents {
        let mut first: BTreeMap<&str, u32> = BTreeMap::new();
        for (_, source) in document.map.segments() {
            for location in [source.template, source.values].into_iter().flatten() {
                let Some(file) = built.files.get(location.file) else { continue };
                let Some(index) = indices.get(location.file) else { continue };
                let (line, _) = index.position(&file.text, location.offset);
                let known = first.entry(&file.name).or_insert(line);
                *known = line.min(*known);
            }
        }
        text.push_str("---\n");
        for (file, line) in first {
            text.push_str(&format!("# Origin: {file}:{line}\n"));
        }
        text.push_str(&document.text);
    }
    text
}

/// The result with comments that say where each object is from.
#[must_use]
pub fn chart_with_origins(rendered: &Rendered) -> String {
    let mut text = String::new();
    for manifest in &rendered.manifests {
        text.push_str("---\n# Source: ");
        text.push_str(&manifest.template);
        text.push('\n');
        for place in origins(rendered, manifest) {
            text.push_str("# Origin: ");
            text.push_str(&place);
            text.push('\n');
        }
        text.push_str(&manifest.text);
        text.push('\n');
    }
    text
}

/// The lines of values that are in an object, and its first line in a template.
fn origins(rendered: &Rendered, manifest: &Manifest) -> Vec<String> {
    let place = |location| {
        let (name, line, _) = position(rendered, location)?;
        Some((name.to_owned(), line))
    };
    let first = manifest.map.at(0).template.and_then(place);
    let values: BTreeSet<(String, u32)> =
        manifest.map.segments().filter_map(|(_, source)| place(source.values?)).collect();
    first.into_iter().chain(values).map(|(name, line)| format!("{name}:{line}")).collect()
}

/// Values that a user gives to a chart, in the forms in which Helm takes them.
#[derive(Clone, Copy, Debug, Default)]
pub struct GivenValues<'a> {
    /// YAML files.
    pub files: &'a [PathBuf],
    /// Assignments of JSON.
    pub json: &'a [String],
    /// Assignments.
    pub set: &'a [String],
    /// Assignments of texts.
    pub texts: &'a [String],
    /// Assignments of the contents of files.
    pub contents: &'a [String],
}

/// Why values cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ValuesError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// An assignment has no file.
    #[error("--set-file {0}: expected KEY=VALUE")]
    Assignment(String),
}

impl GivenValues<'_> {
    /// Reads the values, in Helm's order: files, JSON, assignments, texts, contents.
    ///
    /// # Errors
    ///
    /// See [`ValuesError`].
    pub fn read(&self) -> Result<Vec<Values>, ValuesError> {
        let read = |path: &Path| {
            read_text(path, MAX_VALUES)
                .map_err(|source| ValuesError::Read { path: path.to_path_buf(), source })
        };
        let mut values = Vec::new();
        for path in self.files {
            values.push(Values::File(path.display().to_string(), read(path)?.into()));
        }
        values.extend(self.json.iter().cloned().map(Values::SetJson));
        values.extend(self.set.iter().cloned().map(Values::Set));
        values.extend(self.texts.iter().cloned().map(Values::SetString));
        for text in self.contents {
            let (key, path) =
                text.split_once('=').ok_or_else(|| ValuesError::Assignment(text.clone()))?;
            values.push(Values::SetFile(key.to_owned(), read(Path::new(path))?));
        }
        Ok(values)
    }
}

impl ChartError {
    /// The error with the place that it is at, as seen from where the chart is.
    #[must_use]
    pub fn in_chart(&self, chart: &Path) -> String {
        use coaming_helm::RenderError;
        let chart = chart.display();
        match self {
            Self::Render(RenderError::Place { file, line, column, message, .. }) => {
                format!("{chart}/{file}:{line}:{column}: {message}")
            }
            error => format!("{chart}: {error}"),
        }
    }
}
