//! Findings: `scan`, `secrets`, `secrets etcd`, `rules`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A report of findings.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The version of this format: 1.
    pub version: u32,
    /// The findings, worst first.
    pub findings: Vec<Finding>,
    /// The inputs that could not be handled.
    pub errors: Vec<InputError>,
    /// What was not evaluated.
    pub notes: Vec<Note>,
    /// The numbers.
    pub summary: Summary,
    /// The controls of a compliance framework, with `--standard`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compliance: Option<Compliance>,
    /// What an etcd store contains, with `secrets etcd`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etcd: Option<EtcdStore>,
}

/// A finding.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The name of the rule.
    pub rule: String,
    /// The category of the rule.
    pub category: String,
    /// How bad it is.
    pub severity: Severity,
    /// How certain it is.
    pub confidence: Confidence,
    /// What is wrong.
    pub message: String,
    /// What an attacker does with it.
    pub why: String,
    /// What to do about it.
    pub help: String,
    /// The object; absent for files without objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Object>,
    /// The container in the object, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The locations, the main one first.
    pub locations: Vec<Location>,
    /// The fix, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// Whether the user suppressed it.
    pub suppressed: bool,
    /// Why the user suppressed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppression_reason: Option<String>,
    /// The overlays and charts that have it, if the input has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variants: Option<Vec<String>>,
    /// The oldest commit with it, with `secrets --git`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// What the provider of a credential answered, with `secrets --verify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// The attack path from an entry to something of value that it is on, with `scan`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<AttackWay>,
}

/// An attack path that a finding is on; `coaming breach` shows it in full.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttackWay {
    /// Where it starts, in words.
    pub from: String,
    /// Where it ends, in words.
    pub to: String,
    /// The names of its steps.
    pub steps: Vec<String>,
}

/// A compliance framework with the results of its controls.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compliance {
    /// Its name on the command line: `cis-1.12`.
    pub framework: String,
    /// Its title.
    pub title: String,
    /// Its controls, in its order.
    pub controls: Vec<Control>,
}

/// A control of a compliance framework.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Its number or name.
    pub id: String,
    /// What it asks for, in short.
    pub title: String,
    /// The result.
    pub status: ControlStatus,
    /// How many findings it has.
    pub findings: usize,
    /// Why it was not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The result of a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ControlStatus {
    /// It has findings.
    Failed,
    /// Its rules ran on what it is about, and found nothing.
    Passed,
    /// It was not checked, for the given reason.
    NotChecked,
}

/// How bad a finding is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good practice.
    Low,
    /// Helps an attacker.
    Medium,
    /// Gives an attacker something.
    High,
    /// Gives an attacker the node or the cluster.
    Critical,
}

/// How certain a finding is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// It may be wrong.
    Low,
    /// It is probably right.
    Medium,
    /// It is right.
    High,
}

/// An object of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// The namespace as written; empty if it has none.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// A place in the input.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// The file, as the user named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The field in its object: `spec.containers[0]`.
    pub path: String,
    /// The line, from 1; absent where the text is not the user's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The line in which it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// The column before which it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
    /// How it relates to the finding; may be empty.
    pub label: String,
}

/// A fix.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fix {
    /// What it does.
    pub title: String,
    /// Whether it may be applied without asking.
    pub applicability: Applicability,
    /// The text to paste, if only a person can make the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
}

/// Whether a fix may be applied without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// A working application keeps working.
    Safe,
    /// It may break the application.
    Unsafe,
    /// Only a person can make the change.
    Manual,
}

/// A commit of a git repository.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// Its object id.
    pub id: String,
    /// The day of the change: `2026-03-31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Whether the commit that is checked out no longer has what was found.
    pub removed: bool,
}

/// What the provider of a credential answered.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// The provider: `github`.
    pub provider: String,
    /// `live`, `dead` or `unknown`.
    pub status: String,
    /// Whose credential it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What it may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rights: Option<String>,
    /// Why the status is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An input that could not be handled.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputError {
    /// The input.
    pub file: String,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What is wrong.
    pub message: String,
}

/// What was not evaluated.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// What was not evaluated, and why.
    pub message: String,
    /// How many objects or files that concerns.
    pub count: u64,
}

/// The numbers of a report.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The files that were read.
    pub files: u64,
    /// The documents in them.
    pub documents: u64,
    /// The objects with pods.
    pub workloads: u64,
    /// The findings that are not suppressed.
    pub findings: SeverityCounts,
    /// The findings that the baseline has already, with `--baseline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<u64>,
}

/// Findings by severity.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeverityCounts {
    /// Critical ones.
    pub critical: u64,
    /// High ones.
    pub high: u64,
    /// Medium ones.
    pub medium: u64,
    /// Low ones.
    pub low: u64,
}

/// How many findings each rule has.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// The version of this format: 1.
    pub version: u32,
    /// The rules with findings, those with the most first.
    pub statistics: Vec<RuleCount>,
}

/// The findings of a rule, counted.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleCount {
    /// The name of the rule.
    pub rule: String,
    /// Its category.
    pub category: String,
    /// The worst of its findings.
    pub severity: Severity,
    /// How many there are.
    pub count: u64,
    /// How many have a fix that `fix` applies without `--unsafe`.
    pub fixable: u64,
    /// The problem that it looks for.
    pub summary: String,
}

/// A rule.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleEntry {
    /// Its name.
    pub name: String,
    /// The problem that it looks for.
    pub summary: String,
    /// Its category.
    pub category: String,
    /// The severity of its findings, unless they say another one.
    pub severity: Severity,
    /// Whether it runs by default.
    pub default: bool,
    /// What it corresponds to in standards.
    pub standards: Vec<String>,
    /// Its page.
    pub url: String,
}

/// What an etcd store contains.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EtcdStore {
    /// The size of the database.
    pub bytes: u64,
    /// `verified`, `wrong` or `absent`.
    pub checksum: String,
    /// Its pages.
    pub pages: u64,
    /// The pages that are free, and may still hold old values.
    pub free_pages: u64,
    /// The revisions in it.
    pub revisions: u64,
    /// The newest revision.
    pub revision: u64,
    /// The revision up to which older ones were removed.
    pub compacted_revision: u64,
    /// Other files that were read: the write-ahead log.
    pub other_files: Vec<String>,
    /// The objects that are Secrets, or that hold secrets.
    pub objects: Vec<EtcdObject>,
}

/// An object in an etcd store.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EtcdObject {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its key in the store.
    pub key: String,
    /// `encrypted`, `plain`, `harmless`, `deleted`, `gone` or `unknown`.
    pub state: String,
    /// The revision that this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// The provider that encrypted it: `aescbc`, `kms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The version of the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_version: Option<String>,
    /// The name of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_key: Option<String>,
    /// Older revisions in plain text.
    pub plain_old_revisions: Vec<u64>,
    /// Free pages with it in plain text.
    pub plain_free_pages: Vec<u64>,
    /// Other files with it in plain text.
    pub plain_other_files: Vec<String>,
}
