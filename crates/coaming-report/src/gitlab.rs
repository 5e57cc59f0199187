//! GitLab's code quality report: a list of issues in Code Climate's format.

use std::io;

use coaming_finding::{Finding, InputError, Note, Severity};
use serde_json::json;

use crate::text::{paragraph, subject};
use crate::{Places, Report};

pub(crate) fn render(
    report: &Report<'_>,
    places: &Places<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut fingerprints = crate::sarif::Fingerprints::default();
    let findings = report.active().map(|finding| {
        let location = finding.locations.first();
        let place = location.and_then(|location| places.place(location));
        let severity = match finding.severity {
            Severity::Critical => "blocker",
            Severity::High => "critical",
            Severity::Medium => "major",
            Severity::Low => "minor",
        };
        json!({
            "type": "issue",
            "check_name": finding.rule.id,
            "description": about(finding),
            "categories": ["Security"],
            "severity": severity,
            "fingerprint": fingerprints.of(finding, places),
            "location": {
                "path": location.map(|at| places.name(at)).filter(|name| !name.is_empty())
                    .unwrap_or(NO_FILE),
                "lines": {
                    "begin": place.map_or(1, |place| place.line),
                    "end": place.map_or(1, |place| place.end_line),
                },
            },
        })
    });
    let errors = report.errors.iter().map(unread);
    let issues: Vec<_> = findings.chain(errors).chain(report.notes.iter().map(note)).collect();
    serde_json::to_writer_pretty(&mut *out, &issues)?;
    writeln!(out)
}

/// What a finding about no file points to: GitLab demands a path.
pub(crate) const NO_FILE: &str = "coaming.yaml";

/// An input that could not be handled.
fn unread(error: &InputError) -> serde_json::Value {
    let line = error.position.map_or(1, |(line, _)| line);
    json!({
        "type": "issue",
        "check_name": "unread-input",
        "description": format!("Could not be handled: {}", error.message),
        "categories": ["Security"],
        "severity": "critical",
        "fingerprint": coaming_finding::input_fingerprint(error),
        "location": {"path": error.file, "lines": {"begin": line, "end": line}},
    })
}

/// What was not evaluated: it is about no single file.
fn note(note: &Note) -> serde_json::Value {
    let message = format!("Note: {}", note.message);
    json!({
        "type": "issue",
        "check_name": "note",
        "description": message,
        "categories": ["Security"],
        "severity": "info",
        "fingerprint": coaming_finding::input_fingerprint(&InputError::new(NO_FILE, message.as_str())),
        "location": {"path": NO_FILE, "lines": {"begin": 1, "end": 1}},
    })
}

/// The object where there is one, and the message.
fn about(finding: &Finding) -> String {
    match subject(finding) {
        subject if subject.is_empty() => paragraph(finding),
        subject => format!("{subject}: {}", paragraph(finding)),
    }
}
