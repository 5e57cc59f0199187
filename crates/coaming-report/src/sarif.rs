//! SARIF 2.1.0, for code scanning. Fingerprints stay the same when lines move.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use coaming_finding::{
    Applicability, AttackWay, Confidence, Finding, Location, RuleMeta, RuleRef, Severity,
};
use serde_json::{Value, json};

use crate::text::paragraph;
use crate::{Places, Report, rule_url};

pub(crate) fn render(
    report: &Report<'_>,
    places: &Places<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut fingerprints = Fingerprints::default();
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| result(finding, report.rules, places, &mut fingerprints))
        .collect();
    let notes =
        report.notes.iter().map(|note| json!({"level": "note", "message": {"text": note.message}}));
    let notifications: Vec<Value> = report
        .errors
        .iter()
        .map(|error| {
            let mut location = json!({"artifactLocation": {"uri": uri(&error.file)}});
            if let Some((line, column)) = error.position {
                location["region"] = json!({"startLine": line, "startColumn": column});
            }
            json!({
                "level": "error",
                "message": {"text": error.message},
                "locations": [{"physicalLocation": location}],
            })
        })
        .chain(notes)
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "Coaming",
                "informationUri": "https://coaming.dev",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": report.rules.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": report.errors.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

fn descriptor(rule: &RuleMeta) -> Value {
    let standards: Vec<String> = rule.standards.iter().map(ToString::to_string).collect();
    json!({
        "id": rule.id,
        "name": rule.id,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": description(&rule.docs)},
        "help": {"text": rule.summary, "markdown": rule.docs},
        "helpUri": rule_url(rule),
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {
            "tags": ["security", rule.category.as_str()],
            "security-severity": score(rule.severity),
            "standards": standards,
        },
    })
}

