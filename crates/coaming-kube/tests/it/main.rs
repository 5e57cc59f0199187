//! The world, from outside.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;
