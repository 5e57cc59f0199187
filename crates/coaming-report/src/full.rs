//! For people: annotated source as rustc shows it, worst first, grouped by object, with a summary
//! that ends with what to fix first.
//!
//! A long report shows the findings of lower severities in one line each, so that the severe ones
//! are not lost among them.

mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use anstyle::{AnsiColor, Style};
use coaming_finding::{Applicability, Category, Finding, Location, ObjectRef, Severity};

use crate::text::{WIDTH, counted, object, plain, variants, wrapped_to};
use crate::{Places, Report, rule_url};

/// How the `full` format is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FullOptions {
    /// With colors.
    pub color: bool,
    /// Rule names link to their pages.
    pub links: bool,
    /// The width of the terminal in columns; `None` where the output is not shown on one.
    pub width: Option<usize>,
    /// Every finding in full, with all its places.
    pub verbose: bool,
    /// Only the findings, without the summary.
    pub quiet: bool,
    /// Suppressed findings too, with the reasons.
    pub suppressed: bool,
}

/// The widest that text is set on a terminal, in columns.
const WIDEST: usize = 120;
/// Room for the line numbers and the name of a note, in columns.
const MARGIN: usize = 14;

impl FullOptions {
    /// How wide running text is, in columns.
    fn text_width(self) -> usize {
        self.width.map_or(WIDTH, |width| width.min(WIDEST).saturating_sub(MARGIN).max(MARGIN))
    }

    /// How wide whole lines are, in columns.
    pub(crate) fn line_width(self) -> usize {
        self.width.map_or(WIDEST, |width| width.min(WIDEST))
    }
}

/// Longer reports show findings below `high` in one line each.
const MANY: usize = 40;
/// The most places of one finding that are shown.
const PLACES: usize = 3;

/// What every finding is shown with.
struct Renderers {
    options: FullOptions,
    /// Whether there are files that `coaming fix` can change.
    has_files: bool,
    critical: Renderer,
    other: Renderer,
}

impl Renderers {
    fn new(options: FullOptions, has_files: bool) -> Self {
        let plain = if options.color { Renderer::styled() } else { Renderer::plain() };
        let other = plain.decor_style(DecorStyle::Ascii).term_width(options.line_width());
        let critical = if options.color {
            other.clone().error(severity_style(Severity::Critical))
        } else {
            other.clone()
        };
        Self { options, has_files, critical, other }
    }
}

pub(crate) fn render<'a>(
    report: &Report<'a>,
    places: &Places<'a>,
    options: FullOptions,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let short = !options.verbose && report.active().count() > MANY;
    let shown_in_full = |finding: &&Finding| !short || finding.severity >= Severity::High;
    let renderers = Renderers::new(options, !summary::is_live(report));
    let mut explained = BTreeSet::new();
    for (heading, findings) in grouped(report.active().filter(shown_in_full), places) {
        writeln!(out, "{}", bold(&heading, options))?;
        writeln!(out)?;
        for finding in findings {
            // What an attacker does with it is the same for all findings of a rule: once is enough.
            let with_why = explained.insert(&finding.rule.id);
            writeln!(out, "{}", rendered(finding, with_why, places, &renderers))?;
            writeln!(out)?;
        }
    }
    if short {
        for severity in [Severity::Medium, Severity::Low] {
            let of_severity = report.active().filter(|finding| finding.severity == severity);
            summary::lines(&severity.to_string(), of_severity, places, options, out)?;
        }
    }
    if options.suppressed {
        let suppressed = report.findings.iter().filter(|finding| finding.suppressed.is_some());
        summary::lines("suppressed", suppressed, places, options, out)?;
    }
    if options.quiet { Ok(()) } else { summary::render(report, places, options, out) }
}

/// The color of a severity: four that differ, also for people who see red and green alike.
fn severity_style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Critical => AnsiColor::BrightMagenta,
        Severity::High => AnsiColor::BrightRed,
        Severity::Medium => AnsiColor::Yellow,
        Severity::Low => AnsiColor::BrightBlue,
    };
    color.on_default().bold()
}

