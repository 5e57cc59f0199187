//! The methods of `.Files`, `.Capabilities.APIVersions` and other objects.

use std::collections::BTreeMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Outcome, text};
use crate::bytes;
use crate::emit;
use crate::template::Exec;
use crate::value::{Bytes, ItemType, Kind, Map, Object, Value};

/// Calls a method; `None` if the value has none of this name.
pub(crate) fn method(
    exec: &Exec,
    receiver: &Value,
    name: &str,
    arguments: &[Value],
) -> Option<Outcome> {
    let Kind::Object(object) = &receiver.kind else { return None };
    match (&**object, name) {
        (Object::Files(files), _) => file_method(exec, files, name, arguments),
        (Object::ApiVersions(versions), "Has") => Some(Ok(Value::from(
            versions.iter().any(|version| version.as_str() == Some(text(arguments, 0))),
        ))),
        (Object::Struct("common.KubeVersion", _), "String" | "GitVersion") => {
            Some(crate::template::field_of(receiver, "Version", false))
        }
        (Object::Version(version), "String") => Some(Ok(Value::from(version.to_string()))),
        (Object::Version(version), "Original") => Some(Ok(Value::from(version.original.as_str()))),
        (Object::Version(version), _) => version_method(version, name, arguments),
        (Object::Named { name: own, .. }, "String") => Some(Ok(Value::from(own.as_str()))),
        (Object::Time(seconds), _) => time_method(*seconds, name, arguments)
            .map(|result| result.map(|value| value.at(receiver.first_origin()))),
        _ => None,
    }
}

fn version_method(
    version: &crate::semver::Version,
    name: &str,
    arguments: &[Value],
) -> Option<Outcome> {
    let other = arguments.first().and_then(|other| match &other.kind {
        Kind::Object(object) => match &**object {
            Object::Version(other) => Some(other),
            _ => None,
        },
        _ => None,
    });
    let ordering = || other.map(|other| version.cmp(other));
    match name {
        "Compare" => Some(match ordering() {
            Some(ordering) => Ok(Value::int(ordering as i64)),
            None => Err("expected *semver.Version".to_owned()),
        }),
        "LessThan" => Some(Ok(Value::from(ordering().is_some_and(|ordering| ordering.is_lt())))),
        "GreaterThan" => Some(Ok(Value::from(ordering().is_some_and(|ordering| ordering.is_gt())))),
        "Equal" => Some(Ok(Value::from(ordering().is_some_and(|ordering| ordering.is_eq())))),
        _ => None,
    }
}

fn time_method(seconds: i64, name: &str, arguments: &[Value]) -> Option<Outcome> {
    let part = |layout: &str| {
        let written = crate::dates::format(layout, seconds);
        Value::int(written.parse().unwrap_or(0))
    };
    let named = |of, number, layout: &str| {
        Object::Named { of, number, name: crate::dates::format(layout, seconds) }.into()
    };
    let other = match arguments.first().map(|other| &other.kind) {
        Some(Kind::Object(object)) => match &**object {
            Object::Time(other) => Some(*other),
            _ => None,
        },
        _ => None,
    };
    let count = |index| arguments.get(index).map_or(0, super::to_int);
    let value = match name {
        "AddDate" => {
            let changed = crate::dates::add_date(seconds, count(0), count(1), count(2));
            Object::Time(changed).into()
        }
        "After" => Value::from(other.is_some_and(|other| seconds > other)),
        "Before" => Value::from(other.is_some_and(|other| seconds < other)),
        "Equal" => Value::from(other == Some(seconds)),
        "Unix" => Value::int64(seconds),
        "UnixMilli" => Value::int64(seconds.saturating_mul(1_000)),
        "UnixMicro" => Value::int64(seconds.saturating_mul(1_000_000)),
        "UnixNano" => Value::int64(seconds.saturating_mul(1_000_000_000)),
        "Format" => Value::from(crate::dates::format(text(arguments, 0), seconds)),
        "String" => Value::from(crate::dates::full(seconds)),
        "Month" => named("time.Month", crate::dates::month(seconds), "January"),
        "Weekday" => named("time.Weekday", crate::dates::weekday(seconds), "Monday"),
        "Year" => part("2006"),
        "Day" => part("2"),
        "Hour" => part("15"),
        "Minute" => part("4"),
        "Second" => part("5"),
        "YearDay" => part("002"),
        "UTC" | "Local" => Object::Time(seconds).into(),
        _ => return None,
    };
    Some(Ok(value))
}

