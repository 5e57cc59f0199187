//! The law of the source map, on whole overlays: changing the byte at the origin of a built byte
//! changes that byte, and nothing that is not from the same place.
//!
//! A run changes a few bytes of each overlay; `COAMING_OVERLAY_LAW` is the number of another
//! selection, or `all` for every byte at which an origin starts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use coaming_kustomize::{Built, Document, FileKind, Files, Options, build};
use coaming_test::text::lines;

use crate::disk::Disk;
use crate::oracle::{kustomizations, unpack};

/// How many bytes of an overlay are changed in a run, each by itself.
const SAMPLES: usize = 3;

/// How far from each other bytes of one file may be to be from the same value.
const NEAR: usize = 64;

/// The files of this machine, one of them with another content.
struct Changed {
    path: PathBuf,
    content: Arc<[u8]>,
}

impl Files for Changed {
    fn kind(&self, path: &str) -> FileKind {
        Disk.kind(path)
    }

    fn real_path(&self, path: &str) -> String {
        Disk.real_path(path)
    }

    fn read(&self, path: &str) -> Result<Arc<[u8]>, String> {
        let is_changed = std::fs::canonicalize(path).is_ok_and(|path| path == self.path);
        if is_changed { Ok(Arc::clone(&self.content)) } else { Disk.read(path) }
    }

    fn chart(&self, path: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        Disk.chart(path)
    }
}

/// A built byte that is a copy of a byte of a file.
struct Sample {
    document: usize,
    at: usize,
    file: usize,
    offset: usize,
}

/// Which bytes of an overlay are changed.
#[derive(Clone, Copy)]
enum Selection {
    All,
    Few(usize),
}

impl Selection {
    fn of_environment() -> Self {
        match std::env::var("COAMING_OVERLAY_LAW").as_deref() {
            Ok("all") => Self::All,
            Ok(number) => Self::Few(number.parse().expect("a number, or `all`")),
            Err(_) => Self::Few(0),
        }
    }

    /// Spread over the whole result.
    fn of(self, all: Vec<Sample>) -> Vec<Sample> {
        let Self::Few(number) = self else { return all };
        let step = all.len().div_ceil(SAMPLES).max(1);
        all.into_iter().skip(number % step).step_by(step).collect()
    }
}

/// Letters that are copied verbatim from a file that can be changed.
fn samples(built: &Built) -> Vec<Sample> {
    let mut all = Vec::new();
    for (index, document) in built.documents.iter().enumerate() {
        for (start, source) in document.map.segments() {
            let at = start as usize;
            let Some(origin) = source.template.filter(|origin| origin.verbatim) else { continue };
            let file = &built.files[origin.file];
            let written = file.text.as_bytes().get(origin.offset as usize);
            let is_copy = document.text.as_bytes().get(at) == written
                && written.is_some_and(u8::is_ascii_lowercase);
            if is_copy && Path::new(&file.name).is_file() {
                let offset = origin.offset as usize;
                all.push(Sample { document: index, at, file: origin.file, offset });
            }
        }
    }
    all
}

/// What the samples have shown.
#[derive(Default, Debug)]
struct Outcome {
    changed: usize,
    refused: usize,
    unrelated: Vec<String>,
    broken: Vec<String>,
}

/// Whether a byte of a line is from near the byte that was changed.
fn is_related(document: &Document, line: (usize, usize), sample: &Sample) -> bool {
    (line.0..line.1).any(|at| {
        document.map.at(at).template.is_some_and(|origin| {
            origin.file == sample.file && (origin.offset as usize).abs_diff(sample.offset) < NEAR
        })
    })
}

fn check(root: &Path, selection: Selection, outcome: &mut Outcome) {
    let name = root.to_string_lossy();
    let options = Options::default();
    let Ok(before) = build(&Disk, &name, &options) else { return };
    for sample in selection.of(samples(&before)) {
        let file = &before.files[sample.file];
        let mut content = file.text.as_bytes().to_vec();
        let new = if content[sample.offset] == b'q' { b'w' } else { b'q' };
        content[sample.offset] = new;
        let path = std::fs::canonicalize(&file.name).unwrap();
        let changed = Changed { path, content: content.into() };
        let place = format!("{}:{}", file.name, sample.offset);
        match build(&changed, &name, &options) {
            Ok(after) if is_comparable(&before, &after) => {
                compare(&before, &after, &sample, new, &place, outcome);
            }
            // The byte also decides what is built, in which order, or whether it is valid.
            _ => outcome.refused += 1,
        }
    }
}

/// Whether each document is still in its place.
fn is_comparable(before: &Built, after: &Built) -> bool {
    let pairs = || before.documents.iter().zip(&after.documents);
    before.documents.len() == after.documents.len()
        && pairs().all(|(old, new)| old.text.len() == new.text.len() && old.file == new.file)
}

fn compare(
    before: &Built,
    after: &Built,
    sample: &Sample,
    new: u8,
    place: &str,
    outcome: &mut Outcome,
) {
    let document = &before.documents[sample.document];
    if after.documents[sample.document].text.as_bytes()[sample.at] != new {
        let around = document.text.get(sample.at..).and_then(|text| text.lines().next());
        outcome.broken.push(format!("{place}: {around:?} did not change"));
        return;
    }
    outcome.changed += 1;
    for (old, now) in before.documents.iter().zip(&after.documents) {
        let other = lines(&old.text).into_iter().zip(lines(&now.text)).find(|(line, new)| {
            old.text[line.0..line.1] != now.text[new.0..new.1] && !is_related(old, *line, sample)
        });
        if let Some((line, new)) = other {
            let (was, is) = (&old.text[line.0..line.1], &now.text[new.0..new.1]);
            outcome.unrelated.push(format!("{place}: `{was}` is `{is}`"));
            return;
        }
    }
}

#[test]
fn changing_the_byte_at_the_origin_changes_what_is_from_it() {
    let selection = Selection::of_environment();
    let mut outcome = Outcome::default();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for case in &names {
        let directory = tempfile::tempdir().unwrap();
        unpack(&std::fs::read_to_string(case).unwrap(), directory.path());
        let overlay = directory.path().join("overlay");
        let root = if overlay.is_dir() { overlay.as_path() } else { directory.path() };
        check(root, selection, &mut outcome);
    }
    if let Some(corpus) = std::env::var_os("COAMING_CORPUS") {
        let mut all = Vec::new();
        kustomizations(Path::new(&corpus), &mut all);
        all.sort();
        all.iter().for_each(|root| check(root, selection, &mut outcome));
    } else {
        coaming_test::skip!("COAMING_CORPUS is not set");
    }
    assert!(outcome.broken.is_empty(), "{}", outcome.broken.join("\n"));
    assert!(outcome.changed > 30, "{outcome:?}");
    // A name decides about what refers to it, and a content about the hash in a name; few do.
    let unrelated = outcome.unrelated.len();
    assert!(unrelated * 20 <= outcome.changed, "{unrelated} of {}: {outcome:#?}", outcome.changed);
}
