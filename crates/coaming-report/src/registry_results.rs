//! A registry's results for an image beside our own findings, as text and as JSON.
//!
//! Invariant: long lists are cut in text, never in JSON.

use std::fmt::Write as _;

use coaming_registry::{
    Attached, Comparison, RegistryResults, ReportedSeverity, ReportedVulnerability, ScanReport,
    ScanState, SignatureState, VexStatement,
};
use serde_json::{Value, json};

/// The most lines of one kind in text.
const LINES: usize = 20;

/// The results as text.
#[must_use]
pub fn text(results: &RegistryResults) -> String {
    let mut out = String::new();
    match &results.report {
        Some(report) => report_text(&mut out, report, results.comparison.as_ref()),
        // Writing to a string cannot fail.
        None if results.problems.is_empty() => {
            let _ = writeln!(out, "the registry has no known scanner");
        }
        None => {}
    }
    for signature in &results.signatures {
        let _ = writeln!(out, "signature of the image: {}", signature_text(signature));
    }
    for attached in &results.attached {
        attached_text(&mut out, attached);
    }
    for problem in &results.problems {
        let _ = writeln!(out, "note: {problem}");
    }
    out
}

/// The results as JSON: a contract.
#[must_use]
pub fn json(results: &RegistryResults) -> Value {
    json!({
        "report": results.report.as_ref().map(|report| json!({
            "scanner": report.scanner,
            "state": state(report.state),
            "completed": report.completed,
            "grade": report.grade,
            "vulnerabilities": vulnerabilities(&report.vulnerabilities),
        })),
        "comparison": results.comparison.as_ref().map(comparison),
        "attached": results.attached.iter().map(attached_json).collect::<Vec<_>>(),
        "signatures": results.signatures.iter().map(signature_json).collect::<Vec<_>>(),
        "problems": results.problems,
    })
}

fn signature_text(signature: &SignatureState) -> String {
    match signature {
        SignatureState::Verified(signer) => format!("verified, by {signer}"),
        SignatureState::Unverified(reason) => format!("not verified: {reason}"),
    }
}

fn signature_json(signature: &SignatureState) -> Value {
    match signature {
        SignatureState::Verified(signer) => json!({"verified": true, "signer": signer}),
        SignatureState::Unverified(reason) => json!({"verified": false, "reason": reason}),
    }
}

fn report_text(out: &mut String, report: &ScanReport, comparison: Option<&Comparison>) {
    let _ = write!(out, "{}: {}", report.scanner, state_text(report.state));
    if let Some(completed) = &report.completed {
        let _ = write!(out, ", {completed}");
    }
    if let Some(grade) = &report.grade {
        let _ = write!(out, ", grade {grade}");
    }
    if report.state == ScanState::Complete {
        let _ = write!(out, ", {}", counted(&report.vulnerabilities));
    }
    out.push('\n');
    vulnerabilities_text(out, &report.vulnerabilities);
    match comparison {
        Some(comparison) => comparison_text(out, "the registry", comparison),
        None if report.state == ScanState::Complete => {
            let _ = writeln!(
                out,
                "not compared with our findings: no vulnerability database; run `coaming db update`, or use --db"
            );
        }
        None => {}
    }
}

fn attached_text(out: &mut String, attached: &Attached) {
    let _ = writeln!(out, "attached {} {}", attached.format, attached.digest);
    let _ = writeln!(out, "  signature: {}", signature_text(&attached.signature));
    if let Some(packages) = &attached.packages {
        let _ = writeln!(out, "  {} packages are in it and on our list", packages.both);
        few(out, "only in it", &packages.only_theirs);
        few(out, "only on our list", &packages.only_ours);
    }
    vulnerabilities_text(out, &attached.vulnerabilities);
    if let Some(comparison) = &attached.comparison {
        comparison_text(out, "the document", comparison);
    }
    for (statement, listed) in attached.statements.iter().take(LINES) {
        let why = statement.justification.as_deref().unwrap_or_default();
        let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
        let beside = match listed {
            Some(true) => "; we list it",
            Some(false) => "; we do not list it",
            None => "",
        };
        let _ = writeln!(out, "  {}: {}{why}{beside}", statement.vulnerability, statement.status);
    }
    more(out, attached.statements.len());
    if !attached.statements.is_empty() {
        let verified = attached.signature.is_verified();
        let _ = writeln!(out, "  {}", trust_text(attached.trusted, verified));
    }
}

/// Whether the statements of a document are applied, and why.
fn trust_text(trusted: bool, verified: bool) -> &'static str {
    match (trusted, verified) {
        (true, true) => {
            "counts like a document passed to --vex if it names this image or a package: you trust its \
             signer, and documents with --trust-registry-vex"
        }
        (true, false) => {
            "counts like a document passed to --vex if it names this image or a package: you trust it with \
             --trust-registry-vex; its signature was not verified"
        }
        (false, true) => "has no effect: use --trust-registry-vex to let it count",
        (false, false) => {
            "has no effect: its signature was not verified, and anyone who can push to the repository can \
             attach such a document; use --trust-registry-vex, with --verify-key or \
             --certificate-identity, to let it count"
        }
    }
}

