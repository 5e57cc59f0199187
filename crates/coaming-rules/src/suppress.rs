//! Suppressions: comments, annotations and configured entries for findings, and their
//! problems.
//!
//! * `# coaming: ignore[rule, other-rule] reason` beside a line, or above it. It suppresses
//!   findings on that line, and findings in the list item (such as a container) that starts on it.
//!   In other files than manifests, lines that start with `#` are comments; except in Dockerfiles,
//!   so is the text after ` #`. One above or in a multi-line instruction applies to all of it.
//! * The annotation `coaming.dev/ignore: "rule: reason"`, several separated by `;` or newlines,
//!   suppresses findings about the object. It may also be on its pod template.
//! * `ignore:` entries of the configuration.
//!
//! A suppression without a reason is ignored. The rule `suppression` reports those without a
//! reason, expired ones and unused ones.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use coaming_finding::{Confidence, Finding, Location, RuleId, Severity, SourceId, Suppression};
use coaming_kube::{Fields as _, Object, RenderMap, Source, SourceKind, World};
use coaming_yaml::{Document, LineIndex, Node, Path, Placement, Span};

use time::Date;

use crate::context::{has_spans, object_ref};
use crate::rule::BuiltIn as _;
use crate::rules::schema::suppression::Suppression as SuppressionRule;
use crate::{Context, Settings};

/// The annotation that suppresses findings about its object.
pub(crate) const ANNOTATION: &str = "coaming.dev/ignore";

/// All suppressions of an input.
#[derive(Debug)]
pub(crate) struct Suppressions {
    marked: Marked,
    directives: Vec<Directive>,
}

impl Suppressions {
    /// Those of a world and of the configuration.
    pub(crate) fn of(world: &World, settings: &Settings, today: Option<Date>) -> Self {
        let marked = marked_files(world);
        let mut directives = comments(world, &marked);
        directives.extend(annotations(world));
        directives.extend(configured(settings, today));
        Self { marked, directives }
    }

    /// Whether a finding would be suppressed: one that joins several places leaves this one out.
    pub(crate) fn hold(&self, world: &World, settings: &Settings, finding: &Finding) -> bool {
        let mut fitting = self
            .directives
            .iter()
            .filter(|it| {
                it.rule == finding.rule.id.as_str() && !it.reason.is_empty() && !it.expired
            })
            .peekable();
        if fitting.peek().is_none() {
            return false;
        }
        let lines = lines_of(world, &self.marked, finding);
        fitting.any(|directive| covers(directive, finding, &lines, world, settings))
    }
}

/// A suppression as it is written in a comment, an annotation or the configuration.
#[derive(Debug)]
struct Directive {
    rule: String,
    reason: String,
    /// Where it is, for findings about it.
    place: Location,
    scope: Scope,
    used: bool,
    expired: bool,
    /// Whether it may be meant for another variant, so that it is not reported as unused.
    shared: bool,
}

#[derive(Debug)]
enum Scope {
    /// Findings on this line of this file.
    Line(SourceId, u32),
    /// Findings about this object.
    Object(SourceId, coaming_finding::ObjectRef),
    /// The entry of the configuration at this position.
    Configured(usize),
}

/// The id of the configuration file in the locations of findings about it: it is in no world.
pub const CONFIGURATION: SourceId = SourceId::new(u64::MAX - 1);

/// Marks findings as suppressed; adds findings about suppressions if `report` says so. `ran` are
/// the rules that ran: a suppression of another rule is not unused.
pub(crate) fn apply(context: &Context<'_>, ran: &BTreeSet<RuleId>, findings: &mut Vec<Finding>) {
    let (world, settings) = (context.world, context.settings);
    let Suppressions { marked, directives } = context.suppressions();
    if directives.is_empty() {
        return;
    }
    let mut used: Vec<bool> = directives.iter().map(|directive| directive.used).collect();
    let mut by_rule: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (position, directive) in directives.iter().enumerate() {
        by_rule.entry(directive.rule.clone()).or_default().push(position);
    }
    for finding in findings.iter_mut() {
        let Some(positions) = by_rule.get(finding.rule.id.as_str()) else { continue };
        let lines = lines_of(world, marked, finding);
        for &position in positions {
            let (Some(directive), Some(used)) = (directives.get(position), used.get_mut(position))
            else {
                continue;
            };
            if covers(directive, finding, &lines, world, settings) {
                *used = true;
                if !directive.reason.is_empty() && !directive.expired {
                    finding.suppressed = Some(Suppression { reason: directive.reason.clone() });
                }
            }
        }
    }
    if ran.contains(&SuppressionRule::RULE.id) {
        let problems = directives
            .iter()
            .zip(used)
            .filter_map(|(directive, used)| problem(directive, used, ran, settings));
        findings.extend(problems);
    }
}

