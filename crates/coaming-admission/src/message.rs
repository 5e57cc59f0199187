//! What users read: refusals, warnings and annotations of the audit log.

use std::fmt::Write as _;

use coaming_finding::Finding;
use coaming_text::Printable;

use crate::{Judged, Mode, Request};

/// How many findings a refusal shows in full.
const SHOWN: usize = 5;
/// How many warnings an answer has. The API server drops what is too much.
const MAX_WARNINGS: usize = 10;
/// The longest warning: the API server cuts longer ones off.
const MAX_WARNING: usize = 256;
/// The longest annotation of the audit log.
const MAX_ANNOTATION: usize = 8 << 10;

/// The text of a refusal: what, why and repair of each finding, in three lines.
pub(crate) fn refusal(request: &Request, findings: &[&Judged]) -> String {
    let mut text = match findings.len() {
        1 => "1 finding".to_owned(),
        count => format!("{count} findings"),
    };
    let _ = write!(text, " in {}", object(request));
    for (number, judged) in (1..).zip(findings.iter().take(SHOWN)) {
        let finding = &judged.finding;
        let _ = write!(
            text,
            "\n{number}. {}\n   Why: {}\n   Fix: {}",
            Printable(&problem(finding)),
            Printable(&finding.why),
            Printable(&finding.help),
        );
        if let Some(expired) = judged.expired {
            let _ = write!(text, " (The exemption expired on {expired}.)");
        }
    }
    if findings.len() > SHOWN {
        let _ = write!(text, "\nand {} more", findings.len() - SHOWN);
    }
    text
}

/// `Deployment web in namespace shop`.
fn object(request: &Request) -> String {
    let name = if request.name.is_empty() { "(not yet named)" } else { &request.name };
    let text = match request.namespace.as_str() {
        "" => format!("{} {name}", request.kind),
        namespace => format!("{} {name} in namespace {namespace}", request.kind),
    };
    Printable(&text).to_string()
}

/// The field that a finding is about.
fn field(finding: &Finding) -> String {
    finding.locations.first().map(|location| location.path.to_string()).unwrap_or_default()
}

/// The rule, what is wrong, and the field.
fn problem(finding: &Finding) -> String {
    let text = format!("{}: {}", finding.rule.id, finding.message);
    match field(finding).as_str() {
        // It is about the object as a whole.
        "" => text,
        field => format!("{text} ({field})"),
    }
}

/// The warnings for these findings.
pub(crate) fn warnings(findings: &[Judged]) -> Vec<String> {
    let warned: Vec<&Judged> = findings.iter().filter(|judged| judged.mode == Mode::Warn).collect();
    let mut warnings: Vec<String> = warned
        .iter()
        .take(MAX_WARNINGS)
        .map(|judged| shortened(&Printable(&problem(&judged.finding)).to_string(), MAX_WARNING))
        .collect();
    if warned.len() > MAX_WARNINGS {
        warnings.push(format!("and {} more findings", warned.len() - MAX_WARNINGS));
    }
    warnings
}

/// The findings as one line for the audit log.
pub(crate) fn annotation<'f>(findings: impl Iterator<Item = &'f Finding>) -> String {
    let parts: Vec<String> = findings
        .map(|finding| {
            let text = format!("{} {} {}", finding.rule.id, finding.severity, field(finding));
            text.trim_end().to_owned()
        })
        .collect();
    shortened(&Printable(&parts.join("; ")).to_string(), MAX_ANNOTATION)
}

/// The warning about an image that keeps its tag.
pub(crate) fn keeps_tag(holder: &str, image: &str, reason: &str) -> String {
    let text = format!("{holder} keeps the tag of `{image}`: {reason}");
    shortened(&Printable(&text).to_string(), MAX_WARNING)
}

/// The text, cut off after at most `limit` bytes.
fn shortened(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut end = limit.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}
