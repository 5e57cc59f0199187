//! Optional values.

use std::sync::Arc;

use crate::lang::declarations::Library;
use crate::lang::eval::{EvalError, Machine, NO_OVERLOAD};
use crate::lang::value::Value;

type Outcome = Result<Value, EvalError>;

fn unwrap(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let [Value::List(list)] = arguments else { return NO_OVERLOAD };
    let mut out = Vec::new();
    for element in &**list {
        let Value::Optional(inner) = element else { return NO_OVERLOAD };
        out.extend(inner.as_deref().cloned());
    }
    Ok(Value::list(out))
}

fn edge(arguments: &[Value], pick: fn(&[Value]) -> Option<&Value>) -> Outcome {
    let [Value::List(list)] = arguments else { return NO_OVERLOAD };
    Ok(Value::Optional(pick(list).cloned().map(Arc::new)))
}

pub(crate) const LIBRARY: Library = Library {
    signatures: "
        optional.of(A) optional_type(A)
        optional.ofNonZeroValue(A) optional_type(A)
        optional.none() optional_type(A)
        optional.unwrap(list(optional_type(A))) list(A)
        @list(optional_type(A)) unwrapOpt() list(A)
        @optional_type(A) value() A
        @optional_type(A) hasValue() bool
        @optional_type(A) or(optional_type(A)) optional_type(A)
        @optional_type(A) orValue(A) A
        @list(A) first() optional_type(A)
        @list(A) last() optional_type(A)
    ",
    natives: &[
        ("optional.of", |_, arguments| match arguments {
            [value] => Ok(Value::some(value.clone())),
            _ => NO_OVERLOAD,
        }),
        ("optional.ofNonZeroValue", |_, arguments| match arguments {
            [value] if value.is_zero() => Ok(Value::Optional(None)),
            [value] => Ok(Value::some(value.clone())),
            _ => NO_OVERLOAD,
        }),
        ("optional.none", |_, _| Ok(Value::Optional(None))),
        ("optional.unwrap", unwrap),
        ("unwrapOpt", unwrap),
        ("value", |_, arguments| match arguments {
            [Value::Optional(Some(inner))] => Ok((**inner).clone()),
            [Value::Optional(None)] => Err(EvalError::new("optional.none() dereference")),
            _ => NO_OVERLOAD,
        }),
        ("hasValue", |_, arguments| match arguments {
            [Value::Optional(inner)] => Ok(Value::Bool(inner.is_some())),
            _ => NO_OVERLOAD,
        }),
        ("or", |_, arguments| match arguments {
            [Value::Optional(None), other] => Ok(other.clone()),
            [found @ Value::Optional(_), _] => Ok(found.clone()),
            _ => NO_OVERLOAD,
        }),
        ("orValue", |_, arguments| match arguments {
            [Value::Optional(None), other] => Ok(other.clone()),
            [Value::Optional(Some(inner)), _] => Ok((**inner).clone()),
            _ => NO_OVERLOAD,
        }),
        ("first", |_, arguments| edge(arguments, <[Value]>::first)),
        ("last", |_, arguments| edge(arguments, <[Value]>::last)),
    ],
};
