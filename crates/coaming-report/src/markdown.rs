//! A comment for a pull request: the worst findings, then all of them, folded by severity; bounded in
//! length.

use std::fmt::Write as _;
use std::io;

use coaming_finding::{Finding, Severity};

use crate::text::{above, counted, paragraph, place_of, plain, subject, unread};
use crate::{Places, Report, rule_url};

/// Hosts refuse comments of more than 65,536 characters; the findings get this much of them.
const MOST_BYTES: usize = 56_000;
/// How many errors are listed.
const MOST_ERRORS: usize = 20;
/// How many findings are shown without unfolding.
const WORST: usize = 5;

pub(crate) fn render(
    report: &Report<'_>,
    places: &Places<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let total = report.active().count();
    let workloads = counted(report.workload_count, "workload");
    let known = report.known.map_or_else(String::new, |known| format!(" ({known} known)"));
    let scope = format!("in {workloads}{known}");
    let new = if report.known.is_some() { "new " } else { "" };
    let unread =
        unread(report).map_or_else(String::new, |unread| format!("\n**{}**\n", cell(&unread)));
    if total == 0 {
        let nothing = if new.is_empty() { "nothing found" } else { "nothing new" };
        writeln!(out, "### Coaming: {nothing} {scope}")?;
        write!(out, "{unread}")?;
    } else {
        let found = counted(total, &format!("{new}finding"));
        writeln!(out, "### Coaming: {found} {scope}")?;
        write!(out, "{unread}")?;
        worst(report, places, out)?;
        folded(report, places, out)?;
    }
    if let Some(compliance) = report.compliance {
        crate::compliance::markdown(compliance, out)?;
    }
    for note in report.notes {
        writeln!(out, "\nNote: {}", cell(&note.message))?;
    }
    if !report.errors.is_empty() {
        writeln!(out, "\n**Not handled:**\n")?;
    }
    for error in report.errors.iter().take(MOST_ERRORS) {
        writeln!(out, "- `{}`: {}", code(&place_of(error)), cell(&error.message))?;
    }
    if report.errors.len() > MOST_ERRORS {
        writeln!(out, "- … and {} more", report.errors.len() - MOST_ERRORS)?;
    }
    Ok(())
}

/// The worst findings, one line each.
fn worst(report: &Report<'_>, places: &Places<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out)?;
    for finding in report.active().take(WORST) {
        let subject = subject(finding);
        let beside = if subject.is_empty() { "" } else { ": " };
        writeln!(
            out,
            "- **{}** `{}` {}{beside}{}",
            finding.severity,
            code(&place(finding, places)),
            cell(&subject),
            cell(&finding.message)
        )?;
    }
    Ok(())
}

/// A table for each severity, folded, as far as the comment has room.
fn folded(report: &Report<'_>, places: &Places<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let (mut room, mut left) = (MOST_BYTES, 0);
    for severity in Severity::ALL {
        let count = report.count(severity);
        if count == 0 {
            continue;
        }
        writeln!(out, "\n<details><summary>{count} {severity}</summary>\n")?;
        writeln!(out, "| rule | where | what |")?;
        writeln!(out, "|---|---|---|")?;
        for finding in report.active().filter(|finding| finding.severity == severity) {
            let row = row(finding, places);
            match room.checked_sub(row.len()) {
                Some(rest) => {
                    room = rest;
                    out.write_all(row.as_bytes())?;
                }
                // Smaller rows behind a large one are left out too: the order says what is shown.
                None => (room, left) = (0, left + 1),
            }
        }
        writeln!(out, "\n</details>")?;
    }
    if left > 0 {
        writeln!(out, "\n… and {left} more")?;
    }
    Ok(())
}

fn row(finding: &Finding, places: &Places<'_>) -> String {
    let mut row = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        row,
        "| [{}]({}) | {}`{}` | {} |",
        finding.rule.id,
        rule_url(&finding.rule),
        above(&cell(&subject(finding))),
        code(&place(finding, places)),
        cell(&paragraph(finding))
    );
    row
}

fn place(finding: &Finding, places: &Places<'_>) -> String {
    finding.locations.first().map(|location| places.shown(location)).unwrap_or_default()
}

/// Text in a table: no cell ends early, no markup or mention starts. Our own code spans stay.
fn cell(text: &str) -> String {
    let escaped = plain(text).replace('\\', "\\\\").replace('|', "\\|");
    escaped.replace('<', "&lt;").replace('[', "\\[").replace('@', "@\u{200b}")
}

fn code(text: &str) -> String {
    plain(text).replace('`', "'").replace('|', "\\|")
}
