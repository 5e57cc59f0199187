//! Types and values of the parts of a schema, as rules of a CustomResourceDefinition see them.
//!
//! A value has only the fields that the schema names, under names that CEL can write, and those of
//! its defaults.

use std::collections::BTreeMap;

use coaming_kube::Fields as _;
use coaming_yaml::{Node, NodeId, Scalar};

use crate::lang::Str;
use crate::lang::check::ObjectTypes;
use crate::lang::time::{Timestamp, parse_duration};
use crate::lang::types::Type;
use crate::lang::value::Value;

/// How deep a schema is read.
const MAX_DEPTH: usize = 64;

/// A schema's types, and the types of the parts that have rules.
#[derive(Debug, Default)]
pub(super) struct Types {
    pub(super) objects: ObjectTypes,
    /// The type of each part with rules, by its node.
    pub(super) of_rules: BTreeMap<NodeId, Type>,
}

impl Types {
    /// Reads a schema; `is_resource` of one whose values are whole objects.
    pub(super) fn read(&mut self, schema: Node<'_>, is_resource: bool) {
        self.of(schema, is_resource, 0);
    }

    fn of(&mut self, schema: Node<'_>, is_resource: bool, depth: usize) -> Option<Type> {
        if depth > MAX_DEPTH {
            return None;
        }
        let of = self.plain(schema, is_resource, depth);
        if let Some(of) = &of
            && schema.list(RULES).next().is_some()
        {
            self.of_rules.insert(schema.id(), of.clone());
        }
        of
    }

    fn plain(&mut self, schema: Node<'_>, is_resource: bool, depth: usize) -> Option<Type> {
        if is_mixed(schema) {
            return Some(Type::Dyn);
        }
        Some(match schema.string("type").unwrap_or_default() {
            "array" => {
                let items = schema.mapping("items")?;
                Type::list(self.of(items, is_embedded_resource(items), depth + 1)?)
            }
            "object" => match schema.mapping("additionalProperties") {
                Some(others) if !is_resource => {
                    let value = self.of(others, is_embedded_resource(others), depth + 1)?;
                    Type::map(Type::named("string"), value)
                }
                _ => self.object(schema, is_resource, depth),
            },
            "string" => Type::named(match schema.string("format") {
                Some("byte") => "bytes",
                Some("duration") => "google.protobuf.Duration",
                Some("date" | "date-time") => "google.protobuf.Timestamp",
                _ => "string",
            }),
            "boolean" => Type::named("bool"),
            "number" => Type::named("double"),
            "integer" => Type::named("int"),
            _ => return None,
        })
    }

    fn object(&mut self, schema: Node<'_>, is_resource: bool, depth: usize) -> Type {
        // Its place, so that a type inside does not take it.
        let name: Str = format!("object#{}", self.objects.len()).into();
        self.objects.insert(Str::clone(&name), BTreeMap::new());
        let mut fields = BTreeMap::new();
        for property in schema.pairs("properties") {
            let of = self.of(property.value, is_embedded_resource(property.value), depth + 1);
            if let (Some(of), Some(name)) = (of, escaped(property.name())) {
                fields.insert(Str::from(name.as_str()), of);
            }
        }
        if is_resource {
            let text = || Type::named("string");
            let metadata: Str = format!("{name}.metadata").into();
            let of_metadata = ["name", "generateName"].map(|field| (Str::from(field), text()));
            self.objects.insert(Str::clone(&metadata), of_metadata.into_iter().collect());
            fields.insert("apiVersion".into(), text());
            fields.insert("kind".into(), text());
            fields.insert("metadata".into(), Type::Struct(metadata));
        }
        self.objects.insert(Str::clone(&name), fields);
        Type::Struct(name)
    }
}

/// The field with the rules of a part of a schema.
pub(super) const RULES: &str = "x-kubernetes-validations";

fn is_mixed(schema: Node<'_>) -> bool {
    schema.boolean("x-kubernetes-int-or-string") == Some(true)
}

pub(super) fn is_embedded_resource(schema: Node<'_>) -> bool {
    schema.boolean("x-kubernetes-embedded-resource") == Some(true)
}

/// A value that cannot be read: of another type than the schema says, or filled in later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unclear;

/// The value of a node, with the defaults of its schema; `None` of one that is not there.
pub(super) fn value(
    node: Node<'_>,
    schema: Node<'_>,
    is_resource: bool,
) -> Result<Option<Value>, Unclear> {
    value_at(node, schema, is_resource, 0)
}

