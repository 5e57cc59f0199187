//! The engine on whole inputs: what it answers, against expectations written by hand, against a
//! slow evaluator, and against real packets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agrees;
mod common;
mod list;
mod random;
mod reference;
