//! The rules as users meet them: their documentation is executed, and the corpus is read.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod docs;
mod fixes;
mod images;
mod live;
mod posture;
mod pss;
mod safe_fixes;
mod secrets;
