//! Users' own rules: CEL expressions from `coaming.yaml` and plain ValidatingAdmissionPolicies,
//! evaluated offline.
//!
//! The language (`lang`) and the libraries of functions (`library`) are this crate's own, and tests
//! compare them with the API server's evaluator: what a cluster refuses at load is an error here,
//! and what it denies is a finding. Invariants:
//!
//! * An expression that does not compile is an error with its location, before anything runs.
//! * Cost is bounded: an evaluation counts its steps, and one that exceeds the budget fails.
//! * An object is converted once for all rules, and an expression is compiled once.

mod binding;
pub mod definitions;
mod expression;
mod fields;
mod kinds;
mod lang;
mod library;
mod matching;
mod policy;
mod rule;
mod subject;

use std::sync::Arc;

use coaming_config::CustomRule;
use coaming_finding::{Finding, RuleMeta};
use coaming_kube::{ApiRequest, SourceId, World};
use rayon::prelude::*;

use rule::{Compiled, Scope};
use subject::{Operation, Subject};

/// Why a rule or policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// The file that contains it, as the user named it; empty for `coaming.yaml`.
    pub file: String,
    /// Its line, from 1; 0 if it has none.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

/// The user's own rules, ready to run.
#[derive(Debug, Default)]
pub struct CustomRules {
    rules: Vec<Compiled>,
    /// The files of policies: they hold parameters, too.
    policies: World,
}

impl CustomRules {
    /// Compiles rules, and the policies among the objects of `policies`.
    ///
    /// # Errors
    ///
    /// Every expression that an API server would refuse, and every policy that is not valid.
    pub fn compile(rules: &[CustomRule], policies: World) -> Result<Self, Vec<CompileError>> {
        let (mut compiled, mut errors) = (Vec::new(), Vec::new());
        let own = rules.iter().map(rule::compile);
        let of_policies = policies
            .of_kind("ValidatingAdmissionPolicy")
            .filter(|object| object.group() == "admissionregistration.k8s.io")
            .map(|object| policy::compile(&policies, object));
        for outcome in own.chain(of_policies) {
            match outcome {
                Ok(rule) => compiled.push(rule),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            return Ok(Self { rules: compiled, policies });
        }
        // The input is not read after an error, so what is evidently misspelt is reported with it.
        for rule in rules {
            for kind in rule.kinds.iter().filter(|kind| !is_known(kind, &[&policies])) {
                let near = nearest(kind, &policies);
                errors
                    .extend(near.map(|near| unknown_kind(&rule.name, rule.line, kind, Some(near))));
            }
        }
        errors.sort_by(|left, right| (&left.file, left.line).cmp(&(&right.file, right.line)));
        Err(errors)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The descriptions of the rules.
    pub fn metas(&self) -> impl Iterator<Item = &Arc<RuleMeta>> {
        self.rules.iter().map(|rule| &rule.meta)
    }

    /// The rules for kinds that neither Kubernetes has nor a CustomResourceDefinition or an object
    /// of the input: they would never run.
    #[must_use]
    pub fn unknown_kinds(&self, world: &World) -> Vec<CompileError> {
        let mut errors = Vec::new();
        for rule in &self.rules {
            let Scope::Kinds(wanted) = &rule.scope else { continue };
            for kind in wanted.iter().filter(|kind| !is_known(kind, &[world, &self.policies])) {
                let near = nearest(kind, world);
                errors.push(unknown_kind(rule.meta.id.as_str(), rule.line, kind, near));
            }
        }
        errors
    }

    /// The names of the rules that are about requests: they read the object as it was before, or who
    /// asks. What they find is not in the object alone.
    pub fn of_requests(&self) -> impl Iterator<Item = &Arc<RuleMeta>> {
        self.rules.iter().filter(|rule| rule.sees_request()).map(|rule| &rule.meta)
    }

    /// The findings in one source, computed on the calling thread. Without a request, its objects are
    /// created.
    #[must_use]
    pub fn review(
        &self,
        world: &World,
        subject: SourceId,
        request: Option<ApiRequest<'_>>,
    ) -> Vec<Finding> {
        let subjects: Vec<Subject<'_>> = world
            .objects_in(subject)
            .map(|object| Subject::new(world, &self.policies, object, request))
            .collect();
        let operation = match request {
            Some(ApiRequest { is_update: true, .. }) => &[Operation::Update],
            _ => &[Operation::Create],
        };
        let judge = |rule: &Compiled| {
            subjects.iter().filter_map(|subject| rule.judge(subject, operation)).collect::<Vec<_>>()
        };
        self.rules.iter().flat_map(judge).collect()
    }

    /// The findings, in the order of the rules and then of the objects.
    #[must_use]
    pub fn run(&self, world: &World) -> Vec<Finding> {
        if self.rules.is_empty() {
            return Vec::new();
        }
        let objects: Vec<_> = world.objects().collect();
        // A manifest is applied to create its object, and later to update it.
        let applied = &Operation::ALL;
        let mut found: Vec<(usize, Finding)> = objects
            .par_iter()
            .flat_map_iter(|object| {
                let subject = Subject::new(world, &self.policies, *object, None);
                let judge = |(position, rule): (usize, &Compiled)| {
                    Some((position, rule.judge(&subject, applied)?))
                };
                self.rules.iter().enumerate().filter_map(judge).collect::<Vec<_>>()
            })
            .collect();
        found.sort_by_key(|(position, _)| *position);
        found.into_iter().map(|(_, finding)| finding).collect()
    }
}

/// Whether Kubernetes has a kind, or one of the worlds an object or a definition of it.
fn is_known(kind: &str, worlds: &[&World]) -> bool {
    kinds::built_in_kinds().any(|known| known == kind)
        || worlds.iter().any(|world| {
            world.of_kind(kind).next().is_some()
                || kinds::defined_kinds(world).any(|known| known == kind)
        })
}

/// The kind that was probably meant.
fn nearest<'w>(kind: &str, world: &'w World) -> Option<&'w str> {
    // `apps/v1/Deployment` and `deployments.apps` name a kind with more than it takes.
    let plain = kind.rsplit('/').next().unwrap_or(kind);
    let plain = plain.split('.').next().unwrap_or(plain);
    let mut known: Vec<&str> = kinds::defined_kinds(world).collect();
    for kind in kinds::built_in_kinds() {
        known.push(kind);
    }
    let same = known.iter().find(|known| known.eq_ignore_ascii_case(plain));
    same.copied().or_else(|| coaming_text::nearest(plain, known.iter().copied()))
}

fn unknown_kind(rule: &str, line: u32, kind: &str, near: Option<&str>) -> CompileError {
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    CompileError {
        file: String::new(),
        line,
        message: format!(
            "rule `{rule}`: there is no kind `{kind}` in Kubernetes or in the input{hint}"
        ),
    }
}

#[cfg(test)]
mod tests;
