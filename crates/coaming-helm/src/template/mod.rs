//! Go's `text/template`: the parsed template, its parser and its evaluation.

mod exec;
mod lex;
mod parse;

use std::rc::Rc;

pub(crate) use exec::{Error, Exec, field_of, missing};
pub(crate) use parse::{define, parse};

use crate::functions::Function;
use crate::origin::Origin;
use crate::text::Text;
use crate::value::Value;

/// A named template.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) body: Vec<Node>,
}

impl Template {
    /// Whether it holds nothing but white space: such a definition does not replace another.
    pub(crate) fn is_empty(&self) -> bool {
        self.body.iter().all(|node| match node {
            Node::Text(text, _) => text.as_str().trim().is_empty(),
            _ => false,
        })
    }
}

/// A part of a template.
#[derive(Debug)]
pub(crate) enum Node {
    Text(Text, Origin),
    Action(Pipe),
    If { pipe: Pipe, body: Vec<Node>, otherwise: Vec<Node> },
    With { pipe: Pipe, body: Vec<Node>, otherwise: Vec<Node> },
    Range { pipe: Pipe, body: Vec<Node>, otherwise: Vec<Node> },
    Template { name: Rc<str>, pipe: Option<Pipe>, origin: Origin },
    Break,
    Continue,
}

/// A pipeline: `$x := a | b | c`.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) variables: Vec<Rc<str>>,
    /// Whether the variables exist already (`=` instead of `:=`).
    pub(crate) assigns: bool,
    pub(crate) commands: Vec<Command>,
    pub(crate) origin: Origin,
}

/// One command of a pipeline: a function, method, field or constant with arguments.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) words: Vec<Word>,
    pub(crate) origin: Origin,
}

/// An operand.
#[derive(Debug)]
pub(crate) enum Word {
    Dot,
    Nil,
    /// A constant; numbers can be both `int` and `float64`.
    Constant(Value),
    /// `.a.b`.
    Field(Vec<Rc<str>>),
    /// `$x.a.b`.
    Variable(Rc<str>, Vec<Rc<str>>),
    Function(&'static Function),
    /// `(pipeline).a.b`.
    Chain(Box<Pipe>, Vec<Rc<str>>),
    Pipe(Box<Pipe>),
}
