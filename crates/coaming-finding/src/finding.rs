//! The finding itself.

use std::cmp::Reverse;

use crate::{Confidence, Fix, Location, RuleMeta, Severity};

/// The object that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// The namespace that the object names; empty where it names none.
    pub namespace: String,
    /// `metadata.name`, else `metadata.generateName`, else empty.
    pub name: String,
}

/// Why a finding does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The reason that was given.
    pub reason: String,
}

/// Something that an attacker could use, and what to do about it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static RuleMeta,
    /// How bad this one is.
    pub severity: Severity,
    /// How sure this one is.
    pub confidence: Confidence,
    /// What is so, why it matters to an attacker, what to do: in one to three sentences.
    pub message: String,
    /// The object; `None` for what is not in an object (a Dockerfile).
    pub object: Option<ObjectRef>,
    /// The container in that object, where it is about one.
    pub container: Option<String>,
    /// The places, the main one first; never empty.
    pub locations: Vec<Location>,
    /// How to repair it, where that is known.
    pub fix: Option<Fix>,
    /// Why it does not count, if somebody said so.
    pub suppressed: Option<Suppression>,
}

impl Finding {
    /// The order in which findings are shown: what an attacker can use first, then by place.
    /// Total over the findings of one run.
    #[must_use]
    pub fn rank(&self) -> impl Ord + '_ {
        let place = self
            .locations
            .first()
            .map(|location| (location.file, location.span.map(|span| span.start), &location.path));
        (
            Reverse(self.severity),
            Reverse(self.confidence),
            self.rule.category,
            self.rule.name,
            place,
            &self.object,
            &self.container,
            &self.message,
        )
    }
}
