//! The vulnerability database: build, query, and compare versions for each ecosystem.
//!
//! This crate gets packages and gives what is known to be vulnerable in them; it never reads images,
//! and opens no socket. Invariants:
//!
//! * Records, databases and VEX documents come from strangers: all is bounded, and what can't be used
//!   is counted with its reason and never costs the rest.
//! * The same files give the same database, and the same database the same findings.

mod advice;
mod advisory;
mod build;
mod database;
mod ecosystem;
mod excuse;
mod gate;
mod group;
mod matching;
mod module;
mod osv;
mod owned;
mod place;
mod platform;
mod priority;
mod purl;
mod query;
mod range;
pub mod render;
mod score;
mod version;
pub mod vex;

pub use coaming_finding::Severity;

pub use advice::{Advice, Remedy, advice};
pub use build::{BuildError, Built, Skip, build, check_record};
pub use database::{Database, DatabaseError, Info, digest};
pub use ecosystem::Ecosystem;
pub use excuse::{Excuse, Excused, excuse};
pub use gate::{FailOn, UnknownCondition};
pub use matching::{Matches, Surroundings, Vulnerability};
pub use platform::{Processor, RunsOn, System};
pub use purl::{Named, parse as parse_purl};
pub use query::Unasked;
pub use version::{Order, Version};
