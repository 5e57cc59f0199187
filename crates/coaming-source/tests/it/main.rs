//! Reading directories, charts and overlays, as front ends do.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod loading;
mod terraform;
