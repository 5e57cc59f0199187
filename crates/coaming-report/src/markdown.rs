//! A comment for a pull request: a table, worst first, bounded in length.

use std::io;

use coaming_finding::Severity;

use crate::text::{above, counted, paragraph, plain, subject};
use crate::{Places, Report, rule_url};

/// Hosts cut comments that are longer; the rest is counted.
const MOST_ROWS: usize = 200;

pub(crate) fn render(
    report: &Report<'_>,
    places: &Places<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let total = report.active().count();
    let counts: Vec<String> = Severity::ALL
        .into_iter()
        .map(|severity| (severity, report.count(severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    let workloads = counted(report.workload_count, "workload");
    if total == 0 {
        writeln!(out, "### Coaming: nothing found in {workloads}")?;
    } else {
        writeln!(out, "### Coaming: {} in {workloads}", counted(total, "finding"))?;
        writeln!(out, "\n{}\n", counts.join(", "))?;
        writeln!(out, "| severity | rule | where | what |")?;
        writeln!(out, "|---|---|---|---|")?;
    }
    for finding in report.active().take(MOST_ROWS) {
        let place = finding.locations.first().map(|location| places.shown(location));
        writeln!(
            out,
            "| {} | [{}]({}) | {}`{}` | {} |",
            finding.severity,
            finding.rule.id,
            rule_url(&finding.rule),
            above(&cell(&subject(finding))),
            code(&place.unwrap_or_default()),
            cell(&paragraph(finding))
        )?;
    }
    if total > MOST_ROWS {
        writeln!(out, "\n… and {} more", total - MOST_ROWS)?;
    }
    for note in report.notes {
        writeln!(out, "\nNote: {}", cell(&note.message))?;
    }
    if !report.errors.is_empty() {
        writeln!(out, "\n**Not handled:**\n")?;
    }
    for error in report.errors {
        writeln!(out, "- `{}`: {}", code(&error.file), cell(&error.message))?;
    }
    Ok(())
}

/// Text in a table: no cell ends early, no markup or mention starts. Our own code spans stay.
fn cell(text: &str) -> String {
    let escaped = plain(text).replace('\\', "\\\\").replace('|', "\\|");
    escaped.replace('<', "&lt;").replace('[', "\\[").replace('@', "@\u{200b}")
}

fn code(text: &str) -> String {
    plain(text).replace('`', "'").replace('|', "\\|")
}
