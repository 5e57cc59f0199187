//! `coaming breach`: what an attacker in a container can run, read and reach.

use std::path::PathBuf;

use coaming_breach::{Answer, CutOptions, From, Query, Scene, To};
use coaming_finding::Finding;
use coaming_kube::World;
use coaming_report::breach as render;
use coaming_rules::Images;
use coaming_scan::{Engine, VariantWorld};
use coaming_source::Loaded;

use crate::args::{BreachArguments, BreachFormat, ScopeArguments};
use crate::{CommandError, Outcome, output, scope};

/// What was read and judged.
struct Subject {
    world: World,
    images: Images,
    findings: Vec<Finding>,
    minor: u32,
    outcome: Outcome,
}

/// Runs the command.
pub(crate) fn run(arguments: &BreachArguments) -> Result<Outcome, CommandError> {
    if arguments.format == BreachFormat::OpengraphSchema {
        output::write(None, |out| render::opengraph_schema(out))?;
        return Ok(Outcome::Clean);
    }
    if let [old, new] = arguments.compare.as_slice() {
        return compare(arguments, old, new);
    }
    let (workload, paths) = arguments.workload_and_paths();
    let query = query(arguments, workload)?;
    let loaded = scope::cluster(&arguments.cluster.arguments());
    let subject = read(arguments, paths, loaded)?;
    let answer = ask(&subject, &query, !arguments.no_cut)?;
    let view = render::View::new(&answer, &subject.world, &subject.findings);
    output::write(None, |out| match arguments.format {
        BreachFormat::Text => render::text(&view, out),
        BreachFormat::Json => render::json(&view, out),
        BreachFormat::Dot => render::dot(&view, out),
        BreachFormat::Mermaid => render::mermaid(&view, out),
        BreachFormat::Opengraph => render::opengraph(&view, out),
        BreachFormat::OpengraphSchema => render::opengraph_schema(out),
    })?;
    Ok(subject.outcome)
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
    let variants = [VariantWorld { name: None, world }];
    let images = scope::images(&scope, &engine, &variants, &mut errors)?;
    output::complain_of(&errors);
    if !errors.is_empty() {
        outcome = Outcome::Failed;
    }
    let [VariantWorld { world, .. }] = variants;
    let findings = findings(&engine, &world, &images);
    Ok(Subject { world, images, findings, minor, outcome })
}

fn findings(engine: &Engine, world: &World, images: &Images) -> Vec<Finding> {
    engine.scan(world, images, scope::today()).findings
}

fn ask(subject: &Subject, query: &Query, with_cuts: bool) -> Result<Answer, CommandError> {
    let scene = Scene::new(&subject.world, &subject.images, subject.minor);
    let options = CutOptions { enabled: with_cuts, ..CutOptions::default() };
    coaming_breach::answer(&scene, query, &subject.findings, &options)
        .map_err(|error| CommandError::Argument(error.to_string()))
}

fn compare(
    arguments: &BreachArguments,
    old: &PathBuf,
    new: &PathBuf,
) -> Result<Outcome, CommandError> {
    let query = query(arguments, None)?;
    let mut pairs = Vec::new();
    let mut outcome = Outcome::Clean;
    for path in [old, new] {
        let subject = read(arguments, vec![path.clone()], None)?;
        outcome = outcome.max(subject.outcome);
        pairs.push(ask(&subject, &query, false)?.pairs());
    }
    let (old, new) = (&pairs[0], &pairs[1]);
    output::write(None, |out| match arguments.format {
        BreachFormat::Json => render::compare_json(old, new, out),
        _ => render::compare_text(old, new, out),
    })?;
    let gained = new.difference(old).next().is_some();
    Ok(outcome.max(if gained { Outcome::Found } else { Outcome::Clean }))
}
