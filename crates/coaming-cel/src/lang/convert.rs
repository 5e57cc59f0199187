//! Conversions between types.

use super::declarations::Library;
use super::eval::{EvalError, Machine, NO_OVERLOAD};
use super::number::general;
use super::time::{Timestamp, parse_duration, show_duration};
use super::value::Value;
use crate::library::opaque::Opaque;

type Outcome = Result<Value, EvalError>;

/// The conversions that upstream applies to literals when a program is made: an error in one is an
/// error of the expression.
pub(crate) const FOLDED: &[&str] =
    &["bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "uint", "type"];

fn failed(from: &str, to: &str) -> EvalError {
    EvalError::new(format!("type conversion error from '{from}' to '{to}'"))
}

fn to_bool(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    match arguments {
        [Value::Bool(value)] => Ok(Value::Bool(*value)),
        [Value::String(text)] => match &**text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => Err(failed("string", "bool")),
        },
        _ => NO_OVERLOAD,
    }
}

fn to_int(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let overflow = || EvalError::new("integer overflow");
    match arguments {
        [Value::Int(value)] => Ok(Value::Int(*value)),
        [Value::Uint(value)] => i64::try_from(*value).map(Value::Int).map_err(|_| overflow()),
        #[expect(clippy::cast_possible_truncation, reason = "it is in range")]
        [Value::Double(value)] => {
            let in_range =
                *value > -9_223_372_036_854_775_808.0 && *value < 9_223_372_036_854_775_808.0;
            if in_range { Ok(Value::Int(*value as i64)) } else { Err(overflow()) }
        }
        [Value::String(text)] => text.parse().map(Value::Int).map_err(|_| failed("string", "int")),
        [Value::Duration(nanos)] => Ok(Value::Int(*nanos)),
        [Value::Timestamp(time)] => Ok(Value::Int(time.seconds())),
        _ => NO_OVERLOAD,
    }
}

fn to_uint(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let overflow = || EvalError::new("unsigned integer overflow");
    match arguments {
        [Value::Uint(value)] => Ok(Value::Uint(*value)),
        [Value::Int(value)] => u64::try_from(*value).map(Value::Uint).map_err(|_| overflow()),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        [Value::Double(value)] => {
            let in_range = *value >= 0.0 && *value < 18_446_744_073_709_551_616.0;
            if in_range { Ok(Value::Uint(*value as u64)) } else { Err(overflow()) }
        }
        [Value::String(text)] => {
            let number = text.parse().ok().filter(|_| !text.starts_with('+'));
            number.map(Value::Uint).ok_or_else(|| failed("string", "uint"))
        }
        _ => NO_OVERLOAD,
    }
}

#[expect(clippy::cast_precision_loss, reason = "that is the conversion")]
fn to_double(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    match arguments {
        [Value::Double(value)] => Ok(Value::Double(*value)),
        [Value::Int(value)] => Ok(Value::Double(*value as f64)),
        [Value::Uint(value)] => Ok(Value::Double(*value as f64)),
        [Value::String(text)] => {
            let number = text.parse::<f64>().ok();
            // A finite notation that overflows is an error; `inf` and `nan` are not.
            let number = number.filter(|n| !n.is_infinite() || !text.contains(char::is_numeric));
            number.map(Value::Double).ok_or_else(|| failed("string", "double"))
        }
        _ => NO_OVERLOAD,
    }
}

fn to_string(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    let [value] = arguments else { return NO_OVERLOAD };
    let text = match value {
        Value::String(text) => return Ok(Value::String(text.clone())),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(value) => general(*value),
        Value::Bytes(bytes) => match String::from_utf8(bytes.to_vec()) {
            Ok(text) => text,
            Err(_) => {
                return Err(EvalError::new("invalid UTF-8 in bytes, cannot convert to string"));
            }
        },
        Value::Duration(nanos) => show_duration(*nanos),
        Value::Timestamp(time) => time.show(),
        Value::Opaque(opaque) => match &**opaque {
            Opaque::Ip(address) => address.to_string(),
            Opaque::Cidr(cidr) => cidr.to_string(),
            _ => return NO_OVERLOAD,
        },
        _ => return NO_OVERLOAD,
    };
    Ok(Value::String(text.into()))
}

fn to_bytes(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    match arguments {
        [Value::Bytes(bytes)] => Ok(Value::Bytes(bytes.clone())),
        [Value::String(text)] => Ok(Value::Bytes(text.as_bytes().into())),
        _ => NO_OVERLOAD,
    }
}

pub(crate) fn to_timestamp(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    match arguments {
        [Value::Timestamp(time)] => Ok(Value::Timestamp(*time)),
        [Value::Int(seconds)] => Timestamp::of_seconds(*seconds).map(Value::Timestamp),
        [Value::String(text)] => Timestamp::parse(text)
            .map(Value::Timestamp)
            .ok_or_else(|| failed("string", "google.protobuf.Timestamp")),
        _ => NO_OVERLOAD,
    }
}

pub(crate) fn to_duration(_: &mut Machine<'_>, arguments: &[Value]) -> Outcome {
    match arguments {
        [Value::Duration(nanos)] => Ok(Value::Duration(*nanos)),
        [Value::Int(nanos)] => Ok(Value::Duration(*nanos)),
        [Value::String(text)] => parse_duration(text)
            .map(Value::Duration)
            .ok_or_else(|| failed("string", "google.protobuf.Duration")),
        _ => NO_OVERLOAD,
    }
}

pub(crate) const LIBRARY: Library = Library {
    signatures: "
        bool(bool) bool
        bool(string) bool
        bytes(bytes) bytes
        bytes(string) bytes
        double(double) double
        double(int) double
        double(string) double
        double(uint) double
        duration(google.protobuf.Duration) google.protobuf.Duration
        duration(string) google.protobuf.Duration
        dyn(A) dyn
        int(int) int
        int(double) int
        int(google.protobuf.Duration) int
        int(string) int
        int(google.protobuf.Timestamp) int
        int(uint) int
        string(string) string
        string(bool) string
        string(bytes) string
        string(double) string
        string(google.protobuf.Duration) string
        string(int) string
        string(google.protobuf.Timestamp) string
        string(uint) string
        string(net.IP) string
        string(net.CIDR) string
        timestamp(google.protobuf.Timestamp) google.protobuf.Timestamp
        timestamp(int) google.protobuf.Timestamp
        timestamp(string) google.protobuf.Timestamp
        type(A) type(A)
        uint(uint) uint
        uint(double) uint
        uint(int) uint
        uint(string) uint
    ",
    natives: &[
        ("bool", to_bool),
        ("bytes", to_bytes),
        ("double", to_double),
        ("duration", to_duration),
        ("dyn", |_, arguments| arguments.first().cloned().map_or(NO_OVERLOAD, Ok)),
        ("int", to_int),
        ("string", to_string),
        ("timestamp", to_timestamp),
        ("type", |_, arguments| match arguments {
            [value] => Ok(Value::Type(value.type_name().into())),
            _ => NO_OVERLOAD,
        }),
        ("uint", to_uint),
    ],
};
