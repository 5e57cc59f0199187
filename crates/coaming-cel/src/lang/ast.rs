//! The syntax tree. Macros are nodes of their own; the checker resolves names in place.

use super::Str;
use super::eval::Native;
use super::value::Value;

/// The maximum depth of a tree, which bounds recursion everywhere.
pub(crate) const MAX_DEPTH: u16 = 250;

/// An expression.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    /// Its offset in the text, in bytes.
    pub(crate) at: u32,
    /// The height of its tree.
    pub(crate) depth: u16,
    pub(crate) kind: Kind,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Literal(Value),
    /// A name that the checker has not resolved yet.
    Name(Str),
    /// A loop's variable, by its position among those in scope.
    Local(usize),
    Global(Global),
    Select {
        operand: Box<Expr>,
        field: Str,
        optional: bool,
    },
    /// The macro `has`.
    Has {
        operand: Box<Expr>,
        field: Str,
    },
    Index {
        operand: Box<Expr>,
        index: Box<Expr>,
        optional: bool,
    },
    Call(Box<Call>),
    /// `&&` of all parts.
    And(Vec<Expr>),
    /// `||` of all parts.
    Or(Vec<Expr>),
    Conditional(Box<[Expr; 3]>),
    /// The elements, each with whether it is optional.
    List(Vec<(bool, Expr)>),
    /// The entries, each with whether it is optional.
    Map(Vec<(bool, Expr, Expr)>),
    Loop(Box<Loop>),
}

/// A call of a function or operator.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) function: Str,
    pub(crate) is_member: bool,
    /// The arguments; the target of a member call is the first.
    pub(crate) arguments: Vec<Expr>,
    /// The implementations, tried in order; set by the checker.
    pub(crate) natives: Vec<Native>,
}

/// A variable that the API server binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Global {
    Object,
    OldObject,
    Params,
    Request,
    NamespaceObject,
    Variables,
    Authorizer,
    RequestResource,
}

/// A macro that evaluates a part for each element.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    pub(crate) operation: Operation,
    pub(crate) range: Expr,
    pub(crate) variables: Vec<Str>,
    /// The condition on elements, for the macros that take one.
    pub(crate) filter: Option<Expr>,
    pub(crate) body: Expr,
}

/// What a macro does with its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    All,
    Exists,
    ExistsOne,
    Filter,
    /// `map` and `transformList`.
    ToList,
    TransformMap,
    TransformMapEntry,
    SortBy,
    OptMap,
    OptFlatMap,
}

impl Expr {
    /// A node; `None` if the tree would be too deep.
    pub(crate) fn new(at: u32, kind: Kind) -> Option<Self> {
        let depth = kind.parts().iter().map(|part| part.depth).max().unwrap_or(0) + 1;
        (depth <= MAX_DEPTH).then_some(Self { at, depth, kind })
    }

    /// Whether it reads one of these variables.
    pub(crate) fn reads(&self, globals: &[Global]) -> bool {
        matches!(self.kind, Kind::Global(global) if globals.contains(&global))
            || self.kind.parts().iter().any(|part| part.reads(globals))
    }

    /// A call with these arguments.
    pub(crate) fn call(at: u32, function: &str, arguments: Vec<Self>) -> Option<Self> {
        let call =
            Call { function: function.into(), is_member: false, arguments, natives: Vec::new() };
        Self::new(at, Kind::Call(Box::new(call)))
    }
}

impl Kind {
    /// The expressions that it is made of.
    fn parts(&self) -> Vec<&Expr> {
        match self {
            Self::Literal(_) | Self::Name(_) | Self::Local(_) | Self::Global(_) => Vec::new(),
            Self::Select { operand, .. } | Self::Has { operand, .. } => vec![operand],
            Self::Index { operand, index, .. } => vec![operand, index],
            Self::Call(call) => call.arguments.iter().collect(),
            Self::And(parts) | Self::Or(parts) => parts.iter().collect(),
            Self::Conditional(parts) => parts.iter().collect(),
            Self::List(elements) => elements.iter().map(|(_, element)| element).collect(),
            Self::Map(entries) => entries.iter().flat_map(|(_, key, value)| [key, value]).collect(),
            Self::Loop(each) => [&each.range, &each.body].into_iter().chain(&each.filter).collect(),
        }
    }
}