/// Why problems with suppressions matter.
const NO_EFFECT: &str = "The suppression has no effect: its findings are still reported.";
const WRITE_A_RULE: &str = "Write `# coaming: ignore[RULE] REASON`, or remove the comment.";
const NO_REVIEW: &str = "Without a reason, nobody can review the decision.";
const EXPIRED: &str = "The date for review has passed: its findings are reported again.";
const UNUSED: &str =
    "An unused suppression may one day hide a finding that nobody has decided about.";

/// The problem of a suppression, if any.
fn problem(
    directive: &Directive,
    used: bool,
    ran: &BTreeSet<RuleId>,
    settings: &Settings,
) -> Option<Finding> {
    let rule = &directive.rule;
    let is_elsewhere = settings.config.partial && matches!(directive.scope, Scope::Configured(_));
    let known = crate::find(rule).is_some() || ran.contains(rule.as_str());
    let (message, why, help) = if !known {
        let help = crate::nearest(rule).map_or(
            Cow::Borrowed("Correct the name of the rule, or remove the suppression."),
            |name| Cow::Owned(format!("Correct the name of the rule, for example to `{name}`.")),
        );
        let message = match rule.as_str() {
            "" => "suppression names no rule".to_owned(),
            rule => format!("suppression of `{rule}` names a rule that does not exist"),
        };
        let help = if rule.is_empty() { Cow::Borrowed(WRITE_A_RULE) } else { help };
        (message, NO_EFFECT, help)
    } else if directive.reason.is_empty() {
        let message = format!("suppression of `{rule}` has no reason and is ignored");
        (message, NO_REVIEW, Cow::Borrowed("Add the reason why the finding is acceptable."))
    } else if directive.expired {
        let message = format!("suppression of `{rule}` has expired and is ignored");
        (message, EXPIRED, Cow::Borrowed("Fix the finding, or set a new date."))
    } else if !used && !directive.shared && !is_elsewhere && ran.contains(rule.as_str()) {
        let message = format!("suppression of `{rule}` is unused");
        (message, UNUSED, Cow::Borrowed("Remove the suppression."))
    } else {
        return None;
    };
    let object = match &directive.scope {
        Scope::Object(_, object) => Some(object.clone()),
        Scope::Line(..) | Scope::Configured(_) => None,
    };
    Some(Finding {
        rule: SuppressionRule::RULE.into(),
        severity: Severity::Low,
        confidence: Confidence::High,
        message,
        why: Cow::Borrowed(why),
        help,
        object,
        container: None,
        locations: vec![directive.place.clone()],
        fix: Some(coaming_finding::Fix::manual(
            "correct or remove the suppression",
            format!("# coaming: ignore[{rule}] REASON"),
        )),
        suppressed: None,
        variants: Vec::new(),
        commit: None,
        verification: None,
        way: None,
    })
}

fn covers(
    directive: &Directive,
    finding: &Finding,
    lines: &[(SourceId, u32)],
    world: &World,
    settings: &Settings,
) -> bool {
    match &directive.scope {
        Scope::Line(file, line) => lines.contains(&(*file, *line)),
        Scope::Object(file, object) => {
            finding.object.as_ref() == Some(object)
                && finding.locations.iter().any(|location| location.source == Some(*file))
        }
        Scope::Configured(position) => {
            let Some(entry) = settings.config.suppressions.get(*position) else { return false };
            let source = finding.locations.first().and_then(|location| location.source);
            let name = source
                .and_then(|source| world.source(source))
                .map_or("", |source| source.name.as_str());
            let object = finding.object.as_ref();
            let (namespace, kind, object) = object.map_or(("", "", ""), |object| {
                (object.namespace.as_str(), object.kind.as_str(), object.name.as_str())
            });
            entry.holds(&settings.config.base.relative(name), namespace, kind, object)
        }
    }
}

