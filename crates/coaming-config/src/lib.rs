//! The configuration file `coaming.yaml`: which rules run, where, and what is suppressed.
//!
//! This crate turns text into a [`Config`]. It does not find or open the file, and runs nothing.
//! Invariants:
//!
//! * Everything that is not understood is an error with its location and, for a mistyped key, a
//!   suggestion. Nothing is ignored silently.
//! * The JSON schema ([`schema`]) and the reader have the same keys; a test compares them.

mod base;
mod read;
mod schema;
mod values;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_finding::{RuleMeta, Severity};
use coaming_yaml::Span;
use globset::GlobSet;
use time::Date;

pub use base::PatternBase;
pub use read::{ConfigError, parse};
pub use schema::schema;
pub use values::{InvalidValue, KubernetesVersion, PodSecurityLevel, Standard, parse_date};

/// The name of the file, which is searched for at and above the scanned path.
pub const FILE_NAME: &str = "coaming.yaml";

/// The user's settings.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Rules and categories to run, `ALL` for all; if empty, the default ones.
    pub select: Vec<String>,
    /// Rules and categories not to run.
    pub ignore: Vec<String>,
    /// Suppressions, each with its reason.
    pub suppressions: Vec<Suppression>,
    /// Changed severities of rules.
    pub severity: BTreeMap<String, Severity>,
    /// Settings for some paths or namespaces; later ones override earlier ones.
    pub overrides: Vec<Override>,
    /// Paths that are not read.
    pub exclude: Vec<String>,
    /// Where the patterns of paths start.
    pub base: PatternBase,
    /// The file itself; `None` where there is none.
    pub file: Option<ConfigFile>,
    /// Whether only a part of the file's directory is scanned: an entry about another part is then
    /// not known to be unused.
    pub partial: bool,
    /// Registries that images may come from; if empty, any.
    pub allowed_registries: Vec<String>,
    /// How to reach registries.
    pub registry_access: RegistryAccess,
    /// Images available locally: archives and directories, by the reference in pods.
    pub image_archives: BTreeMap<String, String>,
    /// Whose signatures of images count.
    pub signatures: Signatures,
    /// If set, only this standard is checked.
    pub standard: Option<Standard>,
    /// The cluster's version.
    pub kubernetes_version: Option<KubernetesVersion>,
    /// The lowest severity to report.
    pub min_severity: Option<Severity>,
    /// Users' own rules.
    pub rules: Vec<CustomRule>,
    /// Files with ValidatingAdmissionPolicies to evaluate.
    pub policies: Vec<String>,
    /// A file with rules for secrets, in gitleaks' format.
    pub secret_rules: Option<String>,
    /// Known vulnerabilities: the database, and which ones are ignored.
    pub vulnerabilities: Vulnerabilities,
    /// How charts are installed.
    pub releases: Vec<Release>,
    /// Every rule and category that the file names, in the order of the text.
    pub named_rules: Vec<NamedRule>,
}

/// One way in which a chart is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// The chart's directory.
    pub chart: String,
    /// The release's name.
    pub name: Option<String>,
    /// The namespace that it is installed in.
    pub namespace: Option<String>,
    /// Files of values; later ones win.
    pub values: Vec<String>,
    /// The version of its cluster.
    pub kubernetes_version: Option<KubernetesVersion>,
    /// The line and the column of the entry, from 1.
    pub position: (u32, u32),
}

/// The file that a configuration was read from.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Its name for users.
    pub name: String,
    /// Its text.
    pub text: Arc<str>,
}

/// A rule or category that the file names; whether it exists is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRule {
    /// The name.
    pub name: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

/// How known vulnerabilities are looked up.
#[derive(Clone, Debug, Default)]
pub struct Vulnerabilities {
    /// The database; by default the one in the user's cache.
    pub database: Option<String>,
    /// The index that names Java archives by their SHA-1; by default the one in the user's cache.
    pub java_index: Option<String>,
    /// VEX documents that declare what is not affected or fixed.
    pub vex: Vec<String>,
    /// The accepted vulnerabilities.
    pub ignore: Vec<IgnoredVulnerability>,
}

/// A known vulnerability that is ignored.
#[derive(Clone, Debug, Default)]
pub struct IgnoredVulnerability {
    /// The vulnerability, by any of its names: `CVE-…`, `GHSA-…`.
    pub id: String,
    /// The package, by its name or its package URL; empty means all packages.
    pub package: String,
    /// Why it is ignored; without a reason the entry has no effect.
    pub reason: String,
    /// The last day of the entry's validity; `None` if it does not expire.
    pub expires: Option<Date>,
}

/// Whose signatures of images count; by default nobody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signatures {
    /// Files of public keys in PEM.
    pub keys: Vec<String>,
    /// Who certificates may name.
    pub identities: Vec<Signer>,
    /// The authorities and logs that identities need: Sigstore's `trusted_root.json`.
    pub trusted_root: Option<String>,
}

