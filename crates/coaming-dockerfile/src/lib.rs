//! Read Dockerfiles into stages and instructions, resolved as the builder does, with spans.
//!
//! This crate judges nothing and opens no file. Invariants:
//!
//! * Spans are bytes of the text as it was given, whatever the builder would make of it.
//! * Parsing stops at the first error, which has a position. Everything before it is in the result.
//! * A value that only the build knows (`--build-arg` without a default, a command's output) is
//!   absent, never guessed.
//! * Reading takes time linear in the text.

mod expand;
mod here_document;
mod model;
mod read;

pub use model::{Base, Command, Dockerfile, Instruction, Kind, Source, Stage, SyntaxError, Word};
pub use read::parse;

#[cfg(test)]
mod tests;