/// The lines at which a comment suppresses a finding: where its first place starts, where the key
/// of that field is, and where the list items around it start.
fn lines_of(world: &World, marked: &Marked, finding: &Finding) -> Vec<(SourceId, u32)> {
    let Some(location) = finding.locations.first() else { return Vec::new() };
    let Some(id) = location.source else { return Vec::new() };
    let Some(file) = world.source(id) else { return Vec::new() };
    let map = file.rendering.as_deref();
    let lines = marked.get(&id);
    if lines.is_none() && map.is_none() {
        return Vec::new();
    }
    // The comments of what a renderer wrote are where its map leads to, else in its text, or in the
    // file that it was made from.
    let file = if map.is_some() { file } else { file.as_written() };
    let Some(span) = location.span.or_else(|| rendered_span(file, finding, location)) else {
        return Vec::new();
    };
    let mut starts = vec![span.start];
    let instruction = lines.and_then(|lines| lines.instruction(lines.at(&file.text, span.start)));
    let documents = file.documents();
    let next = documents.partition_point(|document| document.span().start <= span.start);
    let document = next
        .checked_sub(1)
        .and_then(|place| documents.get(place))
        .filter(|document| span.end <= document.span().end);
    let node = document.and_then(|document| document.at(&location.path));
    for node in std::iter::successors(node, |node: &Node<'_>| node.parent()) {
        let Some(parent) = node.parent() else { break };
        let is_own_key = Some(node) == document.and_then(|document| document.at(&location.path));
        if parent.is_sequence() {
            starts.extend(node.span().map(|span| span.start));
        } else if is_own_key {
            let entry = parent.entries().find(|entry| entry.value == node);
            starts.extend(entry.and_then(|entry| entry.key.span()).map(|span| span.start));
        }
    }
    if let Some(map) = map {
        return origins_of(world, marked, map, span, &starts);
    }
    let Some(lines) = lines else { return Vec::new() };
    let starts = starts.into_iter().map(|start| lines.at(&file.text, start));
    starts.chain(instruction).map(|line| (id, line)).collect()
}

/// The lines in templates and values files that rendered text comes from.
fn origins_of(
    world: &World,
    marked: &Marked,
    map: &RenderMap,
    span: Span,
    starts: &[u32],
) -> Vec<(SourceId, u32)> {
    let templates = starts.iter().filter_map(|start| map.template(*start));
    let values = map.values(span.start..span.end);
    templates
        .chain(values)
        .filter_map(|(id, offset)| {
            let file = world.source(id)?;
            Some((id, marked.get(&id)?.at(&file.text, offset)))
        })
        .collect()
}

/// Where a finding in what a renderer wrote is: at the field of its object, whose name may have got
/// a prefix or suffix.
fn rendered_span(file: &Source, finding: &Finding, location: &Location) -> Option<Span> {
    let object = finding.object.as_ref()?;
    let of_kind = file
        .documents()
        .iter()
        .filter(|document| document.root().string("kind") == Some(&object.kind));
    let name = |document: &Document| {
        let metadata = document.root().mapping("metadata");
        let name = metadata.string("name").or_else(|| metadata.string("generateName"));
        name.unwrap_or_default().to_owned()
    };
    let named =
        |matches: &dyn Fn(&str) -> bool| of_kind.clone().find(|document| matches(&name(document)));
    let exact = named(&|name| name == object.name);
    let document = exact.or_else(|| {
        named(&|name| {
            !name.is_empty() && (object.name.starts_with(name) || object.name.ends_with(name))
        })
    })?;
    document.at(&location.path)?.span()
}

/// The text that such comments contain; a space may follow the colon.
const MARK: &str = "coaming:";

/// The files with such comments, and their lines: read once for all findings.
type Marked = BTreeMap<SourceId, Lines>;