fn vulnerabilities_text(out: &mut String, found: &[ReportedVulnerability]) {
    let mut worst: Vec<&ReportedVulnerability> = found.iter().collect();
    worst.sort_by_key(|each| std::cmp::Reverse(each.severity));
    for each in worst.into_iter().take(LINES) {
        let fixed = match &each.fixed_version {
            Some(version) => format!(" (fixed in {version})"),
            None => String::new(),
        };
        let line = format!(
            "{:<10} {:<20} {} {}{fixed}",
            each.severity.as_str(),
            each.id,
            each.package,
            each.version
        );
        let _ = writeln!(out, "  {}", line.trim_end());
    }
    more(out, found.len());
}

fn comparison_text(out: &mut String, who: &str, comparison: &Comparison) {
    let _ = writeln!(out, "  compared with our findings: {} found by both", comparison.both.len());
    let named = |list: &[(String, String)]| -> Vec<String> {
        list.iter().map(|(id, package)| format!("{id} in {package}")).collect()
    };
    few(out, &format!("only {who} lists"), &named(&comparison.only_theirs));
    few(out, "only we list", &named(&comparison.only_ours));
}

/// A line with the first names.
fn few(out: &mut String, title: &str, names: &[String]) {
    if names.is_empty() {
        return;
    }
    let shown: Vec<&str> = names.iter().take(LINES).map(String::as_str).collect();
    let rest = match names.len().saturating_sub(LINES) {
        0 => String::new(),
        rest => format!(", and {rest} more"),
    };
    let _ = writeln!(out, "  {title} ({}): {}{rest}", names.len(), shown.join(", "));
}

fn more(out: &mut String, all: usize) {
    if all > LINES {
        let _ = writeln!(out, "  and {} more: `--format json` lists all", all - LINES);
    }
}

/// `2 vulnerabilities: 1 critical, 1 low`
fn counted(found: &[ReportedVulnerability]) -> String {
    let severities = [
        ReportedSeverity::Critical,
        ReportedSeverity::High,
        ReportedSeverity::Medium,
        ReportedSeverity::Low,
        ReportedSeverity::Negligible,
        ReportedSeverity::Unknown,
    ];
    let parts: Vec<String> = severities
        .into_iter()
        .filter_map(|severity| {
            let count = found.iter().filter(|each| each.severity == severity).count();
            (count > 0).then(|| format!("{count} {}", severity.as_str()))
        })
        .collect();
    match found.len() {
        0 => "no vulnerabilities".to_owned(),
        1 => format!("1 vulnerability: {}", parts.join(", ")),
        count => format!("{count} vulnerabilities: {}", parts.join(", ")),
    }
}

fn state(state: ScanState) -> &'static str {
    match state {
        ScanState::Complete => "complete",
        ScanState::Pending => "pending",
        ScanState::NotScanned => "not-scanned",
        ScanState::Unsupported => "unsupported",
        ScanState::Failed => "failed",
    }
}

fn state_text(state: ScanState) -> &'static str {
    match state {
        ScanState::Complete => "scanned",
        ScanState::Pending => "not scanned yet: queued or running",
        ScanState::NotScanned => "not scanned: no scan was requested",
        ScanState::Unsupported => "cannot scan this kind of image",
        ScanState::Failed => "the scan failed",
    }
}

fn vulnerabilities(found: &[ReportedVulnerability]) -> Vec<Value> {
    let one = |each: &ReportedVulnerability| {
        json!({
            "id": each.id, "package": each.package, "version": each.version,
            "fixed": each.fixed_version, "severity": each.severity.as_str(),
        })
    };
    found.iter().map(one).collect()
}

fn comparison(comparison: &Comparison) -> Value {
    let list = |list: &[(String, String)]| -> Vec<Value> {
        list.iter().map(|(id, package)| json!({"id": id, "package": package})).collect()
    };
    json!({
        "both": comparison.both,
        "only_ours": list(&comparison.only_ours),
        "only_theirs": list(&comparison.only_theirs),
    })
}

fn attached_json(attached: &Attached) -> Value {
    let statement = |(statement, listed): &(VexStatement, Option<bool>)| {
        json!({
            "vulnerability": statement.vulnerability, "status": statement.status,
            "justification": statement.justification, "products": statement.products,
            "listed": listed,
        })
    };
    json!({
        "format": attached.format,
        "digest": attached.digest,
        "vulnerabilities": vulnerabilities(&attached.vulnerabilities),
        "comparison": attached.comparison.as_ref().map(comparison),
        "packages": attached.packages.as_ref().map(|packages| json!({
            "both": packages.both,
            "only_ours": packages.only_ours,
            "only_theirs": packages.only_theirs,
        })),
        "statements": attached.statements.iter().map(statement).collect::<Vec<_>>(),
        "trusted": attached.trusted,
        "signature": signature_json(&attached.signature),
    })
}
