//! The finding type of all engines: the problem, its location, its severity, and the fix.
//!
//! This crate does not depend on any engine, nor on any Kubernetes kind. Invariants:
//!
//! * Paths are authoritative: a [`Location`] names an object's field; its span is looked up by the
//!   path, and is absent if the object has no text.
//! * One finding is one thing to do: a problem that one edit fixes is one finding.
//! * A finding never contains a secret's value: not in its message, not in its fix.
//! * Findings have one total order ([`Finding::rank`]), so that output is the same on every run.

mod baseline;
mod finding;
mod fingerprint;
mod fix;
mod framework;
mod input;
mod location;
mod rule;
mod way;

pub use baseline::{Baseline, BaselineError};
pub use finding::{CommitRef, Finding, ObjectRef, Suppression, Verification};
pub use fingerprint::{fingerprint, input_fingerprint};
pub use fix::{Applicability, DocumentEdits, FileEdits, Fix};
pub use framework::{Compliance, ControlReport, ControlState, Framework};
pub use input::{InputError, Note};
pub use location::{Location, Position, SourceId};
pub use rule::{Category, Confidence, Lifecycle, RuleId, RuleMeta, RuleRef, Severity, Standard};
pub use way::{AttackStep, AttackWay};

/// The placeholder for a value that must not be stored, such as a Secret's value in an annotation
/// of a live object. It is reported like the value.
pub const WITHHELD: &str = "<withheld by coaming>";
