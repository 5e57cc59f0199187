//! One page, complete in itself: no script, nothing that is fetched.

use std::io;

use coaming_finding::Severity;

use crate::text::{above, counted, paragraph, subject, xml};
use crate::{Places, Report, rule_url};

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b2733}\
h1{font-size:1.4rem}table{border-collapse:collapse;width:100%}\
td,th{border-bottom:1px solid #d8dee4;padding:.5rem;text-align:left;vertical-align:top}\
code{font:13px ui-monospace,monospace}.critical{color:#a1001c;font-weight:700}\
.high{color:#c2410c;font-weight:600}.medium{color:#8a6100}.low{color:#57606a}\
.place{color:#57606a;white-space:nowrap}";

pub(crate) fn render(
    report: &Report<'_>,
    places: &Places<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let total = report.active().count();
    writeln!(out, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">")?;
    writeln!(out, "<title>Coaming: {}</title>", counted(total, "finding"))?;
    writeln!(out, "<style>{STYLE}</style></head><body>")?;
    writeln!(
        out,
        "<h1>Coaming: {} in {}</h1>",
        counted(total, "finding"),
        counted(report.workload_count, "workload")
    )?;
    let counts: Vec<String> = Severity::ALL
        .into_iter()
        .map(|severity| {
            format!("<span class=\"{severity}\">{} {severity}</span>", report.count(severity))
        })
        .collect();
    writeln!(out, "<p>{}</p>", counts.join(" · "))?;
    writeln!(out, "<table><tr><th>Severity<th>Where<th>What and why<th>Fix</tr>")?;
    for finding in report.active() {
        let place = finding.locations.first().map(|location| places.shown(location));
        let fix = finding.fix.as_ref().map_or_else(String::new, |fix| {
            format!("{} <small>({})</small>", xml(&fix.title), fix.applicability.as_str())
        });
        writeln!(
            out,
            "<tr><td class=\"{severity}\">{severity}<td>{}<code class=\"place\">{}</code>\
             <td><b>{}</b> <a href=\"{}\"><code>{}</code></a><br>{}<td>{fix}</tr>",
            above(&xml(&subject(finding))),
            xml(&place.unwrap_or_default()),
            xml(&finding.rule.summary),
            rule_url(&finding.rule),
            finding.rule.id,
            xml(&paragraph(finding)),
            severity = finding.severity,
        )?;
    }
    writeln!(out, "</table>")?;
    for note in report.notes {
        writeln!(out, "<p>Note: {}</p>", xml(&note.message))?;
    }
    if !report.errors.is_empty() {
        writeln!(out, "<h2>Not handled</h2><ul>")?;
        for error in report.errors {
            writeln!(out, "<li><code>{}</code>: {}", xml(&error.file), xml(&error.message))?;
        }
        writeln!(out, "</ul>")?;
    }
    writeln!(out, "</body></html>")
}
