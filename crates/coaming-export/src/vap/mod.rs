//! Rules as ValidatingAdmissionPolicies with bindings.
//!
//! Each rule is one policy, so that it can be bound, tried and removed alone. A policy has one
//! binding for each mode, which select namespaces by the label of the webhook: a cluster that moves
//! from one to the other keeps its labels.

mod cel;
mod images;
mod manifest;
mod objects;
mod pods;
mod reasons;
mod volumes;

use std::collections::BTreeSet;
use std::io::{self, Write};

use coaming_admission::{Guard, Mode};
use coaming_config::Config;
use coaming_finding::RuleMeta;
use coaming_rules::Rule;
use coaming_yaml::edit::Value;

pub use reasons::Reason;

/// How the API server gets the policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As objects of the API: `kubectl apply`.
    #[default]
    Objects,
    /// As files in the API server's `staticManifestsDir` (1.36 and later), which nobody can change
    /// through the API.
    Manifest,
}

/// What the exported policies depend on.
#[derive(Debug)]
pub struct Options {
    /// How the API server gets them.
    pub form: Form,
    /// The mode of namespaces without the label [`coaming_admission::MODE_LABEL`].
    pub mode: Mode,
    /// What is never judged.
    pub guard: Guard,
}

impl Default for Options {
    fn default() -> Self {
        Self { form: Form::default(), mode: Mode::Warn, guard: Guard::default() }
    }
}

/// A rule as a policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The rule.
    pub rule: &'static RuleMeta,
    /// The policy's name.
    pub name: String,
    /// The names of its bindings.
    pub bindings: Vec<String>,
    /// The objects to apply: the policy, then its bindings.
    pub objects: Vec<Value>,
}

/// A selected rule that is not a policy.
#[derive(Clone, Copy, Debug)]
pub struct Omission {
    /// The rule.
    pub rule: &'static RuleMeta,
    /// Why not.
    pub reason: Reason,
}

/// The rules of a configuration, as far as CEL can express them.
#[derive(Clone, Debug)]
pub struct Export {
    /// What can be expressed, in the order of the documentation.
    pub policies: Vec<Policy>,
    /// What cannot, in the same order.
    pub omissions: Vec<Omission>,
}

impl Export {
    /// Writes the objects as YAML documents, after a comment that says how to apply and to remove
    /// them, and what is missing.
    ///
    /// # Errors
    ///
    /// What writing to `out` gives.
    pub fn write_yaml(&self, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        crate::render::policies_yaml(self, options, out)
    }

    /// Writes the policies and what is missing as JSON.
    ///
    /// # Errors
    ///
    /// What writing to `out` gives.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        crate::render::policies_json(self, out)
    }
}

/// Exports the rules that the configuration selects.
#[must_use]
pub fn export(config: &Config, options: &Options) -> Export {
    let selected: Vec<&'static Rule> =
        coaming_rules::all().iter().filter(|rule| config.runs(rule.meta)).collect();
    let enabled = Enabled(selected.iter().map(|rule| rule.meta.id.as_str()).collect());
    let mut expressed = pods::expressed(&enabled);
    expressed.extend(images::expressed(&enabled, &config.allowed_registries));
    expressed.extend(volumes::expressed());
    expressed.extend(objects::expressed());
    let (mut policies, mut omissions) = (Vec::new(), Vec::new());
    for rule in selected {
        let meta = rule.meta;
        match expressed.iter().find(|expressed| meta.id == *expressed.rule) {
            Some(expressed) => policies.push(manifest::policy(meta, expressed, options)),
            None => omissions.push(Omission { rule: meta, reason: reasons::of(rule) }),
        }
    }
    Export { policies, omissions }
}

/// The rules that run: some leave to another one what that one reports.
struct Enabled(BTreeSet<&'static str>);

impl Enabled {
    fn has(&self, rule: &str) -> bool {
        self.0.contains(rule)
    }

    /// `condition` as a further condition, if another rule reports what it excludes.
    fn unless(&self, rule: &str, condition: &str) -> String {
        if self.has(rule) { format!(" && !({condition})") } else { String::new() }
    }
}

/// A rule in CEL.
#[derive(Clone, Debug)]
struct Expressed {
    /// The rule.
    rule: &'static str,
    /// What its condition is about.
    subject: Subject,
    /// True where the rule finds something; `c` is the container.
    condition: String,
}

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// One container of a pod, wherever a pod is described.
    Container,
    /// A pod, wherever one is described.
    Pod,
    /// A field of a workload itself, below `object`.
    Workload(&'static str),
    /// A field of another kind of object, below `object`.
    Object(Resource, &'static str),
}

/// A resource of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Resource {
    group: &'static str,
    version: &'static str,
    name: &'static str,
}

impl Expressed {
    fn container(rule: &'static str, condition: impl Into<String>) -> Self {
        Self { rule, subject: Subject::Container, condition: condition.into() }
    }

    fn pod(rule: &'static str, condition: impl Into<String>) -> Self {
        Self { rule, subject: Subject::Pod, condition: condition.into() }
    }
}
