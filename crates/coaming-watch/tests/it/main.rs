//! The background as a cluster meets it: reports appear, change and go as their workloads do.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod lab;
mod objects;
mod reports;
