//! From findings to new texts.

use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_finding::{Applicability, DocumentEdits, FileId, Finding, Fix};
use coaming_kube::{FileEntry, Inventory};
use coaming_yaml::edit::{Edit, TextEdit, apply, apply_to_text};

/// How often fixed texts are judged again: a fix may make way for another one.
const MAX_ROUNDS: usize = 10;

/// A file's new text.
#[derive(Clone, Debug)]
pub struct Change {
    /// The file as the user named it.
    pub file: String,
    /// Its text when it was read.
    pub before: Arc<str>,
    /// Its text with the fixes made.
    pub after: Arc<str>,
    /// What was done, in the order in which it was done.
    pub made: Vec<Made>,
}

/// A fix that was made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Made {
    /// The finding's rule.
    pub rule: &'static str,
    /// What it is about: `Deployment web, container nginx`.
    pub subject: String,
    /// The fix's title.
    pub title: String,
}

/// A fix that could not be made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// The file.
    pub file: String,
    /// What was to be done.
    pub made: Made,
    /// Why it was not, and what to do instead.
    pub reason: String,
}

/// What is to be changed, and what is left.
#[derive(Debug)]
pub struct Plan {
    /// The files that change, by name.
    pub changes: Vec<Change>,
    /// What could not be repaired.
    pub skipped: Vec<Skipped>,
    /// The findings in the new texts.
    pub left: Vec<Finding>,
}

/// Plans every fix that is allowed: the safe ones, and with `allow_unsafe` the unsafe ones.
///
/// `judge` gives the findings of an inventory; it is asked again about the fixed texts, until
/// nothing changes any more. `refuse` says why a file must not be changed, if so.
pub fn plan(
    inventory: Inventory,
    allow_unsafe: bool,
    judge: impl Fn(&Inventory) -> Vec<Finding>,
    refuse: impl Fn(&FileEntry) -> Option<String>,
) -> Plan {
    let mut inventory = inventory;
    let mut originals: BTreeMap<String, Arc<str>> = BTreeMap::new();
    let mut made: BTreeMap<String, Vec<Made>> = BTreeMap::new();
    let mut skipped = Vec::new();
    let mut left = judge(&inventory);
    for _ in 0..MAX_ROUNDS {
        let mut round = Round::new(&inventory);
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
        inventory = with_texts(&inventory, &texts, &mut originals);
        left = judge(&inventory);
    }
    let changes = changes(&inventory, originals, &mut made);
    skipped.sort();
    skipped.dedup();
    Plan { changes, skipped, left }
}

fn is_allowed(fix: &Fix, allow_unsafe: bool) -> bool {
    match fix.applicability {
        Applicability::Safe => true,
        Applicability::Unsafe => allow_unsafe,
        Applicability::Manual => false,
    }
}

fn changes(
    inventory: &Inventory,
    originals: BTreeMap<String, Arc<str>>,
    made: &mut BTreeMap<String, Vec<Made>>,
) -> Vec<Change> {
    let texts: BTreeMap<&str, &Arc<str>> =
        inventory.files().iter().map(|file| (file.name.as_str(), &file.source)).collect();
    originals
        .into_iter()
        .filter_map(|(file, before)| {
            let after = Arc::clone(texts.get(file.as_str())?);
            let made = made.remove(&file).unwrap_or_default();
            (before != after).then_some(Change { file, before, after, made })
        })
        .collect()
}

/// The inventory with some files' texts replaced.
fn with_texts(
    inventory: &Inventory,
    texts: &BTreeMap<FileId, String>,
    originals: &mut BTreeMap<String, Arc<str>>,
) -> Inventory {
    let files = inventory
        .files()
        .iter()
        .enumerate()
        .map(|(position, file)| {
            let id = FileId(u32::try_from(position).unwrap_or(u32::MAX));
            let Some(text) = texts.get(&id) else { return file.clone() };
            originals.entry(file.name.clone()).or_insert_with(|| Arc::clone(&file.source));
            let stream = coaming_yaml::parse(Arc::from(text.as_str()));
            let documents =
                stream.documents.into_iter().filter(coaming_kube::looks_like_kubernetes).collect();
            FileEntry::new(&file.name, stream.source, documents)
        })
        .collect();
    Inventory::new(files)
}

