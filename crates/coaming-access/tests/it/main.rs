//! Who can read a Secret, on manifests that hold every way there is.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod laws;
