//! Known vulnerabilities, for people and for programs.

use std::fmt::Write as _;

use coaming_advisory::{Advice, Ignored, Matches, Triaged, Vulnerability};
use coaming_finding::Severity;
use serde_json::{Value, json};

use crate::text::plain;

/// For people: one line per vulnerability, then what to do, then what could not be checked.
#[must_use]
pub fn text(triaged: &Triaged, advice: &[Advice], matches: &Matches) -> String {
    let mut out = String::new();
    for vulnerability in &triaged.open {
        line(&mut out, vulnerability);
    }
    if !triaged.open.is_empty() {
        out.push('\n');
    }
    for each in advice {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "- {}", each.text);
    }
    if !advice.is_empty() {
        out.push('\n');
    }
    ignored(&mut out, &triaged.ignored);
    for note in matches.notes() {
        let _ = writeln!(out, "note: {}", plain(&note));
    }
    let _ = writeln!(out, "{}", summary(triaged, matches));
    out
}

/// The ignored vulnerabilities, each with its reason.
fn ignored(out: &mut String, ignored: &[Ignored]) {
    const SHOWN: usize = 20;
    for Ignored { vulnerability, reason } in ignored.iter().take(SHOWN) {
        let package = &vulnerability.package;
        let _ = writeln!(
            out,
            "ignored: {} in {} {}, {}",
            plain(&vulnerability.id),
            plain(&package.name),
            plain(&package.version),
            plain(reason)
        );
    }
    if let Some(more @ 1..) = ignored.len().checked_sub(SHOWN) {
        let _ = writeln!(out, "ignored: {more} more, see `--format json`");
    }
    if !ignored.is_empty() {
        out.push('\n');
    }
}

fn line(out: &mut String, vulnerability: &Vulnerability) {
    let severity = vulnerability.severity.map_or("unknown", |severity| severity.as_str());
    let package = &vulnerability.package;
    let fixed = match &vulnerability.fixed {
        Some(fixed) => format!("fixed in {fixed}"),
        None => "no fix yet".to_owned(),
    };
    let mut marks = String::new();
    if let Some(date) = &vulnerability.exploited {
        let _ = write!(marks, ", exploited (CISA, {date})");
    }
    if let Some(probability) = vulnerability.probability.filter(|probability| *probability >= 0.01)
    {
        let _ = write!(marks, ", {:.0} % likely to be exploited soon", probability * 100.0);
    }
    match vulnerability.used {
        Some(true) => marks += ", used by the entry point",
        Some(false) => marks += ", not used by the entry point",
        None => {}
    }
    let score = vulnerability.score.map_or_else(String::new, |score| format!(" {score:.1}"));
    let _ = writeln!(
        out,
        "{:<8}{score:>5}  {:<20} {} {} ({fixed}{marks})",
        severity,
        plain(&vulnerability.id),
        plain(&package.name),
        plain(&package.version),
    );
    if !vulnerability.summary.is_empty() {
        let _ = writeln!(out, "               {}", plain(&vulnerability.summary));
    }
}

fn packages(count: usize) -> String {
    if count == 1 { "1 package".to_owned() } else { format!("{count} packages") }
}

/// The numbers, in one line.
fn summary(triaged: &Triaged, matches: &Matches) -> String {
    let mut summary = match triaged.open.len() {
        0 => "no known vulnerabilities".to_owned(),
        1 => "1 known vulnerability".to_owned(),
        count => format!("{count} known vulnerabilities"),
    };
    let _ = write!(summary, " in {}", packages(matches.judged));
    let fixable = triaged.open.iter().filter(|each| each.fixed.is_some()).count();
    if fixable > 0 {
        let _ = write!(summary, ", {fixable} with a fix");
    }
    if !triaged.ignored.is_empty() {
        let _ = write!(summary, ", {} ignored", triaged.ignored.len());
    }
    summary
}

/// For programs: a contract.
#[must_use]
pub fn json(triaged: &Triaged, advice: &[Advice], matches: &Matches) -> Value {
    let ignored = triaged.ignored.iter().map(|each| {
        let mut value = vulnerability(&each.vulnerability);
        value["reason"] = json!(each.reason);
        value
    });
    json!({
        "version": 1,
        "vulnerabilities": triaged.open.iter().map(vulnerability).collect::<Vec<_>>(),
        "ignored": ignored.collect::<Vec<_>>(),
        "advice": advice.iter().map(|each| json!({"text": each.text, "ends": each.ends}))
            .collect::<Vec<_>>(),
        "notes": matches.notes(),
        "summary": {"packages": matches.judged, "vulnerabilities": triaged.open.len()},
    })
}

/// One vulnerability for programs.
fn vulnerability(vulnerability: &Vulnerability) -> Value {
    let package = &vulnerability.package;
    json!({
        "id": vulnerability.id,
        "aliases": vulnerability.aliases,
        "package": {
            "name": package.name, "version": package.version, "purl": package.purl,
            "path": package.path, "layer": package.layer,
        },
        "fixed": vulnerability.fixed,
        "severity": vulnerability.severity.map(Severity::as_str),
        "score": vulnerability.score,
        "vector": vulnerability.vector,
        "probability": vulnerability.probability,
        "exploited": vulnerability.exploited,
        "used": vulnerability.used,
        "priority": vulnerability.priority,
        "summary": vulnerability.summary,
    })
}
