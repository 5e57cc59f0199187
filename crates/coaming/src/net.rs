//! `coaming net`: reachability, explanations, suggested policies.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use coaming_args::{
    CheckArguments, DiffArguments, GraphArguments, GraphFormat, NetArguments, NetCommand,
    NetInputArguments, NetViewArguments, Plugin, PolicyFormat, SuggestArguments, TableArguments,
    TableFormat, WhyArguments,
};
use coaming_console as output;
use coaming_network::model::NetworkPlugin;
use coaming_network::suggest::{
    Answers, Format, Question, SuggestOptions, suggest_with, with_questions,
};
use coaming_network::{AssertionResult, Filter, Model, Reach, Selection, from_world};
use coaming_report::net as render;
use coaming_source::Loaded;

use crate::{CommandError, Outcome, failed, scope};

/// Runs the command.
pub(crate) fn run(arguments: &NetArguments) -> Result<Outcome, CommandError> {
    match &arguments.command {
        NetCommand::List(arguments) => list(arguments),
        NetCommand::Exposure(arguments) => exposure(arguments),
        NetCommand::Why(arguments) => why(arguments),
        NetCommand::Check(arguments) => check(arguments),
        NetCommand::Lint(arguments) => lint(&arguments.inputs),
        NetCommand::Diff(arguments) => diff(arguments),
        NetCommand::Graph(arguments) => graph(arguments),
        NetCommand::Suggest(arguments) => suggest(arguments),
    }
}

/// What a question is asked about.
struct Asked {
    model: Model,
    /// What the reader must know besides the answer.
    remarks: render::Remarks,
    outcome: Outcome,
}

/// Reads the model; policies that the API server would refuse are reported. Without any workload
/// there is nothing to answer, which is a failure.
fn asked(loaded: Loaded, view: &NetViewArguments) -> Result<Asked, CommandError> {
    let (world, outcome) = scope::world(loaded)?;
    let mut model = from_world(&world);
    model.plugin = plugin(view).unwrap_or(model.plugin);
    for problem in &model.problems {
        let location = problem.location.as_ref();
        let location = location.map_or_else(String::new, |location| format!("{location}: "));
        output::warn(&format!("{location}{}: {}", problem.object, problem.message));
    }
    let remarks = render::remarks(&model);
    let outcome = if model.pods.is_empty() { Outcome::Failed } else { outcome };
    Ok(Asked { model, remarks, outcome })
}

/// The plugin that was named.
fn plugin(view: &NetViewArguments) -> Option<NetworkPlugin> {
    match view.network_plugin {
        Plugin::Auto => None,
        Plugin::Calico => Some(NetworkPlugin::Calico),
        Plugin::Cilium => Some(NetworkPlugin::Cilium),
        Plugin::Kubernetes => Some(NetworkPlugin::Kubernetes),
    }
}

/// What the answer is limited to.
fn selection(view: &NetViewArguments) -> Selection<'_> {
    Selection {
        namespace: view.namespace.as_deref(),
        focus: &view.focus,
        port: view.port.as_deref(),
    }
}

fn filter(view: &NetViewArguments, models: &[&Model]) -> Result<Filter, CommandError> {
    selection(view).filter(models).map_err(failed)
}

fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), CommandError> {
    output::write_masked(None, write)?;
    Ok(())
}

/// Notes for formats that have no room for them.
fn warn_of(remarks: &render::Remarks) {
    remarks.notes.iter().for_each(|note| output::note(&format!("note: {}", note.message)));
}

fn load(inputs: &NetInputArguments) -> Result<Asked, CommandError> {
    asked(scope::load(&inputs.inputs()), &inputs.view)
}

fn list(arguments: &TableArguments) -> Result<Outcome, CommandError> {
    let Asked { model, remarks, outcome } = load(&arguments.inputs)?;
    let filter = filter(&arguments.inputs.view, &[&model])?;
    let reach = Reach::new(model);
    let connections = coaming_network::connections(&reach);
    let limited = filter != Filter::default();
    let connections = connections.filter_map(|connection| match limited {
        true => filter.connection(connection),
        false => Some(connection),
    });
    print(|out| match arguments.format {
        TableFormat::Text => render::list_text(connections, &remarks, out),
        TableFormat::Json => render::list_json(connections, &remarks, out),
        TableFormat::Csv => render::list_csv(connections, out),
        TableFormat::Markdown => render::list_markdown(connections, out),
    })?;
    if matches!(arguments.format, TableFormat::Csv | TableFormat::Markdown) {
        warn_of(&remarks);
    }
    Ok(outcome)
}

