//! Reads YAML into values, as `sigs.k8s.io/yaml` does: numbers become `float64`, keys become text.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coaming_yaml::{Document, Kind as NodeKind, Node, Scalar, ScalarStyle};

use crate::budget::Budget;
use crate::bytes;
use crate::functions::encoding_error as error_map;
use crate::origin::Origin;
use crate::tabs;
use crate::text::Text;
use crate::value::{Kind, Map, Value};

/// Reads the first document of a text that has its own origins.
pub(crate) fn read(value: &Value, budget: &Budget) -> Result<Value, String> {
    let Kind::Text(text) = &value.kind else { return Err("expected string".to_owned()) };
    budget.bytes(text.as_str().len() * 4)?;
    let document = first_document(text.as_str())?;
    match document {
        Some(document) => {
            from_node(document.root(), &|offset| text.origin_at(offset, value.origin))
        }
        None => Ok(Value::NIL),
    }
}

/// The first document, if the text has one.
pub(crate) fn first_document(text: &str) -> Result<Option<Document>, String> {
    located_document(text).map_err(|(message, _)| message)
}

/// The first document, if the text has one; else why not, and at which byte.
pub(crate) fn located_document(text: &str) -> Result<Option<Document>, (String, usize)> {
    if bytes::has_strays(text)
        && let Some((offset, _)) = text.char_indices().find(|(_, c)| bytes::stray(*c).is_some())
    {
        return Err(located(text, offset, "invalid UTF-8"));
    }
    let stream = coaming_yaml::parse(Arc::from(text));
    let document = stream.documents.into_iter().next();
    if let Some(error) = stream.errors.first() {
        let comes_first = match &document {
            // The error is in the first document, unless that ended before.
            Some(document) => error.offset <= document.span().end,
            None => true,
        };
        if comes_first {
            let offset = error.offset as usize;
            return Err(located(text, offset, &error.message));
        }
    }
    if let Some(offset) = document.as_ref().and_then(tabs::misplaced) {
        return Err(located(text, offset, "found a tab character that violates indentation"));
    }
    Ok(document)
}

/// A message about a byte, with its line.
fn located(text: &str, offset: usize, message: &str) -> (String, usize) {
    let line = text.get(..offset).unwrap_or_default().matches('\n').count() + 1;
    (format!("error converting YAML to JSON: yaml: line {line}: {message}"), offset)
}

/// A node as a value; `origin` is where the byte at an offset comes from.
pub(crate) fn from_node(node: Node<'_>, origin: &dyn Fn(usize) -> Origin) -> Result<Value, String> {
    let start = node.span().map_or(0, |span| span.start as usize);
    let mut place = origin(start);
    place.template.verbatim = false;
    place.value.verbatim = false;
    let value = match node.kind() {
        NodeKind::Mapping => {
            let mut map = Map::new();
            for entry in node.entries() {
                // The entry that wins among duplicates and merged ones.
                let winner = node.get(entry.name()).unwrap_or(entry.value);
                map.insert(entry.name().into(), from_node(winner, origin)?);
            }
            Value::from(map)
        }
        NodeKind::Sequence => {
            let items: Result<Vec<Value>, String> =
                node.items().map(|item| from_node(item, origin)).collect();
            Value::from(items?)
        }
        NodeKind::Scalar => match node.scalar() {
            None | Some(Scalar::Null) => Value::NIL,
            Some(Scalar::Bool(value)) => Value::from(value),
            Some(Scalar::Int(value)) => Value::float(value as f64),
            Some(Scalar::UInt(value)) => Value::float(value as f64),
            Some(Scalar::Float(value)) if value.is_finite() => Value::float(value),
            Some(Scalar::Float(value)) => {
                // Helm reads YAML by way of JSON.
                let value = crate::print::float(value);
                return Err(format!(
                    "error converting YAML to JSON: json: unsupported value: {value}"
                ));
            }
            Some(Scalar::Str(text)) if is_binary(node) => {
                let encoded: String = text.split_whitespace().collect();
                let decoded = STANDARD.decode(encoded).map_err(|_| {
                    "error converting YAML to JSON: yaml: !!binary value contains invalid base64 data"
                })?;
                Value::from(bytes::to_text(&decoded))
            }
            Some(Scalar::Str(text)) => {
                if node.scalar_style() == Some(ScalarStyle::Plain)
                    && node.span().is_some_and(|span| span.range().len() == text.len())
                {
                    place = origin(start);
                }
                Kind::Text(Text::plain(text)).into()
            }
        },
    };
    Ok(value.at(place))
}

/// Whether a scalar has the tag of encoded bytes.
fn is_binary(node: Node<'_>) -> bool {
    let source = node.document().source();
    let before = node.span().and_then(|span| source.get(..span.start as usize));
    before.is_some_and(|before| {
        before.ends_with([' ', '\n']) && before.trim_end().ends_with("!!binary")
    })
}

/// `fromYaml`: a mapping, or one with the error.
pub(crate) fn map_or_error(value: &Value, budget: &Budget) -> Value {
    match read(value, budget) {
        Ok(value) if value.as_map().is_some() => value,
        Ok(value) if value.is_nil() => Value::from(Map::new()),
        Ok(other) => error_map(format!(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value \
             of type map[string]interface {{}}",
            crate::json::type_of(&other)
        )),
        Err(message) => error_map(message),
    }
}

/// `fromYamlArray`: a list, or one with the error.
pub(crate) fn list_or_error(value: &Value, budget: &Budget) -> Value {
    match read(value, budget) {
        Ok(value) if value.as_list().is_some() => value,
        Ok(value) if value.is_nil() => Value::from(Vec::new()),
        Ok(other) => Value::from(vec![Value::from(format!(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value \
             of type []interface {{}}",
            crate::json::type_of(&other)
        ))]),
        Err(message) => Value::from(vec![Value::from(message)]),
    }
}
