//! Computes the new texts of files from findings.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use coaming_finding::{Applicability, Category, Finding, Fix, ObjectRef, RuleId, SourceId};
use coaming_kube::{Source, SourceKind, World};
use coaming_source::Recipe;

use crate::charts::Charts;
use crate::manual::ManualStep;
use crate::round::Round;

/// The maximum number of rounds: a fix may make another one possible.
const MAX_ROUNDS: usize = 10;

/// A file's new text.
#[derive(Clone, Debug)]
pub struct Change {
    /// The name of the file as the user wrote it.
    pub file: String,
    /// Its text when it was read.
    pub before: Arc<str>,
    /// Its text with the fixes applied.
    pub after: Arc<str>,
    /// The applied fixes, in order.
    pub made: Vec<Made>,
    /// For a file of charts or overlays, the variants that render to something else now: a base or
    /// a helper is part of several.
    pub variants: Vec<Arc<str>>,
}

impl Change {
    /// The names of the variants that it changes, if there are several.
    #[must_use]
    pub fn several_variants(&self) -> Option<String> {
        let names: Vec<&str> = self.variants.iter().map(|name| &**name).collect();
        (names.len() > 1).then(|| format!("{} variants: {}", names.len(), names.join(", ")))
    }
}

/// A fix that was applied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Made {
    /// The finding's rule.
    pub rule: RuleId,
    /// The subject: `Deployment web, container nginx`; empty if it is the file itself.
    pub subject: String,
    /// The fix's title.
    pub title: String,
}

impl Made {
    pub(crate) fn new(finding: &Finding, fix: &Fix) -> Self {
        let object = finding.object.as_ref().map_or_else(String::new, |object| {
            format!("{} {}", object.kind, object.name).trim_end().to_owned()
        });
        let subject = match finding.container.as_deref() {
            Some(container) if !container.is_empty() => format!("{object}, container {container}"),
            _ => object,
        };
        Self { rule: finding.rule.id.clone(), subject, title: fix.title.clone() }
    }
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.subject.is_empty() {
            write!(f, "{}: ", self.subject)?;
        }
        f.write_str(&self.title)
    }
}

/// A fix that could not be applied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// The file.
    pub file: String,
    /// The fix.
    pub made: Made,
    /// Why it was not applied, and what to do instead.
    pub reason: String,
    /// The object of the finding.
    pub object: Option<ObjectRef>,
    /// The edits, as steps for a person.
    pub orders: Vec<ManualStep>,
}

/// The planned changes, and what is left.
#[derive(Debug)]
pub struct Plan {
    /// The files that change, by name.
    pub changes: Vec<Change>,
    /// The fixes that could not be applied.
    pub skipped: Vec<Skipped>,
    /// The findings in the new texts.
    pub left: Vec<Finding>,
    /// The variants of the input with the new texts.
    pub worlds: Vec<World>,
}

/// One possible cluster, and how to render it again if it is a chart.
#[derive(Debug, Default)]
pub struct Variant {
    /// What tells it apart from the others; `None` for the plain files.
    pub name: Option<Arc<str>>,
    /// Its objects.
    pub world: World,
    /// How to render it again. Without it, what was rendered cannot be fixed.
    pub recipe: Option<Box<Recipe>>,
}

impl From<World> for Variant {
    fn from(world: World) -> Self {
        Self { name: None, world, recipe: None }
    }
}

