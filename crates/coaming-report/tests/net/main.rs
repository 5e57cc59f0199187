//! The output of `coaming net` on inputs written by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod common;
mod list;
