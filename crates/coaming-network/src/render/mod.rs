//! Text out of results: one module a command, one function a format. Nothing here decides.

mod list;

pub use list::{list_csv, list_json, list_markdown, list_text};