/// The edits of one round, document by document.
struct Round<'i> {
    inventory: &'i Inventory,
    edits: BTreeMap<(FileId, u32), Accepted>,
    made: BTreeMap<FileId, Vec<Made>>,
}

/// What is to be done to a document so far.
#[derive(Clone, Default)]
struct Accepted {
    edits: Vec<Edit>,
    text_edits: Vec<TextEdit>,
}

impl<'i> Round<'i> {
    fn new(inventory: &'i Inventory) -> Self {
        Self { inventory, edits: BTreeMap::new(), made: BTreeMap::new() }
    }

    /// Takes a finding's fix in, if all its edits go together with those taken before.
    fn add(
        &mut self,
        finding: &Finding,
        fix: &Fix,
        refuse: &impl Fn(&FileEntry) -> Option<String>,
        skipped: &mut Vec<Skipped>,
    ) {
        let made =
            Made { rule: finding.rule.name, subject: subject(finding), title: fix.title.clone() };
        let mut candidates = Vec::new();
        for edits in &fix.edits {
            let outcome = self.file(edits).map_or(Err(None), |file| match refuse(file) {
                Some(reason) => Err(Some(reason)),
                None => self.candidate(edits, file).map_err(Some),
            });
            match outcome {
                Ok(candidate) => candidates.push(candidate),
                Err(None) => return,
                Err(Some(reason)) => {
                    let file = self.file(edits).map_or_else(String::new, |file| file.name.clone());
                    skipped.push(Skipped { file, made, reason });
                    return;
                }
            }
        }
        for (key, accepted) in candidates {
            self.edits.insert(key, accepted);
            let done = self.made.entry(key.0).or_default();
            if !done.contains(&made) {
                done.push(made.clone());
            }
        }
    }

    fn file(&self, edits: &DocumentEdits) -> Option<&'i FileEntry> {
        self.inventory.files().get(edits.file?.0 as usize)
    }

    fn candidate(
        &self,
        edits: &DocumentEdits,
        file: &FileEntry,
    ) -> Result<((FileId, u32), Accepted), String> {
        let key = (edits.file.unwrap_or(FileId(u32::MAX)), edits.document);
        let document = file
            .documents()
            .get(edits.document as usize)
            .ok_or_else(|| "the document is gone".to_owned())?;
        let mut accepted = self.edits.get(&key).cloned().unwrap_or_default();
        accepted.edits.extend(edits.edits.iter().cloned());
        accepted.text_edits =
            apply(&file.source, document, &accepted.edits).map_err(|error| error.to_string())?;
        Ok((key, accepted))
    }

    /// The new texts of the files that change.
    fn texts(self, made: &mut BTreeMap<String, Vec<Made>>) -> BTreeMap<FileId, String> {
        let mut by_file: BTreeMap<FileId, Vec<TextEdit>> = BTreeMap::new();
        // Documents come in the order of the text, and so do the edits of each.
        for ((file, _), accepted) in self.edits {
            by_file.entry(file).or_default().extend(accepted.text_edits);
        }
        by_file.retain(|_, edits| !edits.is_empty());
        by_file
            .into_iter()
            .filter_map(|(id, edits)| {
                let file = self.inventory.files().get(id.0 as usize)?;
                let done = self.made.get(&id).cloned().unwrap_or_default();
                let all = made.entry(file.name.clone()).or_default();
                // What a later round could do more of is one repair for whoever reads of it.
                all.extend(done.into_iter().filter(|fix| !all.contains(fix)).collect::<Vec<_>>());
                Some((id, apply_to_text(&file.source, &edits)))
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
