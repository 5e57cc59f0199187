//! For people: annotated source as rustc shows it, grouped by object, worst object first, with a
//! short summary and the next step.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use coaming_finding::{Applicability, Category, Finding, Location, ObjectRef, Severity};

use crate::text::{counted, object, plain, variants, wrapped};
use crate::{Places, Report, rule_url};

/// How the `full` format is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FullOptions {
    /// With colours.
    pub color: bool,
    /// Rule names link to their pages.
    pub links: bool,
}

pub(crate) fn render(
    report: &Report<'_>,
    places: &Places<'_>,
    options: FullOptions,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let renderer = if options.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(120);
    let mut explained = BTreeSet::new();
    for (heading, findings) in grouped(report, places) {
        writeln!(out, "{}", bold(&heading, options))?;
        writeln!(out)?;
        for finding in findings {
            // What an attacker does with it is the same for all findings of a rule: once is enough.
            let with_why = explained.insert(&finding.rule.id);
            writeln!(out, "{}", rendered(finding, with_why, places, &renderer, options))?;
            writeln!(out)?;
        }
    }
    summary(report, options, out)
}

fn bold(text: &str, options: FullOptions) -> String {
    if options.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Findings by object, in the order of each object's worst one.
fn grouped<'a>(report: &Report<'a>, places: &Places<'a>) -> Vec<(String, Vec<&'a Finding>)> {
    type Key<'k> = (Option<&'k ObjectRef>, &'k str);
    let mut order: BTreeMap<Key<'a>, usize> = BTreeMap::new();
    let mut groups: Vec<(String, Vec<&'a Finding>)> = Vec::new();
    for finding in report.active() {
        let file = finding.locations.first().map_or("", |location| places.name(location));
        let key = (finding.object.as_ref(), file);
        let position = *order.entry(key).or_insert_with(|| {
            let heading = match object(finding) {
                about if about.is_empty() => plain(file),
                about => format!("{about} ({})", plain(file)),
            };
            groups.push((heading, Vec::new()));
            groups.len() - 1
        });
        groups[position].1.push(finding);
    }
    groups
}

fn rendered(
    finding: &Finding,
    with_why: bool,
    places: &Places<'_>,
    renderer: &Renderer,
    options: FullOptions,
) -> String {
    let level = match finding.severity {
        Severity::Critical | Severity::High => Level::ERROR,
        Severity::Medium => Level::WARNING,
        Severity::Low => Level::INFO,
    };
    let mut title = level
        .with_name(finding.severity.as_str())
        .primary_title(wrapped(&plain(&finding.message)))
        .id(finding.rule.id.as_str());
    if options.links {
        title = title.id_url(rule_url(&finding.rule));
    }
    let mut group = Group::with_title(title);
    for location in &finding.locations {
        group = match snippet(finding, location, places) {
            Some(snippet) => group.element(snippet),
            None => {
                let (shown, path) = (places.shown(location), plain(&location.path.to_string()));
                let beside = if path.is_empty() { "" } else { ": " };
                group.element(Origin::path(format!("{shown}{beside}{path}")))
            }
        };
    }
    if let Some(variants) = variants(finding) {
        group = group.element(Level::NOTE.message(wrapped(&variants)));
    }
    if with_why && !finding.why.is_empty() {
        group = group.element(Level::NOTE.with_name("why").message(wrapped(&plain(&finding.why))));
    }
    if !finding.help.is_empty() {
        group = group.element(Level::HELP.message(wrapped(&plain(&finding.help))));
    }
    if let Some(fix) = &finding.fix {
        let command = match fix.applicability {
            Applicability::Safe => Some("coaming fix"),
            Applicability::Unsafe => Some("coaming fix --unsafe"),
            Applicability::Manual => None,
        };
        if let Some(command) = command {
            let text = wrapped(&plain(&format!("`{command}` can {}", fix.title)));
            group = group.element(Level::NOTE.with_name("fix").message(text));
        }
    }
    renderer.render(&[group])
}

/// Longer lines are not shown: they are machines' output.
const LONGEST_LINE: usize = 400;

/// The first line of what a location covers; a line that may hold a secret is never shown.
fn snippet<'a>(
    finding: &Finding,
    location: &'a Location,
    places: &Places<'a>,
) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    if finding.rule.category == Category::Secrets {
        return None;
    }
    let (place, file, span) = (places.place(location)?, places.file(location)?, location.span?);
    let (start, line) = places.line(location, LONGEST_LINE)?;
    if coaming_secret::may_hold_secret(line) {
        return None;
    }
    let from = (span.start as usize).checked_sub(start)?;
    let to = (span.end as usize - start).min(line.trim_end().len()).max(from);
    // Control characters would shift or recolour the line; columns must stay where they are.
    let line: String =
        line.chars().map(|c| if c.is_control() && c != '\t' { ' ' } else { c }).collect();
    if line.len() < to {
        return None;
    }
    let annotation = AnnotationKind::Primary.span(from..to).label(plain(&location.label));
    Some(
        Snippet::source(line)
            .line_start(place.line as usize)
            .path(plain(file.name))
            .annotation(annotation),
    )
}

/// Counts by severity and by category, and what to do next.
fn summary(report: &Report<'_>, options: FullOptions, out: &mut dyn io::Write) -> io::Result<()> {
    let scope = format!(
        "{} in {}",
        counted(report.workload_count, "workload"),
        counted(report.file_count, "file")
    );
    for note in report.notes {
        writeln!(out, "note: {}", wrapped(&plain(&note.message)))?;
    }
    let total = report.active().count();
    let suppressed = report.findings.len() - total;
    let beside = if suppressed > 0 { format!(" ({suppressed} suppressed)") } else { String::new() };
    if total == 0 {
        return writeln!(out, "Nothing found: {scope}{beside}.");
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
    next_step(report, out)
}

fn next_step(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let fixable = |applicability: Applicability| {
        report
            .active()
            .filter(|finding| {
                finding.fix.as_ref().is_some_and(|fix| fix.applicability == applicability)
            })
            .count()
    };
    let (safe, risky) = (fixable(Applicability::Safe), fixable(Applicability::Unsafe));
    match (safe, risky) {
        (0, 0) => {}
        (0, risky) => writeln!(
            out,
            "`coaming fix --unsafe` can fix {risky} of them; test the application afterwards."
        )?,
        (safe, 0) => writeln!(out, "`coaming fix` can fix {safe} of them.")?,
        (safe, risky) => writeln!(
            out,
            "`coaming fix` can fix {safe} of them, `coaming fix --unsafe` {risky} more; test the \
             application afterwards."
        )?,
    }
    if let Some(first) = report.active().next() {
        writeln!(
            out,
            "For more about the first finding, run `coaming explain {}`.",
            first.rule.id
        )?;
    }
    Ok(())
}
