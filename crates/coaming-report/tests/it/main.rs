//! Reports, as front ends write them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod findings;