fn file_method(
    exec: &Exec,
    files: &Rc<BTreeMap<String, Rc<[u8]>>>,
    name: &str,
    arguments: &[Value],
) -> Option<Outcome> {
    let content = || files.get(text(arguments, 0));
    let result = match name {
        "Get" => Ok(content().map_or_else(|| Value::from(""), |file| super::content(file))),
        "GetBytes" => {
            Ok(Object::Bytes(Bytes::new(content().map_or(&[][..], |file| &**file))).into())
        }
        "Lines" => {
            let content = content().map(|file| bytes::to_text(file));
            let mut text = content.unwrap_or_default();
            if text.ends_with('\n') {
                text.pop();
            }
            Ok(Value::list_of(
                ItemType::Text,
                if text.is_empty() && !files.contains_key(self::text(arguments, 0)) {
                    Vec::new()
                } else {
                    text.split('\n').map(Value::from).collect()
                },
            ))
        }
        "Glob" => Ok(globbed(files, text(arguments, 0))),
        "AsConfig" => config(exec, files, false),
        "AsSecrets" => config(exec, files, true),
        _ => return None,
    };
    Some(result)
}

fn globbed(files: &BTreeMap<String, Rc<[u8]>>, pattern: &str) -> Value {
    let expression = regex::Regex::new(&expression_of(pattern)).ok();
    // A pattern that is not valid selects everything.
    let selects = |name: &str| expression.as_ref().is_none_or(|glob| glob.is_match(name));
    let kept = files.iter().filter(|(name, _)| selects(name));
    let kept = kept.map(|(name, content)| (name.clone(), Rc::clone(content))).collect();
    Object::Files(Rc::new(kept)).into()
}

/// A pattern of `.Files.Glob` as a regular expression: only `**` goes beyond a `/`.
fn expression_of(pattern: &str) -> String {
    let pattern = if pattern.is_empty() { "**" } else { pattern };
    let mut out = String::from("(?s)^");
    let mut chars = pattern.chars().peekable();
    let mut groups = 0_usize;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.peek() == Some(&'*') => {
                while chars.next_if_eq(&'*').is_some() {}
                out.push_str(".*");
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => {
                out.push('[');
                if chars.next_if_eq(&'!').is_some() {
                    out.push('^');
                }
                for c in chars.by_ref().take_while(|c| *c != ']') {
                    match c {
                        '-' => out.push(c),
                        c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
                    }
                }
                out.push(']');
            }
            '{' => {
                groups += 1;
                out.push_str("(?:");
            }
            '}' if groups > 0 => {
                groups -= 1;
                out.push(')');
            }
            ',' if groups > 0 => out.push('|'),
            '\\' => {
                let escaped = chars.next().map(String::from).unwrap_or_default();
                out.push_str(&regex::escape(&escaped));
            }
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out.push('$');
    out
}

/// The files as the `data` of a ConfigMap or Secret.
fn config(exec: &Exec, files: &BTreeMap<String, Rc<[u8]>>, encoded: bool) -> Outcome {
    let mut map = Map::new();
    for (path, content) in files {
        exec.budget.bytes(content.len())?;
        let value =
            if encoded { Value::from(STANDARD.encode(content)) } else { super::content(content) };
        map.insert(super::paths::base(path).into(), value);
    }
    emit::to_yaml(&Value::from(map), &exec.budget)
}
