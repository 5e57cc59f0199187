//! GitLab's security reports, for its security dashboard: static analysis, and secret detection.
//!
//! Invariant: the same findings give the same bytes. The format demands the times of the scan, which no
//! output depends on; they are always the same.

use std::io;

use coaming_finding::{Category, Finding, Severity};
use serde_json::{Value, json};

use crate::text::{paragraph, plain, sentence, subject};
use crate::{Places, Report, rule_url};

/// The version of the format.
const VERSION: &str = "15.0.7";
/// See the module's invariant.
const TIME: &str = "1970-01-01T00:00:00";
/// The commit of what is in no commit yet.
const NO_COMMIT: &str = "0000000";

/// Which report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `gl-sast-report.json`: all findings but secrets.
    Sast,
    /// `gl-secret-detection-report.json`: secrets alone.
    Secrets,
}

pub(crate) fn render(
    report: &Report<'_>,
    places: &Places<'_>,
    kind: Kind,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut fingerprints = crate::sarif::Fingerprints::default();
    let findings = report.active().filter(|finding| kind.has(finding));
    let vulnerabilities: Vec<Value> = findings
        .map(|finding| vulnerability(finding, places, kind, fingerprints.of(finding, places)))
        .collect();
    // What was not read or evaluated is a message of the scan, not silence.
    let errors = report.errors.iter().map(|error| {
        let text = format!("{}: {}", plain(&error.file), plain(&error.message));
        json!({"level": "warn", "value": text})
    });
    let notes =
        report.notes.iter().map(|note| json!({"level": "info", "value": plain(&note.message)}));
    let messages: Vec<Value> = errors.chain(notes).collect();
    let program = json!({
        "id": "coaming",
        "name": "Coaming",
        "url": "https://coaming.dev",
        "version": env!("CARGO_PKG_VERSION"),
        "vendor": {"name": "Coaming"},
    });
    let document = json!({
        "version": VERSION,
        "scan": {
            "analyzer": program,
            "scanner": program,
            "type": kind.name(),
            "start_time": TIME,
            "end_time": TIME,
            "status": "success",
            "messages": messages,
        },
        "vulnerabilities": vulnerabilities,
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Sast => "sast",
            Self::Secrets => "secret_detection",
        }
    }

    /// Whether a finding is in this report: each is in one of the two.
    fn has(self, finding: &Finding) -> bool {
        (finding.rule.category == Category::Secrets) == (self == Self::Secrets)
    }
}

fn vulnerability(finding: &Finding, places: &Places<'_>, kind: Kind, id: String) -> Value {
    let location = finding.locations.first();
    let place = location.and_then(|location| places.place(location));
    let file = location.map(|location| places.name(location)).filter(|name| !name.is_empty());
    let mut at = json!({
        "file": plain(file.unwrap_or(crate::gitlab::NO_FILE)),
        "start_line": place.map_or(1, |place| place.line),
        "end_line": place.map_or(1, |place| place.end_line),
    });
    if kind == Kind::Secrets {
        let commit = finding.commit.as_ref().map_or(NO_COMMIT, |commit| commit.id.as_str());
        at["commit"] = json!({"sha": plain(commit)});
    }
    let about = match subject(finding) {
        subject if subject.is_empty() => String::new(),
        subject => format!("{subject}: "),
    };
    let rule = finding.rule.id.as_str();
    json!({
        "id": id,
        "name": plain(&sentence(&finding.rule.summary)),
        "description": plain(&format!("{about}{}", paragraph(finding))),
        "severity": severity(finding.severity),
        "solution": plain(&finding.help),
        "location": at,
        "identifiers": [{
            "type": "coaming_rule",
            "name": format!("Coaming {rule}"),
            "value": rule,
            "url": rule_url(&finding.rule),
        }],
        "links": [{"url": rule_url(&finding.rule)}],
    })
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
    }
}
