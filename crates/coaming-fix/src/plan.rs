//! Computes the new texts of files from findings.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::manual::{ManualStep, orders};
use coaming_finding::{
    Applicability, DocumentEdits, FileEdits, Finding, Fix, ObjectRef, RuleId, SourceId,
};
use coaming_kube::{Source, SourceKind, World};
use coaming_yaml::edit::{Edit, TextEdit, apply, apply_to_text};

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

/// Plans every fix that is allowed: the safe ones, and with `allow_unsafe` the unsafe ones.
///
/// `worlds` are the variants of the input. `judge` returns the findings of a world; it is called
/// again with the fixed texts until nothing changes. `refuse` returns the reason if a file must not
/// be changed.
pub fn plan(
    worlds: Vec<World>,
    allow_unsafe: bool,
    judge: impl Fn(&World) -> Vec<Finding>,
    refuse: impl Fn(&Source) -> Option<String>,
) -> Plan {
    let mut worlds = worlds;
    let mut originals: BTreeMap<String, Arc<str>> = BTreeMap::new();
    let mut made: BTreeMap<String, Vec<Made>> = BTreeMap::new();
    let mut skipped = Vec::new();
    let judge_all = |worlds: &[World]| -> Vec<Finding> { worlds.iter().flat_map(&judge).collect() };
    let mut left = judge_all(&worlds);
    for _ in 0..MAX_ROUNDS {
        let mut round = Round::new(&worlds);
        skipped.clear();
        for finding in left.iter().filter(|finding| finding.suppressed.is_none()) {
            if let Some(fix) = finding.fix.as_ref().filter(|fix| is_allowed(fix, allow_unsafe)) {
                round.add(finding, fix, &refuse, &mut skipped);
            }
        }
        let texts = round.texts(&mut made);
        if texts.is_empty() {
            break;
        }
        worlds = worlds.iter().map(|world| with_texts(world, &texts, &mut originals)).collect();
        left = judge_all(&worlds);
    }
    let changes = changes(&worlds, originals, &mut made);
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
            (before != after).then_some(Change { file, before, after, made })
        })
        .collect()
}

fn source(worlds: &[World], id: SourceId) -> Option<&Source> {
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
        (id, Arc::new(source))
    }))
}

/// The edits of one round, by document, and by file for other files.
struct Round<'i> {
    worlds: &'i [World],
    edits: BTreeMap<(SourceId, u32), Accepted>,
    file_edits: BTreeMap<SourceId, Vec<TextEdit>>,
    made: BTreeMap<SourceId, Vec<Made>>,
}

/// The edits of a document so far.
#[derive(Clone, Default)]
struct Accepted {
    edits: Vec<Edit>,
    text_edits: Vec<TextEdit>,
}

/// The edits of documents and files with one more fix.
#[derive(Default)]
struct Candidates {
    documents: Vec<((SourceId, u32), Accepted)>,
    files: Vec<(SourceId, Vec<TextEdit>)>,
}

/// Why a fix is not added.
enum Refused {
    /// One of its files is not available.
    Gone,
    /// The reason must be reported.
    Because { file: String, reason: String },
}

impl<'i> Round<'i> {
    fn new(worlds: &'i [World]) -> Self {
        Self { worlds, edits: BTreeMap::new(), file_edits: BTreeMap::new(), made: BTreeMap::new() }
    }

    /// Adds a finding's fix, if all its edits are compatible with those added before.
    fn add(
        &mut self,
        finding: &Finding,
        fix: &Fix,
        refuse: &impl Fn(&Source) -> Option<String>,
        skipped: &mut Vec<Skipped>,
    ) {
        let made = Made {
            rule: finding.rule.id.clone(),
            subject: subject(finding),
            title: fix.title.clone(),
        };
        let Candidates { documents, files } = match self.try_all(fix, refuse) {
            Ok(candidates) => candidates,
            Err(Refused::Gone) => return,
            Err(Refused::Because { file, reason }) => {
                let (object, orders) = (finding.object.clone(), orders(fix));
                skipped.push(Skipped { file, made, reason, object, orders });
                return;
            }
        };
        let home = finding.locations.first().and_then(|location| location.source);
        for ((file, document), _) in &documents {
            // In another file, the fix is about another object.
            let other = (home != Some(*file)).then(|| self.object_in(*file, *document)).flatten();
            let subject = other.unwrap_or_else(|| made.subject.clone());
            self.note(*file, Made { subject, ..made.clone() });
        }
        for (file, _) in &files {
            self.note(*file, made.clone());
        }
        self.edits.extend(documents);
        self.file_edits.extend(files);
    }

    /// Records a fix of a file, once.
    fn note(&mut self, file: SourceId, made: Made) {
        let done = self.made.entry(file).or_default();
        if !done.contains(&made) {
            done.push(made);
        }
    }

