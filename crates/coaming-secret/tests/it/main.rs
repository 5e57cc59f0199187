//! The detector as other crates use it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod laws;
mod mutations;