/// The section of a rule's page that describes the rule; the text before the first heading where
/// the page has no such section.
fn description(page: &str) -> String {
    let section = page.split_once("## What it looks for").map_or(page, |(_, section)| section);
    let section = section.split("##").next().unwrap_or_default();
    section.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn result(
    finding: &Finding,
    rules: &[RuleRef],
    places: &Places<'_>,
    fingerprints: &mut Fingerprints,
) -> Value {
    let mut result = json!({
        "ruleId": finding.rule.id,
        "level": level(finding.severity),
        "message": {"text": paragraph(finding)},
        "locations": [main_location(finding, places)],
        "partialFingerprints": {"coaming/v1": fingerprints.of(finding, places)},
        "rank": match finding.confidence {
            Confidence::High => 90.0,
            Confidence::Medium => 60.0,
            Confidence::Low => 30.0,
        },
    });
    if let Some(index) = rules.iter().position(|rule| rule.id == finding.rule.id) {
        result["ruleIndex"] = json!(index);
    }
    if finding.locations.len() > 1 {
        result["relatedLocations"] = related_locations(&finding.locations[1..], places);
    }
    if let Some(suppression) = &finding.suppressed {
        result["suppressions"] = json!([{"kind": "inSource", "justification": suppression.reason}]);
    }
    if let Some(changes) = changes(finding, places) {
        result["fixes"] = changes;
    }
    if let Some(way) = &finding.way {
        result["codeFlows"] = json!([code_flow(way, finding, places)]);
    }
    result
}

/// A way of an attacker, step by step. A step that is not in a file is shown where the finding is.
fn code_flow(way: &AttackWay, finding: &Finding, places: &Places<'_>) -> Value {
    let steps = way.steps.iter().map(|step| {
        let own = step.location.as_ref().filter(|at| !places.name(at).is_empty());
        let mut at = own.map_or_else(|| main_location(finding, places), |at| location(at, places));
        if at["physicalLocation"]["region"].is_null() {
            at["physicalLocation"]["region"] = json!({"startLine": 1});
        }
        at["message"] = json!({"text": format!("{}: {}", step.step, step.reason)});
        json!({"location": at})
    });
    json!({
        "message": {"text": way.to_string()},
        "threadFlows": [{"locations": steps.collect::<Vec<_>>()}],
    })
}

/// The fix as replaced text, where its edits can be made in every file it needs.
fn changes(finding: &Finding, places: &Places<'_>) -> Option<Value> {
    let fix = finding.fix.as_ref().filter(|fix| fix.applicability != Applicability::Manual)?;
    let artifacts: Vec<Value> = places
        .text_edits(fix)?
        .into_iter()
        .map(|(file, edits)| {
            let replacements: Vec<Value> = edits
                .iter()
                .map(|edit| {
                    json!({
                        "deletedRegion": {
                            "startLine": edit.place.line,
                            "startColumn": edit.place.column,
                            "endLine": edit.place.end_line,
                            "endColumn": edit.place.end_column,
                        },
                        "insertedContent": {"text": edit.text},
                    })
                })
                .collect();
            json!({"artifactLocation": {"uri": uri(file)}, "replacements": replacements})
        })
        .filter(|artifact| artifact["replacements"].as_array().is_some_and(|all| !all.is_empty()))
        .collect();
    let fix = json!({"description": {"text": fix.title}, "artifactChanges": artifacts});
    (!artifacts.is_empty()).then(|| json!([fix]))
}

/// Where a result is. GitHub refuses a whole report for one result without a file and a line.
fn main_location(finding: &Finding, places: &Places<'_>) -> Value {
    let known = finding.locations.first().filter(|at| !places.name(at).is_empty());
    let Some(at) = known else {
        return json!({"physicalLocation": {
            "artifactLocation": {"uri": "coaming.yaml"},
            "region": {"startLine": 1},
        }});
    };
    let mut value = location(at, places);
    if value["physicalLocation"]["region"].is_null() {
        value["physicalLocation"]["region"] = json!({"startLine": 1});
    }
    if let Some(object) = &finding.object {
        let name = format!("{}/{}/{}", object.kind, object.namespace, object.name);
        value["logicalLocations"] =
            json!([{"fullyQualifiedName": format!("{name}: {}", at.path), "kind": "resource"}]);
    }
    value
}

/// Each place once, as the format demands: what a renderer wrote has no lines to tell two apart.
fn related_locations(locations: &[Location], places: &Places<'_>) -> Value {
    let mut related: Vec<Value> = Vec::with_capacity(locations.len());
    let mut seen = BTreeSet::new();
    for at in locations {
        let value = location(at, places);
        if seen.insert(value.to_string()) {
            related.push(value);
        }
    }
    related.into()
}

fn location(location: &Location, places: &Places<'_>) -> Value {
    let mut physical = json!({"artifactLocation": {"uri": uri(places.name(location))}});
    if let Some(place) = places.place(location) {
        physical["region"] = json!({
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
        });
    }
    let mut value = json!({"physicalLocation": physical});
    if !location.label.is_empty() {
        value["message"] = json!({"text": location.label});
    }
    value
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// On the scale of CVSS, as code scanning sorts by it.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
    }
}

/// A file's name as a relative reference: every byte that is not unreserved is escaped.
fn uri(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Fingerprints of findings: of what is wrong with what, not of where it is. Findings that are
/// alike in all of that are distinguished by their order.
#[derive(Default)]
pub(crate) struct Fingerprints {
    seen: BTreeMap<String, u32>,
}

impl Fingerprints {
    pub(crate) fn of(&mut self, finding: &Finding, places: &Places<'_>) -> String {
        let file = finding.locations.first().map_or("", |location| places.name(location));
        let base = coaming_finding::fingerprint(finding, file);
        let count = self.seen.entry(base.clone()).or_insert(0);
        *count += 1;
        format!("{base}:{count}")
    }
}

#[cfg(test)]
mod tests {
    use super::description;

    #[test]
    fn a_rule_is_described_by_its_section_or_by_the_first_text() {
        let page =
            " ## What it looks for\n\n Containers that\n run as root.\n\n ## Why it matters\n";
        assert_eq!(description(page), "Containers that run as root.");
        assert_eq!(description(" Containers.\n\n ## Why it matters\n\n Root.\n"), "Containers.");
    }
}
