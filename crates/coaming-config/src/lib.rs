//! The configuration file `coaming.yaml`: which rules run, where, and what is excused.
//!
//! This crate gets text and gives a [`Config`]; who finds and reads the file is not its business,
//! and it runs nothing. Invariants:
//!
//! * What is not understood is an error with its place and, for a mistyped key, what was probably
//!   meant. Nothing is ignored silently.
//! * The JSON schema ([`schema`]) and the reader know the same keys; a test holds them together.

mod read;
mod schema;
mod values;

use std::collections::BTreeMap;

use coaming_finding::{RuleMeta, Severity};
use globset::GlobSet;
use time::Date;

pub use read::{ConfigError, parse};
pub use schema::schema;
pub use values::{InvalidValue, KubernetesVersion, PodSecurityLevel, parse_date};

/// The file's name, looked for from the scanned path upwards.
pub const FILE_NAME: &str = "coaming.yaml";

/// What the user decided.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Rules and categories to run, `ALL` for all; the default ones where empty.
    pub select: Vec<String>,
    /// Rules and categories not to run.
    pub ignore: Vec<String>,
    /// Findings that are excused, each with its reason.
    pub suppressions: Vec<Suppression>,
    /// Other severities for rules.
    pub severity: BTreeMap<String, Severity>,
    /// What is different for some paths or namespaces; later ones beat earlier ones.
    pub overrides: Vec<Override>,
    /// Paths that are not read.
    pub exclude: Vec<String>,
    /// Registries that images may come from; any where empty.
    pub allowed_registries: Vec<String>,
    /// How to reach registries.
    pub registry_access: RegistryAccess,
    /// Images at hand: archives and directories by the reference that pods name.
    pub image_archives: BTreeMap<String, String>,
    /// The Pod Security Standard to judge by, alone.
    pub standard: Option<PodSecurityLevel>,
    /// The cluster's version.
    pub kubernetes_version: Option<KubernetesVersion>,
    /// The least severity that counts.
    pub min_severity: Option<Severity>,
    /// Users' own rules.
    pub rules: Vec<CustomRule>,
    /// Files with ValidatingAdmissionPolicies to judge by.
    pub policies: Vec<String>,
    /// A file with rules for secrets, in gitleaks' format.
    pub secret_rules: Option<String>,
    /// Known vulnerabilities: where they are looked up, and which are ignored.
    pub vulnerabilities: Vulnerabilities,
}

/// How known vulnerabilities are looked up.
#[derive(Clone, Debug, Default)]
pub struct Vulnerabilities {
    /// The database; by default the one in the user's cache.
    pub database: Option<String>,
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
    /// The last day on which the entry holds; `None` if it does not expire.
    pub expires: Option<Date>,
}

/// How to reach registries, where a command does.
#[derive(Clone, Debug, Default)]
pub struct RegistryAccess {
    /// Files of certificates (PEM) that are trusted beside the system's.
    pub ca: Vec<String>,
    /// Hosts, with their ports, that have no TLS.
    pub plain_http: Vec<String>,
    /// Mirrors to ask first, by the registry's host.
    pub mirrors: BTreeMap<String, Vec<String>>,
}

/// An excuse for findings.
#[derive(Clone, Debug)]
pub struct Suppression {
    /// The rule.
    pub rule: String,
    /// The paths it holds for; all where absent.
    pub paths: Option<GlobSet>,
    /// The namespaces it holds for; all where absent.
    pub namespaces: Option<GlobSet>,
    /// The object, as `name` or `Kind/name`; all where absent.
    pub object: Option<String>,
    /// Why it is excused; empty where nothing is said.
    pub reason: String,
    /// The last day on which it holds; for ever where absent.
    pub expires: Option<Date>,
    /// The line it starts at in the file.
    pub line: u32,
}

/// What is different for some paths or namespaces.
#[derive(Clone, Debug)]
pub struct Override {
    /// The paths it holds for; all where absent.
    pub paths: Option<GlobSet>,
    /// The namespaces it holds for; all where absent.
    pub namespaces: Option<GlobSet>,
    /// Rules and categories that run here too.
    pub select: Vec<String>,
    /// Rules and categories that don't run here.
    pub ignore: Vec<String>,
    /// Other severities here.
    pub severity: BTreeMap<String, Severity>,
}

/// A rule of the user's own: a CEL expression that must be true of every object it is about.
#[derive(Clone, Debug)]
pub struct CustomRule {
    /// Its name, in kebab case.
    pub name: String,
    /// What is wrong where it does not hold.
    pub message: String,
    /// How bad that is.
    pub severity: Severity,
    /// The kinds it is about; all where empty.
    pub kinds: Vec<String>,
    /// The expression, with `object` for the object.
    pub expression: String,
    /// The line of the expression in the file.
    pub line: u32,
}

/// Whether a name (of a rule, of a category, or `ALL`) means this rule.
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
    /// Whether it is about this place.
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

    /// What becomes of a finding of this rule here: its severity if the user changed it, `None`
    /// for the finding if the rule does not run here.
    #[must_use]
    pub fn decide(
        &self,
        rule: &RuleMeta,
        severity: Severity,
        file: &str,
        namespace: &str,
    ) -> Option<Severity> {
        let mut runs = self.runs_by_default(rule);
        let mut severity = self.severity.get(rule.id.as_str()).copied().unwrap_or(severity);
        for over in self.overrides.iter().filter(|over| over.holds(file, namespace)) {
            runs |= over.select.iter().any(|name| names(name, rule));
            runs &= !over.ignore.iter().any(|name| names(name, rule));
            severity = over.severity.get(rule.id.as_str()).copied().unwrap_or(severity);
        }
        runs.then_some(severity)
    }
}

#[cfg(test)]
mod tests;
