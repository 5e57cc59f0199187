//! The manifests that install the server.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod manifests;
