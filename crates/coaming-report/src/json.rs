//! The contract for programs. Fields are only ever added; `version` changes if one goes.
//!
//! ```json
//! {"version": 1,
//!  "findings": [{"rule": "…", "category": "…", "severity": "…", "confidence": "…",
//!    "message": "…", "why": "…", "help": "…",
//!    "object": {"api_version": "…", "kind": "…", "namespace": "…", "name": "…"}, "container": "…",
//!    "locations": [{"file": "…", "path": "…", "line": 1, "column": 1, "end_line": 1,
//!      "end_column": 9, "label": "…"}],
//!    "fix": {"title": "…", "applicability": "…"}, "suppressed": false}],
//!  "errors": [{"file": "…", "line": 1, "column": 1, "message": "…"}],
//!  "notes": [{"message": "…", "count": 1}],
//!  "summary": {"files": 1, "documents": 1, "workloads": 1,
//!    "findings": {"critical": 0, "high": 0, "medium": 0, "low": 0}}}
//! ```
//!
//! Findings in the history of a git repository have `"commit": {"id": "…", "date": "2026-03-31",
//! "removed": true}`: the oldest commit with it, and whether `HEAD` no longer has it.
//! Credentials that their providers were asked about have `"verification": {"provider": "…",
//! "status": "live|dead|unknown", "account": "…", "rights": "…", "reason": "…"}`.
//! What is not known is left out: `object`, `container`, `fix`, a location's `file` and numbers.
//! With a baseline, `summary.known` is the number of findings that it has already.
//! With a compliance framework, `compliance` has its controls: `{"framework": "cis-1.12", "title":
//! "…", "controls": [{"id": "…", "title": "…", "status": "failed|passed|not-checked", "findings": 1,
//! "reason": "…"}]}`; `reason` says why a control was not checked.
//! A command that has more to tell adds a field of its own, after `summary`.

mod object;

use std::io;

use coaming_finding::{Finding, Fix, Location, ObjectRef, Severity};
use serde::Serialize;

use self::object::Object;
use crate::compliance::JsonCompliance;
use crate::{Places, Report};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<usize>,
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
    lines(out, report.findings, |finding, text| push_finding(finding, places, text))?;
    write!(out, "],\n \"errors\": [")?;
    let errors = report.errors.iter().map(|error| JsonError {
        file: &error.file,
        line: error.position.map(|(line, _)| line),
        column: error.position.map(|(_, column)| column),
        message: &error.message,
    });
    let errors: Vec<JsonError<'_>> = errors.collect();
    lines(out, &errors, |error, text| Ok(serde_json::to_writer(text, error)?))?;
    write!(out, "],\n \"notes\": [")?;
    lines(out, report.notes, |note, text| Ok(serde_json::to_writer(text, note)?))?;
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
        known: report.known,
    };
    serde_json::to_writer(&mut *out, &summary)?;
    if let Some(compliance) = report.compliance {
        write!(out, ",\n \"compliance\": ")?;
        serde_json::to_writer(&mut *out, &JsonCompliance::from(compliance))?;
    }
    Ok(())
}

/// Items of an array, each on a line of its own: quick to write, and good to `grep`.
fn lines<T>(
    out: &mut dyn io::Write,
    items: &[T],
    push: impl Fn(&T, &mut Vec<u8>) -> io::Result<()>,
) -> io::Result<()> {
    // A writer behind a pointer would cost more than the writing: many pieces are a few bytes.
    let mut text = Vec::with_capacity(2 * PIECE_BYTES);
    for (position, item) in items.iter().enumerate() {
        text.extend_from_slice(if position == 0 { b"\n  " } else { b",\n  " });
        push(item, &mut text)?;
        if text.len() >= PIECE_BYTES {
            out.write_all(&text)?;
            text.clear();
        }
    }
    out.write_all(&text)
}

