//! `coaming render`: prints what a chart or an overlay renders to.

use std::path::Path;

use coaming_args::RenderArguments;
use coaming_console as output;
use coaming_helm::Options;
use coaming_scan::Lookups;
use coaming_source::GivenValues;

use crate::{CommandError, Outcome, failed};

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
        failed(match error.place() {
            Some(place) => format!("{}:{}:{}: {error}", place.file, place.line, place.column),
            None => format!("{}: {error}", path.display()),
        })
    })?;
    Ok(if arguments.show_origin {
        coaming_source::overlay_with_origins(&built)
    } else {
        built.text()
    })
}

/// What a chart renders to.
fn chart(arguments: &RenderArguments) -> Result<String, CommandError> {
    let defaults = Options::default();
    let lookups = lookups(arguments)?;
    let version = arguments.kubernetes_version.or(lookups.version);
    let values = GivenValues {
        files: &arguments.values,
        json: &arguments.set_json,
        set: &arguments.set,
        texts: &arguments.set_string,
        contents: &arguments.set_file,
    };
    let options = Options {
        release_name: arguments.release_name.clone(),
        namespace: arguments.namespace.clone(),
        values: values.read().map_err(failed)?,
        kubernetes_minor: version.map_or(defaults.kubernetes_minor, |version| version.minor()),
        api_versions: arguments.api_versions.clone(),
        include_crds: arguments.include_crds,
        skip_tests: arguments.skip_tests,
        cluster: lookups.cluster,
        // As Helm.
        allow_missing_dependencies: false,
    };
    let rendered = coaming_source::render_chart(&arguments.path, &options)
        .map_err(|error| failed(error.in_chart(&arguments.path)))?;
    Ok(if arguments.show_origin {
        coaming_source::chart_with_origins(&rendered)
    } else {
        rendered.text()
    })
}

/// The cluster that the chart may look into, if the user asked for that.
#[cfg(feature = "cluster")]
fn lookups(arguments: &RenderArguments) -> Result<Lookups, CommandError> {
    let context = arguments.context.clone();
    if arguments.cluster {
        coaming_scan::lookups(context).map_err(failed)
    } else {
        Ok(Lookups::default())
    }
}

/// Without the feature the option does not exist.
#[cfg(not(feature = "cluster"))]
fn lookups(_: &RenderArguments) -> Result<Lookups, CommandError> {
    Ok(Lookups::default())
}
