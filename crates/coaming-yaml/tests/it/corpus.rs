//! The laws on real applications' manifests.

use std::fs;
use std::path::{Path as FilePath, PathBuf};

use coaming_yaml::edit::EditError;
use coaming_yaml::{Stream, parse};

use crate::laws::{self, Outcome};

/// The YAML and JSON files of the corpus. If it is absent, reports a skip and returns none.
pub(crate) fn files() -> Vec<PathBuf> {
    let root = std::env::var_os("COAMING_CORPUS").map_or_else(
        || FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    if files.is_empty() {
        coaming_test::skip!("no corpus at {}", root.display());
    }
    files
}

fn collect(directory: &FilePath, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if matches!(path.extension().and_then(|e| e.to_str()), Some("yaml" | "yml" | "json"))
        {
            files.push(path);
        }
    }
}

fn streams() -> impl Iterator<Item = (PathBuf, Stream)> {
    files().into_iter().filter_map(|file| {
        let text = fs::read_to_string(&file).ok()?;
        Some((file, parse(text.into())))
    })
}

#[test]
fn laws_hold() {
    for (file, stream) in streams() {
        let large = stream.source.len() > 200_000;
        for document in &stream.documents {
            // Reading each node alone costs depth times size.
            if !large {
                laws::spans_are_exact(document);
            }
            laws::renders_stably(document);
            if !large {
                laws::paths_lead_back(document);
            }
        }
        assert!(stream.documents.len() + stream.errors.len() < 2000, "{}", file.display());
    }
}

#[test]
fn only_templates_have_syntax_errors() {
    for (file, stream) in streams() {
        // Sed and envsubst fill in others: `{SERVICE_IP_PREFIX}.16`.
        let is_template = stream.source.contains("{{") || file.ends_with("bind/service.yaml");
        assert!(stream.errors.is_empty() || is_template, "{}: {:?}", file.display(), stream.errors);
    }
}

#[test]
fn edits_agree() {
    let mut random = Random(7);
    let (mut edited, mut refused) = (0, 0);
    for (file, stream) in streams() {
        if stream.source.len() > 100_000 {
            continue;
        }
        for index in 0..stream.documents.len() {
            for count in [1, 1, 3] {
                let choices: Vec<u32> = (0..count).map(|_| random.next()).collect();
                let edits = laws::choose_edits(&stream.documents[index], &choices);
                match laws::edits_agree(&stream, index, &edits) {
                    Outcome::Edited => edited += 1,
                    Outcome::Refused(EditError::Unwritable) => {
                        panic!("{}: {edits:?}", file.display());
                    }
                    Outcome::Refused(_) => refused += 1,
                }
            }
        }
    }
    assert!(edited >= refused, "{edited} edited, {refused} refused");
}

/// A small deterministic pseudorandom number generator (xorshift).
pub(crate) struct Random(pub(crate) u32);

impl Random {
    pub(crate) fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}
