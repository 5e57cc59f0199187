//! The edits of one round of fixes: those that are compatible with one another.

use std::collections::{BTreeMap, BTreeSet};

use coaming_finding::{DocumentEdits, FileEdits, Finding, Fix, SourceId};
use coaming_kube::{Source, World};
use coaming_yaml::edit::{Edit, TextEdit, apply, apply_to_text};

use crate::manual::orders;
use crate::plan::{Made, Skipped, source};

/// The edits of one round, by document, and by file for other files.
pub(crate) struct Round<'i> {
    pub(crate) worlds: &'i [World],
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

impl Refused {
    fn because(file: &Source, reason: String) -> Self {
        Self::Because { file: file.name.clone(), reason }
    }
}

/// The edits of a fix, once for each document: a fix of several objects has theirs apart, and a
/// list is one document.
fn by_document(fix: &Fix) -> Vec<DocumentEdits> {
    let mut documents: BTreeMap<(SourceId, u32), DocumentEdits> = BTreeMap::new();
    for edits in &fix.edits {
        let DocumentEdits { source, document, .. } = *edits;
        let all = documents.entry((source, document)).or_insert_with(|| DocumentEdits {
            source,
            document,
            edits: Vec::with_capacity(edits.edits.len()),
        });
        all.edits.extend(edits.edits.iter().cloned());
    }
    documents.into_values().collect()
}

impl<'i> Round<'i> {
    /// A round without edits.
    pub(crate) fn new(worlds: &'i [World]) -> Self {
        Self { worlds, edits: BTreeMap::new(), file_edits: BTreeMap::new(), made: BTreeMap::new() }
    }

    /// Adds fixes, each unless its edits are incompatible with those before it.
    ///
    /// Those that change one document alone come first, so that a document with thousands of them
    /// is not edited once for each.
    pub(crate) fn add_all(
        &mut self,
        fixes: &[(&Finding, &Fix)],
        refuse: &impl Fn(&Source) -> Option<String>,
        skipped: &mut Vec<Skipped>,
    ) {
        let edits: Vec<_> = fixes.iter().map(|(_, fix)| by_document(fix)).collect();
        let mut members: BTreeMap<_, Vec<(usize, &DocumentEdits)>> = BTreeMap::new();
        for (number, (edits, (_, fix))) in edits.iter().zip(fixes).enumerate() {
            if let ([only], []) = (&edits[..], &fix.file_edits[..]) {
                members.entry((only.source, only.document)).or_default().push((number, only));
            }
        }
        let mut results = BTreeMap::new();
        for members in members.values() {
            self.add_to_document(members, refuse, &mut results);
        }
        for (number, &(finding, fix)) in fixes.iter().enumerate() {
            let result = results
                .remove(&number)
                .unwrap_or_else(|| self.try_all(fix, refuse).map(|added| self.accept(added)));
            match result {
                Ok(()) => self.note_all(finding, fix),
                Err(Refused::Gone) => {}
                Err(Refused::Because { file, reason }) => {
                    let (object, orders) = (finding.object.clone(), orders(fix));
                    let made = Made::new(finding, fix);
                    skipped.push(Skipped { file, made, reason, object, orders });
                }
            }
        }
    }

    /// Adds edits of one document: all of them if they are compatible, else those of each half, so
    /// that it takes few attempts where few are not.
    fn add_to_document(
        &mut self,
        members: &[(usize, &DocumentEdits)],
        refuse: &impl Fn(&Source) -> Option<String>,
        results: &mut BTreeMap<usize, Result<(), Refused>>,
    ) {
        let Some(&(number, first)) = members.first() else { return };
        let edits = members.iter().flat_map(|(_, edits)| edits.edits.iter().cloned()).collect();
        let all = DocumentEdits { edits, ..*first };
        match self.try_document(&all, refuse) {
            Ok((key, accepted)) => {
                self.edits.insert(key, accepted);
                results.extend(members.iter().map(|&(number, _)| (number, Ok(()))));
            }
            Err(reason) if members.len() == 1 => {
                results.insert(number, Err(reason));
            }
            Err(_) => {
                let (left, right) = members.split_at(members.len() / 2);
                self.add_to_document(left, refuse, results);
                self.add_to_document(right, refuse, results);
            }
        }
    }

