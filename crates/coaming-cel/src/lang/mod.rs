//! The language: parser, type checker and evaluator of CEL as Kubernetes configures it.
//!
//! Written for this program because an answer must be the API server's own: which expressions are
//! refused at load, which fail, and which are false. Tests hold all three to upstream's evaluator.

pub(crate) mod ast;
pub(crate) mod check;
pub(crate) mod convert;
pub(crate) mod declarations;
pub(crate) mod eval;
pub(crate) mod lexer;
pub(crate) mod macros;
pub(crate) mod number;
pub(crate) mod objects;
pub(crate) mod operators;
pub(crate) mod parser;
pub(crate) mod time;
pub(crate) mod types;
pub(crate) mod value;

use std::sync::Arc;

/// A shared text.
pub(crate) type Str = Arc<str>;

/// A mistake in an expression, with its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The offset in bytes.
    pub(crate) at: u32,
    /// What is wrong, in the words of upstream's compiler.
    pub(crate) message: String,
}

/// Describes a mistake with its line and column in the expression, both from 1.
pub(crate) fn describe(text: &str, mistake: &Mistake) -> String {
    let before = text.get(..mistake.at as usize).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    if text.contains('\n') {
        format!("line {line}, column {column}: {}", mistake.message)
    } else {
        format!("column {column}: {}", mistake.message)
    }
}
