//! The tests of this crate.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod agrees;
mod coverage;
mod mutations;
mod oracle;
mod psa;
mod server;
