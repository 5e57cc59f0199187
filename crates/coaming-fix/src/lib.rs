//! Applies the fixes of findings to the user's files.
//!
//! Three steps: [`plan`] turns fixes into new texts, in memory; [`diff`] shows them; [`write`]
//! replaces the files. Invariants:
//!
//! * Only the bytes that a fix has to change are changed: `coaming-yaml` ensures that for
//!   documents; in other files, the fix has its own text edits.
//! * A fix is applied as a whole, across files, or not at all; a fix that conflicts with an earlier
//!   one waits for the next round.
//! * What a chart rendered to is changed in the values or the template that made the field; then the
//!   chart is rendered again, and nothing but the intended fields may differ.
//! * Planning terminates: it repeats only while it changes something, and a bounded number of
//!   times.
//! * A file is replaced atomically or not at all, in its own encoding, and never if it changed since
//!   it was read.

mod charts;
mod diff;
mod manual;
mod origin;
mod plan;
mod round;
mod shared;
mod write;
mod write_all;

pub use diff::diff;
pub use manual::{ManualStep, orders, source_line};
pub use plan::{Change, Made, Plan, Skipped, Variant, plan};
pub use write::{WriteError, is_patchable, write};
pub use write_all::{Written, patchable, refusal, write_all};
