//! Scans the versions of files in a git repository's history.
//!
//! A secret stays in the history when it is removed from the files. It is reported once per file,
//! with the oldest commit that has it, whatever the number of later versions that still contain it.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::hash::Hash;
use std::sync::Arc;

use coaming_finding::{CommitRef, Finding, InputError, Note};
use coaming_git::{Commit, History, Reader, Version};
use coaming_kube::{Source, SourceId, is_kustomization};
use coaming_source::Options;
use time::Date;

use crate::text_scan::{TextFiles, TextReport};
use crate::{Engine, scan_texts};

/// How many hexadecimal digits of a commit are shown in a message.
const SHORT_ID: usize = 12;

/// The versions in a history, as files.
struct Versions<'h> {
    history: &'h History,
    options: &'h Options,
}

impl TextFiles for Versions<'_> {
    /// A repository has many versions of a file: whole texts would not fit in memory.
    const LONG: usize = 0;

    type Reader = (Reader, Vec<u8>);

    fn count(&self) -> usize {
        self.history.versions().len()
    }

    fn reader(&self) -> Self::Reader {
        (self.history.reader(), Vec::new())
    }

    fn read(
        &self,
        index: usize,
        (reader, buffer): &mut Self::Reader,
    ) -> Result<Option<Source>, InputError> {
        let Some(version) = self.history.versions().get(index) else { return Ok(None) };
        if self.options.exclude.matches(&version.path) {
            return Ok(None);
        }
        let read = reader.read(version, self.options.max_file_bytes, buffer);
        match read {
            Ok(true) => Ok(coaming_source::text_source(&version.path, buffer)),
            Ok(false) => {
                let limit = self.options.max_file_bytes >> 20;
                let message =
                    format!("a version of it is larger than {limit} MiB and was not read");
                Err(InputError::new(&version.path, message))
            }
            Err(error) => Err(InputError::new(&version.path, error.to_string())),
        }
    }

    fn kustomizations(&self) -> impl Iterator<Item = usize> {
        let versions = self.history.versions().iter().enumerate();
        versions.filter(|(_, version)| is_kustomization(&version.path)).map(|(index, _)| index)
    }
}

/// Reads and judges all versions in a history.
#[must_use]
pub fn scan_history(
    engine: Engine,
    history: &History,
    options: &Options,
    today: Option<Date>,
) -> (TextReport, Vec<Note>) {
    let mut report = scan_texts(engine, &Versions { history, options }, today);
    report.errors.dedup();
    keep_oldest(&mut report, history);
    drop_replaced(&mut report, history, options);
    (report, notes(history))
}

/// What makes two findings in a history the same.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Identity {
    rule: String,
    /// The secret's own text, or the message if the finding is about a whole file.
    text: String,
}

/// Versions that contain the same secret.
struct Group {
    /// The oldest commit with it.
    commit: usize,
    is_in_head: bool,
    is_in_branch: bool,
}

/// The versions that contain the same secret, by the secret or by the secret and the file.
struct Groups<K> {
    numbers: HashMap<K, usize>,
    groups: Vec<Group>,
}

impl<K: Eq + Hash> Groups<K> {
    fn new() -> Self {
        Self { numbers: HashMap::new(), groups: Vec::new() }
    }

    /// Adds a version; returns the number of its group.
    fn add(&mut self, key: K, commit: usize, version: &Version) -> usize {
        let &Version { is_in_head, is_in_branch, .. } = version;
        let number = *self.numbers.entry(key).or_insert(self.groups.len());
        if number == self.groups.len() {
            self.groups.push(Group { commit, is_in_head, is_in_branch });
        }
        let group = &mut self.groups[number];
        group.commit = group.commit.min(commit);
        group.is_in_head |= is_in_head;
        group.is_in_branch |= is_in_branch;
        number
    }
}

