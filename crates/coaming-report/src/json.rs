//! The contract for programs. Fields are only ever added; `version` changes if one goes.
//!
//! ```json
//! {"version": 1,
//!  "findings": [{"rule": "…", "measure": "…", "severity": "…", "confidence": "…", "message": "…",
//!    "object": {"api_version": "…", "kind": "…", "namespace": "…", "name": "…"}, "container": "…",
//!    "locations": [{"file": "…", "path": "…", "line": 1, "column": 1, "end_line": 1,
//!      "end_column": 9, "label": "…"}],
//!    "fix": {"title": "…", "applicability": "…"}, "suppressed": false}],
//!  "errors": [{"file": "…", "line": 1, "column": 1, "message": "…"}],
//!  "summary": {"files": 1, "documents": 1, "workloads": 1,
//!    "findings": {"critical": 0, "high": 0, "medium": 0, "low": 0}}}
//! ```
//!
//! What is not known is left out: `object`, `container`, `fix`, a location's `file` and numbers.
//! A command that has more to tell adds a field of its own, after `summary`.

use std::io;

use coaming_finding::{Finding, Severity};
use serde::Serialize;

use crate::{Places, Report};

#[derive(Serialize)]
struct JsonFinding<'a> {
    rule: &'a str,
    measure: &'a str,
    severity: &'a str,
    confidence: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<JsonObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a str>,
    locations: Vec<JsonLocation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<JsonFix<'a>>,
    suppressed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppression_reason: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonObject<'a> {
    api_version: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct JsonLocation<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    file: &'a str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
    label: &'a str,
}

#[derive(Serialize)]
struct JsonFix<'a> {
    title: &'a str,
    applicability: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    snippet: &'a str,
}

#[derive(Serialize)]
struct JsonError<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    message: &'a str,
}

#[derive(Serialize)]
struct Summary {
    files: usize,
    documents: usize,
    workloads: usize,
    findings: Counts,
}

#[derive(Serialize)]
struct Counts {
    critical: usize,
    high: usize,
    medium: usize,
    low: usize,
}

/// So much is written at once.
const PIECE_BYTES: usize = 32 << 10;

pub(crate) fn render(
    report: &Report<'_>,
    places: &Places<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    fields(report, places, out)?;
    writeln!(out, "}}")
}

/// The report with one field more, of this name.
pub(crate) fn render_with(
    report: &Report<'_>,
    places: &Places<'_>,
    (name, details): (&str, &impl Serialize),
    out: &mut dyn io::Write,
) -> io::Result<()> {
    fields(report, places, out)?;
    write!(out, ",\n ")?;
    serde_json::to_writer(&mut *out, name)?;
    write!(out, ": ")?;
    serde_json::to_writer(&mut *out, details)?;
    writeln!(out, "}}")
}

/// All but the end.
fn fields(report: &Report<'_>, places: &Places<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    write!(out, "{{\"version\": 1,\n \"findings\": [")?;
    lines(out, report.findings.iter().map(|finding| json_finding(finding, places)))?;
    write!(out, "],\n \"errors\": [")?;
    let errors = report.errors.iter().map(|error| JsonError {
        file: &error.file,
        line: error.position.map(|(line, _)| line),
        column: error.position.map(|(_, column)| column),
        message: &error.message,
    });
    lines(out, errors)?;
    write!(out, "],\n \"summary\": ")?;
    let summary = Summary {
        files: report.file_count,
        documents: report.document_count,
        workloads: report.workload_count,
        findings: Counts {
            critical: report.count(Severity::Critical),
            high: report.count(Severity::High),
            medium: report.count(Severity::Medium),
            low: report.count(Severity::Low),
        },
    };
    serde_json::to_writer(&mut *out, &summary)?;
    Ok(())
}

/// Items of an array, each on a line of its own: quick to write, and good to `grep`.
fn lines<T: Serialize>(out: &mut dyn io::Write, items: impl Iterator<Item = T>) -> io::Result<()> {
    // A writer behind a pointer would cost more than the writing: many pieces are a few bytes.
    let mut text = Vec::with_capacity(2 * PIECE_BYTES);
    for (position, item) in items.enumerate() {
        text.extend_from_slice(if position == 0 { b"\n  " } else { b",\n  " });
        serde_json::to_writer(&mut text, &item)?;
        if text.len() >= PIECE_BYTES {
            out.write_all(&text)?;
            text.clear();
        }
    }
    out.write_all(&text)
}

fn json_finding<'a>(finding: &'a Finding, places: &Places<'a>) -> JsonFinding<'a> {
    JsonFinding {
        rule: finding.rule.name,
        measure: finding.rule.measure.as_str(),
        severity: finding.severity.as_str(),
        confidence: finding.confidence.as_str(),
        message: &finding.message,
        object: finding.object.as_ref().map(|object| JsonObject {
            api_version: &object.api_version,
            kind: &object.kind,
            namespace: &object.namespace,
            name: &object.name,
        }),
        container: finding.container.as_deref(),
        locations: finding
            .locations
            .iter()
            .map(|location| {
                let place = places.place(location);
                JsonLocation {
                    file: places.name(location),
                    path: location.path.to_string(),
                    line: place.map(|place| place.line),
                    column: place.map(|place| place.column),
                    end_line: place.map(|place| place.end_line),
                    end_column: place.map(|place| place.end_column),
                    label: &location.label,
                }
            })
            .collect(),
        fix: finding.fix.as_ref().map(|fix| JsonFix {
            title: &fix.title,
            applicability: fix.applicability.as_str(),
            snippet: &fix.snippet,
        }),
        suppressed: finding.suppressed.is_some(),
        suppression_reason: finding.suppressed.as_ref().map(|by| by.reason.as_str()),
    }
}
