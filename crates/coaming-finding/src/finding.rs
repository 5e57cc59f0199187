//! The finding itself.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use crate::{Confidence, Fix, Location, RuleRef, Severity};

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
    /// The reason that the user gave.
    pub reason: String,
}

/// Something that an attacker could use, and what to do about it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that found it.
    pub rule: RuleRef,
    /// How bad this one is.
    pub severity: Severity,
    /// How certain this one is.
    pub confidence: Confidence,
    /// What is wrong: one clause with names, without a full stop.
    pub message: String,
    /// What an attacker does with it: one or two sentences.
    pub why: Cow<'static, str>,
    /// What to do about it: one or two sentences in the imperative.
    pub help: Cow<'static, str>,
    /// The object; `None` for a file that holds no objects (a Dockerfile).
    pub object: Option<ObjectRef>,
    /// The container in that object, where it is about one.
    pub container: Option<String>,
    /// The places, the main one first; empty only for what has no place (a setting).
    pub locations: Vec<Location>,
    /// How to fix it, where that is known.
    pub fix: Option<Fix>,
    /// Why it does not count, where the user suppressed it.
    pub suppressed: Option<Suppression>,
    /// The variants (overlays, chart releases) that have it, sorted; empty where the input has a
    /// single variant.
    pub variants: Vec<Arc<str>>,
}

impl Finding {
    /// The order in which findings are shown: what an attacker can use first, then by place.
    /// Total over the findings of one run.
    #[must_use]
    pub fn rank(&self) -> impl Ord + '_ {
        let place = self.locations.first().map(|location| {
            (location.source, location.span.map(|span| span.start), &location.path)
        });
        (
            Reverse(self.severity),
            Reverse(self.confidence),
            self.rule.category,
            &self.rule.id,
            place,
            &self.object,
            &self.container,
            &self.message,
        )
    }

    /// Whether two findings report the same problem at the same place.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.rule.id == other.rule.id
            && self.object == other.object
            && self.container == other.container
            && self.locations == other.locations
            && self.message == other.message
    }
}
