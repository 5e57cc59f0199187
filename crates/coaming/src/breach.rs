//! `coaming breach`: what an attacker in a container can run, read and reach.

use std::path::PathBuf;

use coaming_args::{BreachArguments, BreachFormat, ScopeArguments};
use coaming_breach::{Answer, CutOptions, Query, Scene};
use coaming_console as output;
use coaming_finding::Finding;
use coaming_report::{File, Report, breach as render};
use coaming_rules::{Images, Knowledge};
use coaming_scan::{Engine, VariantWorld};
use coaming_source::Loaded;

use crate::{CommandError, Outcome, failed, scope};

/// What was read and judged.
struct Subject {
    engine: Engine,
    variant: VariantWorld,
    images: Images,
    findings: Vec<Finding>,
    outcome: Outcome,
}

impl Subject {
    fn scene(&self) -> Scene<'_> {
        self.engine.scene(&self.variant.world, &self.images, &self.variant.known)
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &BreachArguments) -> Result<Outcome, CommandError> {
    if arguments.format == BreachFormat::OpengraphSchema {
        output::write(arguments.output.as_deref(), |out| render::opengraph_schema(out))?;
        return Ok(Outcome::Clean);
    }
    if let [old, new] = arguments.compare.as_slice() {
        return compare(arguments, old, new);
    }
    let (workload, paths) = arguments.workload_and_paths();
    let query = query(arguments, workload)?;
    let loaded = scope::cluster(&arguments.cluster.arguments());
    let subject = read(arguments, paths, loaded)?;
    let scene = subject.scene();
    let options =
        CutOptions { enabled: !arguments.no_cut, weights: arguments.cut_costs.unwrap_or_default() };
    let answer =
        coaming_breach::answer(&scene, &query, &subject.findings, &options).map_err(failed)?;
    if arguments.format == BreachFormat::Html {
        html(arguments, &scene, &subject, &query, &answer)?;
        return Ok(subject.outcome);
    }
    let view = render::View::new(&answer, &subject.variant.world, &subject.findings);
    output::write_masked(arguments.output.as_deref(), |out| match arguments.format {
        BreachFormat::Text => render::text(&view, out),
        BreachFormat::Json => render::json(&view, out),
        BreachFormat::Dot => render::dot(&view, out),
        BreachFormat::Mermaid => render::mermaid(&view, out),
        BreachFormat::Opengraph => render::opengraph(&view, out),
        // They are written above.
        BreachFormat::OpengraphSchema | BreachFormat::Html => Ok(()),
    })?;
    Ok(subject.outcome)
}

/// Writes the page, which has all findings and can answer for every workload.
fn html(
    arguments: &BreachArguments,
    scene: &Scene<'_>,
    subject: &Subject,
    query: &Query,
    answer: &Answer,
) -> Result<(), CommandError> {
    let map = coaming_breach::map(scene, query, answer, &subject.findings).map_err(failed)?;
    let world = &subject.variant.world;
    let files = world.sources().map(|(id, source)| (id, File::of(source))).collect();
    let report = Report {
        document_count: world.document_count(),
        workload_count: world.workloads().count(),
        ..Report::new(&subject.findings, &files)
    };
    let view = render::View::new(answer, world, &subject.findings);
    output::write(arguments.output.as_deref(), |out| render::html(&view, &map, &report, out))?;
    Ok(())
}

fn query(arguments: &BreachArguments, workload: Option<&str>) -> Result<Query, CommandError> {
    let from = match (&arguments.from, workload) {
        (Some(from), _) => Some(coaming_breach::From::parse(from).map_err(failed)?),
        (None, workload) => workload.map(|name| coaming_breach::From::Workload(name.to_owned())),
    };
    let to = arguments.to.as_deref().map(coaming_breach::To::parse).transpose().map_err(failed)?;
    let any_neighbor = arguments.assume.is_some();
    Ok(Query { from, to, max_hops: arguments.max_hops, any_neighbor })
}

/// Reads the objects and judges them: `fix` and `breach` must speak of the same findings.
fn read(
    arguments: &BreachArguments,
    paths: Vec<PathBuf>,
    cluster: Option<Loaded>,
) -> Result<Subject, CommandError> {
    let scope = ScopeArguments {
        paths,
        kubernetes_version: arguments.kubernetes_version,
        config: arguments.config.clone(),
        images: arguments.images,
        look_up: arguments.look_up.clone(),
        ..ScopeArguments::default()
    };
    let config = scope::config(&scope)?;
    let loaded = match cluster {
        Some(loaded) => loaded,
        None => coaming_source::load(&scope.paths, &scope::source_options(&scope, &config)?),
    };
    let (world, mut outcome) = scope::world(loaded)?;
    let engine = scope::engine(config)?;
    let mut errors = Vec::new();
    let variant = VariantWorld { name: None, world, recipe: None, known: Knowledge::default() };
    let images = scope::images(&scope, &engine, std::slice::from_ref(&variant), &mut errors)?;
    output::complain_of(&errors);
    if !errors.is_empty() {
        outcome = Outcome::Failed;
    }
    let today = coaming_scan::today();
    let findings = engine.scan_knowing(&variant.world, &images, today, &variant.known).findings;
    Ok(Subject { engine, variant, images, findings, outcome })
}

fn compare(
    arguments: &BreachArguments,
    old: &PathBuf,
    new: &PathBuf,
) -> Result<Outcome, CommandError> {
    let query = query(arguments, None)?;
    let mut answers = Vec::new();
    let mut outcome = Outcome::Clean;
    for path in [old, new] {
        let subject = read(arguments, vec![path.clone()], None)?;
        outcome = outcome.max(subject.outcome);
        let (scene, options) = (subject.scene(), CutOptions::default());
        let answer = coaming_breach::answer(&scene, &query, &subject.findings, &options);
        answers.push(answer.map_err(failed)?);
    }
    let [old, new] = answers.as_slice() else { return Ok(outcome) };
    output::write_masked(arguments.output.as_deref(), |out| match arguments.format {
        BreachFormat::Json => render::compare_json(old, new, out),
        _ => render::compare_text(old, new, out),
    })?;
    let gained = new.pairs().difference(&old.pairs()).next().is_some();
    Ok(outcome.max(if gained { Outcome::Found } else { Outcome::Clean }))
}
