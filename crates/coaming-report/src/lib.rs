//! The renderers of findings, and of what is in an image; one file each.
//!
//! A renderer decides nothing: it writes the findings it gets, in their order. Invariants:
//!
//! * Every renderer writes to an `io::Write`, piece by piece; none builds the whole output.
//! * Untrusted text (names of files and objects, messages) is escaped for the format, and never
//!   writes control characters to a terminal.
//! * The `json` format is stable, see [`json`].
//! * No renderer shows source text of a finding about secrets. Excerpts, edits and messages pass
//!   the gate ([`coaming_secret::gate`]) before they are written.

pub mod access;
pub mod breach;
mod compliance;
mod concise;
pub mod database;
pub mod etcd;
pub mod fixes;
mod full;
mod gated;
mod github;
mod gitlab;
mod gitlab_security;
mod html;
pub mod image;
mod json;
mod junit;
mod markdown;
pub mod net;
#[cfg(feature = "registry")]
pub mod pins;
mod places;
pub mod policy_report;
#[cfg(feature = "registry")]
pub mod registry_results;
pub mod rotation;
pub mod rule_pages;
mod sarif;
pub mod slim;
pub mod statistics;
mod text;
pub mod vulnerabilities;
pub mod walk_job;

use std::collections::BTreeMap;
use std::io;

pub use coaming_secret::gate::InputText;

use coaming_finding::{
    Compliance, Finding, InputError, Note, RuleMeta, RuleRef, Severity, SourceId,
};

use coaming_scan::Judged;

pub use full::FullOptions;
use gated::Gated;
use places::Places;

/// A file that findings may point into.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// As the user named it.
    pub name: &'a str,
    /// Its text, which only the gate shows.
    pub source: InputText<'a>,
    /// Its documents, to show what fixes change; none where lines are not the file's own.
    pub documents: &'a [coaming_yaml::Document],
}

impl<'a> File<'a> {
    /// A source as reports need it.
    #[must_use]
    pub fn of(source: &'a coaming_kube::Source) -> Self {
        let has_lines = source.origin.has_own_lines();
        let documents = if has_lines { source.documents() } else { &[] };
        Self { name: &source.name, source: InputText::new(&source.text), documents }
    }
}

/// The result of a run.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// The findings, in the order in which they are shown; suppressed ones too.
    pub findings: &'a [Finding],
    /// What could not be handled.
    pub errors: &'a [InputError],
    /// What was not evaluated.
    pub notes: &'a [Note],
    /// The files that findings point into.
    pub files: &'a BTreeMap<SourceId, File<'a>>,
    /// How many files were read; none where the objects are those of a live cluster.
    pub file_count: usize,
    /// How many documents they had.
    pub document_count: usize,
    /// How many workloads they had.
    pub workload_count: usize,
    /// The rules that ran.
    pub rules: &'a [RuleRef],
    /// With a baseline, how many findings it has already; they are not in `findings`.
    pub known: Option<usize>,
    /// With a compliance framework, what the findings say about its controls.
    pub compliance: Option<&'a Compliance>,
}

impl<'a> Report<'a> {
    /// A report of findings alone, in these files.
    #[must_use]
    pub fn new(findings: &'a [Finding], files: &'a BTreeMap<SourceId, File<'a>>) -> Self {
        Self {
            findings,
            errors: &[],
            notes: &[],
            files,
            file_count: files.len(),
            document_count: 0,
            workload_count: 0,
            rules: &[],
            known: None,
            compliance: None,
        }
    }

    /// What the engine judged; `files` are its sources.
    #[must_use]
    pub fn of(judged: &'a Judged<'_>, files: &'a BTreeMap<SourceId, File<'a>>) -> Self {
        Self {
            findings: &judged.report.findings,
            errors: &judged.errors,
            notes: &judged.report.notes,
            files,
            file_count: judged.counts.files,
            document_count: judged.counts.documents,
            workload_count: judged.counts.workloads,
            rules: &judged.rules,
            known: judged.known,
            compliance: judged.compliance.as_ref(),
        }
    }

    /// The findings that count.
    pub fn active(&self) -> impl Iterator<Item = &'a Finding> + use<'a> {
        self.findings.iter().filter(|finding| finding.suppressed.is_none())
    }

    /// How many findings that count have this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.active().filter(|finding| finding.severity == severity).count()
    }
}

/// The formats, by their names on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people: annotated source, grouped by object, with a summary.
    Full,
    /// One line per finding, for quick reading and `grep`.
    Concise,
    /// The contract for programs.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for test reports.
    Junit,
    /// GitHub workflow commands: annotations on a pull request.
    Github,
    /// GitLab code quality report.
    Gitlab,
    /// GitLab report of static analysis: all findings but secrets.
    GitlabSast,
    /// GitLab report of secret detection: secrets alone.
    GitlabSecrets,
    /// A comment for a pull request.
    Markdown,
    /// One page, complete in itself.
    Html,
}

impl Format {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 11] = [
        ("full", Self::Full),
        ("concise", Self::Concise),
        ("json", Self::Json),
        ("sarif", Self::Sarif),
        ("junit", Self::Junit),
        ("github", Self::Github),
        ("gitlab", Self::Gitlab),
        ("gitlab-sast", Self::GitlabSast),
        ("gitlab-secrets", Self::GitlabSecrets),
        ("html", Self::Html),
        ("markdown", Self::Markdown),
    ];
}

/// Writes a report in a format.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn render(
    report: &Report<'_>,
    format: Format,
    options: FullOptions,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let gated = Gated::new(report);
    let report = &gated.report();
    let places = Places::new(report);
    match format {
        Format::Full => full::render(report, &places, options, out),
        Format::Concise => concise::render(report, &places, out),
        Format::Json => json::render(report, &places, out),
        Format::Sarif => sarif::render(report, &places, out),
        Format::Junit => junit::render(report, &places, out),
        Format::Github => github::render(report, &places, out),
        Format::Gitlab => gitlab::render(report, &places, out),
        Format::GitlabSast => {
            gitlab_security::render(report, &places, gitlab_security::Kind::Sast, out)
        }
        Format::GitlabSecrets => {
            gitlab_security::render(report, &places, gitlab_security::Kind::Secrets, out)
        }
        Format::Markdown => markdown::render(report, &places, out),
        Format::Html => html::render(report, &places, out),
    }
}

/// Writes a report as [`Format::Json`], with a field more for what a command tells beside findings.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn render_json_with(
    report: &Report<'_>,
    field: &str,
    details: &impl serde::Serialize,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let gated = Gated::new(report);
    let report = &gated.report();
    json::render_with(report, &Places::new(report), (field, details), out)
}

/// Where a rule's documentation is.
#[must_use]
pub fn rule_url(rule: &RuleMeta) -> String {
    format!("https://coaming.dev/rules/{}", rule.id)
}
