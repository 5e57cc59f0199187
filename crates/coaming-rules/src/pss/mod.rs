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

use std::fmt;
use std::str::FromStr;

use coaming_finding::Applicability;
use coaming_kube::PodSpec;
use coaming_yaml::edit::Edit;

pub use controls::{Control, controls};
pub use place::Place;

/// How much a standard forbids. `privileged` forbids nothing and needs no judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Forbids the known ways out of a container.
    Baseline,
    /// Forbids those, and demands what hardens a pod.
    Restricted,
}

impl Level {
    /// As in a namespace's label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Level {
    type Err = InvalidStandard;

    fn from_str(text: &str) -> Result<Self, InvalidStandard> {
        match text {
            "baseline" => Ok(Self::Baseline),
            "restricted" => Ok(Self::Restricted),
            _ => Err(InvalidStandard::Level(text.to_owned())),
        }
    }
}

/// A version of the policy: that of the Kubernetes minor release it came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    minor: u32,
}

impl Version {
    /// The newest policy known here; newer releases are judged by it.
    pub const LATEST: Self = Self { minor: 37 };

    /// The policy of Kubernetes 1.`minor`.
    #[must_use]
    pub fn new(minor: u32) -> Self {
        Self { minor: minor.min(Self::LATEST.minor) }
    }

    /// The minor release.
    #[must_use]
    pub fn minor(self) -> u32 {
        self.minor
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::LATEST
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1.{}", self.minor)
    }
}

impl FromStr for Version {
    type Err = InvalidStandard;

    /// Reads `latest`, `1.29`, `v1.29`, and full versions as `kubectl version` prints them, such
    /// as `v1.29.4-gke.1`.
    fn from_str(text: &str) -> Result<Self, InvalidStandard> {
        if text == "latest" {
            return Ok(Self::LATEST);
        }
        let minor = text.strip_prefix('v').unwrap_or(text).strip_prefix("1.");
        minor
            .and_then(|rest| rest.split('.').next())
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .map(Self::new)
            .ok_or_else(|| InvalidStandard::Version(text.to_owned()))
    }
}

/// Why a level or a version can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStandard {
    /// The level is neither `baseline` nor `restricted`.
    #[error("`{0}` is no Pod Security Standard: use `baseline` or `restricted`")]
    Level(String),
    /// The version has not the form `1.N`.
    #[error("`{0}` is no Kubernetes version: write it as `1.29`, or `latest`")]
    Version(String),
}

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
