//! The functions that charts may call: Go's own, Sprig's and Helm's.
//!
//! A function checks its arguments as Go's templates do: a number is not a text, and a missing value
//! is neither. None of them reads the environment, the network, the clock or a file.

mod cases;
mod ciphers;
mod compare;
mod convert;
mod dates;
mod dicts;
mod encoding;
mod lists;
mod math;
mod methods;
mod passwords;
mod paths;
mod random;
mod regexes;
mod strings;
mod templates;
mod words;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use convert::{content, to_float, to_int};
pub(crate) use dicts::copy;
pub(crate) use encoding::error_map as encoding_error;
pub(crate) use methods::method;

use crate::template::Exec;
use crate::value::{ItemType, Kind, MapType, Value};

/// A function by its name.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// The types of its parameters, one letter each: `a` is any value, `s` a string, `i` an integer,
    /// `m` a mapping, `b` a boolean, `t` a time, `l` a list of any values or nil. A last `*` is any
    /// number of any values, `$` any number of strings, `?` one optional value.
    parameters: &'static str,
    pub(crate) body: Body,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

/// What a function does.
pub(crate) enum Body {
    Plain(fn(&Exec, &[Value]) -> Outcome),
    /// `and` (stops at false) and `or` (stops at true).
    Lazy(bool),
}

/// What a function returns.
pub(crate) type Outcome = Result<Value, String>;

/// A line of a table of functions.
type Row = (&'static str, &'static str, fn(&Exec, &[Value]) -> Outcome);

static FUNCTIONS: LazyLock<HashMap<&'static str, Function>> = LazyLock::new(|| {
    let tables: [&[Row]; 15] = [
        compare::TABLE,
        convert::TABLE,
        dates::TABLE,
        dicts::TABLE,
        encoding::TABLE,
        lists::TABLE,
        math::TABLE,
        ciphers::TABLE,
        passwords::TABLE,
        paths::TABLE,
        random::TABLE,
        regexes::TABLE,
        strings::TABLE,
        templates::TABLE,
        words::TABLE,
    ];
    let mut functions: HashMap<&'static str, Function> = tables
        .into_iter()
        .flatten()
        .map(|&(name, parameters, body)| {
            (name, Function { name, parameters, body: Body::Plain(body) })
        })
        .collect();
    for (name, stops_at) in [("and", false), ("or", true)] {
        functions.insert(name, Function { name, parameters: "a*", body: Body::Lazy(stops_at) });
    }
    functions
});

/// The function of this name.
pub(crate) fn by_name(name: &str) -> Option<&'static Function> {
    FUNCTIONS.get(name)
}

/// Checks the arguments and calls the function.
pub(crate) fn call(exec: &Exec, function: &Function, arguments: &[Value]) -> Outcome {
    check(function.parameters, function.name, arguments)?;
    let length = |value: &Value| value.as_str().map_or(0, str::len);
    exec.budget.bytes(arguments.iter().map(length).sum::<usize>() + 64)?;
    let result = match function.body {
        Body::Plain(body) => body(exec, arguments)?,
        Body::Lazy(stops_at) => lazy(stops_at, arguments),
    };
    exec.budget.bytes(length(&result))?;
    Ok(result)
}

fn lazy(stops_at: bool, arguments: &[Value]) -> Value {
    let found = arguments.iter().find(|value| value.is_true() == stops_at);
    found.or(arguments.last()).cloned().unwrap_or(Value::NIL)
}

fn check(parameters: &str, name: &str, arguments: &[Value]) -> Result<(), String> {
    let letters = parameters.as_bytes();
    let (fixed, rest) = match letters.split_last() {
        Some((last @ (b'*' | b'$' | b'?'), fixed)) => (fixed, Some(*last)),
        _ => (letters, None),
    };
    let too_many = match rest {
        None => arguments.len() > fixed.len(),
        Some(b'?') => arguments.len() > fixed.len() + 1,
        Some(_) => false,
    };
    if arguments.len() < fixed.len() || too_many {
        let at_least = if rest.is_some() { "at least " } else { "" };
        return Err(format!(
            "wrong number of args for {name}: want {at_least}{} got {}",
            fixed.len(),
            arguments.len()
        ));
    }
    for (position, value) in arguments.iter().enumerate() {
        let letter = fixed.get(position).copied().or(rest).unwrap_or(b'a');
        let (expected, fits) = match letter {
            b's' | b'$' => ("string", matches!(value.kind, Kind::Text(_))),
            b'i' => ("int", matches!(value.kind, Kind::Int(_))),
            b'm' => {
                let fits = matches!(value.kind, Kind::Map(_, MapType::Any | MapType::Values));
                ("map[string]interface {}", fits)
            }
            b'l' => {
                let fits = match &value.kind {
                    Kind::List(list) => list.of == ItemType::Any,
                    kind => matches!(kind, Kind::Nil),
                };
                ("[]interface {}", fits)
            }
            b't' => ("time.Time", value.is_time()),
            b'b' => ("bool", matches!(value.kind, Kind::Bool(_))),
            _ => continue,
        };
        if !fits {
            let got = if value.is_nil() { "interface {}".to_owned() } else { value.type_name() };
            return Err(format!("wrong type for value; expected {expected}; got {got}"));
        }
    }
    Ok(())
}

/// A text argument; empty for other values, which the check of the arguments refuses.
fn text(arguments: &[Value], index: usize) -> &str {
    arguments.get(index).and_then(Value::as_str).unwrap_or_default()
}

/// An `int` argument.
fn number(arguments: &[Value], index: usize) -> i64 {
    match arguments.get(index).map(|value| &value.kind) {
        Some(Kind::Int(value)) => *value,
        _ => 0,
    }
}

/// Any argument.
fn any(arguments: &[Value], index: usize) -> &Value {
    arguments.get(index).unwrap_or(&Value::NIL)
}
