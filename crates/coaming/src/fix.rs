//! `coaming fix`: applies fixes, or shows what they would change.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use coaming_finding::{Finding, InputError, ObjectRef};
use coaming_fix::{Change, Plan};
use coaming_kube::Origin;
use coaming_report::fixes;
use coaming_rules::Images;
use coaming_scan::{Engine, VariantWorld};

use crate::args::FixArguments;
use crate::progress::Progress;
use crate::scope::{self, Inputs};
use crate::{CommandError, Outcome, output};

/// Runs the command.
pub(crate) fn run(arguments: &FixArguments) -> Result<Outcome, CommandError> {
    let config = scope::config(&arguments.scope)?;
    let progress = Progress::start("reading and fixing …");
    let Inputs { variants, mut errors, .. } = scope::read(&arguments.scope, &config, None)?;
    let engine = scope::engine(config)?;
    let images = scope::images(&arguments.scope, &engine, &variants, &mut errors)?;
    let today = scope::today();
    let broken: BTreeSet<String> = errors.iter().map(|error| error.file.clone()).collect();
    let cut = arguments.cut.then(|| cut_keys(&engine, &variants, &images, today));
    let plan = coaming_fix::plan(
        variants.into_iter().map(|variant| variant.world).collect(),
        arguments.allow_unsafe,
        |world| {
            let mut findings = engine.scan(world, &images, today).findings;
            if let Some(cut) = &cut {
                findings.retain(|finding| cut.contains(&cut_key(finding)));
            }
            findings
        },
        |file| refuse(file, &broken),
    );
    drop(progress);
    let written = if arguments.diff { Vec::new() } else { write_all(&plan.changes, &mut errors) };
    output::complain_of(&errors);
    output::write(None, |out| {
        if arguments.diff {
            plan.changes.iter().try_for_each(|change| write!(out, "{}", coaming_fix::diff(change)))
        } else {
            fixes::applied_text(&written, out)
        }
    })?;
    report_rest(&plan, arguments)
        .map_err(|source| CommandError::Output { target: "standard error".to_owned(), source })?;
    let left = plan.left.iter().any(|finding| finding.suppressed.is_none());
    Ok(if !errors.is_empty() {
        Outcome::Failed
    } else if left || arguments.diff && !plan.changes.is_empty() {
        Outcome::Found
    } else {
        Outcome::Clean
    })
}

/// What makes a finding the same one before and after other fixes.
type CutKey = (String, Option<ObjectRef>, Option<String>, String);

fn cut_key(finding: &Finding) -> CutKey {
    let path = finding.locations.first().map(|location| location.path.to_string());
    let rule = finding.rule.id.to_string();
    (rule, finding.object.clone(), finding.container.clone(), path.unwrap_or_default())
}

/// The findings of the cuts of all variants.
fn cut_keys(
    engine: &Engine,
    variants: &[VariantWorld],
    images: &Images,
    today: Option<time::Date>,
) -> BTreeSet<CutKey> {
    let minor = engine.config().kubernetes_version.unwrap_or_default().minor();
    let mut keys = BTreeSet::new();
    for VariantWorld { world, .. } in variants {
        let findings = engine.scan(world, images, today).findings;
        let scene = coaming_breach::Scene::new(world, images, minor);
        let options = coaming_breach::CutOptions { enabled: true, ..Default::default() };
        let query = coaming_breach::Query::default();
        // Only a query that names a workload can fail.
        let answer = coaming_breach::answer(&scene, &query, &findings, &options);
        let cuts = answer.map(|answer| answer.cuts).unwrap_or_default();
        let chosen = cuts.iter().flat_map(|cut| &cut.findings);
        keys.extend(chosen.filter_map(|&number| findings.get(number)).map(cut_key));
    }
    keys
}

/// The reason why a file must not be changed, if there is one.
fn refuse(file: &coaming_kube::Source, broken: &BTreeSet<String>) -> Option<String> {
    if file.origin == Origin::Rendered {
        Some("the object was rendered from this file; change the file manually".to_owned())
    } else if broken.contains(&file.name) {
        Some("the file has syntax errors; correct them first".to_owned())
    } else if !file.origin.is_writable() {
        Some("standard input cannot be changed; pass the file as an argument".to_owned())
    } else {
        None
    }
}

/// Writes the files, and returns those that could be written.
pub(crate) fn write_all<'p>(
    changes: &'p [Change],
    errors: &mut Vec<InputError>,
) -> Vec<&'p Change> {
    use rayon::prelude::*;
    let outcomes: Vec<_> =
        changes.par_iter().map(|change| (change, coaming_fix::write(change))).collect();
    let mut written = Vec::new();
    for (change, outcome) in outcomes {
        match outcome {
            Ok(()) => written.push(change),
            Err(error) => errors.push(InputError {
                file: change.file.clone(),
                position: None,
                message: error.to_string(),
            }),
        }
    }
    written
}

/// The largest source of a rendered object that is searched for a line.
const MAX_SOURCE_BYTES: u64 = 4 << 20;

/// Reports what could not be fixed.
fn report_rest(plan: &Plan, arguments: &FixArguments) -> io::Result<()> {
    let read = |file: &str| coaming_source::read_text(Path::new(file), MAX_SOURCE_BYTES).ok();
    fixes::rest_text(plan, arguments.allow_unsafe, read, &mut io::stderr().lock())?;
    if arguments.cut {
        fixes::manual_text(plan, &mut io::stderr().lock())?;
    }
    Ok(())
}
