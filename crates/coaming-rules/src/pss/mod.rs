//! The Pod Security Standards, judged as Kubernetes' own Pod Security admission judges.
//!
//! [`check`] answers for one pod, one [`Level`] and one [`Version`] of the policy. Invariants:
//!
//! * A pod violates nothing here exactly when Pod Security admission of the newest supported
//!   Kubernetes, pinned to that policy version, admits it. The controls, their revisions and
//!   their overrides are one table, `CONTROLS`; each control is one function.
//! * Fields read as the API server reads them: `null` is absent, a text that may be empty is
//!   absent when empty, a volume without a source is an `emptyDir`. A field of the wrong type
//!   reads as absent: the API server refuses the whole object for it, and the schema reports it.
//! * There is one violation for each control and place that one repair serves, and its edits make
//!   the pod pass that control. Order: the table's, then the pod before its containers, then as
//!   in the text.
//!
//! Source: `k8s.io/pod-security-admission/policy` of Kubernetes 1.37, and
//! <https://kubernetes.io/docs/concepts/security/pod-security-standards/>.

mod baseline;
mod controls;
mod place;
mod profiles;
mod restricted;

use coaming_finding::Applicability;
use coaming_kube::PodSpec;
use coaming_yaml::edit::Edit;

pub use coaming_config::{KubernetesVersion as Version, PodSecurityLevel as Level};
pub use controls::{Control, controls};
pub use place::Place;

/// One thing to do, so that a pod passes a control.
#[derive(Clone, Debug)]
pub struct Violation<'a> {
    /// What is violated.
    pub control: &'static Control,
    /// The name of the container that violates it; `None` where the pod itself does.
    pub container: Option<&'a str>,
    /// What is wrong: a clause without a full stop.
    pub reason: String,
    /// What to do about it, as an order.
    pub remedy: String,
    /// The offending values, and the fields that are to be added. Never empty.
    pub places: Vec<Place<'a>>,
    /// What makes the pod pass; empty where only a person can know.
    pub edits: Vec<Edit>,
}

impl Violation<'_> {
    /// Whether the edits may be applied without asking: no, for what a standard forbids an
    /// application may still need.
    #[must_use]
    pub fn applicability(&self) -> Applicability {
        if self.edits.is_empty() { Applicability::Manual } else { Applicability::Unsafe }
    }
}

/// What in this pod violates the standard; nothing if Pod Security admission would let it in.
#[must_use]
pub fn check<'a>(pod: PodSpec<'a>, level: Level, version: Version) -> Vec<Violation<'a>> {
    let mut check = place::Check::new(pod);
    for (control, revision) in controls::active(level, version) {
        check.run(control, revision);
    }
    check.into_violations()
}