/// The lines of a file, and to which lines comments apply. Each line is read once, however many
/// comments there are.
#[derive(Debug)]
struct Lines {
    index: LineIndex,
    /// For each line, the next one with more than a comment, or itself if there is none.
    next: Vec<u32>,
    /// In a Dockerfile, for each line the first one of the instruction that it continues. Comments
    /// between continued lines do not end an instruction.
    instructions: Vec<Option<u32>>,
}

impl Lines {
    fn of(file: &Source) -> Self {
        let is_template = file.kind == SourceKind::ChartFile;
        let is_comment = |line: &str| {
            let line = line.trim_start();
            line.starts_with('#') || (is_template && is_control(line))
        };
        let lines: Vec<(u32, &str)> = (1..).zip(file.text.split('\n')).collect();
        let mut next = Vec::with_capacity(lines.len());
        let mut code = None;
        for &(own, line) in lines.iter().rev() {
            next.push(code.unwrap_or(own));
            code = if is_comment(line) { code } else { Some(own) };
        }
        next.reverse();
        let mut instructions = Vec::new();
        let mut instruction = None;
        for (own, line) in lines.into_iter().filter(|_| file.kind == SourceKind::Dockerfile) {
            instructions.push(instruction);
            if line.trim_end().ends_with(['\\', '`']) {
                instruction = instruction.or(Some(own));
            } else if !is_comment(line) {
                instruction = None;
            }
        }
        Self { index: LineIndex::new(&file.text), next, instructions }
    }

    fn at(&self, source: &str, offset: u32) -> u32 {
        self.index.position(source, offset).0
    }

    /// The first line of the instruction that this one continues.
    fn instruction(&self, line: u32) -> Option<u32> {
        self.instructions.get((line as usize).checked_sub(1)?).copied().flatten()
    }

    /// The line to which a comment applies that is alone on this one.
    fn target(&self, line: u32) -> u32 {
        let next =
            || (line as usize).checked_sub(1).and_then(|place| self.next.get(place)).copied();
        self.instruction(line).or_else(next).unwrap_or(line)
    }
}

/// Whether a line of a template only controls what is rendered.
fn is_control(line: &str) -> bool {
    let Some(action) = line.strip_prefix("{{") else { return false };
    let action = action.trim_start_matches(['-', ' ']);
    ["/*", "if ", "else", "end", "with ", "range ", "$"]
        .iter()
        .any(|start| action.starts_with(start))
}

fn marked_files(world: &World) -> Marked {
    // The comments of a rendered template are looked for in the template.
    let sources = world.sources().filter(|(_, file)| file.rendering.is_none());
    let sources = sources.map(|(id, file)| (id, file.as_written()));
    sources
        .filter(|(_, file)| file.text.contains(MARK))
        .map(|(id, file)| (id, Lines::of(file)))
        .collect()
}

fn comments(world: &World, marked: &Marked) -> Vec<Directive> {
    let is_rendered = |name: &str| {
        let mut sources = world.sources();
        let is_of_one =
            |source: &Source| source.rendering.as_ref().is_some_and(|map| !map.is_shared);
        sources.any(|(_, source)| is_of_one(source) && source.name == name)
    };
    let mut directives = Vec::new();
    for (&id, lines) in marked {
        let Some(source) = world.source(id) else { continue };
        let file = source.as_written();
        let of_documents = file.documents().iter().flat_map(Document::comments);
        let mut comments: Vec<(Span, bool)> = of_documents
            .map(|comment| (comment.span, comment.placement == Placement::Right))
            .collect();
        if file.kind != SourceKind::Manifest {
            comments.extend(comments_of_text(file));
        }
        let shared = match file.kind {
            SourceKind::HelmValues => true,
            SourceKind::ChartFile => !is_rendered(&file.name),
            _ => false,
        };
        for (span, beside) in comments {
            let own = lines.at(&file.text, span.start);
            let line = if beside { own } else { lines.target(own) };
            let place = Location {
                source: Some(id),
                path: Path::root(),
                span: Some(span).filter(|_| source.origin.has_own_lines()),
                label: String::new(),
            };
            let parsed = parse_comment(span.text(&file.text)).into_iter();
            directives.extend(parsed.map(|(rule, reason)| Directive {
                rule,
                reason,
                place: place.clone(),
                scope: Scope::Line(id, line),
                // Another overlay of the same base may need it.
                used: source.written.is_some(),
                expired: false,
                shared,
            }));
        }
    }
    directives
}

