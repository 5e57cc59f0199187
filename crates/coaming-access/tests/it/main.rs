//! Who can read a Secret: single cases, laws, and changes of the world.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod changes;
mod closure;
mod laws;
