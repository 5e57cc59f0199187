//! `coaming fix`: applies fixes, or shows what they would change.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use coaming_finding::InputError;
use coaming_fix::{Change, Plan, Skipped};
use coaming_kube::Origin;

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
    let plan = coaming_fix::plan(
        variants.into_iter().map(|variant| variant.world).collect(),
        arguments.allow_unsafe,
        |world| engine.scan(world, &images, today).findings,
        |file| refuse(file, &broken),
    );
    drop(progress);
    let written = if arguments.diff { Vec::new() } else { write_all(&plan.changes, &mut errors) };
    output::complain_of(&errors);
    output::write(None, |out| {
        if arguments.diff {
            plan.changes.iter().try_for_each(|change| write!(out, "{}", coaming_fix::diff(change)))
        } else {
            tell(&written, out)
        }
    })?;
    tell_of_the_rest(&plan, arguments)
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

fn tell(written: &[&Change], out: &mut dyn Write) -> io::Result<()> {
    for change in written {
        writeln!(out, "{}", change.file)?;
        for made in &change.made {
            writeln!(out, "  {made} ({})", made.rule)?;
        }
    }
    let fixes: usize = written.iter().map(|change| change.made.len()).sum();
    match written.len() {
        0 => writeln!(out, "Nothing to fix."),
        1 => writeln!(out, "Applied {fixes} fixes in 1 file."),
        files => writeln!(out, "Applied {fixes} fixes in {files} files."),
    }
}

/// The largest source of a rendered object that is searched for a line.
const MAX_SOURCE_BYTES: u64 = 4 << 20;

/// What to change manually, and where in the source.
fn tell_orders(skipped: &Skipped, source: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    for order in &skipped.orders {
        let place = skipped
            .object
            .as_ref()
            .zip(source)
            .and_then(|(object, source)| coaming_fix::source_line(source, object, &order.path));
        let text: String = match place {
            None => order.text.clone(),
            Some((line, None)) => format!("line {line}: {}", order.text),
            Some((line, Some(written))) => format!("line {line} (`{written}`): {}", order.text),
        };
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        writeln!(out, "  {text}")?;
    }
    Ok(())
}

/// What could not be fixed, and which other fixes are available.
fn tell_of_the_rest(plan: &Plan, arguments: &FixArguments) -> io::Result<()> {
    let mut out = io::stderr().lock();
    let mut sources = BTreeMap::new();
    for skipped in &plan.skipped {
        let Skipped { file, made, reason, .. } = skipped;
        writeln!(out, "not fixed: {file}: {made} - {reason}")?;
        let source = sources.entry(file).or_insert_with(|| {
            coaming_source::read_text(std::path::Path::new(file), MAX_SOURCE_BYTES).ok()
        });
        tell_orders(skipped, source.as_deref(), &mut out)?;
    }
    let left = plan.left.iter().filter(|finding| finding.suppressed.is_none());
    let (mut risky, mut by_hand) = (0, 0);
    for finding in left {
        match finding.fix.as_ref().map(|fix| fix.applicability) {
            Some(coaming_finding::Applicability::Unsafe) => risky += 1,
            Some(coaming_finding::Applicability::Manual) | None => by_hand += 1,
            Some(coaming_finding::Applicability::Safe) => {}
        }
    }
    if risky > 0 && !arguments.allow_unsafe {
        let fixes = if risky == 1 { "fix is" } else { "fixes are" };
        writeln!(
            out,
            "{risky} more {fixes} available with `--unsafe`; test the application afterwards."
        )?;
    }
    if by_hand > 0 {
        let findings = if by_hand == 1 { "finding needs" } else { "findings need" };
        writeln!(out, "{by_hand} {findings} manual changes; run `coaming scan` for instructions.")?;
    }
    Ok(())
}
