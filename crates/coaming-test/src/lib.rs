//! Helpers for the tests of several crates.
//!
//! Only a dev-dependency. Depends on no other crate of the workspace, so that each of them can use
//! it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod bao;
pub mod certificates;
pub mod daemons;
pub mod docker_registry;
pub mod fuzzing;
pub mod git_repository;
pub mod http_server;
pub mod image_archives;
pub mod manifests;
pub mod planted_secrets;
#[cfg(unix)]
pub mod postgres;
pub mod real_images;
pub mod skip;
pub mod tables;
pub mod text;
pub mod vapeval;
