//! Builds the new texts from the digests.

use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_fix::{Change, Made};
use coaming_kube::Source;
use coaming_yaml::Document;
use coaming_yaml::edit::{Edit, EditError, TextEdit, apply, apply_to_text};

use crate::find::Found;
use crate::mention::{Mention, Rewrite, Unpinned};
use crate::resolve::Sources;
use crate::update::Update;

/// The rule that a pinned image satisfies.
const RULE: coaming_finding::RuleId = coaming_finding::RuleId::new("image-digest");

/// The changes, and the images that stay unchanged.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The files that change, by name.
    pub changes: Vec<Change>,
    /// The images that stay unchanged, and why; sorted.
    pub unpinned: Vec<Unpinned>,
    /// The number of images that have the right digest already.
    pub pinned_before: usize,
}

/// The change of one mention.
struct Step<'m> {
    mention: &'m Mention,
    made: Made,
    rewrite: Rewrite,
}

/// Builds the new texts with the digests of `sources`. With `update`, tags move to the newest one in
/// its range.
#[must_use]
pub fn pin(files: &[Source], found: Found, sources: &Sources, update: Option<&Update>) -> Outcome {
    let Found { mentions, unpinned } = found;
    let answers = sources.answers(&mentions, update);
    let mut outcome = Outcome { unpinned, ..Outcome::default() };
    let mut by_file: BTreeMap<usize, Vec<Step<'_>>> = BTreeMap::new();
    for mention in &mentions {
        match answers.get(&mention.image) {
            None => outcome.pinned_before += 1,
            Some(Err(unknown)) => {
                let reason = unknown.reason.clone();
                outcome.unpinned.push(unpinned_image(files, mention, reason, unknown.failed));
            }
            Some(Ok(to)) => match mention.rewrite(to) {
                None => outcome.pinned_before += 1,
                Some(rewrite) => {
                    let name = mention.image.familiar_name();
                    let title =
                        format!("{} becomes {name}:{}@{}", shown(mention), to.tag, to.digest);
                    let subject = mention.subject.clone();
                    let made = Made { rule: RULE, subject, title };
                    by_file.entry(mention.file).or_default().push(Step { mention, made, rewrite });
                }
            },
        }
    }
    for (position, steps) in by_file {
        if let Some(file) = files.get(position) {
            change(files, file, steps, &mut outcome);
        }
    }
    outcome.changes.sort_by(|a, b| a.file.cmp(&b.file));
    outcome.unpinned.sort();
    outcome.unpinned.dedup();
    outcome
}

fn shown(mention: &Mention) -> String {
    let tag = mention.image.tag().map_or_else(String::new, |tag| format!(":{tag}"));
    format!("{}{tag}", mention.image.familiar_name())
}

fn unpinned_image(files: &[Source], mention: &Mention, reason: String, failed: bool) -> Unpinned {
    Unpinned {
        file: files.get(mention.file).map_or_else(String::new, |file| file.name.clone()),
        subject: mention.subject.clone(),
        image: shown(mention),
        reason,
        failed,
    }
}

/// Changes one file.
fn change(files: &[Source], file: &Source, steps: Vec<Step<'_>>, outcome: &mut Outcome) {
    let parsed;
    let documents: &[Document] = if file.documents().is_empty() {
        parsed = coaming_yaml::parse(Arc::clone(&file.text)).documents;
        &parsed
    } else {
        file.documents()
    };
    let mut made = Vec::new();
    let mut text_edits: Vec<TextEdit> = Vec::new();
    let mut by_document: BTreeMap<usize, Vec<MentionEdits<'_>>> = BTreeMap::new();
    for Step { mention, made: done, rewrite } in steps {
        match rewrite {
            Rewrite::Text(edit) => {
                text_edits.push(edit);
                made.push(done);
            }
            Rewrite::Yaml { document, edits } => {
                by_document.entry(document).or_default().push(MentionEdits {
                    mention,
                    done,
                    edits,
                });
            }
        }
    }
    for (position, wanted) in by_document {
        let Some(document) = documents.get(position) else { continue };
        let (edits, done) = compatible_edits(document, wanted, |mention, error| {
            outcome.unpinned.push(unpinned_image(files, mention, error.to_string(), false));
        });
        text_edits.extend(edits);
        made.extend(done);
    }
    text_edits.sort_by_key(|edit| edit.span);
    let after = apply_to_text(&file.text, &text_edits);
    if *after != *file.text {
        let before = Arc::clone(&file.text);
        let (file, after, variants) = (file.name.clone(), after.into(), Vec::new());
        outcome.changes.push(Change { file, before, after, made, variants });
    }
}

/// One mention's edits to a document.
struct MentionEdits<'m> {
    mention: &'m Mention,
    done: Made,
    edits: Vec<Edit>,
}

/// The text edits of all mentions. If they contradict each other, those of each mention in turn that
/// does not contradict the ones before it.
fn compatible_edits(
    document: &Document,
    wanted: Vec<MentionEdits<'_>>,
    mut refused: impl FnMut(&Mention, &EditError),
) -> (Vec<TextEdit>, Vec<Made>) {
    let all: Vec<Edit> = wanted.iter().flat_map(|wanted| wanted.edits.clone()).collect();
    if let Ok(edits) = apply(document.source(), document, &all) {
        return (edits, wanted.into_iter().map(|wanted| wanted.done).collect());
    }
    let mut accepted: Vec<Edit> = Vec::new();
    let mut text_edits = Vec::new();
    let mut made = Vec::new();
    for MentionEdits { mention, done, edits } in wanted {
        let candidate: Vec<Edit> = accepted.iter().cloned().chain(edits).collect();
        match apply(document.source(), document, &candidate) {
            Ok(edits) => {
                (accepted, text_edits) = (candidate, edits);
                made.push(done);
            }
            Err(error) => refused(mention, &error),
        }
    }
    (text_edits, made)
}
