//! Judging files of every name in portions: read, judged and forgotten, but for what a report shows.
//!
//! A directory may hold more than fits into memory. Invariants: portions are the same on every run, and so
//! is the report; a portion is bounded in files, and ends with the file that makes it too large.

use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_finding::{FileId, Finding};
use coaming_kube::{FileEntry, FileKind, Inventory};
use coaming_source::{InputError, Texts};
use coaming_yaml::Span;
use rayon::prelude::*;

use crate::scan::{Counts, Judged};
use crate::scope::{Judge, problems};

/// How many files a thread takes at once.
const FILES: usize = 64;
/// A portion with so many bytes is judged before more is read.
const BYTES: usize = 1 << 20;
/// Of a longer text only what findings point at is kept.
const LONG: usize = 64 << 10;

/// The keys of Secrets that Kustomize makes of files, by the kustomizations among all files.
pub(crate) fn generated(texts: &Texts) -> BTreeMap<String, String> {
    let mut buffer = Vec::new();
    let read = texts.kustomizations().filter_map(|place| texts.read(place, &mut buffer).ok()?);
    coaming_rules::generated_secrets(&Inventory::new(read.collect()))
}

/// What came of some files; files go by their places among all.
#[derive(Default)]
struct Portion {
    findings: Vec<Finding>,
    /// The texts that findings point into.
    sources: Vec<(usize, String, Arc<str>)>,
    errors: Vec<InputError>,
    counts: Counts,
}

/// Reads and judges all files.
pub(crate) fn judge(texts: &Texts, judge: &Judge) -> Judged {
    let portions: Vec<Portion> = (0..texts.len().div_ceil(FILES))
        .into_par_iter()
        .map_init(Vec::new, |buffer, slice| {
            let start = slice * FILES;
            judge_slice(texts, judge, start..texts.len().min(start + FILES), buffer)
        })
        .collect();
    let mut all = Portion::default();
    all.findings.reserve_exact(portions.iter().map(|portion| portion.findings.len()).sum());
    all.sources.reserve_exact(portions.iter().map(|portion| portion.sources.len()).sum());
    for portion in portions {
        all.findings.extend(portion.findings);
        all.sources.extend(portion.sources);
        all.errors.extend(portion.errors);
        all.counts.files += portion.counts.files;
        all.counts.documents += portion.counts.documents;
        all.counts.workloads += portion.counts.workloads;
    }
    // The places among all files become places among those that are kept.
    let kept: BTreeMap<usize, usize> =
        all.sources.iter().enumerate().map(|(new, (place, ..))| (*place, new)).collect();
    move_files(&mut all.findings, |place| kept.get(&place).copied());
    coaming_rules::put_in_order(&mut all.findings);
    let files = all.sources.into_iter();
    let files = files.map(|(_, name, source)| FileEntry::text(&name, source, FileKind::Text));
    Judged {
        inventory: Inventory::new(files.collect()),
        findings: all.findings,
        errors: problems(all.errors),
        rules: judge.rules(),
        counts: all.counts,
    }
}

/// Reads some files one after the other, and judges them together as long as they are small.
fn judge_slice(
    texts: &Texts,
    judge: &Judge,
    places: std::ops::Range<usize>,
    buffer: &mut Vec<u8>,
) -> Portion {
    let mut portion = Portion::default();
    let (mut files, mut bytes) = (Vec::new(), 0);
    for place in places {
        match texts.read(place, buffer) {
            Ok(None) => continue,
            Ok(Some(file)) => {
                bytes += file.source.len();
                files.push((place, file));
            }
            Err(error) => portion.errors.push(error),
        }
        portion.counts.files += 1;
        if bytes >= BYTES {
            judge_files(judge, std::mem::take(&mut files), &mut portion);
            bytes = 0;
        }
    }
    // A long file's room is not kept for the short ones after it.
    buffer.shrink_to(BYTES);
    judge_files(judge, files, &mut portion);
    portion
}

/// Judges files, and keeps of them what a report shows.
fn judge_files(judge: &Judge, files: Vec<(usize, FileEntry)>, portion: &mut Portion) {
    if files.is_empty() {
        return;
    }
    let (places, files): (Vec<usize>, Vec<FileEntry>) = files.into_iter().unzip();
    let inventory = Inventory::new(files);
    let mut findings = judge.judge(&inventory);
    portion.counts.documents += inventory.document_count();
    portion.counts.workloads += inventory.workloads().len();
    for (id, (file, &place)) in inventory.files().iter().zip(&places).enumerate() {
        if let Some(source) = needed(file, id, &mut findings) {
            portion.sources.push((place, file.name.clone(), source));
        }
    }
    move_files(&mut findings, |id| places.get(id).copied());
    portion.findings.extend(findings);
}

/// What of a file's text the findings about it need; nothing if there are none.
fn needed(file: &FileEntry, id: usize, findings: &mut [Finding]) -> Option<Arc<str>> {
    let here = |finding: &&mut Finding| finding.locations.iter().any(|place| is_in(place.file, id));
    let mut findings: Vec<&mut Finding> = findings.iter_mut().filter(here).collect();
    if findings.is_empty() {
        return None;
    }
    if file.source.len() < LONG {
        return Some(Arc::clone(&file.source));
    }
    let mut spans: Vec<&mut Span> = findings
        .iter_mut()
        .flat_map(|finding| &mut finding.locations)
        .filter(|place| is_in(place.file, id))
        .filter_map(|place| place.span.as_mut())
        .collect();
    let old: Vec<Span> = spans.iter().map(|span| **span).collect();
    let (source, moved) = coaming_source::excerpt(&file.source, &old);
    for (span, new) in spans.iter_mut().zip(moved) {
        **span = new;
    }
    Some(source.into())
}

fn is_in(file: Option<FileId>, id: usize) -> bool {
    file.is_some_and(|file| file.0 as usize == id)
}

/// Gives the files of findings other places.
fn move_files(findings: &mut [Finding], moved: impl Fn(usize) -> Option<usize>) {
    for place in findings.iter_mut().flat_map(|finding| &mut finding.locations) {
        let new = place.file.and_then(|file| moved(file.0 as usize));
        place.file = new.and_then(|new| u32::try_from(new).ok()).map(FileId);
    }
}