fn push_finding(finding: &Finding, places: &Places<'_>, text: &mut Vec<u8>) -> io::Result<()> {
    let mut fields = Object::begin(text);
    fields.text("rule", finding.rule.id.as_str())?;
    fields.text("category", finding.rule.category.as_str())?;
    fields.text("severity", finding.severity.as_str())?;
    fields.text("confidence", finding.confidence.as_str())?;
    fields.text("message", &finding.message)?;
    fields.text("why", &finding.why)?;
    fields.text("help", &finding.help)?;
    if let Some(object) = &finding.object {
        push_object(object, fields.field("object"))?;
    }
    fields.some_text("container", finding.container.as_deref())?;
    let list = fields.field("locations");
    list.push(b'[');
    for (position, location) in finding.locations.iter().enumerate() {
        if position > 0 {
            list.push(b',');
        }
        push_location(location, places, list)?;
    }
    list.push(b']');
    if let Some(fix) = &finding.fix {
        push_fix(fix, fields.field("fix"))?;
    }
    fields.boolean("suppressed", finding.suppressed.is_some());
    let reason = finding.suppressed.as_ref().map(|by| by.reason.as_str());
    fields.some_text("suppression_reason", reason)?;
    if !finding.variants.is_empty() {
        let names: Vec<&str> = finding.variants.iter().map(|name| &**name).collect();
        serde_json::to_writer(&mut *fields.field("variants"), &names)?;
    }
    if let Some(commit) = &finding.commit {
        let mut commit_fields = Object::begin(fields.field("commit"));
        commit_fields.text("id", &commit.id)?;
        commit_fields.some_text("date", commit.date.as_deref())?;
        commit_fields.boolean("removed", commit.is_removed);
        commit_fields.end();
    }
    if let Some(verification) = &finding.verification {
        let mut own = Object::begin(fields.field("verification"));
        own.text("provider", &verification.provider)?;
        own.text("status", verification.status)?;
        own.some_text("account", verification.account.as_deref())?;
        own.some_text("rights", verification.rights.as_deref())?;
        own.some_text("reason", verification.reason.as_deref())?;
        own.end();
    }
    if let Some(way) = &finding.way {
        let mut own = Object::begin(fields.field("way"));
        own.text("from", &way.from)?;
        own.text("to", &way.to)?;
        let steps: Vec<&str> = way.steps.iter().map(|step| step.step).collect();
        serde_json::to_writer(&mut *own.field("steps"), &steps)?;
        own.end();
    }
    fields.end();
    Ok(())
}

fn push_object(object: &ObjectRef, text: &mut Vec<u8>) -> io::Result<()> {
    let mut fields = Object::begin(text);
    fields.text("api_version", &object.api_version)?;
    fields.text("kind", &object.kind)?;
    fields.text("namespace", &object.namespace)?;
    fields.text("name", &object.name)?;
    fields.end();
    Ok(())
}

fn push_location(location: &Location, places: &Places<'_>, text: &mut Vec<u8>) -> io::Result<()> {
    let (name, place) = (places.name(location), places.place(location));
    let mut fields = Object::begin(text);
    fields.some_text("file", Some(name).filter(|name| !name.is_empty()))?;
    fields.text("path", &location.path.to_string())?;
    fields.some_number("line", place.map(|place| place.line))?;
    fields.some_number("column", place.map(|place| place.column))?;
    fields.some_number("end_line", place.map(|place| place.end_line))?;
    fields.some_number("end_column", place.map(|place| place.end_column))?;
    fields.text("label", &location.label)?;
    fields.end();
    Ok(())
}

fn push_fix(fix: &Fix, text: &mut Vec<u8>) -> io::Result<()> {
    let mut fields = Object::begin(text);
    fields.text("title", &fix.title)?;
    fields.text("applicability", fix.applicability.as_str())?;
    fields.some_text("snippet", Some(fix.snippet.as_str()).filter(|text| !text.is_empty()))?;
    fields.end();
    Ok(())
}
