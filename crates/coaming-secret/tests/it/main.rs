//! Tests of the detector's public interface.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;
mod mutations;
mod properties;
mod prose;
