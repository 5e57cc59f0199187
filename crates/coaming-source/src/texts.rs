//! Read files of every name as they are: for those who look for secrets, which hide anywhere.

use std::path::PathBuf;
use std::sync::Arc;

use coaming_kube::{FileEntry, FileKind};
use rayon::prelude::*;

use crate::layout::file_name;
use crate::read::{self, ReadError};
use crate::walk::{self, is_dockerfile, is_environment};
use crate::{InputError, Loaded, Options};

/// Reads all files that `paths` name, whatever they are called: nothing is rendered or left out but
/// what is no text. A file of Kubernetes objects alone is parsed; every other one is text.
#[must_use]
pub fn load_texts(paths: &[PathBuf], options: &Options) -> Loaded {
    let options = Options { every_name: true, ..options.clone() };
    let mut found = walk::find(paths, &options);
    let candidates: Vec<_> = std::mem::take(&mut found.files).into_values().collect();
    let outcomes: Vec<_> = candidates
        .par_iter()
        .map_init(Vec::new, |buffer, candidate| {
            let text = read::any_text(candidate, &options, buffer);
            (candidate, text.map(|text| entry(&candidate.name, text)))
        })
        .collect();
    let mut loaded = Loaded { errors: found.errors, ..Loaded::default() };
    if found.stdin {
        match read::stdin_text(&options) {
            Ok(text) => loaded.files.push(entry("<stdin>", text.into())),
            Err(error) => loaded.errors.push(InputError::new("<stdin>", error.to_string())),
        }
        loaded.read += 1;
    }
    for (candidate, outcome) in outcomes {
        match outcome {
            Ok(file) => loaded.files.push(file),
            // Pictures and archives lie in every folder.
            Err(ReadError::NotText(_)) if !candidate.explicit => continue,
            Err(error) => loaded.errors.push(InputError::new(&candidate.name, error.to_string())),
        }
        loaded.read += 1;
    }
    loaded.files.sort_by(|a, b| a.name.cmp(&b.name));
    loaded.errors.sort();
    loaded.errors.dedup();
    loaded
}

fn entry(name: &str, text: Arc<str>) -> FileEntry {
    let file = file_name(name);
    if is_dockerfile(file) {
        return FileEntry::text(name, text, FileKind::Dockerfile);
    }
    if is_environment(file) {
        return FileEntry::text(name, text, FileKind::Environment);
    }
    // Parsing what can't be a manifest costs more than looking for secrets in it.
    if may_be_manifest(&text) {
        let stream = coaming_yaml::parse(Arc::clone(&text));
        let is_manifest = stream.errors.is_empty()
            && !stream.documents.is_empty()
            && stream.documents.iter().all(coaming_kube::looks_like_kubernetes);
        if is_manifest {
            return FileEntry::new(name, stream.source, stream.documents);
        }
    }
    FileEntry::text(name, text, FileKind::Text)
}

/// Whether the text has the fields of an object where YAML has them, or is JSON with them.
fn may_be_manifest(text: &str) -> bool {
    let is_json = text.trim_start().starts_with(['{', '[']);
    // Prose and code that quote a manifest start with something else than a field.
    let mut lines = text.trim_start_matches('\u{FEFF}').lines().map(str::trim_end);
    let first = lines
        .find(|line| !line.is_empty() && !line.starts_with(['#', '%']) && !line.starts_with("---"));
    let is_field = |line: &str| line.split_once(':').is_some_and(|(name, _)| !name.contains(' '));
    if !is_json && !first.is_some_and(|line| is_field(line) || line.starts_with("- ")) {
        return false;
    }
    let has = |field: &str| {
        text.match_indices(field).any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default();
            let quoted = before.strip_suffix(['"', '\'']).unwrap_or(before);
            is_json || quoted.is_empty() || quoted.ends_with(['\n', '\u{FEFF}'])
        })
    };
    has("apiVersion") && has("kind")
}

#[cfg(test)]
mod tests {
    use super::may_be_manifest;

    #[test]
    fn only_what_starts_as_a_manifest_is_parsed() {
        for yes in [
            "# a\n--- # b\napiVersion: v1\nkind: Pod\n",
            "{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}",
            "\"kind\": Pod\n\"apiVersion\": v1\n",
        ] {
            assert!(may_be_manifest(yes), "{yes}");
        }
        for no in [
            "# Title\n\nSome prose:\n\napiVersion: v1\nkind: Pod\n",
            "package main\n// apiVersion: v1, kind: Pod\n",
            "name: x\ntext: apiVersion and kind\n",
        ] {
            assert!(!may_be_manifest(no), "{no}");
        }
    }
}
