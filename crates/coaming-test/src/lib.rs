//! Helpers for the tests of several crates: servers that run for one test.
//!
//! Only a dev-dependency. Depends on no other crate of the workspace, so that each of them can use
//! it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a skipped test is reported")]

pub mod certificates;
pub mod daemons;
pub mod docker_registry;
pub mod http_server;