/// Keeps the oldest of the findings about one secret in one file, and adds its commit. A file that
/// no longer has the secret is left out if another one has it: the file was moved.
fn keep_oldest(report: &mut TextReport, history: &History) {
    let mut anywhere = Groups::new();
    let mut in_files = Groups::new();
    let mut of_findings = Vec::with_capacity(report.findings.len());
    for finding in &report.findings {
        let version = version(finding, history);
        let found = version.and_then(|version| Some((version, version.commit?)));
        of_findings.push(found.map(|(version, commit)| {
            let identity = identity(finding, report);
            let file = (identity.clone(), version.path.as_str());
            let anywhere = anywhere.add(identity, commit, version);
            (commit, anywhere, in_files.add(file, commit, version))
        }));
    }
    let mut of_findings = of_findings.into_iter();
    report.findings.retain_mut(|finding| {
        let Some((commit, secret, file)) = of_findings.next().flatten() else { return true };
        let (secret, file) = (&anywhere.groups[secret], &in_files.groups[file]);
        let is_kept = commit == file.commit && (file.is_in_head || !secret.is_in_head);
        if let Some(oldest) = history.commits().get(secret.commit).filter(|_| is_kept) {
            add_commit(finding, oldest, !file.is_in_branch);
        }
        is_kept
    });
    let locations = report.findings.iter().flat_map(|finding| &finding.locations);
    let needed: BTreeSet<SourceId> = locations.filter_map(|location| location.source).collect();
    report.sources.retain(|id, _| needed.contains(id));
}

/// Leaves out the secrets of staged versions that are in what they replace: the next commit moves
/// them, or changes something else in their file.
fn drop_replaced(report: &mut TextReport, history: &History, options: &Options) {
    if report.findings.is_empty() || history.replaced().is_empty() {
        return;
    }
    let (reader, mut buffer) = (history.reader(), Vec::new());
    let mut old: Vec<String> = Vec::new();
    for version in history.replaced() {
        if matches!(reader.read(version, options.max_file_bytes, &mut buffer), Ok(true)) {
            old.push(String::from_utf8_lossy(&buffer).into_owned());
        }
    }
    let keep: Vec<bool> = report
        .findings
        .iter()
        .map(|finding| {
            let text = own_text(finding, report).unwrap_or_default();
            text.is_empty() || !old.iter().any(|old| old.contains(text))
        })
        .collect();
    let mut keep = keep.into_iter();
    report.findings.retain(|_| keep.next().unwrap_or(true));
}

/// The version of a file that a finding is in.
fn version<'h>(finding: &Finding, history: &'h History) -> Option<&'h Version> {
    let source = finding.locations.first()?.source?;
    history.versions().get(usize::try_from(source.number()).ok()?)
}

fn identity(finding: &Finding, report: &TextReport) -> Identity {
    Identity {
        rule: finding.rule.id.as_str().to_owned(),
        text: own_text(finding, report).unwrap_or(&finding.message).to_owned(),
    }
}

/// The secret's own text, unless the finding is about a whole file.
fn own_text<'r>(finding: &Finding, report: &'r TextReport) -> Option<&'r str> {
    let location = finding.locations.first()?;
    let source = report.sources.get(&location.source?)?;
    Some(location.span?.text(&source.text)).filter(|text| !text.is_empty())
}

fn add_commit(finding: &mut Finding, commit: &Commit, is_removed: bool) {
    let date = commit.date.map(|date| date.to_string());
    let short = commit.id.get(..SHORT_ID).unwrap_or(&commit.id);
    let day = date.as_ref().map(|date| format!(" of {date}")).unwrap_or_default();
    let removed = if is_removed { ", removed since" } else { "" };
    let _ = write!(finding.message, " (since commit {short}{day}{removed})");
    if is_removed {
        finding.help =
            "Revoke the secret: everyone who has a copy of the repository has it, and removing it \
             from the files does not change that."
                .into();
        finding.fix = None;
    }
    finding.commit = Some(Arc::new(CommitRef { id: commit.id.clone(), date, is_removed }));
}

/// What of the history was not searched.
fn notes(history: &History) -> Vec<Note> {
    let mut notes = Vec::new();
    if history.commits().is_empty() && !history.is_staged() {
        notes.push(Note {
            message: "no commit was searched: the repository has none, or none since then"
                .to_owned(),
            count: 1,
        });
    }
    if history.submodules() > 0 {
        notes.push(Note {
            message: "submodules are repositories of their own, and were not searched: name their \
                      directories"
                .to_owned(),
            count: history.submodules(),
        });
    }
    if history.is_shallow() {
        notes.push(Note {
            message: "the repository is a shallow clone: older commits were not searched; \
                      `git fetch --unshallow` gets them"
                .to_owned(),
            count: 1,
        });
    }
    if history.missing() > 0 {
        notes.push(Note {
            message: "commits or directories of the history are missing or damaged, and were not \
                      searched"
                .to_owned(),
            count: history.missing(),
        });
    }
    notes
}