pub(crate) fn bold(text: &str, options: FullOptions) -> String {
    if options.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Findings of one severity and object, in the order of their ranks.
fn grouped<'a>(
    findings: impl Iterator<Item = &'a Finding>,
    places: &Places<'a>,
) -> Vec<(String, Vec<&'a Finding>)> {
    type Key<'k> = (Severity, Option<&'k ObjectRef>, &'k str);
    let mut order: BTreeMap<Key<'a>, usize> = BTreeMap::new();
    let mut groups: Vec<(String, Vec<&'a Finding>)> = Vec::new();
    for finding in findings {
        let file = finding.locations.first().map_or("", |location| places.name(location));
        let key = (finding.severity, finding.object.as_ref(), file);
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
    renderers: &Renderers,
) -> String {
    let options = renderers.options;
    let (level, renderer) = match finding.severity {
        Severity::Critical => (Level::ERROR, &renderers.critical),
        Severity::High => (Level::ERROR, &renderers.other),
        Severity::Medium => (Level::WARNING, &renderers.other),
        Severity::Low => (Level::INFO, &renderers.other),
    };
    let wrapped = |text: &str| wrapped_to(&plain(text), options.text_width());
    let mut title = level
        .with_name(finding.severity.as_str())
        .primary_title(title_text(finding, options))
        .id(finding.rule.id.as_str());
    if options.links {
        title = title.id_url(rule_url(&finding.rule));
    }
    let mut group = Group::with_title(title);
    let most = if options.verbose { usize::MAX } else { PLACES };
    let mut seen = BTreeSet::new();
    let distinct = finding.locations.iter().filter(|location| {
        seen.insert((
            location.source,
            places.place(location).map(|place| place.line),
            &location.path,
        ))
    });
    let locations: Vec<&Location> = distinct.collect();
    for location in locations.iter().take(most) {
        group = match snippet(finding, location, places) {
            Some(snippet) => group.element(snippet),
            None => {
                let (shown, path) = (places.shown(location), plain(&location.path.to_string()));
                let beside = if path.is_empty() { "" } else { ": " };
                group.element(Origin::path(format!("{shown}{beside}{path}")))
            }
        };
    }
    if locations.len() > most {
        let more = counted(locations.len() - most, "more place");
        group = group.element(Level::NOTE.message(format!("and {more}; `--verbose` shows all")));
    }
    if let Some(variants) = variants(finding) {
        group = group.element(Level::NOTE.message(wrapped(&variants)));
    }
    if let Some(way) = &finding.way {
        group = group.element(Level::NOTE.with_name("path").message(wrapped(&way.to_string())));
    }
    if with_why && !finding.why.is_empty() {
        group = group.element(Level::NOTE.with_name("why").message(wrapped(&finding.why)));
    }
    if !finding.help.is_empty() {
        group = group.element(Level::HELP.message(wrapped(&finding.help)));
    }
    if let Some(fix) = finding.fix.as_ref().filter(|_| renderers.has_files) {
        let command = match fix.applicability {
            Applicability::Safe => Some("coaming fix"),
            Applicability::Unsafe => Some("coaming fix --unsafe"),
            Applicability::Manual => None,
        };
        if let Some(command) = command {
            let can = if places.is_rendered(finding) { "tries to" } else { "can" };
            let text = wrapped(&format!("`{command}` {can} {}", fix.title));
            group = group.element(Level::NOTE.with_name("fix").message(text));
        }
    }
    renderer.render(&[group])
}

/// The message, broken so that it fits beside the severity and the rule on a terminal.
fn title_text(finding: &Finding, options: FullOptions) -> String {
    let message = plain(&finding.message);
    let Some(width) = options.width else { return wrapped_to(&message, WIDTH) };
    let beside = finding.severity.as_str().len() + finding.rule.id.as_str().len() + "[]: ".len();
    wrapped_to(&message, width.min(WIDEST).saturating_sub(beside).max(MARGIN))
}

/// Longer lines are not shown: they are machines' output.
const LONGEST_LINE: usize = 400;

/// The first line of what a location covers; a line that may hold a secret is never shown.
fn snippet<'s>(
    finding: &Finding,
    location: &'s Location,
    places: &'s Places<'_>,
) -> Option<Snippet<'s, annotate_snippets::Annotation<'s>>> {
    if finding.rule.category == Category::Secrets {
        return None;
    }
    let (place, file, span) = (places.place(location)?, places.file(location)?, location.span?);
    let excerpt = places.line(location, LONGEST_LINE)?;
    let (start, line) = (excerpt.start, excerpt.text());
    let from = (span.start as usize).checked_sub(start)?;
    let to = (span.end as usize - start).min(line.trim_end().len()).max(from);
    // Control characters would shift or recolor the line; columns must stay where they are.
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