/// Plans every fix that is allowed: the safe ones, and with `allow_unsafe` the unsafe ones.
///
/// `variants` are those of the input. `judge` returns the findings of a world; it is called again
/// with the fixed texts until nothing changes. `refuse` returns the reason if a file must not be
/// changed; what a chart rendered to is changed in the chart's templates and values.
pub fn plan(
    variants: Vec<Variant>,
    allow_unsafe: bool,
    judge: impl Fn(&World) -> Vec<Finding>,
    refuse: impl Fn(&Source) -> Option<String>,
) -> Plan {
    let variants = variants.into_iter();
    let (mut worlds, (names, recipes)): (Vec<_>, (Vec<_>, Vec<_>)) =
        variants.map(|variant| (variant.world, (variant.name, variant.recipe))).unzip();
    let mut charts = Charts::new(names, recipes);
    let mut originals: BTreeMap<String, Arc<str>> = BTreeMap::new();
    let mut made: BTreeMap<String, Vec<Made>> = BTreeMap::new();
    let mut skipped = Vec::new();
    let judge_all = |worlds: &[World]| -> Vec<Finding> { worlds.iter().flat_map(&judge).collect() };
    let mut left = judge_all(&worlds);
    for _ in 0..MAX_ROUNDS {
        let mut round = Round::new(&worlds);
        let mut of_charts = Vec::new();
        skipped.clear();
        let open = left.iter().filter(|finding| finding.suppressed.is_none());
        let mut fixable: Vec<(&Finding, &Fix)> = open
            .filter_map(|finding| {
                let fix = finding.fix.as_ref().filter(|fix| is_allowed(fix, allow_unsafe))?;
                Some((finding, fix))
            })
            .collect();
        // A misspelled field gets its name before another fix writes that field beside it.
        fixable.sort_by_key(|(finding, _)| finding.rule.category != Category::Schema);
        let mut plain = Vec::new();
        for (finding, fix) in fixable {
            match charts.variant_of(&worlds, fix) {
                Some(variant) => of_charts.push((variant, finding, fix)),
                None => plain.push((finding, fix)),
            }
        }
        round.add_shared(&mut plain, &refuse);
        round.add_all(&plain, &refuse, &mut skipped);
        let texts = round.texts(&mut made);
        let new_charts = charts.repair(&worlds, &of_charts, &mut made, &mut skipped);
        if texts.is_empty() && new_charts.is_empty() {
            break;
        }
        worlds = worlds.iter().map(|world| with_texts(world, &texts, &mut originals)).collect();
        for (variant, world) in new_charts {
            if let Some(old) = worlds.get_mut(variant) {
                *old = world;
            }
        }
        left = judge_all(&worlds);
    }
    let mut changes = changes(&worlds, originals, &mut made);
    changes.extend(charts.changes(&mut made));
    changes.sort_by(|a, b| a.file.cmp(&b.file));
    skipped.sort();
    skipped.dedup();
    Plan { changes, skipped, left, worlds }
}

fn is_allowed(fix: &Fix, allow_unsafe: bool) -> bool {
    match fix.applicability {
        Applicability::Safe => true,
        Applicability::Unsafe => allow_unsafe,
        Applicability::Manual => false,
    }
}

fn changes(
    worlds: &[World],
    originals: BTreeMap<String, Arc<str>>,
    made: &mut BTreeMap<String, Vec<Made>>,
) -> Vec<Change> {
    let texts: BTreeMap<&str, &Arc<str>> =
        sources(worlds).map(|(_, file)| (file.name.as_str(), &file.text)).collect();
    originals
        .into_iter()
        .filter_map(|(file, before)| {
            let after = Arc::clone(texts.get(file.as_str())?);
            let made = made.remove(&file).unwrap_or_default();
            (before != after).then_some(Change { file, before, after, made, variants: Vec::new() })
        })
        .collect()
}

pub(crate) fn source(worlds: &[World], id: SourceId) -> Option<&Source> {
    worlds.iter().find_map(|world| world.source(id))
}

fn sources(worlds: &[World]) -> impl Iterator<Item = (SourceId, &Arc<Source>)> {
    worlds.iter().flat_map(World::sources)
}

