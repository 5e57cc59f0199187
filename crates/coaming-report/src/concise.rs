//! One line per finding: `file:line:column: severity[rule] object: message`; and one per input that
//! could not be handled: `file:line:column: error: message`. What was not evaluated has no place:
//! `-: note: message`.

use std::io;

use crate::text::{place_of, plain, subject};
use crate::{Places, Report};

pub(crate) fn render(
    report: &Report<'_>,
    places: &Places<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    for finding in report.active() {
        let place = finding.locations.first().map(|location| places.shown(location));
        let place = place.filter(|place| !place.is_empty()).unwrap_or_else(|| "-".to_owned());
        let subject = subject(finding);
        let about = if subject.is_empty() { String::new() } else { format!(" {subject}:") };
        let message = plain(&finding.message);
        let way = finding
            .way
            .as_ref()
            .map_or_else(String::new, |way| plain(&format!(" (on an attack path to {})", way.to)));
        writeln!(out, "{place}: {}[{}]{about} {message}{way}", finding.severity, finding.rule.id)?;
    }
    for error in report.errors {
        writeln!(out, "{}: error: {}", place_of(error), plain(&error.message))?;
    }
    for note in report.notes {
        writeln!(out, "-: note: {}", plain(&note.message))?;
    }
    Ok(())
}