/// The comments with our mark in a text without documents, and whether each follows something on
/// its line.
fn comments_of_text(file: &Source) -> Vec<(Span, bool)> {
    let mut comments = Vec::new();
    let mut start = 0;
    for line in file.text.split_inclusive('\n') {
        let text = line.trim_end();
        let first = text.trim_start();
        let in_action = file.kind == SourceKind::ChartFile
            && first
                .strip_prefix("{{")
                .is_some_and(|action| action.trim_start_matches(['-', ' ']).starts_with("/*"));
        let own = first.starts_with('#') || in_action;
        let at = if own {
            Some(text.len() - text.trim_start().len())
        } else if file.kind == SourceKind::Dockerfile {
            None
        } else {
            text.find(" #").map(|at| at + 1)
        };
        if let Some(at) = at.filter(|&at| text.get(at..).is_some_and(|text| text.contains(MARK))) {
            let offset = |at: usize| u32::try_from(start + at).unwrap_or(u32::MAX);
            comments.push((Span::new(offset(at), offset(text.len())), !own));
        }
        start += line.len();
    }
    comments
}

/// The rules and the reason in `# coaming: ignore[rule, rule] reason`. A comment that names no rule is
/// a suppression of a rule without a name, which is reported.
fn parse_comment(text: &str) -> Vec<(String, String)> {
    let Some(rest) = text
        .split_once(MARK)
        .and_then(|(_, rest)| rest.trim_start().strip_prefix("ignore"))
        .filter(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
    else {
        return Vec::new();
    };
    let Some((rules, reason)) =
        rest.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']'))
    else {
        return vec![(String::new(), rest.trim().to_owned())];
    };
    let reason = reason.trim_start_matches([':', '-', ' ']).trim();
    rules
        .split(',')
        .map(str::trim)
        .filter(|rule| !rule.is_empty())
        .map(|rule| (rule.to_owned(), reason.to_owned()))
        .collect()
}

/// The annotations of objects, and those of their pod templates, which hold for the object too.
fn annotations(world: &World) -> Vec<Directive> {
    let mut directives = Vec::new();
    for object in world.objects() {
        let own = object.metadata();
        let job = object.spec().mapping("jobTemplate").mapping("metadata");
        let templates = world.workloads_of(object).filter_map(|workload| workload.pod_metadata());
        let mut seen = BTreeSet::new();
        for metadata in own.into_iter().chain(job).chain(templates) {
            let node = metadata.mapping("annotations").field(ANNOTATION);
            // A pod is its own template.
            let Some(node) = node.filter(|node| seen.insert(node.id())) else { continue };
            annotation(world, object, node, &mut directives);
        }
    }
    directives
}

fn annotation(world: &World, object: Object<'_>, node: Node<'_>, directives: &mut Vec<Directive>) {
    let has_spans = has_spans(world, object);
    for part in node.text().split([';', '\n']).filter(|part| !part.trim().is_empty()) {
        let (rule, reason) = part.split_once(':').unwrap_or((part, ""));
        let file = object.source();
        directives.push(Directive {
            rule: rule.trim().to_owned(),
            reason: reason.trim().to_owned(),
            place: Location {
                source: Some(file),
                path: node.path(),
                span: node.span().filter(|_| has_spans),
                label: String::new(),
            },
            scope: Scope::Object(file, object_ref(object)),
            used: false,
            expired: false,
            shared: false,
        });
    }
}

fn configured(settings: &Settings, today: Option<Date>) -> Vec<Directive> {
    settings
        .config
        .suppressions
        .iter()
        .enumerate()
        .map(|(position, entry)| Directive {
            rule: entry.rule.clone(),
            reason: entry.reason.clone(),
            place: Location {
                source: Some(CONFIGURATION),
                path: Path::root(),
                span: Some(entry.span),
                label: String::new(),
            },
            scope: Scope::Configured(position),
            used: false,
            expired: entry.expires.zip(today).is_some_and(|(last, today)| today > last),
            shared: false,
        })
        .collect()
}

#[cfg(test)]
mod tests;
