//! Compiled expressions.

use crate::fields::{self, Known, Types};
use crate::lang::ast::{Expr, Global};
use crate::lang::check::{Environment, check};
use crate::lang::eval::{Bindings, EvalError};
use crate::lang::parser::parse;
use crate::lang::types::Type;
use crate::lang::value::Value;
use crate::lang::{describe, eval};

/// An expression, ready to run.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) text: String,
    /// Whether it reads what differs between the creation of an object and an update, and between
    /// users.
    pub(crate) sees_request: bool,
    tree: Expr,
}

/// What an expression may evaluate to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected {
    Bool,
    String,
    StringOrNull,
    Anything,
}

impl Expression {
    /// Compiles an expression; an error describes all mistakes.
    pub(crate) fn compile(
        text: &str,
        environment: &Environment,
        expected: Expected,
    ) -> Result<(Self, Type), String> {
        let mut tree = parse(text).map_err(|mistake| describe(text, &mistake))?;
        let of = check(&mut tree, environment).map_err(|mistakes| {
            let lines: Vec<String> =
                mistakes.iter().map(|mistake| describe(text, mistake)).collect();
            lines.join("; ")
        })?;
        let (fits, wanted) = match expected {
            Expected::Bool => (of.is("bool"), "bool"),
            Expected::String => (of.is("string"), "string"),
            Expected::StringOrNull => (of.is("string") || of.is("null_type"), "string or null"),
            Expected::Anything => (true, ""),
        };
        if !fits {
            return Err(format!("must evaluate to {wanted} but got {of}"));
        }
        let sees_request = tree.reads(&[Global::OldObject, Global::Request]);
        Ok((Self { text: text.to_owned(), sees_request, tree }, of))
    }

    /// Reads the expression again as one about objects of known kinds: a field that none of them has
    /// is an error, as in the type checks of an API server. Returns the types that its value may have.
    pub(crate) fn check_fields(&self, known: &Known) -> Result<Types, String> {
        let (types, mistakes) = fields::read(&self.tree, known);
        let lines: Vec<String> =
            mistakes.iter().map(|mistake| describe(&self.text, mistake)).collect();
        if lines.is_empty() { Ok(types) } else { Err(lines.join("; ")) }
    }

    /// Evaluates the expression.
    pub(crate) fn evaluate(&self, bindings: &dyn Bindings) -> Result<Value, EvalError> {
        eval::evaluate(&self.tree, bindings)
    }
}
