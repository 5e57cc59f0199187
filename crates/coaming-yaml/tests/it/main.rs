//! What must hold for every text: on generated documents, and on the corpus of real ones.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, and report what they skip")]

mod aliased;
mod corpus;
mod generated;
mod laws;
mod mutated;
