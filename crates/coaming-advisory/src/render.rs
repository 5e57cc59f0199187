//! Vulnerabilities for people and for programs; whoever shows packages of an image uses these too.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{Advice, Excused, Matches, Unasked, Vulnerability};

/// For people: a line a vulnerability, then what to do, then what could not be judged.
#[must_use]
pub fn text(excused: &Excused, advice: &[Advice], matches: &Matches) -> String {
    let mut out = String::new();
    for vulnerability in &excused.kept {
        line(&mut out, vulnerability);
    }
    if !excused.kept.is_empty() {
        out.push('\n');
    }
    for each in advice {
        // Writing to a string can't fail.
        let _ = writeln!(out, "- {}", each.text);
    }
    if !advice.is_empty() {
        out.push('\n');
    }
    excuses(&mut out, excused);
    for note in notes(matches) {
        let _ = writeln!(out, "note: {note}");
    }
    let _ = writeln!(out, "{}", summary(excused, matches));
    out
}

/// What is excused, with the reason and whose word it is.
fn excuses(out: &mut String, excused: &Excused) {
    const SHOWN: usize = 20;
    for (vulnerability, reason) in excused.excused.iter().take(SHOWN) {
        let package = &vulnerability.package;
        let _ = writeln!(
            out,
            "excused: {} in {} {}, {}",
            shown(&vulnerability.id),
            shown(&package.name),
            shown(&package.version),
            shown(reason)
        );
    }
    if let Some(more @ 1..) = excused.excused.len().checked_sub(SHOWN) {
        let _ = writeln!(out, "excused: {more} more, `--format json` has them all");
    }
    if !excused.excused.is_empty() {
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
        Some(true) => marks += ", used by what is started",
        Some(false) => marks += ", not used by what is started",
        None => {}
    }
    let score = vulnerability.score.map_or_else(String::new, |score| format!(" {score:.1}"));
    let _ = writeln!(
        out,
        "{:<8}{score:>5}  {:<20} {} {} ({fixed}{marks})",
        severity,
        shown(&vulnerability.id),
        shown(&package.name),
        shown(&package.version),
    );
    if !vulnerability.summary.is_empty() {
        let _ = writeln!(out, "               {}", shown(&vulnerability.summary));
    }
}

/// What could not be judged, and why: silence must not be taken for safety.
#[must_use]
pub fn notes(matches: &Matches) -> Vec<String> {
    let mut notes = Vec::new();
    for (ecosystem, count) in &matches.uncovered {
        let name = ecosystem.split(':').next().unwrap_or(ecosystem);
        notes.push(format!(
            "{} not judged: the database holds nothing about {}; get it by `coaming db update \
             --ecosystem '{}'`",
            packages(*count),
            shown(ecosystem),
            shown(name)
        ));
    }
    for (reason, count) in &matches.unasked {
        notes.push(match reason {
            Unasked::UnknownDistribution => format!(
                "{} not judged: no advisories are known for this distribution, or its release is not said",
                packages(*count)
            ),
            Unasked::NoVersion => {
                format!("{} not judged: built from a working tree, without a version", packages(*count))
            }
        });
    }
    for package in matches.unordered.iter().take(5) {
        notes.push(format!("{} not judged: its version is none in its ecosystem", shown(package)));
    }
    notes
}

fn packages(count: usize) -> String {
    if count == 1 { "1 package".to_owned() } else { format!("{count} packages") }
}

/// How many there are, in one line.
fn summary(excused: &Excused, matches: &Matches) -> String {
    let mut summary = match excused.kept.len() {
        0 => "no known vulnerabilities".to_owned(),
        1 => "1 known vulnerability".to_owned(),
        count => format!("{count} known vulnerabilities"),
    };
    let _ = write!(summary, " in {}", packages(matches.judged));
    let fixable = excused.kept.iter().filter(|each| each.fixed.is_some()).count();
    if fixable > 0 {
        let _ = write!(summary, ", {fixable} with a fix");
    }
    if !excused.excused.is_empty() {
        let _ = write!(summary, ", {} excused", excused.excused.len());
    }
    summary
}

/// For programs: a contract.
#[must_use]
pub fn json(excused: &Excused, advice: &[Advice], matches: &Matches) -> Value {
    let excuses: Vec<Value> = excused
        .excused
        .iter()
        .map(|(each, reason)| {
            let mut value = vulnerability(each);
            value["excused"] = json!(reason);
            value
        })
        .collect();
    json!({
        "version": 1,
        "vulnerabilities": excused.kept.iter().map(vulnerability).collect::<Vec<_>>(),
        "excused": excuses,
        "advice": advice.iter().map(|each| json!({"text": each.text, "ends": each.ends}))
            .collect::<Vec<_>>(),
        "notes": notes(matches),
        "summary": {"packages": matches.judged, "vulnerabilities": excused.kept.len()},
    })
}

/// One vulnerability for programs.
#[must_use]
pub fn vulnerability(vulnerability: &Vulnerability) -> Value {
    let package = &vulnerability.package;
    json!({
        "id": vulnerability.id,
        "aliases": vulnerability.aliases,
        "package": {
            "name": package.name, "version": package.version, "purl": package.purl,
            "path": package.path, "layer": package.layer,
        },
        "fixed": vulnerability.fixed,
        "severity": vulnerability.severity.map(coaming_finding::Severity::as_str),
        "score": vulnerability.score,
        "vector": vulnerability.vector,
        "probability": vulnerability.probability,
        "exploited": vulnerability.exploited,
        "used": vulnerability.used,
        "priority": vulnerability.priority,
        "summary": vulnerability.summary,
    })
}

/// A text of a stranger's without what would move the cursor.
fn shown(text: &str) -> String {
    text.chars().map(|each| if each.is_control() { ' ' } else { each }).collect()
}
