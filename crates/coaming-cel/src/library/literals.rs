//! Literals that are wrong whatever the object is: upstream refuses them at load. Literal patterns
//! are compiled here, once.

use super::opaque::Opaque;
use super::patterns;
use crate::lang::ast::{Call, Expr, Kind};
use crate::lang::convert::{FOLDED, to_duration, to_timestamp};
use crate::lang::eval::{Bindings, EvalError, Machine, NO_OVERLOAD};
use crate::lang::value::Value;
use crate::lang::{Mistake, ast::Global};

/// Checks the literals of a checked tree.
pub(crate) fn check(expr: &mut Expr, mistakes: &mut Vec<Mistake>) {
    walk(expr, &mut |expr| {
        if let Kind::Index { index, .. } = &expr.kind
            && !may_be_index(index)
        {
            let message = "program instantiation failed: invalid qualifier type".to_owned();
            mistakes.push(Mistake { at: index.at, message });
        }
        let Kind::Call(call) = &mut expr.kind else { return };
        match check_call(expr.at, call) {
            Ok(None) => {}
            Ok(Some(value)) => expr.kind = Kind::Literal(value),
            Err(mistake) => mistakes.push(mistake),
        }
    });
}

/// The value of a conversion of a literal.
fn check_call(at: u32, call: &mut Call) -> Result<Option<Value>, Mistake> {
    let function = &*call.function;
    if patterns::WITH_PATTERN.contains(&function) {
        let is_matches = function == "matches";
        let Some(argument) = call.arguments.get_mut(1) else { return Ok(None) };
        let Kind::Literal(Value::String(text)) = &argument.kind else { return Ok(None) };
        let compiled = patterns::compile(text).map_err(|EvalError(message)| Mistake {
            at: argument.at,
            message: if is_matches {
                "invalid matches argument".to_owned()
            } else {
                format!("program instantiation failed: {message}")
            },
        })?;
        let pattern = Opaque::Pattern(compiled);
        argument.kind = Kind::Literal(Value::opaque(pattern));
        return Ok(None);
    }
    let [argument] = &call.arguments[..] else { return Ok(None) };
    let Kind::Literal(value) = &argument.kind else { return Ok(None) };
    if call.is_member || !FOLDED.contains(&function) {
        return Ok(None);
    }
    let mut machine = Machine::new(&Nothing);
    let value = std::slice::from_ref(value);
    let checked = match function {
        "duration" => {
            to_duration(&mut machine, value).map_err(|_| "invalid duration argument".into())
        }
        "timestamp" => {
            to_timestamp(&mut machine, value).map_err(|_| "invalid timestamp argument".into())
        }
        _ => call
            .natives
            .first()
            .map_or(NO_OVERLOAD, |native| native(&mut machine, value))
            .map_err(|EvalError(message)| format!("program instantiation failed: {message}")),
    };
    let at = if matches!(function, "duration" | "timestamp") { argument.at } else { at };
    checked.map(Some).map_err(|message| Mistake { at, message })
}

/// Whether an index may be one: a literal list, map or null cannot.
fn may_be_index(index: &Expr) -> bool {
    let is_literal = |expr: &Expr| matches!(expr.kind, Kind::Literal(_));
    match &index.kind {
        Kind::Literal(value) => value.is_index(),
        Kind::List(elements) => !elements.iter().all(|(_, element)| is_literal(element)),
        Kind::Map(entries) => {
            !entries.iter().all(|(_, key, value)| is_literal(key) && is_literal(value))
        }
        _ => true,
    }
}

/// Visits the parts of an expression before the whole.
fn walk(expr: &mut Expr, visit: &mut dyn FnMut(&mut Expr)) {
    match &mut expr.kind {
        Kind::Literal(_) | Kind::Name(_) | Kind::Local(_) | Kind::Global(_) => {}
        Kind::Select { operand, .. } | Kind::Has { operand, .. } => walk(operand, visit),
        Kind::Index { operand, index, .. } => {
            walk(operand, visit);
            walk(index, visit);
        }
        Kind::Call(call) => call.arguments.iter_mut().for_each(|part| walk(part, visit)),
        Kind::And(parts) | Kind::Or(parts) => parts.iter_mut().for_each(|part| walk(part, visit)),
        Kind::Conditional(parts) => parts.iter_mut().for_each(|part| walk(part, visit)),
        Kind::List(elements) => {
            elements.iter_mut().for_each(|(_, element)| walk(element, visit));
        }
        Kind::Map(entries) => {
            for (_, key, value) in entries {
                walk(key, visit);
                walk(value, visit);
            }
        }
        Kind::Loop(each) => {
            walk(&mut each.range, visit);
            each.filter.iter_mut().for_each(|filter| walk(filter, visit));
            walk(&mut each.body, visit);
        }
    }
    visit(expr);
}

/// Bindings of an expression that has no names.
struct Nothing;

impl Bindings for Nothing {
    fn global(&self, _: Global) -> Value {
        Value::Null
    }

    fn variable(&self, _: &str) -> Result<Value, EvalError> {
        Ok(Value::Null)
    }
}
