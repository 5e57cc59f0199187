//! Repair the user's own files by the fixes of findings.
//!
//! Three steps: [`plan`] turns fixes into new texts, in memory; [`diff`] shows them; [`write`]
//! replaces the files. Invariants:
//!
//! * Only the bytes that a fix must change are changed; what that means for documents is
//!   `coaming-yaml`'s job, and for other files the fix's own text edits say it.
//! * A fix is made as a whole, across files, or not at all; one that contradicts an earlier one
//!   waits for the next round.
//! * Planning ends: it is repeated only while it changes something, and a bounded number of times.
//! * A file is replaced atomically or not at all, never one that changed since it was read, and
//!   never through a text that is not exactly the file's.

mod by_hand;
mod diff;
mod plan;
mod write;

pub use by_hand::{Order, orders, source_line};
pub use diff::diff;
pub use plan::{Change, Made, Plan, Skipped, plan};
pub use write::{WriteError, write};
