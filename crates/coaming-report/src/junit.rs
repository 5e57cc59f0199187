//! JUnit XML: one suite per file, one failed case per finding; an unreadable file is an error.

use std::collections::BTreeMap;
use std::io;

use coaming_finding::Finding;

use crate::text::{paragraph, place_of, subject, xml};
use crate::{Places, Report};

pub(crate) fn render(
    report: &Report<'_>,
    places: &Places<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut suites: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in report.active() {
        let file = finding.locations.first().map_or("", |location| places.name(location));
        suites.entry(file).or_default().push(finding);
    }
    let failures = report.active().count();
    let errors = report.errors.len();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuites name=\"coaming\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\">",
        failures + errors
    )?;
    for (file, findings) in suites {
        suite(file, &findings, places, out)?;
    }
    if errors > 0 {
        writeln!(
            out,
            "  <testsuite name=\"inputs\" tests=\"{errors}\" failures=\"0\" errors=\"{errors}\">"
        )?;
        for error in report.errors {
            writeln!(out, "    <testcase name=\"read\" classname=\"{}\">", xml(&place_of(error)))?;
            writeln!(out, "      <error message=\"{}\"/>", xml(&error.message))?;
            writeln!(out, "    </testcase>")?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    if !report.notes.is_empty() {
        writeln!(out, "  <testsuite name=\"notes\" tests=\"0\" failures=\"0\" errors=\"0\">")?;
        writeln!(out, "    <system-out>")?;
        for note in report.notes {
            writeln!(out, "{}", xml(&note.message))?;
        }
        writeln!(out, "    </system-out>\n  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(
    file: &str,
    findings: &[&Finding],
    places: &Places<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let count = findings.len();
    writeln!(
        out,
        "  <testsuite name=\"{}\" tests=\"{count}\" failures=\"{count}\" errors=\"0\">",
        xml(file)
    )?;
    for finding in findings {
        writeln!(
            out,
            "    <testcase name=\"{}\" classname=\"{}\">",
            xml(finding.rule.id.as_str()),
            xml(&case(finding, file))
        )?;
        let place = finding.locations.first().map(|location| places.shown(location));
        writeln!(
            out,
            "      <failure type=\"{}\" message=\"{}\">{}</failure>",
            finding.severity,
            xml(&finding.message),
            xml(&format!("{}: {}", place.unwrap_or_default(), paragraph(finding)))
        )?;
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>")
}

/// What a case is about: the object, else the file.
fn case(finding: &Finding, file: &str) -> String {
    match subject(finding) {
        subject if subject.is_empty() => file.to_owned(),
        subject => subject,
    }
}
