//! `coaming breach`: what an attacker in a container can run, read and reach.

use std::path::PathBuf;

use coaming_breach::{Answer, CutOptions, From, Query, Scene, To};
use coaming_finding::Finding;
use coaming_kube::World;
use coaming_report::{Report, breach as render};
use coaming_rules::{Images, Knowledge};
use coaming_scan::VariantWorld;
use coaming_source::Loaded;

use crate::args::{BreachArguments, BreachFormat, ScopeArguments};
use crate::{CommandError, Outcome, output, scope};

/// What was read and judged.
struct Subject {
    world: World,
    images: Images,
    known: Knowledge,
    findings: Vec<Finding>,
    allowed_registries: Vec<String>,
    minor: u32,
    outcome: Outcome,
}

impl Subject {
    fn scene(&self) -> Scene<'_> {
        Scene::new(&self.world, &self.images, self.minor, &self.known)
            .allowing_registries(&self.allowed_registries)
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
    let answer = ask(&scene, &subject, &query, &options)?;
    if arguments.format == BreachFormat::Html {
        html(arguments, &scene, &subject, &query, &answer)?;
        return Ok(subject.outcome);
    }
    let view = render::View::new(&answer, &subject.world, &subject.findings);
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
    let map = coaming_breach::map(scene, query, answer, &subject.findings)
        .map_err(|error| CommandError::Argument(error.to_string()))?;
    let world = &subject.world;
    let files = world.sources().map(|(id, source)| (id, crate::scan::file(source))).collect();
    let report = Report {
        findings: &subject.findings,
        errors: &[],
        notes: &[],
        files: &files,
        file_count: files.len(),
        document_count: world.document_count(),
        workload_count: world.workloads().count(),
        rules: &[],
        known: None,
        compliance: None,
    };
    let view = render::View::new(answer, world, &subject.findings);
    output::write(arguments.output.as_deref(), |out| render::html(&view, &map, &report, out))
}

fn query(arguments: &BreachArguments, workload: Option<&str>) -> Result<Query, CommandError> {
    let argument = |error: coaming_breach::QueryError| CommandError::Argument(error.to_string());
    let from = match (&arguments.from, workload) {
        (Some(from), _) => Some(From::parse(from).map_err(argument)?),
        (None, Some(workload)) => Some(From::Workload(workload.to_owned())),
        (None, None) => None,
    };
    let to = arguments.to.as_deref().map(To::parse).transpose().map_err(argument)?;
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
    let minor = config.kubernetes_version.unwrap_or_default().minor();
    let loaded = match cluster {
        Some(loaded) => loaded,
        None => coaming_source::load(&scope.paths, &scope::source_options(&scope, &config)?),
    };
    let (world, mut outcome) = scope::world(loaded)?;
    let engine = scope::engine(config)?;
    let mut errors = Vec::new();
    let known = Knowledge::default();
    let variants = [VariantWorld { name: None, world, recipe: None, known }];
    let images = scope::images(&scope, &engine, &variants, &mut errors)?;
    output::complain_of(&errors);
    if !errors.is_empty() {
        outcome = Outcome::Failed;
    }
    let [VariantWorld { world, known, .. }] = variants;
    let findings = engine.scan_knowing(&world, &images, scope::today(), &known).findings;
    let allowed_registries = engine.config().allowed_registries.clone();
    Ok(Subject { world, images, known, findings, allowed_registries, minor, outcome })
}

fn ask(
    scene: &Scene<'_>,
    subject: &Subject,
    query: &Query,
    options: &CutOptions,
) -> Result<Answer, CommandError> {
    coaming_breach::answer(scene, query, &subject.findings, options)
        .map_err(|error| CommandError::Argument(error.to_string()))
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
        let scene = subject.scene();
        answers.push(ask(&scene, &subject, &query, &CutOptions::default())?);
    }
    let [old, new] = answers.as_slice() else { return Ok(outcome) };
    output::write_masked(arguments.output.as_deref(), |out| match arguments.format {
        BreachFormat::Json => render::compare_json(old, new, out),
        _ => render::compare_text(old, new, out),
    })?;
    let gained = new.pairs().difference(&old.pairs()).next().is_some();
    Ok(outcome.max(if gained { Outcome::Found } else { Outcome::Clean }))
}
