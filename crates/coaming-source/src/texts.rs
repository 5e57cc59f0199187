//! Read files of every name as they are: for those who look for secrets, which hide anywhere.
//!
//! A directory may hold more than fits into memory: files are found first, and then read one by one by
//! whoever judges them.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use coaming_kube::{Origin, Source, SourceKind, is_kustomization};
use memchr::memmem::Finder;

use crate::layout::file_name;
use crate::read::{self, ReadError, STDIN};
use crate::walk::{self, Candidate, is_dockerfile, is_environment};
use crate::{InputError, Options};

/// Files of every name that were found and are still to be read, sorted by name.
#[derive(Debug)]
pub struct Texts {
    /// Without a candidate: standard input.
    files: Vec<(String, Option<Candidate>)>,
    options: Options,
}

impl Texts {
    /// Finds all files that `paths` name, whatever they are called; what can't be found comes beside.
    #[must_use]
    pub fn find(paths: &[PathBuf], options: &Options) -> (Self, Vec<InputError>) {
        let options = Options { every_name: true, ..options.clone() };
        let mut found = walk::find(paths, &options);
        let candidates = std::mem::take(&mut found.files).into_iter();
        let mut files: Vec<_> = candidates.map(|(name, file)| (name, Some(file))).collect();
        if found.stdin {
            let place = files.partition_point(|(name, _)| name.as_str() < STDIN);
            files.insert(place, (STDIN.to_owned(), None));
        }
        found.errors.sort();
        found.errors.dedup();
        (Self { files, options }, found.errors)
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The places of the kustomizations among the files, by their names.
    pub fn kustomizations(&self) -> impl Iterator<Item = usize> {
        let named = self.files.iter().enumerate();
        named.filter(|(_, (name, _))| is_kustomization(name)).map(|(place, _)| place)
    }

    /// Reads the file at a place: nothing is rendered or left out but what is no text (`None`), as
    /// pictures and archives that lie in every directory. A file of Kubernetes objects alone is parsed; every
    /// other one is text. `buffer` is lent: one for many files saves making room for each.
    ///
    /// # Errors
    ///
    /// What can't be read, and what was named outright and is no text.
    pub fn read(&self, place: usize, buffer: &mut Vec<u8>) -> Result<Option<Source>, InputError> {
        let Some((name, candidate)) = self.files.get(place) else { return Ok(None) };
        let (text, explicit) = match candidate {
            Some(file) => (read::any_text(file, &self.options, buffer), file.explicit),
            None => (read::stdin_text(&self.options).map(Arc::from), true),
        };
        match text {
            Ok(text) => {
                let origin = if candidate.is_some() { Origin::File } else { Origin::Stdin };
                Ok(Some(entry(name, text).with_origin(origin)))
            }
            Err(ReadError::NotText(_)) if !explicit => Ok(None),
            Err(error) => Err(InputError::new(name, error.to_string())),
        }
    }
}

fn entry(name: &str, text: Arc<str>) -> Source {
    let file = file_name(name);
    if is_dockerfile(file) {
        return Source::text(name, text, SourceKind::Dockerfile);
    }
    if is_environment(file) {
        return Source::text(name, text, SourceKind::Environment);
    }
    // Parsing what can't be a manifest costs more than looking for secrets in it.
    if may_be_manifest(&text) {
        let stream = coaming_yaml::parse(Arc::clone(&text));
        let is_manifest = stream.errors.is_empty()
            && !stream.documents.is_empty()
            && stream.documents.iter().all(coaming_kube::looks_like_kubernetes);
        if is_manifest {
            return Source::new(name, stream.source, stream.documents);
        }
    }
    Source::text(name, text, SourceKind::Text)
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
    let has = |field: &Finder<'_>| {
        field.find_iter(text.as_bytes()).any(|at| {
            let before = text.get(..at).unwrap_or_default();
            let quoted = before.strip_suffix(['"', '\'']).unwrap_or(before);
            is_json || quoted.is_empty() || quoted.ends_with(['\n', '\u{FEFF}'])
        })
    };
    // A finder takes longer to make than to look through a small file.
    static FIELDS: LazyLock<[Finder<'_>; 2]> =
        LazyLock::new(|| ["apiVersion", "kind"].map(Finder::new));
    FIELDS.iter().all(has)
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
