//! The crate on whole inputs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::expect_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod common;
mod cuts;
mod docs;
mod goat;
mod laws;
mod unknown;
mod verifier;
mod walls;
