//! What Terraform files and plans make.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;
mod hostile;
mod plans;
