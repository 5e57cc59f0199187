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
    /// The object's namespace as written; empty if it has none.
    pub namespace: String,
    /// `metadata.name`, or else `metadata.generateName`, or else empty.
    pub name: String,
}

/// Why a finding is suppressed.
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
    /// The severity of this finding.
    pub severity: Severity,
    /// The confidence in this finding.
    pub confidence: Confidence,
    /// What is wrong: one clause with names, without a full stop.
    pub message: String,
    /// What an attacker does with it: one or two sentences.
    pub why: Cow<'static, str>,
    /// What to do about it: one or two sentences in the imperative.
    pub help: Cow<'static, str>,
    /// The object; `None` for a file without objects (a Dockerfile).
    pub object: Option<ObjectRef>,
    /// The container in that object, if the finding is about one.
    pub container: Option<String>,
    /// The locations, the main one first; empty only for a setting without a location.
    pub locations: Vec<Location>,
    /// The fix, if there is one.
    pub fix: Option<Fix>,
    /// The suppression, if the user suppressed the finding.
    pub suppressed: Option<Suppression>,
    /// The variants (overlays, chart releases) with this finding, sorted; empty if the input has a
    /// single variant.
    pub variants: Vec<Arc<str>>,
}

impl Finding {
    /// The order in which findings are shown: most severe first, then by location. It is total over
    /// the findings of one run.
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
