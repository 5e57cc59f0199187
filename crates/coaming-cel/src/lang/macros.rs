//! Macros: the calls that are part of the syntax.

use super::ast::{Expr, Kind, Loop, Operation};
use super::{Mistake, Str};

/// What a member call turns out to be.
pub(crate) enum Expansion {
    Macro(Kind),
    /// A call of a function; the target is the first argument.
    Call(Vec<Expr>),
}

/// Expands a call without target, if it is a macro.
pub(crate) fn global(at: u32, name: &str, arguments: &[Expr]) -> Result<Option<Kind>, Mistake> {
    let ("has", [argument]) = (name, arguments) else { return Ok(None) };
    match &argument.kind {
        Kind::Select { operand, field, optional: false } => {
            Ok(Some(Kind::Has { operand: operand.clone(), field: Str::clone(field) }))
        }
        _ => Err(Mistake { at, message: "invalid argument to has() macro".to_owned() }),
    }
}

/// Expands a call with target, if it is a macro.
pub(crate) fn member(
    at: u32,
    name: &str,
    range: Expr,
    mut arguments: Vec<Expr>,
) -> Result<Expansion, Mistake> {
    // The operation, the number of variables, and whether a condition comes before the body.
    let (operation, variables, has_filter) = match (name, arguments.len()) {
        ("all", 2) => (Operation::All, 1, false),
        ("all", 3) => (Operation::All, 2, false),
        ("exists", 2) => (Operation::Exists, 1, false),
        ("exists", 3) => (Operation::Exists, 2, false),
        ("exists_one", 2) => (Operation::ExistsOne, 1, false),
        ("exists_one" | "existsOne", 3) => (Operation::ExistsOne, 2, false),
        ("filter", 2) => (Operation::Filter, 1, false),
        ("map", 2) => (Operation::ToList, 1, false),
        ("map", 3) => (Operation::ToList, 1, true),
        ("transformList", 3) => (Operation::ToList, 2, false),
        ("transformList", 4) => (Operation::ToList, 2, true),
        ("transformMap", 3) => (Operation::TransformMap, 2, false),
        ("transformMap", 4) => (Operation::TransformMap, 2, true),
        ("transformMapEntry", 3) => (Operation::TransformMapEntry, 2, false),
        ("transformMapEntry", 4) => (Operation::TransformMapEntry, 2, true),
        ("sortBy", 2) => (Operation::SortBy, 1, false),
        ("optMap", 2) => (Operation::OptMap, 1, false),
        ("optFlatMap", 2) => (Operation::OptFlatMap, 1, false),
        _ => {
            arguments.insert(0, range);
            return Ok(Expansion::Call(arguments));
        }
    };
    let mut parts = arguments.into_iter();
    let mut names: Vec<Str> = Vec::new();
    for variable in parts.by_ref().take(variables) {
        let Kind::Name(name) = variable.kind else {
            let message = "argument must be a simple name".to_owned();
            return Err(Mistake { at: variable.at, message });
        };
        if names.contains(&name) {
            let message = format!("duplicate variable name: {name}");
            return Err(Mistake { at: variable.at, message });
        }
        names.push(name);
    }
    let filter = if has_filter { parts.next() } else { None };
    let Some(body) = parts.next() else {
        return Err(Mistake { at, message: format!("{name}() needs more arguments") });
    };
    let each = Loop { operation, range, variables: names, filter, body };
    Ok(Expansion::Macro(Kind::Loop(Box::new(each))))
}
