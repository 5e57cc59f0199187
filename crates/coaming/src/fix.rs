//! `coaming fix`: applies fixes, or shows what they would change.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use coaming_finding::{Finding, InputError, ObjectRef};
use coaming_fix::{Change, Plan};
use coaming_kube::{Origin, World};
use coaming_report::fixes;
use coaming_rules::Images;
use coaming_scan::{Engine, VariantWorld};

use crate::args::FixArguments;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::scope::{self, Inputs};
use crate::{CommandError, Outcome, output};

/// Runs the command.
pub(crate) fn run(arguments: &FixArguments) -> Result<Outcome, CommandError> {
    let config = scope::config(&arguments.scope)?;
    let progress = Progress::start("reading and fixing …");
    let Inputs { variants, mut errors, .. } = scope::read_for_edits(&arguments.scope, &config)?;
    let engine = scope::engine(config)?;
    let images = scope::images(&arguments.scope, &engine, &variants, &mut errors)?;
    let today = scope::today();
    let broken: BTreeSet<String> = errors.iter().map(|error| error.file.clone()).collect();
    let stdin = filtered(arguments, &variants);
    let cut = arguments.cut.then(|| Cut {
        keys: cut_keys(&engine, &variants, &images, today, arguments.cut_costs.unwrap_or_default()),
        with_remedies: arguments.allow_unsafe,
        first: Cell::new(variants.len()),
    });
    let plan = coaming_fix::plan(
        variants
            .into_iter()
            .map(|VariantWorld { name, world, recipe, .. }| coaming_fix::Variant {
                name,
                world,
                recipe,
            })
            .collect(),
        arguments.allow_unsafe,
        |world| {
            let findings = engine.scan(world, &images, today).findings;
            match &cut {
                Some(cut) => cut.of(world, findings),
                None => findings,
            }
        },
        |file| refuse(file, &broken, stdin.is_some()),
    );
    drop(progress);
    let written = if arguments.diff {
        plan.changes.iter().filter(|change| !coaming_fix::is_patchable(change)).for_each(
            |change| {
                errors.push(InputError {
                    file: change.file.clone(),
                    position: None,
                    message: "a patch cannot change a file in UTF-16: run without `--diff`"
                        .to_owned(),
                });
            },
        );
        Written::default()
    } else if stdin.is_some() {
        Written { changes: plan.changes.iter().collect(), left: 0 }
    } else {
        write_all(&plan.changes, &mut errors)
    };
    output::complain_of(&errors);
    output::write(None, |out| {
        if arguments.diff {
            let patchable = plan.changes.iter().filter(|change| coaming_fix::is_patchable(change));
            patchable
                .into_iter()
                .try_for_each(|it| write!(out, "{}", coaming_fix::diff(&from_here(it))))
        } else if let Some(text) = &stdin {
            // The fixed text, as a filter writes it.
            let after = plan.changes.first().map_or(text, |change| &change.after);
            out.write_all(after.as_bytes())
        } else {
            fixes::applied_text(&written.changes, out)
        }
    })?;
    if let Some(outcome) = written.interrupted() {
        return Ok(outcome);
    }
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

/// The change of a file named relative to the working directory: `git apply` takes no other name.
fn from_here(change: &Change) -> Change {
    let here = std::env::current_dir().ok();
    let name =
        here.and_then(|here| Some(Path::new(&change.file).strip_prefix(here).ok()?.to_owned()));
    let file = name.map_or_else(|| change.file.clone(), |name| name.to_string_lossy().into_owned());
    Change { file, ..change.clone() }
}

/// The text of standard input, if that is all there is to fix: its fixed text is the output.
fn filtered(arguments: &FixArguments, variants: &[VariantWorld]) -> Option<Arc<str>> {
    let [path] = arguments.scope.paths.as_slice() else { return None };
    if path.as_os_str() != "-" {
        return None;
    }
    let mut sources = variants.iter().flat_map(|variant| variant.world.sources());
    sources.find(|(_, source)| source.origin == Origin::Stdin).map(|(_, it)| Arc::clone(&it.text))
}

/// What makes a finding the same one before and after other fixes.
type CutKey = (String, Option<ObjectRef>, Option<String>, String);

fn cut_key(finding: &Finding) -> CutKey {
    let path = finding.locations.first().map(|location| location.path.to_string());
    let rule = finding.rule.id.to_string();
    (rule, finding.object.clone(), finding.container.clone(), path.unwrap_or_default())
}

/// The only findings that are fixed.
struct Cut {
    keys: BTreeSet<CutKey>,
    /// Whether what is left to a person is done as well, where it is clear.
    with_remedies: bool,
    /// How many worlds are judged for the first time.
    first: Cell<usize>,
}

impl Cut {
    fn of(&self, world: &World, findings: Vec<Finding>) -> Vec<Finding> {
        let is_first = self.first.get() > 0;
        self.first.set(self.first.get().saturating_sub(1));
        let own = findings.into_iter().filter(|finding| self.keys.contains(&cut_key(finding)));
        if !self.with_remedies {
            return own.collect();
        }
        // What is removed shows another finding of the same kind at the same place.
        let is_same = |finding: &Finding| is_first || !coaming_breach::has_remedy(finding);
        let own = own.filter(is_same);
        own.map(|finding| coaming_breach::with_remedy(world, &finding)).collect()
    }
}

/// The findings of the cuts of all variants.
fn cut_keys(
    engine: &Engine,
    variants: &[VariantWorld],
    images: &Images,
    today: Option<time::Date>,
    weights: coaming_breach::Weights,
) -> BTreeSet<CutKey> {
    let minor = engine.config().kubernetes_version.unwrap_or_default().minor();
    let mut keys = BTreeSet::new();
    for VariantWorld { world, known, .. } in variants {
        let findings = engine.scan_knowing(world, images, today, known).findings;
        let scene = coaming_breach::Scene::new(world, images, minor, known)
            .allowing_registries(&engine.config().allowed_registries);
        let options = coaming_breach::CutOptions { enabled: true, weights };
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
fn refuse(
    file: &coaming_kube::Source,
    broken: &BTreeSet<String>,
    is_filter: bool,
) -> Option<String> {
    if file.origin == Origin::Rendered {
        Some("the object was rendered from this file; change the file manually".to_owned())
    } else if broken.contains(&file.name)
        && !coaming_yaml::parse(Arc::clone(&file.text)).errors.is_empty()
    {
        Some("the file has syntax errors; correct them first".to_owned())
    } else if !(file.origin.is_writable() || is_filter && file.origin == Origin::Stdin) {
        Some("standard input cannot be changed; pass the file as an argument".to_owned())
    } else {
        None
    }
}

/// What was written.
#[derive(Debug, Default)]
pub(crate) struct Written<'p> {
    /// The changes that were made.
    pub(crate) changes: Vec<&'p Change>,
    /// How many were not begun, because of Ctrl-C.
    left: usize,
}

impl Written<'_> {
    /// Says what is left and returns the outcome, if Ctrl-C ended the run.
    pub(crate) fn interrupted(&self) -> Option<Outcome> {
        if self.left == 0 {
            return None;
        }
        let total = self.changes.len() + self.left;
        output::complain(&format!(
            "interrupted: {} of {total} files were changed, each completely; run the command \
             again for the others",
            self.changes.len(),
        ));
        Some(Outcome::Interrupted)
    }
}

/// Writes the files, until Ctrl-C.
pub(crate) fn write_all<'p>(changes: &'p [Change], errors: &mut Vec<InputError>) -> Written<'p> {
    use rayon::prelude::*;
    let interrupt = Interrupt::watch();
    let write = |change| (!interrupt.is_requested()).then(|| coaming_fix::write(change));
    let outcomes: Vec<_> = changes.par_iter().map(|change| (change, write(change))).collect();
    let mut written = Written::default();
    for (change, outcome) in outcomes {
        match outcome {
            None => written.left += 1,
            Some(Ok(())) => written.changes.push(change),
            Some(Err(error)) => errors.push(InputError {
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
