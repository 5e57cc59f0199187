//! Users' own rules: CEL expressions from `coaming.yaml` and plain ValidatingAdmissionPolicies,
//! evaluated offline.
//!
//! `kube-cel` provides the language and Kubernetes' libraries. This crate selects the objects of a
//! rule, binds them, and reports findings for expressions that are false. Invariants:
//!
//! * An expression that does not compile is an error with its location, before anything runs.
//! * Cost is bounded: the length of expressions, the depth of their loops, and the product of loops
//!   and object size. Expressions that may cost more are not evaluated, and this is reported.
//! * Field names are those of Kubernetes' CEL: `object.metadata.__namespace__`.

mod cost;
mod policy;
mod rule;

use std::sync::Arc;

use coaming_config::CustomRule;
use coaming_finding::{Finding, RuleMeta};
use coaming_kube::{SourceId, World};
use rayon::prelude::*;

use rule::Compiled;

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
}

impl CustomRules {
    /// Compiles rules, and the policies among the objects of `policies`.
    ///
    /// # Errors
    ///
    /// Every expression that does not compile, or is too long or too deep to be evaluated safely.
    pub fn compile(rules: &[CustomRule], policies: &World) -> Result<Self, Vec<CompileError>> {
        let (mut compiled, mut errors) = (Vec::new(), Vec::new());
        let own = rules.iter().map(rule::compile);
        let of_policies = policies
            .of_kind("ValidatingAdmissionPolicy")
            .filter(|object| object.group() == "admissionregistration.k8s.io")
            .map(|object| policy::compile(policies, object));
        for outcome in own.chain(of_policies) {
            match outcome {
                Ok(rule) => compiled.push(rule),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(Self { rules: compiled }) } else { Err(errors) }
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

    /// The findings in one source, computed on the calling thread.
    #[must_use]
    pub fn review(&self, world: &World, subject: SourceId) -> Vec<Finding> {
        let judge = |rule: &Compiled| {
            let objects = world.objects_in(subject);
            objects.filter_map(|object| rule.judge(world, object)).collect::<Vec<_>>()
        };
        self.rules.iter().flat_map(judge).collect()
    }

    /// The findings, in the order of the rules and then of the objects.
    #[must_use]
    pub fn run(&self, world: &World) -> Vec<Finding> {
        let objects: Vec<_> = world.objects().collect();
        self.rules
            .iter()
            .flat_map(|rule| {
                let found: Vec<Finding> =
                    objects.par_iter().filter_map(|object| rule.judge(world, *object)).collect();
                found
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