    fn accept(&mut self, candidates: Candidates) {
        self.edits.extend(candidates.documents);
        self.file_edits.extend(candidates.files);
    }

    /// Adds fixes that each change the same document, if all of them are possible together.
    pub(crate) fn add_together(
        &mut self,
        members: &[(&Finding, &Fix)],
        refuse: &impl Fn(&Source) -> Option<String>,
    ) -> bool {
        let [(_, first), ..] = members else { return false };
        let mut all = Fix::clone(first);
        if let Some(document) = all.edits.first_mut() {
            let edits = members.iter().flat_map(|(_, fix)| &fix.edits);
            document.edits = edits.flat_map(|edits| edits.edits.iter().cloned()).collect();
        }
        let Ok(candidates) = self.try_all(&all, refuse) else { return false };
        for (finding, fix) in members {
            for edits in &fix.edits {
                self.note(edits.source, Made::new(finding, fix));
            }
        }
        self.accept(candidates);
        true
    }

    /// Records an accepted fix of a finding for all its files.
    fn note_all(&mut self, finding: &Finding, fix: &Fix) {
        let made = Made::new(finding, fix);
        let home = finding.locations.first().and_then(|location| location.source);
        for edits in &fix.edits {
            // In another file, the fix is about another object.
            let is_other = home != Some(edits.source);
            let other = is_other.then(|| self.object_in(edits.source, edits.document)).flatten();
            let subject = other.unwrap_or_else(|| made.subject.clone());
            self.note(edits.source, Made { subject, ..made.clone() });
        }
        for edits in &fix.file_edits {
            self.note(edits.source, made.clone());
        }
    }

    fn note(&mut self, file: SourceId, made: Made) {
        self.made.entry(file).or_default().push(made);
    }

    /// The first object in a document, as [`subject`] names it.
    fn object_in(&self, file: SourceId, document: u32) -> Option<String> {
        let mut objects =
            self.worlds.iter().flat_map(|world| world.objects_of_document(file, document));
        let found = objects.next()?;
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
        for edits in by_document(fix) {
            candidates.documents.push(self.try_document(&edits, refuse)?);
        }
        for edits in &fix.file_edits {
            let file = self.file(edits.source).ok_or(Refused::Gone)?;
            let accepted = refuse(file).map_or_else(|| self.text_candidate(edits, file), Err);
            let accepted = accepted.map_err(|reason| Refused::because(file, reason))?;
            candidates.files.push((edits.source, accepted));
        }
        Ok(candidates)
    }

    fn try_document(
        &self,
        edits: &DocumentEdits,
        refuse: &impl Fn(&Source) -> Option<String>,
    ) -> Result<((SourceId, u32), Accepted), Refused> {
        let file = self.file(edits.source).ok_or(Refused::Gone)?;
        let accepted = refuse(file).map_or_else(|| self.candidate(edits, file), Err);
        accepted.map_err(|reason| Refused::because(file, reason))
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
    pub(crate) fn texts(
        self,
        made: &mut BTreeMap<String, Vec<Made>>,
    ) -> BTreeMap<SourceId, String> {
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
                let done = self.made.get(&id).map_or(&[][..], Vec::as_slice);
                let all = made.entry(file.name.clone()).or_default();
                // A fix that was continued in a later round is reported once.
                let mut known: BTreeSet<Made> = all.iter().cloned().collect();
                all.extend(done.iter().filter(|&fix| known.insert(fix.clone())).cloned());
                Some((id, apply_to_text(&file.text, &edits)))
            })
            .collect()
    }
}
