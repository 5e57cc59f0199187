//! The end of the `full` format: what was counted, what can be fixed, and what to fix first.
//!
//! On a terminal the end is what people see first, so the worst findings are named there again.

use std::collections::BTreeSet;
use std::io;

use coaming_finding::{Applicability, Category, Finding, Severity};

use super::{FullOptions, bold, severity_style};
use crate::text::{counted, plain, subject, unread, wrapped_to};
use crate::{Places, Report};

/// How many findings the summary names.
const WORST: usize = 5;

/// Findings in one line each, below a heading; nothing if there are none.
pub(super) fn lines<'a>(
    heading: &str,
    findings: impl Iterator<Item = &'a Finding>,
    places: &Places<'_>,
    options: FullOptions,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut findings = findings.peekable();
    if findings.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "{}", bold(heading, options))?;
    writeln!(out)?;
    for finding in findings {
        writeln!(out, "{}", line(finding, places, options))?;
    }
    writeln!(out)
}

/// A finding in one line: `high[run-as-root] web.yaml:12 Deployment shop/web [web]: message`. The
/// subject is left out where the message names it.
fn line(finding: &Finding, places: &Places<'_>, options: FullOptions) -> String {
    let head = format!("{}[{}]", finding.severity, finding.rule.id);
    let place = finding.locations.first().map(|location| {
        let name = path_end(&plain(places.name(location)), options.width.map(|width| width / 3));
        match places.place(location) {
            Some(place) => format!(" {name}:{}", place.line),
            None if name.is_empty() => name,
            None => format!(" {name}"),
        }
    });
    let more = match finding.locations.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(" (and {})", counted(more, "more place")),
    };
    let named = finding
        .object
        .as_ref()
        .is_none_or(|object| finding.message.contains(&format!("`{}`", object.name)));
    let about = if named { String::new() } else { format!(" {}", subject(finding)) };
    let suppressed = finding.suppressed.as_ref().map(|suppression| {
        let reason = match suppression.reason.as_str() {
            "" => "no reason given",
            reason => reason,
        };
        format!(" (suppressed: {})", plain(reason))
    });
    let rest = format!(
        "{}{about}: {}{more}{}",
        place.unwrap_or_default(),
        plain(&finding.message),
        suppressed.unwrap_or_default()
    );
    let rest = match options.width {
        Some(width) => shortened(&rest, width.saturating_sub(head.len())),
        None => rest,
    };
    if options.color {
        let style = severity_style(finding.severity);
        format!("{style}{head}{style:#}{rest}")
    } else {
        format!("{head}{rest}")
    }
}

/// The last components of a path that fit into `limit` columns: `…/deploy/web.yaml`; at least one.
fn path_end(path: &str, limit: Option<usize>) -> String {
    let Some(limit) = limit.filter(|&limit| path.chars().count() > limit) else {
        return path.to_owned();
    };
    let ends = path.match_indices('/').map(|(at, _)| &path[at..]).skip(1);
    let mut fitting = ends.filter(|end| end.chars().count() < limit);
    let last = || path.rfind('/').map_or(path, |at| &path[at..]);
    match fitting.next().unwrap_or_else(last) {
        whole if whole.len() == path.len() => path.to_owned(),
        end => format!("…{end}"),
    }
}