    /// The first object in a document, as [`subject`] names it.
    fn object_in(&self, file: SourceId, document: u32) -> Option<String> {
        let mut objects = self.worlds.iter().flat_map(|world| world.objects_in(file));
        let found = objects.find(|object| object.document == document)?;
        Some(format!("{} {}", found.kind(), found.name()))
    }

    /// The edits of the fix's documents and files with this fix added; the file and the reason if
    /// that is not possible.
    fn try_all(
        &self,
        fix: &Fix,
        refuse: &impl Fn(&Source) -> Option<String>,
    ) -> Result<Candidates, Refused> {
        let mut candidates = Candidates::default();
        let because =
            |file: &Source, reason: String| Refused::Because { file: file.name.clone(), reason };
        for edits in &fix.edits {
            let file = self.file(edits.source).ok_or(Refused::Gone)?;
            let accepted = refuse(file).map_or_else(|| self.candidate(edits, file), Err);
            candidates.documents.push(accepted.map_err(|reason| because(file, reason))?);
        }
        for edits in &fix.file_edits {
            let file = self.file(edits.source).ok_or(Refused::Gone)?;
            let accepted = refuse(file).map_or_else(|| self.text_candidate(edits, file), Err);
            let accepted = accepted.map_err(|reason| because(file, reason))?;
            candidates.files.push((edits.source, accepted));
        }
        Ok(candidates)
    }

    fn file(&self, id: SourceId) -> Option<&'i Source> {
        source(self.worlds, id)
    }

    fn candidate(
        &self,
        edits: &DocumentEdits,
        file: &Source,
    ) -> Result<((SourceId, u32), Accepted), String> {
        let key = (edits.source, edits.document);
        let document = file
            .documents()
            .get(edits.document as usize)
            .ok_or_else(|| "the document does not exist anymore".to_owned())?;
        let mut accepted = self.edits.get(&key).cloned().unwrap_or_default();
        accepted.edits.extend(edits.edits.iter().cloned());
        accepted.text_edits =
            apply(&file.text, document, &accepted.edits).map_err(|error| error.to_string())?;
        Ok((key, accepted))
    }

    /// The text edits so far together with these, in text order.
    fn text_candidate(&self, edits: &FileEdits, file: &Source) -> Result<Vec<TextEdit>, String> {
        let mut accepted = self.file_edits.get(&edits.source).cloned().unwrap_or_default();
        for edit in &edits.edits {
            // Two fixes may need the same edit.
            if !accepted.contains(edit) {
                accepted.push(edit.clone());
            }
        }
        accepted.sort_by_key(|edit| edit.span);
        let fits = |edit: &TextEdit| file.text.get(edit.span.range()).is_some();
        if !accepted.iter().all(fits) {
            return Err("the edit does not fit the text".to_owned());
        }
        let touch = |pair: &[TextEdit]| match pair {
            [first, second] => {
                first.span.end > second.span.start || first.span.start == second.span.start
            }
            _ => false,
        };
        if accepted.windows(2).any(touch) {
            return Err("another fix changes the same text".to_owned());
        }
        Ok(accepted)
    }

    /// The new texts of the files that change.
    fn texts(self, made: &mut BTreeMap<String, Vec<Made>>) -> BTreeMap<SourceId, String> {
        let mut by_file: BTreeMap<SourceId, Vec<TextEdit>> = BTreeMap::new();
        // Documents are in text order, and so are the edits of each.
        for ((file, _), accepted) in self.edits {
            by_file.entry(file).or_default().extend(accepted.text_edits);
        }
        by_file.extend(self.file_edits);
        by_file.retain(|_, edits| !edits.is_empty());
        by_file
            .into_iter()
            .filter_map(|(id, edits)| {
                let file = source(self.worlds, id)?;
                let done = self.made.get(&id).cloned().unwrap_or_default();
                let all = made.entry(file.name.clone()).or_default();
                // A fix that was continued in a later round is reported once.
                all.extend(done.into_iter().filter(|fix| !all.contains(fix)).collect::<Vec<_>>());
                Some((id, apply_to_text(&file.text, &edits)))
            })
            .collect()
    }
}

fn subject(finding: &Finding) -> String {
    let object = finding.object.as_ref().map_or_else(String::new, |object| {
        format!("{} {}", object.kind, object.name).trim_end().to_owned()
    });
    match finding.container.as_deref() {
        Some(container) if !container.is_empty() => format!("{object}, container {container}"),
        _ => object,
    }
}

#[cfg(test)]
mod tests {
    use coaming_finding::{Category, Confidence, Lifecycle, Location, RuleId, RuleMeta, Severity};
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
        })
    }

    fn planned(text: &str, pairs: &[(&str, &str)]) -> Plan {
        let file = Source::text("Dockerfile", Arc::from(text), SourceKind::Dockerfile);
        plan(
            vec![World::new(vec![file])],
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
