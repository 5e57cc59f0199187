//! Files that a helmfile names: `bases`, whose environments and templates it has too, and nested
//! `helmfiles`, which are installed with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use coaming_kube::Fields as _;

use super::state::{self, State};
use super::{Finder, MAX_PARTS, directory_of, parts, read};
use crate::walk::{Candidate, display_name, without_detours};
use coaming_yaml::embedded_yaml;

/// How deep helmfiles and their bases may name others.
const MAX_DEPTH: usize = 4;

/// The most helmfiles that others may name.
const MAX_NESTED: usize = 256;

/// The most bases of a helmfile, those of its bases included.
const MAX_BASES: usize = 64;

impl Finder<'_> {
    /// The releases of all helmfiles. One that another names is installed with that, not by itself.
    pub(in crate::release) fn helmfiles(&mut self, candidates: &[Candidate]) {
        let mut found = Vec::new();
        for candidate in candidates {
            let Ok(path) = candidate.path.canonicalize() else { continue };
            // Of those that name each other, one is the first.
            if self.nested.contains(&path) {
                continue;
            }
            let start = self.jobs.len();
            self.active.push(path.clone());
            self.helmfile(candidate, None);
            self.active.pop();
            found.push((path, self.jobs.split_off(start)));
        }
        for (path, mut jobs) in found {
            if !self.nested.contains(&path) {
                self.jobs.append(&mut jobs);
            }
        }
    }

    /// The names of a helmfile's environments, also of those that its bases have.
    pub(super) fn environments(&mut self, candidate: &Candidate, text: &str) -> Vec<String> {
        let mut names = Vec::new();
        for part in parts(text).take(MAX_PARTS) {
            for base in self.bases(candidate, &part) {
                let Ok(text) = read::text(&base.path, self.options) else { continue };
                names = state::environments(&text, names);
            }
        }
        state::environments(text, names)
    }

    /// The bases that a part of a helmfile names.
    fn bases(&mut self, candidate: &Candidate, part: &str) -> Vec<Candidate> {
        let stream = coaming_yaml::parse(state::without_templates(part));
        let mut found = Vec::new();
        for document in &stream.documents {
            for path in document.root().list("bases").filter_map(|entry| entry.as_str()) {
                match self.inside(&directory_of(&candidate.path), path) {
                    Some(file) => found.push(named(&file)),
                    None => self.note(format!(
                        "{}: its base `{path}` cannot be read here: it is left out",
                        candidate.name
                    )),
                }
            }
        }
        found
    }

    /// Reads the values and templates that the bases of a part have.
    pub(super) fn learn_bases(
        &mut self,
        candidate: &Candidate,
        part: &str,
        state: &mut State,
        depth: usize,
    ) {
        if depth >= MAX_DEPTH {
            return;
        }
        for base in self.bases(candidate, part) {
            state.bases_read += 1;
            if state.bases_read > MAX_BASES {
                return;
            }
            let Ok(text) = read::text(&base.path, self.options) else { continue };
            for written in parts(&text).take(MAX_PARTS) {
                self.learn_bases(&base, &written, state, depth + 1);
                let Some(part) = self.evaluated(&base, written, state) else { break };
                state.bases.push(Arc::new(part));
            }
        }
    }

    /// The releases of the helmfiles that a part names, in the same environment.
    pub(super) fn nested_helmfiles(
        &mut self,
        candidate: &Candidate,
        text: &Arc<str>,
        state: &State,
    ) {
        let stream = coaming_yaml::parse(Arc::clone(text));
        let nested = stream.documents.iter().flat_map(|document| document.root().list("helmfiles"));
        for entry in nested {
            let Some(path) = entry.as_str().or_else(|| entry.string("path")) else { continue };
            let files = self.helmfiles_at(candidate, path);
            if files.is_empty() || self.active.len() > MAX_DEPTH || self.nested.len() >= MAX_NESTED
            {
                self.note(format!(
                    "{}: the helmfile `{path}` that it names cannot be read here: its releases are \
                     left out",
                    candidate.name
                ));
                continue;
            }
            let mut inner = State::new(&state.environment);
            for values in entry.list("values") {
                let read = match values.as_str() {
                    Some(path) => self.values_text(candidate, path, state),
                    None => embedded_yaml(text, values).map(|text| text.to_string()),
                };
                if let Some(values) = read.and_then(|text| coaming_helm::yaml_to_json(&text)) {
                    inner.add(values);
                }
            }
            for file in files {
                let Ok(path) = file.canonicalize() else { continue };
                if !self.active.contains(&path) {
                    self.nested.push(path.clone());
                    self.active.push(path);
                    self.helmfile(&named(&file), Some(&inner));
                    self.active.pop();
                }
            }
        }
    }

    /// The helmfiles at a path, whose last part may have wildcards.
    fn helmfiles_at(&self, candidate: &Candidate, path: &str) -> Vec<PathBuf> {
        let directory = directory_of(&candidate.path);
        let Some((parent, pattern)) = wildcards(path) else {
            return self.inside(&directory, path).into_iter().collect();
        };
        let Ok(glob) = globset::Glob::new(pattern) else { return Vec::new() };
        let glob = glob.compile_matcher();
        let entries = std::fs::read_dir(directory.join(parent)).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| glob.is_match(name)).collect();
        names.sort();
        let paths = names.iter().map(|name| Path::new(parent).join(name));
        paths.filter_map(|path| self.inside(&directory, &path.to_string_lossy())).collect()
    }
}

/// A path whose last part has wildcards, as its directory and that part.
fn wildcards(path: &str) -> Option<(&str, &str)> {
    let (parent, last) = path.rsplit_once('/').unwrap_or((".", path));
    last.contains(['*', '?', '[']).then_some((parent, last))
}

fn named(path: &Path) -> Candidate {
    let path = without_detours(path);
    let name = display_name(&path);
    Candidate::referenced(path, name)
}
