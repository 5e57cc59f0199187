//! JSON and TOML as Go's encoders write them.

use std::rc::Rc;

use crate::budget::{Budget, MAX_DEPTH};
use crate::bytes;
use crate::origin::Origin;
use crate::text::Buffer;
use crate::value::{Kind, Map, MapType, Object, Value};

/// The layout of a text.
#[derive(Clone, Copy)]
struct Layout {
    /// Escape `<`, `>` and `&`.
    html: bool,
    /// Spaces per level; none for one line.
    indent: usize,
}

impl Layout {
    /// Starts a line, if there are several.
    fn line(self, depth: usize, origin: Origin, out: &mut Buffer) {
        if self.indent > 0 {
            out.push("\n", origin);
            out.push(&" ".repeat(self.indent * depth), origin);
        }
    }
}

/// One line of JSON.
pub(crate) fn compact(value: &Value, html: bool, budget: &Budget) -> Result<Value, String> {
    let mut out = Buffer::default();
    write(value, Layout { html, indent: 0 }, 0, &mut out, budget)?;
    Ok(Value::from(out))
}

/// JSON on lines.
pub(crate) fn pretty(value: &Value, budget: &Budget) -> Result<Value, String> {
    let mut out = Buffer::default();
    write(value, Layout { html: true, indent: 2 }, 0, &mut out, budget)?;
    Ok(Value::from(out))
}

fn write(
    value: &Value,
    layout: Layout,
    depth: usize,
    out: &mut Buffer,
    budget: &Budget,
) -> Result<(), String> {
    budget.nodes(1)?;
    if depth > MAX_DEPTH {
        return Err("json: unsupported value: encountered a cycle".to_owned());
    }
    let origin = value.origin;
    let line = |out: &mut Buffer, depth: usize| layout.line(depth, origin, out);
    match &value.kind {
        Kind::Nil => out.push("null", origin),
        Kind::Bool(value) => out.push(if *value { "true" } else { "false" }, origin),
        Kind::Int(value) | Kind::Int64(value) => out.push(&value.to_string(), origin),
        Kind::Float(value) => match number(*value) {
            Some(text) => out.push(&text, origin),
            None => return Err(format!("json: unsupported value: {value}")),
        },
        Kind::Text(text) => {
            budget.bytes(text.as_str().len())?;
            out.push("\"", value.first_origin());
            for (part, origin) in text.parts(0..text.as_str().len(), origin) {
                let mut escaped = String::with_capacity(part.len());
                part.chars().for_each(|c| escape(c, layout.html, &mut escaped));
                out.push(&escaped, origin);
            }
            out.push("\"", origin);
        }
        Kind::List(list) if list.is_nil => out.push("null", origin),
        Kind::List(list) => {
            out.push("[", origin);
            for (position, item) in list.items.iter().enumerate() {
                if position > 0 {
                    out.push(",", origin);
                }
                line(out, depth + 1);
                write(item, layout, depth + 1, out, budget)?;
            }
            if !list.items.is_empty() {
                line(out, depth);
            }
            out.push("]", origin);
        }
        Kind::Map(map, MapType::Texts) if map.borrow().is_empty() => out.push("null", origin),
        Kind::Map(map, _) => {
            let map = map.borrow();
            let entries = map.iter().map(|(key, value)| (&**key, value));
            write_entries(entries, layout, depth, origin, out, budget)?;
        }
        Kind::Object(object) => match &**object {
            // The fields of a struct are in the order of its declaration.
            Object::Struct(structure, fields) => {
                let fields = fields.iter();
                let fields = fields.map(|(name, field)| (json_name(structure, name), field));
                write_entries(fields, layout, depth, origin, out, budget)?;
            }
            _ => write(&as_data(object, budget)?, layout, depth, out, budget)?,
        },
    }
    Ok(())
}

fn write_entries<'v>(
    entries: impl Iterator<Item = (&'v str, &'v Value)>,
    layout: Layout,
    depth: usize,
    origin: Origin,
    out: &mut Buffer,
    budget: &Budget,
) -> Result<(), String> {
    out.push("{", origin);
    let mut is_empty = true;
    for (key, value) in entries {
        if !is_empty {
            out.push(",", origin);
        }
        is_empty = false;
        layout.line(depth + 1, origin, out);
        let mut name = String::from("\"");
        key.chars().for_each(|c| escape(c, layout.html, &mut name));
        name.push_str(if layout.indent > 0 { "\": " } else { "\":" });
        out.push(&name, value.origin);
        write(value, layout, depth + 1, out, budget)?;
    }
    if !is_empty {
        layout.line(depth, origin, out);
    }
    out.push("}", origin);
    Ok(())
}

