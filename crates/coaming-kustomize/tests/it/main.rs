//! Overlays against Kustomize itself, and the laws of the source map.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod disk;
mod generated;
mod law;
mod oracle;
mod origins;
mod secrets;
