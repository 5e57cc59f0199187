//! Read files of every name, without rendering: secrets can be in any file.
//!
//! A directory may contain more than fits in memory: all files are found first, and the caller then
//! reads them one by one.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use coaming_kube::{Origin, Source, SourceKind, is_kustomization};
use memchr::memmem::Finder;

use crate::layout::file_name;
use crate::read::{self, ReadError, STDIN};
use crate::walk::{self, Candidate, is_dockerfile, is_environment};
use crate::{InputError, Options};

/// Files of every name that were found and can be read, sorted by name.
#[derive(Debug)]
pub struct Texts {
    /// Standard input has no candidate.
    files: Vec<(String, Option<Candidate>)>,
    options: Options,
}

impl Texts {
    /// Finds all files that `paths` name, whatever their names. Paths that cannot be found are
    /// returned as errors.
    #[must_use]
    pub fn find(paths: &[PathBuf], options: &Options) -> (Self, Vec<InputError>) {
        let options = Options { every_name: true, ..options.clone() };
        let mut found = walk::find(paths, &options);
        let candidates = std::mem::take(&mut found.files).into_iter();
        let mut files: Vec<_> = candidates.map(|(name, file)| (name, Some(file))).collect();
        if found.stdin {
            let index = files.partition_point(|(name, _)| name.as_str() < STDIN);
            files.insert(index, (STDIN.to_owned(), None));
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

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The indices of the files that are kustomizations by name.
    pub fn kustomizations(&self) -> impl Iterator<Item = usize> {
        let named = self.files.iter().enumerate();
        named.filter(|(_, (name, _))| is_kustomization(name)).map(|(index, _)| index)
    }

    /// Reads the file at an index. Nothing is rendered, and nothing left out but binary files, such
    /// as pictures and archives (`None`). A file that contains only Kubernetes objects is parsed;
    /// every other file is text. Callers pass one `buffer` for many files to save allocations.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or the user named it and it is not text.
    pub fn read(&self, index: usize, buffer: &mut Vec<u8>) -> Result<Option<Source>, InputError> {
        let Some((name, candidate)) = self.files.get(index) else { return Ok(None) };
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

/// A source from the bytes of a file of any name; `None` for binary files. A file that contains
/// only Kubernetes objects is parsed; every other file is text.
#[must_use]
pub fn text_source(name: &str, bytes: &[u8]) -> Option<Source> {
    read::decode(bytes).ok().map(|text| entry(name, Arc::from(text)))
}

fn entry(name: &str, text: Arc<str>) -> Source {
    let file = file_name(name);
    if is_dockerfile(file) {
        return Source::text(name, text, SourceKind::Dockerfile);
    }
    if is_environment(file) {
        return Source::text(name, text, SourceKind::Environment);
    }
    // Parsing a file that cannot be a manifest costs more than searching it for secrets.
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

/// Whether the text has the fields of an object at the start of lines, or is JSON that contains
/// them.
fn may_be_manifest(text: &str) -> bool {
    let is_json = text.trim_start().starts_with(['{', '[']);
    // Prose and code that quote a manifest do not start with a field.
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
    // Building a finder takes longer than searching a small file.
    static FIELDS: LazyLock<[Finder<'_>; 2]> =
        LazyLock::new(|| ["apiVersion", "kind"].map(Finder::new));
    FIELDS.iter().all(has)
}

#[cfg(test)]
mod tests {
    use super::may_be_manifest;

    #[test]
    fn only_text_that_starts_like_a_manifest_is_parsed() {
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
