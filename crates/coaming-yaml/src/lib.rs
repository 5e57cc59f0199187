//! Parse YAML and JSON into an arena tree with byte spans and comments.
//!
//! This crate knows text, not Kubernetes kinds. It answers four questions: what a stream
//! contains ([`parse`]), where it contains it ([`Span`], [`Path`]), what a scalar means to
//! Kubernetes ([`Scalar`]), and which bytes change when a value changes ([`edit`]).
//!
//! Invariants:
//!
//! * A [`Document`] is a plain tree. Aliases and merge keys are expanded while it is built, within
//!   a budget. A walk of the tree therefore always ends, its cost is bounded, and each node has
//!   exactly one path.
//! * Scalars resolve as `sigs.k8s.io/yaml` resolves them, not as YAML 1.2 does.
//! * A span covers exactly the bytes of its node's text. A tree built without text (JSON from an
//!   API server) has no spans.
//! * No input makes this crate panic: depth, size, and aliases are bounded. Input that is rejected
//!   is reported as a [`SyntaxError`] with its position.

mod arena;
mod builder;
mod embedded;
mod filtered_json;
mod json;
mod lenient;
mod lines;
mod literal;
mod parse;
mod path;
mod plain;
mod scalar;
mod tree;

pub use embedded::embedded_yaml;
pub use filtered_json::{JsonFilter, JsonTree};
pub use json::from_json;
pub use lines::LineIndex;
pub use parse::parse;

pub use path::{Path, Step};
pub use tree::{
    AliasSite, Comment, Document, Entry, Kind, Node, NodeId, Placement, Scalar, ScalarStyle, Span,
    Stream, Style, SyntaxError,
};

pub mod edit;

#[cfg(test)]
mod tests;