fn exposure(arguments: &TableArguments) -> Result<Outcome, CommandError> {
    let Asked { model, remarks, outcome } = load(&arguments.inputs)?;
    let filter = filter(&arguments.inputs.view, &[&model])?;
    let exposures = filter.exposures(coaming_network::exposure(model));
    print(|out| match arguments.format {
        TableFormat::Text => render::exposure_text(&exposures, &remarks, out),
        TableFormat::Json => render::exposure_json(&exposures, &remarks, out),
        TableFormat::Csv => render::exposure_csv(&exposures, out),
        TableFormat::Markdown => render::exposure_markdown(&exposures, out),
    })?;
    if matches!(arguments.format, TableFormat::Csv | TableFormat::Markdown) {
        warn_of(&remarks);
    }
    Ok(outcome)
}

fn why(arguments: &WhyArguments) -> Result<Outcome, CommandError> {
    let (port, inputs) = arguments.port_and_inputs();
    let view = &arguments.inputs.view;
    let Asked { model, outcome: mut ends, .. } = asked(scope::load(&inputs), view)?;
    let reach = Reach::new(model);
    let source = selection(view).endpoint(&reach, &arguments.source).map_err(failed)?;
    let target = selection(view).endpoint(&reach, &arguments.target).map_err(failed)?;
    let ports = match port {
        Some(text) => coaming_network::find_port(reach.model(), &target.endpoints, text)
            .map_err(failed)?
            .into_iter()
            .map(Some)
            .collect(),
        None => vec![None],
    };
    for port in ports {
        let explanation = coaming_network::explain(&reach, &source, &target, port.as_ref());
        let Some(explanation) = explanation else {
            return Err(failed("nothing is known of connections to `ingress`"));
        };
        print(|out| {
            if arguments.json {
                render::why_json(&explanation, out)
            } else {
                render::why_text(&explanation, out)
            }
        })?;
        if !explanation.is_certain() {
            ends = Outcome::Failed;
        } else if arguments.exit_code && !explanation.is_allowed() {
            ends = ends.max(Outcome::Found);
        }
    }
    Ok(ends)
}

/// The largest file of assertions that is read.
const MAX_RULES_BYTES: u64 = 16 << 20;

fn check(arguments: &CheckArguments) -> Result<Outcome, CommandError> {
    let named =
        |error: &dyn std::fmt::Display| failed(format!("{}: {error}", arguments.rules.display()));
    let text = coaming_source::read_text(&arguments.rules, MAX_RULES_BYTES)
        .map_err(|error| named(&error))?;
    let assertions = coaming_network::read_assertions(&text).map_err(|error| named(&error))?;
    let Asked { model, outcome: mut ends, .. } = load(&arguments.inputs)?;
    let reach = Reach::new(model);
    let results: Vec<_> = assertions
        .iter()
        .map(|assertion| (assertion, coaming_network::check_assertion(&reach, assertion)))
        .collect();
    print(|out| match arguments.json {
        true => render::check_json(&results, out),
        false => results.iter().try_for_each(|(it, result)| render::check_text(it, result, out)),
    })?;
    for (_, result) in &results {
        ends = ends.max(match result {
            AssertionResult::Holds => Outcome::Clean,
            AssertionResult::Fails(_) => Outcome::Found,
            AssertionResult::Unknown(_)
            | AssertionResult::NotFound(_)
            | AssertionResult::NoPods(_) => Outcome::Failed,
        });
    }
    Ok(ends)
}

fn lint(inputs: &NetInputArguments) -> Result<Outcome, CommandError> {
    let Asked { model, remarks, outcome } = load(inputs)?;
    let filter = filter(&inputs.view, &[&model])?;
    let reach = Reach::new(model);
    let mut rules = coaming_network::idle_rules(&reach);
    rules.retain(|idle| filter.keeps_rule(&reach, idle));
    print(|out| render::lint_text(&rules, &remarks, out))?;
    let found = if rules.is_empty() { Outcome::Clean } else { Outcome::Found };
    Ok(found.max(outcome))
}

fn diff(arguments: &DiffArguments) -> Result<Outcome, CommandError> {
    let read =
        |path: &PathBuf| asked(scope::files(std::slice::from_ref(path), false), &arguments.view);
    let (old, new) = (read(&arguments.old)?, read(&arguments.new)?);
    let filter = filter(&arguments.view, &[&old.model, &new.model])?;
    let mut remarks = old.remarks;
    for note in new.remarks.notes {
        if !remarks.notes.contains(&note) {
            remarks.notes.push(note);
        }
    }
    remarks.problems.extend(new.remarks.problems);
    let diff = filter.diff(coaming_network::diff(old.model, new.model));
    print(|out| match arguments.format {
        TableFormat::Text => render::diff_text(&diff, &remarks, out),
        TableFormat::Json => render::diff_json(&diff, &remarks, out),
        TableFormat::Csv => render::diff_csv(&diff, out),
        TableFormat::Markdown => render::diff_markdown(&diff, out),
    })?;
    if matches!(arguments.format, TableFormat::Csv | TableFormat::Markdown) {
        warn_of(&remarks);
    }
    let differs = if diff.is_empty() { Outcome::Clean } else { Outcome::Found };
    Ok(differs.max(old.outcome).max(new.outcome))
}