/// The name that a field of a struct has in JSON.
fn json_name(structure: &str, field: &'static str) -> &'static str {
    match (structure, field) {
        ("version.BuildInfo", "Version") => "version",
        ("version.BuildInfo", "GitCommit") => "git_commit",
        ("version.BuildInfo", "GitTreeState") => "git_tree_state",
        ("version.BuildInfo", "GoVersion") => "go_version",
        ("version.BuildInfo", "KubeClientVersion") => "kube_client_version",
        _ => field,
    }
}

/// An object as its encoders see it.
pub(crate) fn as_data(object: &Rc<Object>, budget: &Budget) -> Result<Value, String> {
    Ok(match &**object {
        Object::Struct(structure, fields) => {
            let fields = fields.iter();
            let map: Map = fields
                .map(|(name, value)| (json_name(structure, name).into(), value.clone()))
                .collect();
            Value::from(map)
        }
        Object::Files(files) => {
            let text = |content: &Rc<[u8]>| {
                use base64::Engine as _;
                Value::from(base64::engine::general_purpose::STANDARD.encode(content))
            };
            let map: Map =
                files.iter().map(|(name, content)| (name.as_str().into(), text(content))).collect();
            Value::from(map)
        }
        Object::ApiVersions(versions) => Value::from(versions.clone()),
        Object::Time(seconds) => {
            Value::from(crate::dates::format("2006-01-02T15:04:05Z07:00", *seconds))
        }
        Object::Bytes(bytes) => {
            use base64::Engine as _;
            let engine = base64::engine::general_purpose::STANDARD;
            Value::from(engine.encode(bytes.content()))
        }
        Object::Named { number, .. } => Value::int(*number),
        Object::Version(version) => {
            budget.nodes(1)?;
            Value::from(version.to_string())
        }
    })
}

/// The escape of two characters that JSON and TOML have for a character.
fn short_escape(c: char) -> Option<&'static str> {
    Some(match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        _ => return None,
    })
}

fn escape(c: char, html: bool, out: &mut String) {
    if let Some(escape) = short_escape(c) {
        return out.push_str(escape);
    }
    if bytes::stray(c).is_some() {
        return out.push_str("\\ufffd");
    }
    match c {
        '<' | '>' | '&' if html => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        c if c < ' ' || matches!(c, '\u{2028}' | '\u{2029}') => {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
        c => out.push(c),
    }
}

/// A number as Go's JSON has it: an exponent below 1e-6 and from 1e21 on.
pub(crate) fn number(value: f64) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let exponent: i32 = exponent.parse().ok()?;
        let sign = if exponent < 0 { '-' } else { '+' };
        // A negative exponent loses its leading zero, a positive one has two digits anyway.
        return Some(format!("{mantissa}e{sign}{:02}", exponent.abs()).replace("e-0", "e-"));
    }
    Some(format!("{value}"))
}

/// What JSON calls a value.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value.kind {
        Kind::Nil => "null",
        Kind::Bool(_) => "bool",
        Kind::Int(_) | Kind::Int64(_) | Kind::Float(_) => "number",
        Kind::Text(_) => "string",
        Kind::List(_) => "array",
        Kind::Map(..) | Kind::Object(_) => "object",
    }
}

/// JSON values; depth is bounded by the JSON parser.
pub(crate) fn from_json(json: &serde_json::Value, origin: Origin) -> Value {
    convert(json, origin, false)
}

/// An object of a cluster: its integers stay integers, as in Kubernetes' own decoder.
pub(crate) fn from_object(json: &serde_json::Value, origin: Origin) -> Value {
    convert(json, origin, true)
}

