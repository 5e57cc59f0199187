//! Scans files of any name in portions, and keeps only the text that the report needs.
//!
//! A directory may contain more than fits into memory. Invariants: portions are the same on every
//! run, and so is the report; a portion has a limited number of files, and ends with the file that
//! exceeds the size limit. A file's id is its index among all files, so that findings of different
//! portions can be merged.

use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_finding::{Finding, InputError};
use coaming_kube::{Source, SourceId, SourceKind, World};
use coaming_rules::Images;
use coaming_source::Texts;
use coaming_yaml::Span;
use rayon::prelude::*;
use time::Date;

use crate::Engine;

/// Files of any name that are read one by one.
pub trait TextFiles: Sync {
    /// Of a text with this many bytes or more, only what findings point at is kept.
    const LONG: usize = 64 << 10;

    /// What one thread needs to read files: a buffer, an open repository.
    type Reader;

    /// How many files there are.
    fn count(&self) -> usize;

    /// A reader for one thread.
    fn reader(&self) -> Self::Reader;

    /// Reads the file at an index; `None` if it is binary.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    fn read(&self, index: usize, reader: &mut Self::Reader) -> Result<Option<Source>, InputError>;

    /// The indices of the files that are kustomizations by name.
    fn kustomizations(&self) -> impl Iterator<Item = usize>;
}

impl TextFiles for Texts {
    type Reader = Vec<u8>;

    fn count(&self) -> usize {
        self.len()
    }

    fn reader(&self) -> Self::Reader {
        Vec::new()
    }

    fn read(&self, index: usize, buffer: &mut Vec<u8>) -> Result<Option<Source>, InputError> {
        // A long file's memory is not kept for the short ones after it.
        buffer.clear();
        buffer.shrink_to(BYTES);
        Self::read(self, index, buffer)
    }

    fn kustomizations(&self) -> impl Iterator<Item = usize> {
        Self::kustomizations(self)
    }
}

/// How many files a thread takes at once.
const FILES: usize = 64;
/// A portion with this many bytes is judged before more is read.
const BYTES: usize = 1 << 20;
/// The result of judging files of every name.
#[derive(Debug, Default)]
pub struct TextReport {
    /// The findings, worst first.
    pub findings: Vec<Finding>,
    /// The texts that findings point into: whole, or of long ones what the findings need.
    pub sources: BTreeMap<SourceId, Source>,
    /// Files that could not be read.
    pub errors: Vec<InputError>,
    /// How many files were read.
    pub files: usize,
    /// How many documents they had.
    pub documents: usize,
    /// How many workloads they had.
    pub workloads: usize,
}

impl TextReport {
    fn append(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.sources.extend(other.sources);
        self.errors.extend(other.errors);
        self.files += other.files;
        self.documents += other.documents;
        self.workloads += other.workloads;
    }
}

/// Reads and judges all files.
#[must_use]
pub fn scan_texts(engine: Engine, texts: &impl TextFiles, today: Option<Date>) -> TextReport {
    let engine = engine.with_generated_secrets(generated(texts));
    let run = Run { engine: &engine, texts, today };
    let portions: Vec<TextReport> = (0..texts.count().div_ceil(FILES))
        .into_par_iter()
        .map_init(
            || texts.reader(),
            |reader, slice| {
                let start = slice * FILES;
                run.slice(start..texts.count().min(start + FILES), reader)
            },
        )
        .collect();
    let mut all = TextReport::default();
    all.findings.reserve_exact(portions.iter().map(|portion| portion.findings.len()).sum());
    portions.into_iter().for_each(|portion| all.append(portion));
    coaming_rules::put_in_order(&mut all.findings);
    all
}

/// The keys of Secrets that Kustomize makes of files, by the kustomizations among all files.
fn generated(texts: &impl TextFiles) -> BTreeMap<String, String> {
    let mut reader = texts.reader();
    let read = texts.kustomizations().filter_map(|place| texts.read(place, &mut reader).ok()?);
    coaming_rules::generated_secrets(&World::new(read.collect()))
}

struct Run<'r, T> {
    engine: &'r Engine,
    texts: &'r T,
    today: Option<Date>,
}

impl<T: TextFiles> Run<'_, T> {
    /// Reads some files one after the other, and judges them together as long as they are small.
    fn slice(&self, places: std::ops::Range<usize>, reader: &mut T::Reader) -> TextReport {
        let mut portion = TextReport::default();
        let (mut files, mut bytes) = (Vec::new(), 0);
        for place in places {
            match self.texts.read(place, reader) {
                Ok(None) => continue,
                Ok(Some(file)) => {
                    bytes += file.text.len();
                    files.push((SourceId::new(place as u64), Arc::new(file)));
                }
                Err(error) => portion.errors.push(error),
            }
            portion.files += 1;
            if bytes >= BYTES {
                self.judge(std::mem::take(&mut files), &mut portion);
                bytes = 0;
            }
        }
        self.judge(files, &mut portion);
        portion
    }

    /// Judges files, and keeps of them what a report shows.
    fn judge(&self, files: Vec<(SourceId, Arc<Source>)>, portion: &mut TextReport) {
        if files.is_empty() {
            return;
        }
        let world = World::numbered(files);
        let mut findings = self.engine.scan(&world, &Images::default(), self.today).findings;
        portion.documents += world.document_count();
        portion.workloads += world.workloads().count();
        for (id, file) in world.sources() {
            if let Some(text) = needed::<T>(file, id, &mut findings) {
                portion.sources.insert(id, Source::text(&file.name, text, SourceKind::Text));
            }
        }
        portion.findings.extend(findings);
    }
}

/// What of a file's text the findings about it need; nothing if there are none.
fn needed<T: TextFiles>(file: &Source, id: SourceId, findings: &mut [Finding]) -> Option<Arc<str>> {
    let mut spans: Vec<&mut Span> = Vec::new();
    let mut is_needed = false;
    for location in findings.iter_mut().flat_map(|finding| &mut finding.locations) {
        if location.source == Some(id) {
            is_needed = true;
            spans.extend(location.span.as_mut());
        }
    }
    if !is_needed || file.text.len() < T::LONG {
        return is_needed.then(|| Arc::clone(&file.text));
    }
    let old: Vec<Span> = spans.iter().map(|span| **span).collect();
    let (text, moved) = coaming_source::excerpt(&file.text, &old);
    for (span, new) in spans.iter_mut().zip(moved) {
        **span = new;
    }
    Some(text.into())
}