/// The text, cut so that it takes at most `limit` columns.
fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Counts by severity and by category, what can be fixed, and the worst findings.
pub(super) fn render(
    report: &Report<'_>,
    places: &Places<'_>,
    options: FullOptions,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let inputs = match is_live(report) {
        true => counted(report.document_count, "object"),
        false => counted(report.file_count, "file"),
    };
    let scope = format!("{} in {inputs}", counted(report.workload_count, "workload"));
    for note in report.notes {
        let text = wrapped_to(&plain(&note.message), options.text_width());
        writeln!(out, "note: {text}")?;
    }
    if let Some(unread) = unread(report) {
        writeln!(out, "error: {}", wrapped_to(&unread, options.text_width()))?;
    }
    if let Some(compliance) = report.compliance {
        crate::compliance::text(compliance, options.text_width(), out)?;
    }
    let total = report.active().count();
    let suppressed = report.findings.len() - total;
    let known = report.known.map(|known| format!("{known} known"));
    let suppressed = (suppressed > 0).then(|| format!("{suppressed} suppressed"));
    let beside: Vec<String> = known.into_iter().chain(suppressed).collect();
    let beside =
        if beside.is_empty() { String::new() } else { format!(" ({})", beside.join(", ")) };
    if total == 0 {
        let what = if report.known.is_some() { "Nothing new" } else { "Nothing found" };
        return writeln!(out, "{what}: {scope}{beside}.");
    }
    let counts: Vec<String> = Severity::ALL
        .into_iter()
        .map(|severity| (severity, report.count(severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    let line = format!("{}: {}", counted(total, "finding"), counts.join(", "));
    writeln!(out, "{} - {scope}{beside}", bold(&line, options))?;
    for category in Category::ALL {
        let of_category: Vec<&Finding> =
            report.active().filter(|finding| finding.rule.category == category).collect();
        if let Some(worst) = of_category.iter().map(|finding| finding.severity).max() {
            writeln!(out, "  {category:<17}{:>5}   worst: {worst}", of_category.len())?;
        }
    }
    // What is in a cluster is fixed where it was applied from.
    if !is_live(report) {
        fixable(report, places, options, out)?;
    }
    worst(report, places, options, out)
}

/// Whether the objects come from a cluster: there are no files.
pub(super) fn is_live(report: &Report<'_>) -> bool {
    report.file_count == 0 && report.document_count > 0
}

fn fixable(
    report: &Report<'_>,
    places: &Places<'_>,
    options: FullOptions,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let has = |finding: &Finding, applicability: Applicability| {
        finding.fix.as_ref().is_some_and(|fix| fix.applicability == applicability)
    };
    let fixable = |applicability: Applicability| {
        report.active().filter(|finding| has(finding, applicability)).count()
    };
    // Whether an edit of a template or a base changes nothing else is known once it was tried.
    let rendered = report
        .active()
        .filter(|finding| {
            [Applicability::Safe, Applicability::Unsafe].into_iter().any(|it| has(finding, it))
        })
        .filter(|finding| places.is_rendered(finding))
        .count();
    let text = match (fixable(Applicability::Safe), fixable(Applicability::Unsafe)) {
        (0, 0) => return Ok(()),
        (0, risky) => {
            format!(
                "`coaming fix --unsafe` can fix {risky} of them; test the application afterwards."
            )
        }
        (safe, 0) => format!("`coaming fix` can fix {safe} of them."),
        (safe, risky) => format!(
            "`coaming fix` can fix {safe} of them, `coaming fix --unsafe` {risky} more; test the \
             application afterwards."
        ),
    };
    let text = match rendered {
        0 => text,
        count => format!(
            "{text} {count} of these {} in charts or overlays, where a fix is made only if an edit \
             of their files changes nothing else.",
            if count == 1 { "is" } else { "are" },
        ),
    };
    writeln!(out, "{}", wrapped_to(&text, options.line_width()))
}

/// The worst findings once more, and how to learn about them.
fn worst(
    report: &Report<'_>,
    places: &Places<'_>,
    options: FullOptions,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let worst = worst_findings(report);
    let Some(first) = worst.first() else { return Ok(()) };
    if worst.len() == 1 {
        return writeln!(out, "`coaming explain {}` explains it.", first.rule.id);
    }
    writeln!(out)?;
    let text = format!("Fix first (`coaming explain {}` explains the first):", first.rule.id);
    let text = wrapped_to(&text, options.line_width());
    writeln!(out, "{}", text.replacen("Fix first", &bold("Fix first", options), 1))?;
    for finding in worst {
        writeln!(out, "{}", line(finding, places, options))?;
    }
    Ok(())
}

/// The first findings by severity; of one severity, each rule once before any comes again.
fn worst_findings<'a>(report: &Report<'a>) -> Vec<&'a Finding> {
    let mut worst: Vec<&Finding> = Vec::new();
    for severity in Severity::ALL {
        let mut rules = BTreeSet::new();
        let of_severity = report.active().filter(|finding| finding.severity == severity);
        let (first, again): (Vec<_>, Vec<_>) =
            of_severity.partition(|finding| rules.insert(&finding.rule.id));
        worst.extend(first.into_iter().chain(again).take(WORST - worst.len()));
    }
    worst
}