/// Who a certificate names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signer {
    /// A mail address or a URI.
    pub identity: String,
    /// Who vouches for it: `https://token.actions.githubusercontent.com`.
    pub issuer: String,
}

impl Signatures {
    /// Whether nobody is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.identities.is_empty()
    }
}

/// How to reach registries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryAccess {
    /// Files of CA certificates (PEM) that are trusted in addition to the system's.
    pub ca: Vec<String>,
    /// Hosts, with their ports, that are reached by plain HTTP.
    pub plain_http: Vec<String>,
    /// Mirrors to ask first, by the registry's host.
    pub mirrors: BTreeMap<String, Vec<String>>,
}

/// A suppression of findings.
#[derive(Clone, Debug)]
pub struct Suppression {
    /// The rule.
    pub rule: String,
    /// The paths that it applies to; if empty, all.
    pub paths: Option<GlobSet>,
    /// The namespaces that it applies to; if empty, all.
    pub namespaces: Option<GlobSet>,
    /// The object, as `name` or `Kind/name`; if absent, all.
    pub object: Option<String>,
    /// Why the findings are acceptable; empty if no reason is given.
    pub reason: String,
    /// The last day of validity; `None` if it does not expire.
    pub expires: Option<Date>,
    /// Where it is in the file.
    pub span: Span,
}

/// Settings for some paths or namespaces.
#[derive(Clone, Debug)]
pub struct Override {
    /// The paths that it applies to; if empty, all.
    pub paths: Option<GlobSet>,
    /// The namespaces that it applies to; if empty, all.
    pub namespaces: Option<GlobSet>,
    /// Rules and categories that also run here.
    pub select: Vec<String>,
    /// Rules and categories that do not run here.
    pub ignore: Vec<String>,
    /// Changed severities here.
    pub severity: BTreeMap<String, Severity>,
}

/// A user's rule: a CEL expression that must be true for every object of the given kinds.
#[derive(Clone, Debug)]
pub struct CustomRule {
    /// Its name, in kebab case.
    pub name: String,
    /// The problem if the expression is false.
    pub message: String,
    /// The severity of that problem.
    pub severity: Severity,
    /// The kinds of objects to check; if empty, all.
    pub kinds: Vec<String>,
    /// The expression, with `object` for the object.
    pub expression: String,
    /// The line of the expression in the file.
    pub line: u32,
}

/// Whether a name (of a rule, of a category, or `ALL`) matches this rule.
#[must_use]
pub fn names(name: &str, rule: &RuleMeta) -> bool {
    name == "ALL" || rule.id == *name || name == rule.category.as_str()
}

impl Override {
    fn holds(&self, file: &str, namespace: &str) -> bool {
        matches(self.paths.as_ref(), file) && matches(self.namespaces.as_ref(), namespace)
    }
}

impl Suppression {
    /// Whether it applies to this object. The path is relative to the configuration
    /// ([`PatternBase::relative`]).
    #[must_use]
    pub fn holds(&self, file: &str, namespace: &str, kind: &str, name: &str) -> bool {
        let object = self.object.as_deref().is_none_or(|object| match object.split_once('/') {
            Some((of_kind, named)) => of_kind.eq_ignore_ascii_case(kind) && named == name,
            None => object == name,
        });
        object && matches(self.paths.as_ref(), file) && matches(self.namespaces.as_ref(), namespace)
    }
}

fn matches(globs: Option<&GlobSet>, text: &str) -> bool {
    globs.is_none_or(|globs| globs.is_match(text))
}

impl Config {
    /// Whether a rule runs anywhere.
    #[must_use]
    pub fn runs(&self, rule: &RuleMeta) -> bool {
        let selects = |over: &Override| over.select.iter().any(|name| names(name, rule));
        self.runs_by_default(rule) || self.overrides.iter().any(selects)
    }

    fn runs_by_default(&self, rule: &RuleMeta) -> bool {
        let chosen = if self.select.is_empty() {
            rule.default
        } else {
            self.select.iter().any(|name| names(name, rule))
        };
        chosen && !self.ignore.iter().any(|name| names(name, rule))
    }

    /// The outcome for a finding of this rule here: its severity if the user changed it; `None` if
    /// the rule does not run here.
    #[must_use]
    pub fn decide(
        &self,
        rule: &RuleMeta,
        severity: Severity,
        file: &str,
        namespace: &str,
    ) -> Option<Severity> {
        let mut runs = self.runs_by_default(rule);
        let file =
            if self.overrides.is_empty() { Cow::Borrowed(file) } else { self.base.relative(file) };
        let mut severity = self.severity.get(rule.id.as_str()).copied().unwrap_or(severity);
        for over in self.overrides.iter().filter(|over| over.holds(&file, namespace)) {
            runs |= over.select.iter().any(|name| names(name, rule));
            runs &= !over.ignore.iter().any(|name| names(name, rule));
            severity = over.severity.get(rule.id.as_str()).copied().unwrap_or(severity);
        }
        runs.then_some(severity)
    }
}

#[cfg(test)]
mod tests;
