//! The crate's integration tests: other people's tools as judges.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod building;
mod matching;
mod oracles;
mod world;
