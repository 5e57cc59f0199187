//! The authorizer. Who may do what is known to a cluster only: every check is answered with no.

use super::opaque::Opaque;
use crate::lang::declarations::Library;
use crate::lang::eval::{EvalError, Machine, NO_OVERLOAD};
use crate::lang::value::Value;

type Outcome = Result<Value, EvalError>;

fn is(arguments: &[Value], accepts: fn(&Opaque) -> bool) -> bool {
    matches!(arguments.first(), Some(Value::Opaque(opaque)) if accepts(opaque))
}

fn answer(arguments: &[Value], accepts: fn(&Opaque) -> bool, result: fn() -> Opaque) -> Outcome {
    if is(arguments, accepts) { Ok(Value::opaque(result())) } else { NO_OVERLOAD }
}

fn refine(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    answer(arguments, |value| matches!(value, Opaque::ResourceCheck), || Opaque::ResourceCheck)
}

pub(crate) const LIBRARY: Library = Library {
    signatures: "
        @kubernetes.authorization.Authorizer path(string) kubernetes.authorization.PathCheck
        @kubernetes.authorization.Authorizer group(string) kubernetes.authorization.GroupCheck
        @kubernetes.authorization.Authorizer serviceAccount(string, string) kubernetes.authorization.Authorizer
        @kubernetes.authorization.GroupCheck resource(string) kubernetes.authorization.ResourceCheck
        @kubernetes.authorization.ResourceCheck subresource(string) kubernetes.authorization.ResourceCheck
        @kubernetes.authorization.ResourceCheck namespace(string) kubernetes.authorization.ResourceCheck
        @kubernetes.authorization.ResourceCheck name(string) kubernetes.authorization.ResourceCheck
        @kubernetes.authorization.ResourceCheck fieldSelector(string) kubernetes.authorization.ResourceCheck
        @kubernetes.authorization.ResourceCheck labelSelector(string) kubernetes.authorization.ResourceCheck
        @kubernetes.authorization.PathCheck check(string) kubernetes.authorization.Decision
        @kubernetes.authorization.ResourceCheck check(string) kubernetes.authorization.Decision
        @kubernetes.authorization.Decision allowed() bool
        @kubernetes.authorization.Decision reason() string
        @kubernetes.authorization.Decision errored() bool
        @kubernetes.authorization.Decision error() string
    ",
    natives: &[
        ("path", |_, arguments| {
            if matches!(arguments, [_, Value::String(path)] if path.is_empty()) {
                return Err(EvalError::new("path must not be empty"));
            }
            answer(arguments, |value| matches!(value, Opaque::Authorizer), || Opaque::PathCheck)
        }),
        ("group", |_, arguments| {
            answer(arguments, |value| matches!(value, Opaque::Authorizer), || Opaque::GroupCheck)
        }),
        ("serviceAccount", |_, arguments| {
            answer(arguments, |value| matches!(value, Opaque::Authorizer), || Opaque::Authorizer)
        }),
        ("resource", |_, arguments| {
            if matches!(arguments, [_, Value::String(name)] if name.is_empty()) {
                return Err(EvalError::new("resource must not be empty"));
            }
            answer(arguments, |value| matches!(value, Opaque::GroupCheck), || Opaque::ResourceCheck)
        }),
        ("subresource", refine),
        ("namespace", refine),
        ("name", refine),
        ("fieldSelector", refine),
        ("labelSelector", refine),
        ("check", |_, arguments| {
            let accepts =
                |value: &Opaque| matches!(value, Opaque::PathCheck | Opaque::ResourceCheck);
            answer(arguments, accepts, || Opaque::Decision)
        }),
        ("allowed", decision_bool),
        ("errored", decision_bool),
        ("reason", decision_text),
        ("error", decision_text),
    ],
};

fn decision_bool(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    if is(arguments, |value| matches!(value, Opaque::Decision)) {
        Ok(Value::Bool(false))
    } else {
        NO_OVERLOAD
    }
}

fn decision_text(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    if is(arguments, |value| matches!(value, Opaque::Decision)) {
        Ok(Value::string(""))
    } else {
        NO_OVERLOAD
    }
}
