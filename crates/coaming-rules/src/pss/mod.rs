//! The Pod Security Standards, judged as Kubernetes' own Pod Security admission judges.
//!
//! [`check`] answers for one pod, one [`Level`] and one [`Version`] of the policy. Invariants:
//!
//! * A pod violates nothing here exactly when Pod Security admission of the newest supported
//!   Kubernetes, pinned to that policy version, admits it. The controls, their revisions and
//!   their overrides are one table, `CONTROLS`; each control is one function.
//! * Fields are read as the API server reads them: `null` is absent, an optional text is absent
//!   when empty, a volume without a source is an `emptyDir`. A field of the wrong type is absent:
//!   the API server rejects the whole object for it, and the schema rules report it.
//! * There is one violation for each control and each edit that fixes it, and the edits make the
//!   pod pass that control. Violations are in the order of the table, then the pod before its
//!   containers, then in the order of the text.
//!
//! Source: `k8s.io/pod-security-admission/policy` of Kubernetes 1.37, and
//! <https://kubernetes.io/docs/concepts/security/pod-security-standards/>.

mod baseline;
mod controls;
mod field;
mod profiles;
mod restricted;

use coaming_finding::Applicability;
use coaming_kube::PodSpec;
use coaming_yaml::edit::Edit;

pub use coaming_config::{KubernetesVersion as Version, PodSecurityLevel as Level};
pub use controls::{Control, controls};
pub use field::PodField;

/// One thing to do, so that a pod passes a control.
#[derive(Clone, Debug)]
pub struct Violation<'a> {
    /// What is violated.
    pub control: &'static Control,
    /// The name of the container that violates it; `None` where the pod itself does.
    pub container: Option<&'a str>,
    /// What is wrong: a clause without a full stop.
    pub reason: String,
    /// What to do about it: an imperative clause without a full stop.
    pub remedy: String,
    /// The offending fields, and the missing ones. Never empty.
    pub places: Vec<PodField<'a>>,
    /// The edits that make the pod pass; empty where only a person can decide.
    pub edits: Vec<Edit>,
}

impl Violation<'_> {
    /// How the edits may be applied: never without asking, because an application may need what the
    /// standard forbids.
    #[must_use]
    pub fn applicability(&self) -> Applicability {
        if self.edits.is_empty() { Applicability::Manual } else { Applicability::Unsafe }
    }
}

/// The violations of the standard in this pod; none if Pod Security admission would admit it.
#[must_use]
pub fn check<'a>(pod: PodSpec<'a>, level: Level, version: Version) -> Vec<Violation<'a>> {
    let mut check = field::Check::new(pod);
    for (control, revision) in controls::active(level, version) {
        check.run(control, revision);
    }
    check.into_violations()
}