fn value_at(
    node: Node<'_>,
    schema: Node<'_>,
    is_resource: bool,
    depth: usize,
) -> Result<Option<Value>, Unclear> {
    if depth > MAX_DEPTH || node.is_embedded() || node.as_str().is_some_and(is_filled_in_later) {
        return Err(Unclear);
    }
    if node.is_null() {
        let is_allowed = schema.boolean("nullable") == Some(true);
        return Ok(is_allowed.then_some(Value::Null));
    }
    if is_mixed(schema) {
        return Ok(Some(Value::of_node(node)));
    }
    let scalar = node.scalar();
    let found = match (schema.string("type").unwrap_or_default(), scalar) {
        ("object", None) if node.is_mapping() => object(node, schema, is_resource, depth)?,
        ("array", None) if node.is_sequence() => {
            let items = schema.mapping("items").ok_or(Unclear)?;
            let item =
                |item: Node<'_>| value_at(item, items, is_embedded_resource(items), depth + 1);
            let all: Result<Vec<_>, Unclear> = node.items().map(item).collect();
            Value::list(all?.into_iter().map(|item| item.unwrap_or(Value::Null)).collect())
        }
        ("string", Some(Scalar::Str(text))) => {
            text_of(text, schema.string("format").unwrap_or_default())?
        }
        ("boolean", Some(Scalar::Bool(value))) => Value::Bool(value),
        ("integer", Some(Scalar::Int(value))) => Value::Int(value),
        ("number", Some(Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_))) => {
            match Value::of_node(node) {
                #[expect(clippy::cast_precision_loss, reason = "as the API server decodes it")]
                Value::Int(value) => Value::Double(value as f64),
                other => other,
            }
        }
        _ => return Err(Unclear),
    };
    Ok(Some(found))
}

/// Whether a program fills in a part of a text before the API server sees it.
fn is_filled_in_later(text: &str) -> bool {
    ["${", "{{", "<<", "$("].iter().any(|mark| text.contains(mark))
}

fn text_of(text: &str, format: &str) -> Result<Value, Unclear> {
    match format {
        "duration" => parse_duration(text).map(Value::Duration).ok_or(Unclear),
        "date-time" => Timestamp::parse(text).map(Value::Timestamp).ok_or(Unclear),
        "date" => {
            let midnight = format!("{text}T00:00:00Z");
            Timestamp::parse(&midnight).map(Value::Timestamp).ok_or(Unclear)
        }
        // What such a text is worth in bytes is not known here.
        "byte" => Err(Unclear),
        _ => Ok(Value::string(text)),
    }
}

fn object(
    node: Node<'_>,
    schema: Node<'_>,
    is_resource: bool,
    depth: usize,
) -> Result<Value, Unclear> {
    let mut fields = Vec::new();
    if let Some(others) = schema.mapping("additionalProperties").filter(|_| !is_resource) {
        for entry in node.entries() {
            let value = value_at(entry.value, others, is_embedded_resource(others), depth + 1)?;
            fields.push((Value::string(entry.name()), value.unwrap_or(Value::Null)));
        }
        return Ok(Value::map(fields));
    }
    for property in schema.pairs("properties") {
        let (name, of) = (property.name(), property.value);
        let is_own = is_resource && matches!(name, "apiVersion" | "kind" | "metadata" | "status");
        let Some(escaped) = escaped(name).filter(|_| !is_own) else { continue };
        let is_nullable = of.boolean("nullable") == Some(true);
        let written = node.get(name).filter(|value| !value.is_null() || is_nullable);
        let Some(written) = written.or_else(|| of.field("default")) else { continue };
        if let Some(value) = value_at(written, of, is_embedded_resource(of), depth + 1)? {
            fields.push((Value::string(&escaped), value));
        }
    }
    if is_resource {
        for name in ["apiVersion", "kind"] {
            let text = node.string(name).map(Value::string);
            fields.extend(text.map(|text| (Value::string(name), text)));
        }
        let metadata = node.mapping("metadata");
        let names = ["name", "generateName"]
            .into_iter()
            .filter_map(|name| Some((Value::string(name), Value::string(metadata.string(name)?))));
        fields.push((Value::string("metadata"), Value::map(names.collect())));
    }
    Ok(Value::map(fields))
}

/// Words that CEL does not take as names of fields.
const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// The name of a field in CEL, as the API server writes it; `None` of one that has no name there.
pub(super) fn escaped(name: &str) -> Option<String> {
    if RESERVED.contains(&name) {
        return Some(format!("__{name}__"));
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !name.chars().all(is_part) {
        return None;
    }
    let name = name.replace("__", "__underscores__");
    let name = name.replace('.', "__dot__").replace('-', "__dash__");
    Some(name.replace('/', "__slash__"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_the_api_server_does() {
        for (name, expected) in [
            ("replicas", Some("replicas")),
            ("namespace", Some("__namespace__")),
            ("a.b", Some("a__dot__b")),
            ("a-b/c", Some("a__dash__b__slash__c")),
            ("a__b", Some("a__underscores__b")),
            ("1a", None),
            ("a b", None),
        ] {
            assert_eq!(escaped(name).as_deref(), expected, "{name}");
        }
    }
}
