//! The one finding type that every engine speaks: what is wrong, where, how bad, and how to fix it.
//!
//! This crate knows no engine and no Kubernetes kind beyond an object's name. Invariants:
//!
//! * Paths are the truth: a [`Location`] names an object's field; its span is looked up from the
//!   path, and is absent where the object came without text.
//! * One finding is one thing to do: what one edit repairs is one finding.
//! * A finding never holds a secret's value: not in its message, not in its fix.
//! * Findings have one total order ([`Finding::rank`]), so that output is the same on every run.

mod baseline;
mod finding;
mod fingerprint;
mod fix;
mod input;
mod location;
mod rule;

pub use baseline::{Baseline, BaselineError};
pub use finding::{Finding, ObjectRef, Suppression};
pub use fingerprint::fingerprint;
pub use fix::{Applicability, DocumentEdits, FileEdits, Fix};
pub use input::{InputError, Note};
pub use location::{Location, Position, SourceId};
pub use rule::{Category, Confidence, Lifecycle, RuleId, RuleMeta, RuleRef, Severity, Standard};

/// The text in place of a value that must not be kept, such as a Secret's in an annotation of a live
/// object. It is reported like the value.
pub const WITHHELD: &str = "<withheld by coaming>";
