//! GitHub workflow commands: annotations on a pull request.

use std::io;

use coaming_finding::Severity;

use crate::text::{plain, subject};
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
        let mut message = plain(&finding.message);
        if let Some(fix) = &finding.fix {
            message += &format!("\nFix ({}): {}", fix.applicability.as_str(), plain(&fix.title));
        }
        writeln!(out, "::{}", data(&message))?;
    }
    Ok(())
}

fn title(finding: &coaming_finding::Finding) -> String {
    let title = format!("{}: {} ({})", finding.severity, finding.rule.summary, finding.rule.name);
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
