//! The values that templates compute with: Go's types as far as templates can tell them apart,
//! each with its origin.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::bytes;
use crate::origin::Origin;
use crate::text::{Buffer, Text};

/// A mapping in the order in which Go's templates visit it.
pub(crate) type Map = BTreeMap<Rc<str>, Value>;

/// A value and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) kind: Kind,
    pub(crate) origin: Origin,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Nil,
    Bool(bool),
    /// Go's `int`.
    Int(i64),
    /// Go's `int64`, which functions that want an `int` refuse.
    Int64(i64),
    Float(f64),
    Text(Text),
    List(Rc<List>),
    /// Mappings are shared: `set` changes every use. The type is that of this use.
    Map(Rc<RefCell<Map>>, MapType),
    Object(Rc<Object>),
}

/// The type of a mapping in Go, which templates can ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MapType {
    /// `map[string]interface {}`.
    #[default]
    Any,
    /// `common.Values`: `.`, `.Values` and `.Template`.
    Values,
    /// `map[string]string`, of which what is missing is an empty text, and which is nil if it is empty.
    Texts,
}

/// The type of a list's items in Go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ItemType {
    #[default]
    Any,
    Text,
    Int,
    List,
}

/// A list. Its own type, so that a deep nest is released without recursion.
#[derive(Debug, Default)]
pub(crate) struct List {
    pub(crate) items: Vec<Value>,
    pub(crate) of: ItemType,
    /// Whether it is Go's nil: an empty list which JSON has as null.
    pub(crate) is_nil: bool,
}

impl Drop for List {
    fn drop(&mut self) {
        let mut pending = std::mem::take(&mut self.items);
        while let Some(value) = pending.pop() {
            match value.kind {
                Kind::List(list) => {
                    if let Ok(mut list) = Rc::try_unwrap(list) {
                        pending.append(&mut list.items);
                    }
                }
                Kind::Map(map, _) => {
                    if let Ok(map) = Rc::try_unwrap(map) {
                        pending.extend(map.into_inner().into_values());
                    }
                }
                _ => {}
            }
        }
    }
}

/// A value with fields or methods of its own.
#[derive(Debug)]
pub(crate) enum Object {
    /// A Go struct: its type and its fields.
    Struct(&'static str, Vec<(&'static str, Value)>),
    /// `.Files`: the files of a chart that are not templates.
    Files(Rc<BTreeMap<String, Rc<[u8]>>>),
    /// `.Capabilities.APIVersions`.
    ApiVersions(Vec<Value>),
    /// A point in time, in seconds since 1970 and in nanoseconds.
    Time(i64),
    /// A version.
    Version(crate::semver::Version),
    /// `[]byte`.
    Bytes(Bytes),
    /// An `int` with a type and a name of its own, such as `time.Month`.
    Named { of: &'static str, number: i64, name: String },
}

/// `[]byte`: a text for the functions that print it, a list of numbers for all others.
#[derive(Debug)]
pub(crate) struct Bytes {
    pub(crate) text: Text,
    items: OnceCell<Vec<Value>>,
}

impl Bytes {
    /// The longest content that is also a list: an item takes far more than a byte.
    const MAX_ITEMS: usize = 1 << 18;

    pub(crate) fn new(content: &[u8]) -> Self {
        Self { text: Text::plain(bytes::to_text(content)), items: OnceCell::new() }
    }

    /// The bytes themselves.
    pub(crate) fn content(&self) -> Cow<'_, [u8]> {
        bytes::of_text(self.text.as_str())
    }

    fn items(&self) -> Option<&[Value]> {
        let content = self.content();
        (content.len() <= Self::MAX_ITEMS).then(|| {
            let numbers = || content.iter().map(|byte| Value::int(i64::from(*byte))).collect();
            self.items.get_or_init(numbers).as_slice()
        })
    }
}

impl Object {
    /// The version of Kubernetes, which a template prints in the place of the struct.
    pub(crate) fn version(&self) -> Option<&str> {
        match self {
            Self::Struct("common.KubeVersion", fields) => {
                fields.iter().find(|(name, _)| *name == "Version")?.1.as_str()
            }
            _ => None,
        }
    }
}

impl From<Kind> for Value {
    fn from(kind: Kind) -> Self {
        Self { kind, origin: Origin::default() }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Kind::Text(Text::plain(text)).into()
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Kind::Text(Text::plain(text)).into()
    }
}

impl From<Buffer> for Value {
    fn from(buffer: Buffer) -> Self {
        Kind::Text(buffer.into_text()).into()
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Kind::Object(Rc::new(object)).into()
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Kind::Bool(value).into()
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::list_of(ItemType::Any, items)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::map_of(MapType::Any, map)
    }
}

impl Value {
    pub(crate) const NIL: Self = Self {
        kind: Kind::Nil,
        origin: Origin {
            template: crate::origin::Place { file: 0, verbatim: false, offset: 0 },
            value: crate::origin::Place { file: 0, verbatim: false, offset: 0 },
            generated: false,
        },
    };

    /// A list of items of this type.
    pub(crate) fn list_of(of: ItemType, items: Vec<Self>) -> Self {
        Kind::List(Rc::new(List { items, of, is_nil: false })).into()
    }

    /// A list that nothing was put into.
    pub(crate) fn nil_list(of: ItemType) -> Self {
        Kind::List(Rc::new(List { items: Vec::new(), of, is_nil: true })).into()
    }

    /// A mapping of this type.
    pub(crate) fn map_of(of: MapType, map: Map) -> Self {
        Kind::Map(Rc::new(RefCell::new(map)), of).into()
    }