/// With more arrows than this, a picture cannot be read.
const MOST_EDGES: usize = 60;

fn graph(arguments: &GraphArguments) -> Result<Outcome, CommandError> {
    let Asked { model, remarks, outcome } = load(&arguments.inputs)?;
    let filter = filter(&arguments.inputs.view, &[&model])?;
    let reach = Reach::new(model);
    let graph = filter.graph(coaming_network::graph(&reach));
    // Programs want each edge, people few.
    let graph = match arguments.format {
        GraphFormat::Graphml => graph,
        _ => coaming_network::bundled(graph, MOST_EDGES),
    };
    print(|out| match arguments.format {
        GraphFormat::Dot => render::graph_dot(&graph, out),
        GraphFormat::Svg => render::graph_svg(&graph, out),
        GraphFormat::Mermaid => render::graph_mermaid(&graph, out),
        GraphFormat::Graphml => render::graph_graphml(&graph, out),
    })?;
    warn_of(&remarks);
    Ok(outcome)
}

/// The largest flow log that is read.
const MAX_LOG_BYTES: u64 = 1 << 30;

/// The largest file of answers that is read.
const MAX_ANSWERS_BYTES: u64 = 16 << 20;

fn suggest(arguments: &SuggestArguments) -> Result<Outcome, CommandError> {
    let read = |path: &PathBuf, most: u64| {
        coaming_source::read_text(path, most)
            .map_err(|error| failed(format!("{}: {error}", path.display())))
    };
    let log = arguments.flows.as_ref().map(|path| read(path, MAX_LOG_BYTES)).transpose()?;
    let existing = arguments.answers.as_ref().filter(|path| path.exists());
    let existing = existing.map(|path| read(path, MAX_ANSWERS_BYTES)).transpose()?;
    let answers = existing.as_deref().map(Answers::read).transpose().map_err(|error| {
        let path = arguments.answers.as_deref().unwrap_or(Path::new(""));
        failed(format!("{}: {error}", path.display()))
    })?;
    let view = &arguments.inputs.view;
    let (world, mut outcome) = scope::world(scope::load(&arguments.inputs.inputs()))?;
    let model = from_world(&world);
    let filter = filter(view, &[&model])?;
    let remarks = render::remarks(&model);
    warn_of(&remarks);
    if remarks.is_without_workloads() {
        outcome = Outcome::Failed;
    }
    let options = SuggestOptions {
        log: log.as_deref(),
        answers: answers.as_ref(),
        format: match arguments.format {
            PolicyFormat::Kubernetes => Format::Kubernetes,
            PolicyFormat::Calico => Format::Calico,
            PolicyFormat::Cilium => Format::Cilium,
        },
        plugin: plugin(view),
        filter: Some(&filter),
    };
    let suggestion = suggest_with(&world, &options).map_err(failed)?;
    print(|out| render::suggestion_yaml(&suggestion, out))?;
    for question in &suggestion.questions {
        output::warn(&format!("question: {question}"));
    }
    for id in &suggestion.unasked {
        output::warn(&format!("the answer to `{id}` is not used: nothing asks for it"));
    }
    if let Some(path) = &arguments.answers {
        keep_questions(path, existing.as_deref(), answers.as_ref(), &suggestion.questions)?;
    }
    let open = if suggestion.questions.is_empty() { Outcome::Clean } else { Outcome::Found };
    Ok(outcome.max(open))
}

/// Adds the questions that a file of answers does not have yet; what is in it stays as it is.
fn keep_questions(
    path: &Path,
    existing: Option<&str>,
    answers: Option<&Answers>,
    questions: &[Question],
) -> Result<(), CommandError> {
    if let Some(text) = with_questions(existing, answers, questions) {
        output::write(Some(path), |out| out.write_all(text.as_bytes()))?;
    }
    if !questions.is_empty() {
        let open = match questions.len() {
            1 => "1 question is open".to_owned(),
            count => format!("{count} questions are open"),
        };
        output::note(&format!("{open}: {}", path.display()));
    }
    Ok(())
}
