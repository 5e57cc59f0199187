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
mod letters;
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
    /// number of any values, `$` of strings, `#` of integers, `%` of floating-point numbers, `&` of
    /// mappings, `?` one optional value.
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

impl Function {
    /// Its parameters: those that it must have, and the letter of what may follow.
    fn parts(&self) -> (&'static [u8], Option<u8>) {
        let letters = self.parameters.as_bytes();
        match letters.split_last() {
            Some((last, fixed)) if b"*$#%&?".contains(last) => (fixed, Some(*last)),
            _ => (letters, None),
        }
    }

    /// The letter of the type of an argument.
    fn letter(&self, position: usize) -> u8 {
        let (fixed, rest) = self.parts();
        fixed.get(position).copied().or(rest).unwrap_or(b'a')
    }

    /// A number that is written as an argument: it has the type of the parameter, if it has such a
    /// value.
    pub(crate) fn constant(&self, position: usize, value: Value) -> Value {
        let kind = match (self.letter(position), &value.kind) {
            (b'i' | b'#', Kind::Float(float)) if float.fract() == 0.0 && float.abs() < 9e18 => {
                Kind::Int(*float as i64)
            }
            (b'%', Kind::Int(integer)) => Kind::Float(*integer as f64),
            _ => return value,
        };
        Value { kind, ..value }
    }
}

/// The function of this name.
pub(crate) fn by_name(name: &str) -> Option<&'static Function> {
    FUNCTIONS.get(name)
}

/// Checks the arguments and calls the function.
pub(crate) fn call(exec: &Exec, function: &Function, arguments: &[Value]) -> Outcome {
    check(function, arguments)?;
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

fn check(function: &Function, arguments: &[Value]) -> Result<(), String> {
    let name = function.name;
    let (fixed, rest) = function.parts();
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
        let (expected, fits) = match function.letter(position) {
            b's' | b'$' => ("string", matches!(value.kind, Kind::Text(_))),
            b'i' | b'#' => ("int", matches!(value.kind, Kind::Int(_))),
            b'%' => ("float64", matches!(value.kind, Kind::Float(_))),
            b'm' | b'&' => {
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
