//! One page, complete in itself: no script, nothing that is fetched. Readable on a phone.

use std::io;

use coaming_finding::{Finding, Severity};

use crate::text::{counted, place_of, sentence, subject, xml};
use crate::{Places, Report, rule_url};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#d8dee4;--soft:#57606a;--critical:#a1006c;--high:#b3261e;\
--medium:#8a6100;--low:#0b5cad}\
@media(prefers-color-scheme:dark){:root{--line:#30363d;--soft:#9198a1;--critical:#ff7eb6;\
--high:#ff8b80;--medium:#e3b341;--low:#79b8ff}}\
body{font:16px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:60rem;padding:0 1rem;\
overflow-wrap:anywhere}\
h1{font-size:1.4rem}h2{font-size:1.15rem;margin-top:2rem}\
h2.critical,b.critical{color:var(--critical)}h2.high,b.high{color:var(--high)}\
h2.medium,b.medium{color:var(--medium)}h2.low,b.low{color:var(--low)}\
article{border-top:1px solid var(--line);padding:.6rem 0}article p{margin:.25rem 0}\
h3{font-size:1rem;margin:0}td,th{text-align:left;vertical-align:top;padding:.1rem .6rem .1rem 0}code{font:.875em ui-monospace,monospace}.place{color:var(--soft)}";

pub(crate) fn render(
    report: &Report<'_>,
    places: &Places<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let title = format!(
        "Coaming: {} in {}",
        counted(report.active().count(), "finding"),
        counted(report.workload_count, "workload")
    );
    writeln!(out, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">")?;
    writeln!(out, "<title>{title}</title>")?;
    writeln!(out, "<style>{STYLE}</style></head><body><h1>{title}</h1>")?;
    let counts: Vec<String> = Severity::ALL
        .into_iter()
        .map(|severity| {
            format!("<b class=\"{severity}\">{} {severity}</b>", report.count(severity))
        })
        .collect();
    let known = report.known.map_or_else(String::new, |known| format!(" · {known} known"));
    writeln!(out, "<p>{}{known}</p>", counts.join(" · "))?;
    not_handled(report, out)?;
    if let Some(compliance) = report.compliance {
        crate::compliance::html(compliance, out)?;
    }
    for severity in Severity::ALL {
        if report.count(severity) > 0 {
            writeln!(out, "<h2 class=\"{severity}\">{severity}</h2>")?;
        }
        for finding in report.active().filter(|finding| finding.severity == severity) {
            article(finding, places, out)?;
        }
    }
    writeln!(out, "</body></html>")
}

/// What was not read or not evaluated comes before the findings: they are incomplete without it.
fn not_handled(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    for note in report.notes {
        writeln!(out, "<p>Note: {}</p>", with_code(&note.message))?;
    }
    if report.errors.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>Not handled</h2><ul>")?;
    for error in report.errors {
        writeln!(out, "<li><code>{}</code>: {}", xml(&place_of(error)), with_code(&error.message))?;
    }
    writeln!(out, "</ul>")
}

fn article(finding: &Finding, places: &Places<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let subject = xml(&subject(finding));
    let beside = if subject.is_empty() { "" } else { ": " };
    writeln!(out, "<article><h3>{subject}{beside}{}</h3>", with_code(&sentence(&finding.message)))?;
    let shown: Vec<String> = finding
        .locations
        .iter()
        .map(|location| format!("<code>{}</code>", xml(&places.shown(location))))
        .collect();
    let (first, more) = shown.split_at(shown.len().min(3));
    writeln!(out, "<p class=\"place\">{}", first.join(", "))?;
    if !more.is_empty() {
        let count = counted(more.len(), "more place");
        writeln!(out, "<details><summary>{count}</summary>{}</details>", more.join(", "))?;
    }
    writeln!(out, "</p><p>{} {}</p>", with_code(&finding.why), with_code(&finding.help))?;
    if let Some(way) = &finding.way {
        writeln!(out, "<p>{}</p>", with_code(&sentence(&format!("it is {way}"))))?;
    }
    if let Some(fix) = &finding.fix {
        let applicability = fix.applicability.as_str();
        writeln!(out, "<p>Fix ({applicability}): {}</p>", with_code(&fix.title))?;
    }
    let (url, id) = (rule_url(&finding.rule), &finding.rule.id);
    writeln!(out, "<p><a href=\"{url}\"><code>{id}</code></a></p></article>")
}

/// Escaped text, in which what is between backticks is code.
fn with_code(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return xml(text);
    }
    let marked = parts.iter().enumerate().map(|(at, part)| {
        if !at.is_multiple_of(2) { format!("<code>{}</code>", xml(part)) } else { xml(part) }
    });
    marked.collect()
}
