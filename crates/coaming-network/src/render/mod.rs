//! Text out of results: one module a command, one function a format. Nothing here decides.

mod diff;
mod exposure;
mod graph;
mod list;
mod svg;
mod why;

pub use diff::{diff_csv, diff_json, diff_markdown, diff_text};
pub use exposure::{exposure_csv, exposure_json, exposure_markdown, exposure_text};
pub use graph::graph_dot;
pub use list::{list_csv, list_json, list_markdown, list_text};
pub use svg::graph_svg;
pub use why::{why_json, why_text};
