//! The finding itself.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use crate::{AttackWay, Confidence, Fix, Location, RuleRef, Severity};

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

/// What the provider of a credential answers when it is asked whether the credential is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// The provider: `github`.
    pub provider: String,
    /// `live`, `dead` or `unknown`.
    pub status: &'static str,
    /// Whose credential it is, as the provider names it.
    pub account: Option<String>,
    /// What the credential may do, as the provider names it.
    pub rights: Option<String>,
    /// Why the status is unknown.
    pub reason: Option<String>,
}

/// The commit of a git repository that brought what a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitRef {
    /// The object id in hexadecimal digits.
    pub id: String,
    /// The day of the author's change, as in `2026-03-31`; `None` if the commit does not have a valid
    /// date.
    pub date: Option<String>,
    /// Whether the commit that is checked out no longer has it.
    pub is_removed: bool,
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
    /// The oldest commit with it, if a history was searched.
    pub commit: Option<Arc<CommitRef>>,
    /// What the provider of the credential answered, if it was asked.
    pub verification: Option<Box<Verification>>,
    /// The way of an attacker from an entry to something of value that it is on, if it is on one.
    pub way: Option<Arc<AttackWay>>,
}

impl Finding {
    /// The order in which findings are shown: those on a way to something of value first, then the
    /// most severe, then by location. It is total over the findings of one run.
    #[must_use]
    pub fn rank(&self) -> impl Ord + '_ {
        let place = self.locations.first().map(|location| {
            (location.source, location.span.map(|span| span.start), &location.path)
        });
        (
            self.way.is_none(),
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
