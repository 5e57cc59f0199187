//! A bound on the cost of an expression, computed before it runs.
//!
//! CEL has no recursion: only nested loops (`all`, `exists`, `map` …) can be expensive. An
//! expression with loops nested `d` deep visits at most (nodes of the object)^d elements.

use kube_cel::cel::Program;
use kube_cel::cel::common::ast::{Expr, IdedExpr};

/// The longest expression, in bytes; Kubernetes' own limit is of this order.
pub(crate) const MAX_LENGTH: usize = 16 << 10;

/// The maximum depth of nested loops.
pub(crate) const MAX_DEPTH: u32 = 4;

/// The maximum number of elements that an evaluation may visit.
const MAX_VISITS: usize = 10_000_000;

/// The depth of nested loops; `None` if the expression can make lists of any length.
pub(crate) fn depth(program: &Program) -> Option<u32> {
    depth_of(program.expression())
}

/// Whether an expression of this depth may run over an object of this many nodes.
pub(crate) fn affordable(depth: u32, nodes: usize) -> bool {
    nodes.max(2).checked_pow(depth).is_some_and(|visits| visits <= MAX_VISITS)
}

fn depth_of(expression: &IdedExpr) -> Option<u32> {
    let deepest = |parts: &[&IdedExpr]| -> Option<u32> {
        parts.iter().try_fold(0, |deepest, part| Some(deepest.max(depth_of(part)?)))
    };
    match &expression.expr {
        Expr::Call(call) => {
            // `lists.range(1000000000)` is a loop by itself.
            if call.func_name == "range" {
                return None;
            }
            let target = call.target.as_deref().map_or(Some(0), depth_of)?;
            let arguments: Vec<&IdedExpr> = call.args.iter().collect();
            Some(target.max(deepest(&arguments)?))
        }
        Expr::Comprehension(inner) => {
            let range = depth_of(&inner.iter_range)?;
            let step = deepest(&[&inner.loop_cond, &inner.loop_step, &inner.result])?;
            Some((1 + step).max(range))
        }
        Expr::Select(select) => depth_of(&select.operand),
        Expr::List(list) => deepest(&list.elements.iter().collect::<Vec<_>>()),
        Expr::Map(_) | Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {
            Some(0)
        }
    }
}
