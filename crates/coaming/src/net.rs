//! `coaming net`: who can reach whom, why, and what policies should be there.

use std::path::PathBuf;

use coaming_network::{Reach, from_inventory, render};
use coaming_source::Loaded;

use crate::args::{GraphFormat, InputArguments, NetArguments, NetCommand, TableFormat};
use crate::{CommandError, Outcome, output, scope};

/// Runs the command.
pub(crate) fn run(arguments: &NetArguments) -> Result<Outcome, CommandError> {
    match &arguments.command {
        NetCommand::List(arguments) => list(&arguments.inputs, arguments.format),
        NetCommand::Exposure(arguments) => exposure(&arguments.inputs, arguments.format),
        NetCommand::Why(arguments) => {
            let (port, inputs) = arguments.port_and_inputs();
            why(&inputs, [&arguments.source, &arguments.target], port, arguments.json)
        }
        NetCommand::Diff(arguments) => diff(&arguments.old, &arguments.new, arguments.format),
        NetCommand::Graph(arguments) => graph(&arguments.inputs, arguments.format),
        NetCommand::Suggest(arguments) => suggest(&arguments.inputs, arguments.flows.as_ref()),
    }
}

/// The model's answer machine; policies that the API server would refuse are told.
fn reach(loaded: Loaded) -> Result<(Reach, Outcome), CommandError> {
    let (world, outcome) = scope::world(loaded)?;
    let reach = Reach::new(from_inventory(&world));
    for problem in &reach.model().problems {
        let place = problem.place.as_ref().map_or_else(String::new, |place| format!("{place}: "));
        output::warn(&format!("{place}{}: {}", problem.object, problem.message));
    }
    Ok((reach, outcome))
}

fn print(text: &str) -> Result<(), CommandError> {
    output::write(None, |out| out.write_all(text.as_bytes()))
}

fn list(inputs: &InputArguments, format: TableFormat) -> Result<Outcome, CommandError> {
    let (reach, outcome) = reach(scope::load(inputs))?;
    let connections = coaming_network::list(&reach);
    print(&match format {
        TableFormat::Text => render::list_text(&connections),
        TableFormat::Json => render::list_json(&connections),
        TableFormat::Csv => render::list_csv(&connections),
        TableFormat::Markdown => render::list_markdown(&connections),
    })?;
    Ok(outcome)
}

fn exposure(inputs: &InputArguments, format: TableFormat) -> Result<Outcome, CommandError> {
    let (reach, outcome) = reach(scope::load(inputs))?;
    let exposures = coaming_network::exposure(reach.into_model());
    print(&match format {
        TableFormat::Text => render::exposure_text(&exposures),
        TableFormat::Json => render::exposure_json(&exposures),
        TableFormat::Csv => render::exposure_csv(&exposures),
        TableFormat::Markdown => render::exposure_markdown(&exposures),
    })?;
    Ok(outcome)
}

fn why(
    inputs: &InputArguments,
    [source, target]: [&str; 2],
    port: Option<&str>,
    json: bool,
) -> Result<Outcome, CommandError> {
    let argument = |error: coaming_network::FindError| CommandError::Argument(error.to_string());
    let (reach, outcome) = reach(scope::load(inputs))?;
    let sources = coaming_network::find_end(&reach, source).map_err(argument)?;
    let targets = coaming_network::find_end(&reach, target).map_err(argument)?;
    let ports = match port {
        Some(text) => coaming_network::find_port(reach.model(), &targets, text)
            .map_err(argument)?
            .into_iter()
            .map(Some)
            .collect(),
        None => vec![None],
    };
    for port in ports {
        let explanation = coaming_network::explain_any(&reach, &sources, &targets, port);
        let Some(explanation) = explanation else { continue };
        print(&if json { render::why_json(&explanation) } else { render::why_text(&explanation) })?;
    }
    Ok(outcome)
}

fn diff(old: &PathBuf, new: &PathBuf, format: TableFormat) -> Result<Outcome, CommandError> {
    let (old, old_outcome) = reach(scope::files(std::slice::from_ref(old)))?;
    let (new, new_outcome) = reach(scope::files(std::slice::from_ref(new)))?;
    let diff = coaming_network::diff(old.into_model(), new.into_model());
    print(&match format {
        TableFormat::Text => render::diff_text(&diff),
        TableFormat::Json => render::diff_json(&diff),
        TableFormat::Csv => render::diff_csv(&diff),
        TableFormat::Markdown => render::diff_markdown(&diff),
    })?;
    let differs = if diff.is_empty() { Outcome::Clean } else { Outcome::Found };
    Ok(differs.max(old_outcome).max(new_outcome))
}

fn graph(inputs: &InputArguments, format: GraphFormat) -> Result<Outcome, CommandError> {
    let (reach, outcome) = reach(scope::load(inputs))?;
    let connections = coaming_network::list(&reach);
    let graph = coaming_network::graph(reach.model(), &connections);
    print(&match format {
        GraphFormat::Dot => render::graph_dot(&graph),
        GraphFormat::Svg => render::graph_svg(&graph),
    })?;
    Ok(outcome)
}

/// The largest flow log that is read.
const MAX_LOG_BYTES: u64 = 1 << 30;

fn suggest(inputs: &InputArguments, flows: Option<&PathBuf>) -> Result<Outcome, CommandError> {
    let log = flows
        .map(|path| {
            coaming_source::read_text(path, MAX_LOG_BYTES)
                .map_err(|error| CommandError::Argument(format!("{}: {error}", path.display())))
        })
        .transpose()?;
    let (world, outcome) = scope::world(scope::load(inputs))?;
    let suggestion = coaming_network::suggest::suggest(&world, log.as_deref())
        .map_err(|error| CommandError::Argument(error.to_string()))?;
    print(&suggestion.yaml)?;
    for question in &suggestion.questions {
        output::warn(&format!("question: {question}"));
    }
    Ok(outcome)
}