fn convert(json: &serde_json::Value, origin: Origin, integers: bool) -> Value {
    use serde_json::Value as Json;
    let value = match json {
        Json::Null => Value::NIL,
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => match number.as_i64().filter(|_| integers) {
            Some(integer) => Value::int64(integer),
            None => Value::float(number.as_f64().unwrap_or(0.0)),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => {
            let items = items.iter().map(|item| convert(item, origin, integers));
            Value::from(items.collect::<Vec<_>>())
        }
        Json::Object(entries) => {
            let entries = entries.iter();
            let map: Map = entries
                .map(|(key, value)| (key.as_str().into(), convert(value, origin, integers)))
                .collect();
            Value::from(map)
        }
    };
    value.at(origin)
}

/// As JSON, for schemas.
pub(crate) fn to_json(value: &Value, budget: &Budget) -> Result<serde_json::Value, String> {
    let text = compact(value, false, budget)?;
    serde_json::from_str(text.as_str().unwrap_or("null")).map_err(|error| error.to_string())
}

/// TOML as `BurntSushi/toml` writes it.
pub(crate) fn to_toml(value: &Value, budget: &Budget) -> Result<String, String> {
    let mut out = String::new();
    let Some(map) = value.as_map() else {
        if is_toml_table(value) {
            return Err("toml: top-level values must be Go maps or structs".to_owned());
        }
        toml_value(value, &mut out, budget, 0)?;
        return Ok(out);
    };
    toml_table(&map.borrow(), &mut Vec::new(), &mut out, budget)?;
    Ok(out)
}

fn toml_table(
    map: &Map,
    path: &mut Vec<String>,
    out: &mut String,
    budget: &Budget,
) -> Result<(), String> {
    budget.nodes(map.len() + 1)?;
    if path.len() > MAX_DEPTH {
        return Err("value is nested too deeply".to_owned());
    }
    let pad = "  ".repeat(path.len());
    for (key, value) in map.iter().filter(|(_, value)| !is_toml_table(value) && !value.is_nil()) {
        out.push_str(&format!("{pad}{} = ", toml_key(key)));
        toml_value(value, out, budget, 0)?;
        out.push('\n');
    }
    for (key, value) in map.iter().filter(|(_, value)| is_toml_table(value)) {
        path.push(toml_key(key));
        let pad = "  ".repeat(path.len() - 1);
        if let Some(map) = value.as_map() {
            if path.len() == 1 && !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&format!("{pad}[{}]\n", path.join(".")));
            toml_table(&map.borrow(), path, out, budget)?;
        } else {
            for item in value.as_list().unwrap_or_default() {
                if !out.is_empty() {
                    out.push('\n');
                }
                out.push_str(&format!("{pad}[[{}]]\n", path.join(".")));
                if let Some(map) = item.as_map() {
                    toml_table(&map.borrow(), path, out, budget)?;
                }
            }
        }
        path.pop();
    }
    Ok(())
}

/// Whether it is written as tables: a mapping, or a list of nothing but mappings.
fn is_toml_table(value: &Value) -> bool {
    value.as_map().is_some()
        || value.as_list().is_some_and(|items| {
            !items.is_empty() && items.iter().all(|item| item.as_map().is_some())
        })
}

fn toml_key(key: &str) -> String {
    let bare = !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if bare { key.to_owned() } else { toml_text(key) }
}

fn toml_text(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match short_escape(c) {
            Some(escape) => out.push_str(escape),
            None if c < ' ' || c == '\u{7f}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            None => out.push(c),
        }
    }
    out.push('"');
    out
}

fn toml_value(
    value: &Value,
    out: &mut String,
    budget: &Budget,
    depth: usize,
) -> Result<(), String> {
    budget.nodes(1)?;
    if depth > MAX_DEPTH {
        return Err("value is nested too deeply".to_owned());
    }
    match &value.kind {
        Kind::Nil => return Err("toml: cannot encode array with nil element".to_owned()),
        Kind::Text(text) => out.push_str(&toml_text(text.as_str())),
        Kind::Float(value) => {
            let text = crate::print::float(*value);
            out.push_str(&text);
            if !text.contains(['.', 'e', 'N', 'I']) {
                out.push_str(".0");
            }
        }
        Kind::List(list) => {
            out.push('[');
            for (position, item) in list.items.iter().enumerate() {
                if position > 0 {
                    out.push_str(", ");
                }
                toml_value(item, out, budget, depth + 1)?;
            }
            out.push(']');
        }
        Kind::Map(map, _) => {
            out.push('{');
            for (position, (key, value)) in map.borrow().iter().enumerate() {
                if position > 0 {
                    out.push_str(", ");
                }
                out.push_str(&format!("{} = ", toml_key(key)));
                toml_value(value, out, budget, depth + 1)?;
            }
            out.push('}');
        }
        _ => out.push_str(&crate::print::plain(value, budget)?),
    }
    Ok(())
}

/// Reads TOML.
pub(crate) fn from_toml(text: &str, budget: &Budget) -> Result<Value, String> {
    budget.bytes(text.len() * 4)?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    Ok(toml_to_value(&toml::Value::Table(table)))
}

fn toml_to_value(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::int64(*number),
        toml::Value::Float(number) => Value::float(*number),
        toml::Value::Boolean(value) => Value::from(*value),
        toml::Value::Datetime(date) => Value::from(date.to_string()),
        toml::Value::Array(items) => {
            Value::from(items.iter().map(toml_to_value).collect::<Vec<_>>())
        }
        toml::Value::Table(table) => {
            let map: Map = table
                .iter()
                .map(|(key, value)| (key.as_str().into(), toml_to_value(value)))
                .collect();
            Value::from(map)
        }
    }
}
