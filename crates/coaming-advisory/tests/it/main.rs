//! The crate's integration tests, some of which compare it with other tools.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a skipped test reports why")]

mod building;
mod matching;
mod oracles;
mod reference;
mod threads;
mod world;
