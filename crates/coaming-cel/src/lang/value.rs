//! Values.

use std::cmp::Ordering;
use std::sync::Arc;

use coaming_yaml::{Kind, Node, Scalar};

use super::Str;
use super::operators::{compare_numbers, equal};
use super::time::Timestamp;
use super::types::Type;
use crate::library::opaque::Opaque;

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Str),
    Bytes(Arc<[u8]>),
    List(Arc<Vec<Self>>),
    Map(Arc<Map>),
    /// A type, by its name.
    Type(Str),
    /// Nanoseconds.
    Duration(i64),
    Timestamp(Timestamp),
    Optional(Option<Arc<Self>>),
    /// A value of Kubernetes' libraries.
    Opaque(Arc<Opaque>),
}

/// A mapping, in the order of its keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Map {
    entries: Vec<(Value, Value)>,
}

impl Map {
    /// A mapping of these entries; of entries with the same key the last one counts.
    pub(crate) fn new(mut entries: Vec<(Value, Value)>) -> Self {
        entries.sort_by(|left, right| order_of_keys(&left.0, &right.0));
        entries.reverse();
        entries.dedup_by(|left, right| order_of_keys(&left.0, &right.0).is_eq());
        entries.reverse();
        Self { entries }
    }

    pub(crate) fn entries(&self) -> &[(Value, Value)] {
        &self.entries
    }

    pub(crate) fn get(&self, key: &Value) -> Option<&Value> {
        let found = self.entries.binary_search_by(|(own, _)| order_of_keys(own, key)).ok()?;
        self.entries.get(found).map(|(_, value)| value)
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        let order = |own: &Value| match own {
            Value::String(own) => (**own).cmp(name),
            own => rank(own).cmp(&3),
        };
        let found = self.entries.binary_search_by(|(own, _)| order(own)).ok()?;
        self.entries.get(found).map(|(_, value)| value)
    }
}

fn rank(key: &Value) -> u8 {
    match key {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Uint(_) | Value::Double(_) => 2,
        Value::String(_) => 3,
        _ => 4,
    }
}

fn order_of_keys(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        _ => {
            let numbers = compare_numbers(left, right).unwrap_or(Ordering::Equal);
            rank(left).cmp(&rank(right)).then(numbers)
        }
    }
}

impl Value {
    pub(crate) fn string(text: &str) -> Self {
        Self::String(text.into())
    }

    pub(crate) fn list(elements: Vec<Self>) -> Self {
        Self::List(Arc::new(elements))
    }

    pub(crate) fn map(entries: Vec<(Self, Self)>) -> Self {
        Self::Map(Arc::new(Map::new(entries)))
    }

    /// A mapping with these fields.
    pub(crate) fn object<const N: usize>(fields: [(&str, Self); N]) -> Self {
        Self::map(fields.into_iter().map(|(name, value)| (Self::string(name), value)).collect())
    }

    pub(crate) fn some(value: Self) -> Self {
        Self::Optional(Some(Arc::new(value)))
    }

    pub(crate) fn opaque(value: Opaque) -> Self {
        Self::Opaque(Arc::new(value))
    }

    /// The type of a literal.
    pub(crate) fn literal_type(&self) -> Type {
        Type::named(self.type_name())
    }

    /// The name of the value's type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Type(_) => "type",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Optional(_) => "optional_type",
            Self::Opaque(opaque) => opaque.type_name(),
        }
    }

    /// Whether it is the zero value of its type.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(value) => !value,
            Self::Int(value) => *value == 0,
            Self::Uint(value) => *value == 0,
            Self::Double(value) => *value == 0.0,
            Self::String(text) => text.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::List(elements) => elements.is_empty(),
            Self::Map(map) => map.entries.is_empty(),
            Self::Duration(value) => *value == 0,
            Self::Timestamp(time) => time.is_zero(),
            Self::Optional(inner) => inner.is_none(),
            Self::Type(_) | Self::Opaque(_) => false,
        }
    }

    /// Whether it can be the index of a list or a map.
    pub(crate) fn is_index(&self) -> bool {
        matches!(
            self,
            Self::Bool(_) | Self::Int(_) | Self::Uint(_) | Self::Double(_) | Self::String(_)
        )
    }

    /// The value of a YAML node, as an API server decodes it.
    pub(crate) fn of_node(node: Node<'_>) -> Self {
        // A manifest in a text of an object is a text to Kubernetes.
        node.opened_text().map_or_else(|| Self::of_object(node), Self::string)
    }

    /// The value of a whole object, which may itself be in a text of another one.
    pub(crate) fn of_object(node: Node<'_>) -> Self {
        match node.kind() {
            Kind::Mapping => Self::map(
                node.entries()
                    .map(|entry| (Self::string(entry.name()), Self::of_node(entry.value)))
                    .collect(),
            ),
            Kind::Sequence => Self::list(node.items().map(Self::of_node).collect()),
            Kind::Scalar => match node.scalar() {
                None | Some(Scalar::Null) => Self::Null,
                Some(Scalar::Bool(value)) => Self::Bool(value),
                Some(Scalar::Int(value)) => Self::Int(value),
                #[expect(clippy::cast_precision_loss, reason = "as the API server decodes it")]
                Some(Scalar::UInt(value)) => Self::Double(value as f64),
                Some(Scalar::Float(value)) => Self::Double(value),
                Some(Scalar::Str(text)) => Self::string(text),
            },
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        equal(self, other)
    }
}
