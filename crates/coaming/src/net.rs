//! `coaming net`: reachability, explanations, suggested policies.

use std::io::{self, Write};
use std::path::PathBuf;

use coaming_network::{Reach, from_world};
use coaming_report::net as render;
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

/// Computes reachability; policies that the API server would refuse are reported.
fn reach(loaded: Loaded) -> Result<(Reach, Outcome), CommandError> {
    let (world, outcome) = scope::world(loaded)?;
    let reach = Reach::new(from_world(&world));
    for problem in &reach.model().problems {
        let location = problem.location.as_ref();
        let location = location.map_or_else(String::new, |location| format!("{location}: "));
        output::warn(&format!("{location}{}: {}", problem.object, problem.message));
    }
    Ok((reach, outcome))
}

fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), CommandError> {
    output::write(None, write)
}

fn list(inputs: &InputArguments, format: TableFormat) -> Result<Outcome, CommandError> {
    let (reach, outcome) = reach(scope::load(inputs))?;
    let connections = coaming_network::connections(&reach);
    print(|out| match format {
        TableFormat::Text => render::list_text(connections, out),
        TableFormat::Json => render::list_json(connections, out),
        TableFormat::Csv => render::list_csv(connections, out),
        TableFormat::Markdown => render::list_markdown(connections, out),
    })?;
    Ok(outcome)
}

fn exposure(inputs: &InputArguments, format: TableFormat) -> Result<Outcome, CommandError> {
    let (reach, outcome) = reach(scope::load(inputs))?;
    let exposures = coaming_network::exposure(reach.into_model());
    print(|out| match format {
        TableFormat::Text => render::exposure_text(&exposures, out),
        TableFormat::Json => render::exposure_json(&exposures, out),
        TableFormat::Csv => render::exposure_csv(&exposures, out),
        TableFormat::Markdown => render::exposure_markdown(&exposures, out),
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
    let sources = coaming_network::find_endpoint(&reach, source).map_err(argument)?;
    let targets = coaming_network::find_endpoint(&reach, target).map_err(argument)?;
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
        print(|out| {
            if json {
                render::why_json(&explanation, out)
            } else {
                render::why_text(&explanation, out)
            }
        })?;
    }
    Ok(outcome)
}

fn diff(old: &PathBuf, new: &PathBuf, format: TableFormat) -> Result<Outcome, CommandError> {
    let (old, old_outcome) = reach(scope::files(std::slice::from_ref(old), false))?;
    let (new, new_outcome) = reach(scope::files(std::slice::from_ref(new), false))?;
    let diff = coaming_network::diff(old.into_model(), new.into_model());
    print(|out| match format {
        TableFormat::Text => render::diff_text(&diff, out),
        TableFormat::Json => render::diff_json(&diff, out),
        TableFormat::Csv => render::diff_csv(&diff, out),
        TableFormat::Markdown => render::diff_markdown(&diff, out),
    })?;
    let differs = if diff.is_empty() { Outcome::Clean } else { Outcome::Found };
    Ok(differs.max(old_outcome).max(new_outcome))
}

fn graph(inputs: &InputArguments, format: GraphFormat) -> Result<Outcome, CommandError> {
    let (reach, outcome) = reach(scope::load(inputs))?;
    let graph = coaming_network::graph(&reach);
    print(|out| match format {
        GraphFormat::Dot => render::graph_dot(&graph, out),
        GraphFormat::Svg => render::graph_svg(&graph, out),
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
    print(|out| render::suggestion_yaml(&suggestion, out))?;
    for question in &suggestion.questions {
        output::warn(&format!("question: {question}"));
    }
    Ok(outcome)
}
