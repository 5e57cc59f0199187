//! What `coaming fix` did, and what is left to do manually.

use std::collections::BTreeMap;
use std::io::{self, Write};

use coaming_finding::Applicability;
use coaming_fix::{Change, ManualStep, Plan, Skipped};
use coaming_secret::gate::{InputText, ShownLines, masked};
use coaming_text::Printable;

/// The fixes that were applied, by file. `written` are the changes that could be written.
///
/// # Errors
///
/// If writing fails.
pub fn applied_text(written: &[&Change], out: &mut dyn Write) -> io::Result<()> {
    for change in written {
        writeln!(out, "{}", change.file)?;
        for made in &change.made {
            writeln!(out, "  {} ({})", masked(&made.to_string()), made.rule)?;
        }
        if let Some(variants) = change.several_variants() {
            writeln!(out, "  changes {}", Printable(&variants))?;
        }
    }
    let fixes: usize = written.iter().map(|change| change.made.len()).sum();
    match written.len() {
        0 => writeln!(out, "Nothing to fix."),
        files => {
            let fix = if fixes == 1 { "fix" } else { "fixes" };
            let file = if files == 1 { "file" } else { "files" };
            writeln!(out, "Applied {fixes} {fix} in {files} {file}.")
        }
    }
}

/// What could not be fixed, and which other fixes are available.
///
/// `source` gives the text of the file that an object was rendered from, to find the lines in it.
///
/// # Errors
///
/// If writing fails.
pub fn rest_text(
    plan: &Plan,
    allow_unsafe: bool,
    source: impl Fn(&str) -> Option<String>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut sources = BTreeMap::new();
    for skipped in &plan.skipped {
        let Skipped { file, made, reason, .. } = skipped;
        let shown = format!("not fixed: {file}: {made} - {reason}");
        writeln!(out, "{}", masked(&shown))?;
        let text = sources.entry(file).or_insert_with(|| source(file));
        manual_steps(skipped, text.as_deref(), out)?;
    }
    let left = plan.left.iter().filter(|finding| finding.suppressed.is_none());
    let (mut risky, mut by_hand) = (0, 0);
    for finding in left {
        match finding.fix.as_ref().map(|fix| fix.applicability) {
            Some(Applicability::Unsafe) => risky += 1,
            Some(Applicability::Manual) | None => by_hand += 1,
            Some(Applicability::Safe) => {}
        }
    }
    if risky > 0 && !allow_unsafe {
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

/// The changes that need a person, one by one.
///
/// # Errors
///
/// If writing fails.
pub fn manual_text(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    for finding in plan.left.iter().filter(|finding| finding.suppressed.is_none()) {
        let fix = finding.fix.as_ref();
        if fix.is_none_or(|fix| fix.applicability == Applicability::Manual) {
            let title = fix.map_or("", |fix| fix.title.as_str());
            let text = format!("{}: {} → {title}", finding.rule.id, finding.message);
            let text = text.replace(char::is_whitespace, " ");
            writeln!(out, "change manually: {}", Printable(&masked(&text)))?;
        }
    }
    Ok(())
}

/// Whether a line of a source cannot contain a secret.
fn is_shown(source: Option<&str>, line: u32) -> bool {
    let lines = source.map(|source| ShownLines::new(InputText::new(source)));
    lines.is_some_and(|lines| lines.line(line, usize::MAX).is_some())
}

/// A step with the line of the source that seems to write its field.
fn with_line(skipped: &Skipped, step: &ManualStep, source: Option<&str>) -> String {
    let place = skipped
        .object
        .as_ref()
        .zip(source)
        .and_then(|(object, source)| coaming_fix::source_line(source, object, &step.path));
    match place {
        None => step.text.clone(),
        Some((line, Some(written))) if is_shown(source, line) => {
            format!("line {line} (`{written}`): {}", step.text)
        }
        Some((line, _)) => format!("line {line}: {}", step.text),
    }
}

/// What to change manually, and where in the source.
fn manual_steps(skipped: &Skipped, source: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    for order in &skipped.orders {
        let text = match &order.place {
            Some((file, line)) => format!("{file}:{line}: {}", order.text),
            None => with_line(skipped, order, source),
        };
        writeln!(out, "  {}", Printable(&masked(&text.replace(char::is_whitespace, " "))))?;
    }
    Ok(())
}
