//! The vulnerability database: build, query, and compare versions for each ecosystem.
//!
//! This crate takes packages and returns their known vulnerabilities; it reads no images and opens
//! no sockets. Invariants:
//!
//! * Records and databases are hostile: everything is bounded, and unusable input is counted with
//!   its reason without affecting the rest.
//! * The same files give the same database, and the same database the same answers, on any number
//!   of threads.

mod advice;
mod advisory;
mod build;
mod cache;
mod canonical;
mod compare_lines;
mod database;
mod ecosystem;
mod gate;
mod group;
mod ignored;
mod java_index;
mod matching;
mod module;
mod osv;
mod owned;
mod platform;
mod priority;
mod purl;
mod query;
mod range;
mod score;
mod version;

pub use coaming_finding::Severity;

pub use advice::{Advice, Remedy, advice};
pub use build::{BuildError, Built, Skip, build, check_record};
pub use compare_lines::compare_lines;
pub use database::{Database, DatabaseError, Info, digest};
pub use ecosystem::Ecosystem;
pub use gate::{FailOn, InvalidCondition};
pub use ignored::{Fault, Ignored, IgnoredVulnerability, InvalidEntry, Triaged, triage};
pub use java_index::{JavaIndex, JavaIndexError};
pub use matching::{DeploymentContext, Matches, Vulnerability};
pub use platform::{Processor, RunsOn, System};
pub use purl::{Named, parse as parse_purl};
pub use query::Unmatched;
pub use version::{Order, Version};
