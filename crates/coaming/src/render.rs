//! `coaming render`: prints what a chart renders to.

use std::collections::BTreeSet;
use std::path::Path;

use coaming_helm::{Manifest, Options, Rendered, Values};

use crate::args::RenderArguments;
use crate::{CommandError, Outcome, output};

/// The largest values file, in bytes.
const MAX_VALUES: u64 = 64 << 20;

/// Runs the command.
pub(crate) fn run(arguments: &RenderArguments) -> Result<Outcome, CommandError> {
    let defaults = Options::default();
    let options = Options {
        release_name: arguments.release_name.clone(),
        namespace: arguments.namespace.clone(),
        values: values(arguments)?,
        kubernetes_minor: arguments
            .kubernetes_version
            .map_or(defaults.kubernetes_minor, |version| version.minor()),
        api_versions: arguments.api_versions.clone(),
        include_crds: arguments.include_crds,
        skip_tests: arguments.skip_tests,
    };
    let rendered = coaming_source::render_chart(&arguments.chart, &options)
        .map_err(|error| CommandError::Argument(described(&arguments.chart, error)))?;
    let text = if arguments.show_origin { with_origins(&rendered) } else { rendered.text() };
    output::write(arguments.output.as_deref(), |out| out.write_all(text.as_bytes()))?;
    Ok(Outcome::Clean)
}

fn described(chart: &Path, error: coaming_source::ChartError) -> String {
    use coaming_helm::RenderError;
    use coaming_source::ChartError;
    let chart = chart.display();
    match error {
        ChartError::Render(RenderError::Place { file, line, column, message }) => {
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
    for text in &arguments.set_json {
        let (key, json) = pair(text, "--set-json")?;
        values.push(Values::SetJson(key, json));
    }
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
