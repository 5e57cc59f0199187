//! `coaming fix`: applies fixes, or shows what they would change.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use coaming_args::FixArguments;
use coaming_console as output;
use coaming_console::{Interrupt, OutputError, Progress};
use coaming_fix::{Change, Plan, Written, patchable};
use coaming_kube::Origin;
use coaming_report::fixes;
use coaming_scan::{CutFindings, Inputs, VariantWorld};

use crate::{CommandError, Outcome, scope};

/// Runs the command.
pub(crate) fn run(arguments: &FixArguments) -> Result<Outcome, CommandError> {
    let config = scope::config(&arguments.scope)?;
    let progress = Progress::start("reading and fixing …");
    let Inputs { variants, mut errors, .. } = scope::read_for_edits(&arguments.scope, &config)?;
    let engine = scope::engine(config)?;
    let images = scope::images(&arguments.scope, &engine, &variants, &mut errors)?;
    let today = coaming_scan::today();
    let broken: BTreeSet<String> = errors.iter().map(|error| error.file.clone()).collect();
    let stdin = filtered(arguments, &variants);
    let cut = arguments.cut.then(|| {
        let weights = arguments.cut_costs.unwrap_or_default();
        CutFindings::new(&engine, &variants, &images, today, weights, arguments.allow_unsafe)
    });
    let plan = coaming_fix::plan(
        variants.into_iter().map(coaming_fix::Variant::from).collect(),
        arguments.allow_unsafe,
        |world| {
            let findings = engine.scan(world, &images, today).findings;
            match &cut {
                Some(cut) => cut.of(world, findings),
                None => findings,
            }
        },
        |file| coaming_fix::refusal(file, &broken, stdin.is_some()),
    );
    drop(progress);
    let (patch, unpatchable) =
        if arguments.diff { patchable(&plan.changes) } else { Default::default() };
    errors.extend(unpatchable);
    let mut written = if arguments.diff {
        Written::default()
    } else if stdin.is_some() {
        Written { changes: plan.changes.iter().collect(), ..Written::default() }
    } else {
        write_all(&plan.changes)
    };
    errors.append(&mut written.errors);
    output::complain_of(&errors);
    output::write(None, |out| {
        if arguments.diff {
            patch.iter().try_for_each(|it| write!(out, "{}", coaming_fix::diff(it)))
        } else if let Some(text) = &stdin {
            // The fixed text, as a filter writes it.
            let after = plan.changes.first().map_or(text, |change| &change.after);
            out.write_all(after.as_bytes())
        } else {
            fixes::applied_text(&written.changes, out)
        }
    })?;
    if let Some(outcome) = interrupted(&written) {
        return Ok(outcome);
    }
    report_rest(&plan, arguments).map_err(|source| {
        let target = "standard error".to_owned();
        OutputError::Write { target, source }
    })?;
    let left = plan.left.iter().any(|finding| finding.suppressed.is_none());
    Ok(if !errors.is_empty() {
        Outcome::Failed
    } else if left || arguments.diff && !plan.changes.is_empty() {
        Outcome::Found
    } else {
        Outcome::Clean
    })
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

/// Writes the files, until Ctrl-C.
pub(crate) fn write_all(changes: &[Change]) -> Written<'_> {
    let interrupt = Interrupt::watch();
    coaming_fix::write_all(changes, || interrupt.is_requested())
}

/// Says what is left and returns the outcome, if Ctrl-C ended the run.
pub(crate) fn interrupted(written: &Written<'_>) -> Option<Outcome> {
    if written.left == 0 {
        return None;
    }
    let total = written.changes.len() + written.left;
    output::complain(&format!(
        "interrupted: {} of {total} files were changed, each completely; run the command \
         again for the others",
        written.changes.len(),
    ));
    Some(Outcome::Interrupted)
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
