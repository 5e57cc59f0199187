//! The types of the fields of `Chart.yaml`, as Go's decoder has them: a number or a truth value
//! where a text belongs becomes one, every other mismatch refuses the chart. Names of fields may be
//! in any case.

use crate::print;
use crate::value::{Kind, Map, Value};

/// What a field holds.
enum Shape {
    Text,
    Flag,
    Texts,
    TextMap,
    List(&'static [Field]),
    /// Judged where it is used.
    Any,
}

type Field = (&'static str, Shape);

const DEPENDENCIES: Shape = Shape::List(&[
    ("name", Shape::Text),
    ("version", Shape::Text),
    ("repository", Shape::Text),
    ("condition", Shape::Text),
    ("tags", Shape::Texts),
    ("enabled", Shape::Flag),
    ("import-values", Shape::Any),
    ("alias", Shape::Text),
]);

const CHART: &[Field] = &[
    ("name", Shape::Text),
    ("home", Shape::Text),
    ("sources", Shape::Texts),
    ("version", Shape::Text),
    ("description", Shape::Text),
    ("keywords", Shape::Texts),
    (
        "maintainers",
        Shape::List(&[("name", Shape::Text), ("email", Shape::Text), ("url", Shape::Text)]),
    ),
    ("icon", Shape::Text),
    ("apiVersion", Shape::Text),
    ("condition", Shape::Text),
    ("tags", Shape::Text),
    ("appVersion", Shape::Text),
    ("deprecated", Shape::Flag),
    ("annotations", Shape::TextMap),
    ("kubeVersion", Shape::Text),
    ("type", Shape::Text),
    ("dependencies", DEPENDENCIES),
];

/// `Chart.yaml` with the fields that Helm knows, each of its type; else which one is not.
pub(super) fn chart(value: &Value) -> Result<Value, String> {
    fields(value, CHART, "")
}

/// `requirements.yaml` likewise.
pub(super) fn requirements(value: &Value) -> Result<Value, String> {
    fields(value, &[("dependencies", DEPENDENCIES)], "")
}

fn fields(value: &Value, known: &[Field], path: &str) -> Result<Value, String> {
    let Some(map) = value.as_map() else {
        return if value.is_nil() {
            Ok(Value::NIL)
        } else {
            Err(mismatch(value, path, "an object"))
        };
    };
    let mut typed = Map::new();
    for (key, given) in map.borrow().iter() {
        let Some((name, shape)) = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))
        else {
            continue;
        };
        if **name == **key || !typed.contains_key(*name) {
            let path = if path.is_empty() { (*name).to_owned() } else { format!("{path}.{name}") };
            typed.insert((*name).into(), typed_value(given, shape, &path)?);
        }
    }
    Ok(Value::from(typed).at(value.origin))
}

fn typed_value(value: &Value, shape: &Shape, path: &str) -> Result<Value, String> {
    if value.is_nil() {
        return Ok(Value::NIL);
    }
    match shape {
        Shape::Any => Ok(value.clone()),
        Shape::Text => as_text(value, path),
        Shape::Flag if matches!(value.kind, Kind::Bool(_)) => Ok(value.clone()),
        Shape::Flag => Err(mismatch(value, path, "`true` or `false`")),
        Shape::Texts => each(value, path, as_text),
        Shape::List(known) => each(value, path, |item, path| fields(item, known, path)),
        Shape::TextMap => {
            let Some(map) = value.as_map() else {
                return Err(mismatch(value, path, "an object of texts"));
            };
            let mut texts = Map::new();
            for (key, item) in map.borrow().iter() {
                texts.insert(key.clone(), as_text(item, &format!("{path}.{key}"))?);
            }
            Ok(Value::from(texts).at(value.origin))
        }
    }
}

fn each(
    value: &Value,
    path: &str,
    item: impl Fn(&Value, &str) -> Result<Value, String>,
) -> Result<Value, String> {
    let Some(items) = value.as_list() else { return Err(mismatch(value, path, "a list")) };
    let items = items.iter().enumerate();
    let items: Result<Vec<Value>, String> =
        items.map(|(index, each)| item(each, &format!("{path}[{index}]"))).collect();
    Ok(Value::from(items?).at(value.origin))
}

fn as_text(value: &Value, path: &str) -> Result<Value, String> {
    let text = match &value.kind {
        Kind::Text(_) => return Ok(value.clone()),
        Kind::Nil => String::new(),
        Kind::Float(number) => print::float(*number),
        Kind::Bool(value) => value.to_string(),
        _ => return Err(mismatch(value, path, "a text")),
    };
    Ok(Value::from(text).at(value.first_origin()))
}

fn mismatch(value: &Value, path: &str, expected: &str) -> String {
    let found = match &value.kind {
        Kind::Bool(_) => "a truth value",
        Kind::Text(_) => "a text",
        Kind::List(_) => "a list",
        Kind::Map(..) => "an object",
        _ => "a number",
    };
    if path.is_empty() {
        return format!("it holds {found}, not {expected}");
    }
    format!("`{path}` is {found}, not {expected}")
}
