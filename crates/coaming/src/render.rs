//! `coaming render`: prints what a chart or an overlay renders to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use coaming_helm::{Manifest, Options, Rendered, Values};
use coaming_kustomize::Built;
use coaming_yaml::LineIndex;

use crate::args::RenderArguments;
use crate::scope::Lookups;
use crate::{CommandError, Outcome, output};

/// The largest values file, in bytes.
const MAX_VALUES: u64 = 64 << 20;

/// Runs the command.
pub(crate) fn run(arguments: &RenderArguments) -> Result<Outcome, CommandError> {
    let text = if is_overlay(&arguments.path) { overlay(arguments)? } else { chart(arguments)? };
    output::write(arguments.output.as_deref(), |out| out.write_all(text.as_bytes()))?;
    Ok(Outcome::Clean)
}

/// A directory with both is a chart that contains a kustomization.
fn is_overlay(path: &Path) -> bool {
    coaming_source::is_overlay(path) && !path.join("Chart.yaml").is_file()
}

/// What an overlay builds.
fn overlay(arguments: &RenderArguments) -> Result<String, CommandError> {
    let path = &arguments.path;
    let minor = arguments.kubernetes_version.map(|version| version.minor());
    let built = coaming_source::build_overlay(path, minor).map_err(|error| {
        CommandError::Argument(match error.place() {
            Some(place) => format!("{}:{}:{}: {error}", place.file, place.line, place.column),
            None => format!("{}: {error}", path.display()),
        })
    })?;
    Ok(if arguments.show_origin { overlay_with_origins(&built) } else { built.text() })
}

/// The objects of an overlay, with comments that name the files that made each, and the first line
/// in them.
fn overlay_with_origins(built: &Built) -> String {
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

/// What a chart renders to.
fn chart(arguments: &RenderArguments) -> Result<String, CommandError> {
    let defaults = Options::default();
    let lookups = lookups(arguments)?;
    let version = arguments.kubernetes_version.or(lookups.version);
    let options = Options {
        release_name: arguments.release_name.clone(),
        namespace: arguments.namespace.clone(),
        values: values(arguments)?,
        kubernetes_minor: version.map_or(defaults.kubernetes_minor, |version| version.minor()),
        api_versions: arguments.api_versions.clone(),
        include_crds: arguments.include_crds,
        skip_tests: arguments.skip_tests,
        cluster: lookups.cluster,
        // As Helm.
        allow_missing_dependencies: false,
    };
    let rendered = coaming_source::render_chart(&arguments.path, &options)
        .map_err(|error| CommandError::Argument(described(&arguments.path, error)))?;
    Ok(if arguments.show_origin { with_origins(&rendered) } else { rendered.text() })
}

/// The cluster that the chart may look into, if the user asked for that.
#[cfg(feature = "cluster")]
fn lookups(arguments: &RenderArguments) -> Result<Lookups, CommandError> {
    let context = arguments.context.clone();
    if arguments.cluster { crate::cluster::lookups(context) } else { Ok(Lookups::default()) }
}

/// Without the feature there is no such option.
#[cfg(not(feature = "cluster"))]
fn lookups(_: &RenderArguments) -> Result<Lookups, CommandError> {
    Ok(Lookups::default())
}

fn described(chart: &Path, error: coaming_source::ChartError) -> String {
    use coaming_helm::RenderError;
    use coaming_source::ChartError;
    let chart = chart.display();
    match error {
        ChartError::Render(RenderError::Place { file, line, column, message, .. }) => {
            format!("{chart}/{file}:{line}:{column}: {message}")
        }
        error => format!("{chart}: {error}"),
    }
}

/// The given values, in Helm's order: files, JSON, assignments, texts, contents.
fn values(arguments: &RenderArguments) -> Result<Vec<Values>, CommandError> {
    let mut values = Vec::new();
    let read = |path: &Path| {
        coaming_source::read_text(path, MAX_VALUES)
            .map_err(|error| CommandError::Argument(format!("{}: {error}", path.display())))
    };
    for path in &arguments.values {
        values.push(Values::File(path.display().to_string(), read(path)?.into()));
    }
    let pair = |text: &str, option: &str| match text.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(CommandError::Argument(format!("{option} {text}: expected KEY=VALUE"))),
    };
    values.extend(arguments.set_json.iter().cloned().map(Values::SetJson));
    values.extend(arguments.set.iter().cloned().map(Values::Set));
    values.extend(arguments.set_string.iter().cloned().map(Values::SetString));
    for text in &arguments.set_file {
        let (key, path) = pair(text, "--set-file")?;
        values.push(Values::SetFile(key, read(Path::new(&path))?));
    }
    Ok(values)
}

/// The result with comments that say where each object is from.
fn with_origins(rendered: &Rendered) -> String {
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
        let (name, line, _) = coaming_source::position(rendered, location)?;
        Some((name.to_owned(), line))
    };
    let first = manifest.map.at(0).template.and_then(place);
    let values: BTreeSet<(String, u32)> =
        manifest.map.segments().filter_map(|(_, source)| place(source.values?)).collect();
    first.into_iter().chain(values).map(|(name, line)| format!("{name}:{line}")).collect()
}
