//! GitHub workflow commands: annotations on a pull request.

use std::io;

use coaming_finding::{Fix, Severity};

use crate::text::{paragraph, plain, subject};
use crate::{Places, Report};

pub(crate) fn render(
    report: &Report<'_>,
    places: &Places<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    for finding in report.active() {
        let command = match finding.severity {
            Severity::Critical | Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low => "notice",
        };
        write!(out, "::{command} title={}", property(&title(finding)))?;
        if let Some(location) = finding.locations.first() {
            write!(out, ",file={}", property(places.name(location)))?;
            if let Some(place) = places.place(location) {
                write!(out, ",line={},endLine={}", place.line, place.end_line)?;
                if place.line == place.end_line {
                    write!(out, ",col={},endColumn={}", place.column, place.end_column)?;
                }
            }
        }
        let mut message = plain(&paragraph(finding));
        if let Some(fix) = &finding.fix {
            message += &format!("\nFix ({}): {}", fix.applicability.as_str(), plain(&fix.title));
            message += &suggestion(fix, places);
        }
        writeln!(out, "::{}", data(&message))?;
    }
    for error in report.errors {
        write!(out, "::error title=Input could not be handled,file={}", property(&error.file))?;
        if let Some((line, column)) = error.position {
            write!(out, ",line={line},col={column}")?;
        }
        writeln!(out, "::{}", data(&plain(&error.message)))?;
    }
    for note in report.notes {
        writeln!(out, "::notice title=Not evaluated::{}", data(&plain(&note.message)))?;
    }
    Ok(())
}

/// The longest suggestion that is shown, in lines.
const MOST_LINES: usize = 15;

/// What the fix writes, line by line; nothing where that would not help a reader.
fn suggestion(fix: &Fix, places: &Places<'_>) -> String {
    let Some(files) = places.text_edits(fix) else { return String::new() };
    let mut lines = Vec::new();
    for (file, edits) in files {
        for edit in edits {
            let written = edit.text.lines().filter(|line| !line.trim().is_empty());
            if edit.text.trim().is_empty() {
                lines.push(format!("{}:{}: remove this", plain(file), edit.place.line));
                continue;
            }
            lines.push(format!("{}:{}:", plain(file), edit.place.line));
            lines.extend(written.map(|line| format!("+ {}", plain(line))));
        }
    }
    if lines.len() > MOST_LINES { String::new() } else { format!("\n{}", lines.join("\n")) }
}

fn title(finding: &coaming_finding::Finding) -> String {
    let title = format!("{}: {} ({})", finding.severity, finding.rule.summary, finding.rule.id);
    match subject(finding) {
        about if about.is_empty() => title,
        about => format!("{title} - {about}"),
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(&plain(text)).replace(':', "%3A").replace(',', "%2C")
}
