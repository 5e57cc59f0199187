//! An answer, shown.

mod json;
mod text;

pub use json::json;
pub use text::text;