/// The world with some files' texts replaced.
fn with_texts(
    world: &World,
    texts: &BTreeMap<SourceId, String>,
    originals: &mut BTreeMap<String, Arc<str>>,
) -> World {
    World::numbered(world.sources().map(|(id, file)| {
        let Some(text) = texts.get(&id) else { return (id, Arc::clone(file)) };
        originals.entry(file.name.clone()).or_insert_with(|| Arc::clone(&file.text));
        if file.kind != SourceKind::Manifest {
            let text = Arc::from(text.as_str());
            let source = Source::text(&file.name, text, file.kind).with_origin(file.origin);
            return (id, Arc::new(source));
        }
        let stream = coaming_yaml::parse(Arc::from(text.as_str()));
        let documents =
            stream.documents.into_iter().filter(coaming_kube::looks_like_kubernetes).collect();
        let source = Source::new(&file.name, stream.source, documents).with_origin(file.origin);
        (id, Arc::new(source.in_place_of(file)))
    }))
}

#[cfg(test)]
mod tests {
    use coaming_finding::FileEdits;
    use coaming_finding::{Category, Confidence, Lifecycle, Location, RuleId, RuleMeta, Severity};
    use coaming_yaml::edit::TextEdit;
    use coaming_yaml::{Path, Span};

    use super::*;

    static RULE: RuleMeta = RuleMeta {
        id: RuleId::new("x"),
        summary: std::borrow::Cow::Borrowed("X"),
        category: Category::NonRoot,
        severity: Severity::Low,
        default: true,
        since: "0.1.0",
        lifecycle: Lifecycle::Stable,
        standards: &[],
        docs: std::borrow::Cow::Borrowed(""),
    };

    /// A finding in the first file whose fix replaces `from` with `to`, if `from` is there.
    fn finding(world: &World, from: &str, to: &str) -> Option<Finding> {
        let start = u32::try_from(world.source(SourceId::new(0))?.text.find(from)?).unwrap();
        let span = Span::new(start, start + u32::try_from(from.len()).unwrap());
        let edit = TextEdit { span, replacement: to.to_owned() };
        let path = Path::root();
        Some(Finding {
            rule: (&RULE).into(),
            severity: Severity::Low,
            confidence: Confidence::High,
            message: String::new(),
            why: "".into(),
            help: "".into(),
            object: None,
            container: None,
            locations: vec![Location {
                source: Some(SourceId::new(0)),
                path,
                span: Some(span),
                label: String::new(),
            }],
            fix: Some(Fix {
                title: format!("write {to}"),
                applicability: Applicability::Safe,
                edits: Vec::new(),
                file_edits: vec![FileEdits { source: SourceId::new(0), edits: vec![edit] }],
                snippet: String::new(),
            }),
            suppressed: None,
            variants: Vec::new(),
            commit: None,
            verification: None,
            way: None,
        })
    }

    fn planned(text: &str, pairs: &[(&str, &str)]) -> Plan {
        let file = Source::text("Dockerfile", Arc::from(text), SourceKind::Dockerfile);
        plan(
            vec![World::new(vec![file]).into()],
            false,
            |world| pairs.iter().filter_map(|(a, b)| finding(world, a, b)).collect(),
            |_| None,
        )
    }

    #[test]
    fn edits_texts_without_documents() {
        let plan = planned("FROM a\n# b\nUSER c\n", &[("c", "d"), ("a", "e")]);
        assert_eq!(&*plan.changes[0].after, "FROM e\n# b\nUSER d\n");
        assert_eq!(plan.changes[0].made.len(), 2);
        assert!(plan.left.is_empty() && plan.skipped.is_empty());
        assert_eq!(plan.changes[0].made[0].to_string(), "write d");
    }

    #[test]
    fn what_overlaps_waits_for_the_next_round() {
        let plan = planned("abc\n", &[("ab", "AB"), ("bc", "BC"), ("Bc", "BC")]);
        assert_eq!(&*plan.changes[0].after, "ABC\n");
        assert!(plan.skipped.is_empty(), "{:?}", plan.skipped);
    }
}