    /// The same mapping as one of another type; another value itself.
    pub(crate) fn as_type(&self, of: MapType) -> Self {
        match &self.kind {
            Kind::Map(map, _) => Self { kind: Kind::Map(Rc::clone(map), of), origin: self.origin },
            _ => self.clone(),
        }
    }

    pub(crate) fn int(value: i64) -> Self {
        Kind::Int(value).into()
    }

    pub(crate) fn int64(value: i64) -> Self {
        Kind::Int64(value).into()
    }

    pub(crate) fn float(value: f64) -> Self {
        Kind::Float(value).into()
    }

    /// The same value with another origin.
    pub(crate) fn at(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    pub(crate) fn is_nil(&self) -> bool {
        matches!(self.kind, Kind::Nil)
    }

    /// Whether it is a point in time.
    pub(crate) fn is_time(&self) -> bool {
        matches!(&self.kind, Kind::Object(object) if matches!(**object, Object::Time(_)))
    }

    /// An integer of any type.
    pub(crate) fn as_int(&self) -> Option<i64> {
        match &self.kind {
            Kind::Int(value) | Kind::Int64(value) => Some(*value),
            Kind::Object(object) => match **object {
                Object::Named { number, .. } => Some(number),
                _ => None,
            },
            _ => None,
        }
    }

    /// What it is as `[]byte`.
    pub(crate) fn as_bytes(&self) -> Option<&Bytes> {
        match &self.kind {
            Kind::Object(object) => match &**object {
                Object::Bytes(bytes) => Some(bytes),
                _ => None,
            },
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text.as_str()),
            _ => None,
        }
    }

    pub(crate) fn as_map(&self) -> Option<&Rc<RefCell<Map>>> {
        match &self.kind {
            Kind::Map(map, _) => Some(map),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Value]> {
        match &self.kind {
            Kind::List(list) => Some(&list.items),
            Kind::Object(object) => match &**object {
                Object::ApiVersions(versions) => Some(versions),
                Object::Bytes(bytes) => bytes.items(),
                _ => None,
            },
            _ => None,
        }
    }

    /// An entry of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<Value> {
        self.as_map()?.borrow().get(key).cloned()
    }

    /// The origin of its first byte, or of the whole.
    pub(crate) fn first_origin(&self) -> Origin {
        match &self.kind {
            Kind::Text(text) => text.origin_at(0, self.origin),
            _ => self.origin,
        }
    }

    /// A part of a text, with its origins.
    pub(crate) fn slice(&self, range: std::ops::Range<usize>) -> Value {
        let Kind::Text(text) = &self.kind else { return Value::NIL };
        let mut buffer = Buffer::default();
        buffer.push_part(text, range, self.origin);
        Value::from(buffer)
    }

    /// Whether Go's templates take it for true.
    pub(crate) fn is_true(&self) -> bool {
        match &self.kind {
            Kind::Nil => false,
            Kind::Bool(value) => *value,
            Kind::Int(value) | Kind::Int64(value) => *value != 0,
            Kind::Float(value) => *value != 0.0,
            Kind::Text(text) => !text.as_str().is_empty(),
            Kind::List(list) => !list.items.is_empty(),
            Kind::Map(map, _) => !map.borrow().is_empty(),
            Kind::Object(object) => match &**object {
                Object::ApiVersions(versions) => !versions.is_empty(),
                Object::Files(files) => !files.is_empty(),
                Object::Bytes(bytes) => !bytes.text.as_str().is_empty(),
                Object::Named { number, .. } => *number != 0,
                _ => true,
            },
        }
    }

    /// The name that Go prints for its type.
    pub(crate) fn type_name(&self) -> String {
        match &self.kind {
            Kind::Nil => "<nil>",
            Kind::Bool(_) => "bool",
            Kind::Int(_) => "int",
            Kind::Int64(_) => "int64",
            Kind::Float(_) => "float64",
            Kind::Text(_) => "string",
            Kind::List(list) => match list.of {
                ItemType::Any => "[]interface {}",
                ItemType::Text => "[]string",
                ItemType::Int => "[]int",
                ItemType::List => "[][]interface {}",
            },
            Kind::Map(_, MapType::Any) => "map[string]interface {}",
            Kind::Map(_, MapType::Values) => "common.Values",
            Kind::Map(_, MapType::Texts) => "map[string]string",
            Kind::Object(object) => match &**object {
                Object::Struct(name, _) => name,
                Object::Files(_) => "engine.files",
                Object::ApiVersions(_) => "common.VersionSet",
                Object::Time(_) => "time.Time",
                Object::Version(_) => "*semver.Version",
                Object::Bytes(_) => "[]uint8",
                Object::Named { of, .. } => of,
            },
        }
        .to_owned()
    }

    /// The name of its kind in Go's reflection.
    pub(crate) fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Nil => "invalid",
            Kind::Bool(_) => "bool",
            Kind::Int(_) => "int",
            Kind::Int64(_) => "int64",
            Kind::Float(_) => "float64",
            Kind::Text(_) => "string",
            Kind::List(_) => "slice",
            Kind::Map(..) => "map",
            Kind::Object(object) => match &**object {
                Object::Struct(name, _) if name.starts_with('*') => "ptr",
                Object::Struct(..) | Object::Time(_) => "struct",
                Object::Files(_) => "map",
                Object::ApiVersions(_) | Object::Bytes(_) => "slice",
                Object::Named { .. } => "int",
                Object::Version(_) => "ptr",
            },
        }
    }
}
