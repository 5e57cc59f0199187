//! The vulnerability database: build, query, and compare versions for each ecosystem.
//!
//! This crate gets packages and gives what is known to be vulnerable in them; it never reads images,
//! and opens no socket.

mod ecosystem;
mod version;

pub use ecosystem::Ecosystem;
pub use version::{Order, Version};
