//! Schemas of custom resources, from their definitions in the same world.

use std::collections::HashMap;

use coaming_yaml::{Node, NodeId, Scalar};

use super::values::Patterns;
use super::{
    SchemaProblem, SchemaProblemKind, combined, found, is_placeholder, suggestion, values,
};
use crate::{Fields, Object, ObjectId, World};

/// The custom resource definitions in a world, by the types that they define.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    by_type: HashMap<(String, String), Entry>,
    patterns: Patterns,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    object: ObjectId,
    schema: NodeId,
    prunes: bool,
    /// Whether all definitions of the type say the same: which of several is in the cluster is not
    /// known.
    is_certain: bool,
}

/// A type's schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schema<'a> {
    node: Node<'a>,
    /// Whether the API server drops fields that the schema does not have.
    prunes: bool,
    /// Whether the values that it allows are known.
    is_certain: bool,
}

impl Definitions {
    /// The definitions in this world. Of two for one type, the last counts.
    #[must_use]
    pub fn of(world: &World) -> Self {
        let mut by_type: HashMap<(String, String), Entry> = HashMap::new();
        for object in world.of_kind("CustomResourceDefinition") {
            let Some(spec) = object.spec() else { continue };
            let (Some(group), Some(kind)) =
                (spec.string("group"), spec.mapping("names").string("kind"))
            else {
                continue;
            };
            let is_old = object.api_version() != "apiextensions.k8s.io/v1";
            let prunes = !spec.boolean("preserveUnknownFields").unwrap_or(is_old);
            let shared = spec.mapping("validation").mapping("openAPIV3Schema");
            let own = spec.list("versions").filter_map(|version| {
                let schema = version.mapping("schema").mapping("openAPIV3Schema").or(shared)?;
                Some((version.string("name")?, schema))
            });
            let only = spec.string("version").zip(shared);
            for (version, schema) in own.chain(only) {
                let key = (format!("{group}/{version}"), kind.to_owned());
                let is_same = |entry: &Entry| {
                    let other = schema_of(entry, world);
                    entry.is_certain
                        && other.is_some_and(|other| other.to_json() == schema.to_json())
                };
                let is_certain = by_type.get(&key).is_none_or(is_same);
                let entry = Entry { object: object.id, schema: schema.id(), prunes, is_certain };
                by_type.insert(key, entry);
            }
        }
        Self { by_type, patterns: Patterns::default() }
    }

    /// The `openAPIV3Schema` of an object's type, if all definitions of the type say the same.
    #[must_use]
    pub fn certain_schema_of<'w>(&self, object: Object<'_>, world: &'w World) -> Option<Node<'w>> {
        self.schema_of(object, world).filter(|schema| schema.is_certain).map(|schema| schema.node)
    }

    /// The schema of an object's type.
    pub(super) fn schema_of<'w>(&self, object: Object<'_>, world: &'w World) -> Option<Schema<'w>> {
        if self.by_type.is_empty() {
            return None;
        }
        let key = (object.api_version().to_owned(), object.kind().to_owned());
        let entry = self.by_type.get(&key)?;
        let node = schema_of(entry, world)?;
        Some(Schema { node, prunes: entry.prunes, is_certain: entry.is_certain })
    }
}

fn schema_of<'w>(entry: &Entry, world: &'w World) -> Option<Node<'w>> {
    Some(world.object(entry.object)?.node().document().node(entry.schema))
}

/// What every object has, whatever its schema says.
const OF_ALL_OBJECTS: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Adds what in an object does not fit its schema.
pub(super) fn check<'a>(
    object: Node<'a>,
    schema: Schema<'a>,
    definitions: &Definitions,
    problems: &mut Vec<SchemaProblem<'a>>,
) {
    let patterns = schema.is_certain.then_some(&definitions.patterns);
    // The API server drops the `status` that a user writes, on which a combination may depend.
    if let Some(patterns) = patterns.filter(|_| object.field("status").is_none())
        && let Some(limit) = combined::problem(object, schema.node, patterns)
    {
        let kind = SchemaProblemKind::Refused { name: "", limit };
        problems.push(SchemaProblem { node: object, kind });
    }
    Checker { prunes: schema.prunes, patterns, problems }.object(object, schema.node, true);
}

/// Whether it is a field that every object has.
fn is_of_all(is_object: bool, name: &str) -> bool {
    is_object && OF_ALL_OBJECTS.contains(&name)
}

struct Checker<'p, 'a> {
    prunes: bool,
    /// The patterns that are known, if values are judged.
    patterns: Option<&'p Patterns>,
    problems: &'p mut Vec<SchemaProblem<'a>>,
}

impl<'a> Checker<'_, 'a> {
    fn object(&mut self, node: Node<'a>, schema: Node<'a>, is_object: bool) {
        let properties = schema.mapping("properties");
        let others = schema.field("additionalProperties");
        if self.patterns.is_some() {
            for name in values::missing(node, schema).filter(|name| !is_of_all(is_object, name)) {
                let kind = SchemaProblemKind::Missing { name };
                self.problems.push(SchemaProblem { node, kind });
            }
        }
        let keeps = schema.boolean("x-kubernetes-preserve-unknown-fields") == Some(true)
            || others.is_some_and(|others| others.as_bool() != Some(false));
        for entry in node.entries() {
            let name = entry.name();
            if is_of_all(is_object, name) || name.starts_with('$') {
                continue;
            }
            // A controller writes it, and the API server drops what a user writes.
            let patterns = self.patterns.take_if(|_| is_object && name == "status");
            if let Some(schema) = properties.mapping(name) {
                self.value(name, entry.value, schema);
            } else if let Some(schema) = others.filter(|others| others.is_mapping()) {
                self.value(name, entry.value, schema);
            } else if self.prunes && !keeps && properties.is_some() {
                let fields = schema.pairs("properties").map(|property| property.name());
                let suggestion = suggestion(name, node, fields);
                let kind = SchemaProblemKind::Unknown { name, value: entry.value, suggestion };
                self.problems.push(SchemaProblem { node: entry.key, kind });
            }
            self.patterns = self.patterns.or(patterns);
        }
    }

    fn value(&mut self, name: &'a str, node: Node<'a>, schema: Node<'a>) {
        if node.is_null() {
            return;
        }
        let is_mixed = schema.boolean("x-kubernetes-int-or-string") == Some(true);
        let kind = if is_mixed { "int-or-string" } else { schema.string("type").unwrap_or("") };
        if let Some(patterns) =
            self.patterns.filter(|_| !is_placeholder(node) && !node.is_embedded())
            && let Some(limit) = values::problem(node, schema, kind, patterns)
                .or_else(|| combined::problem(node, schema, patterns))
        {
            let kind = SchemaProblemKind::Refused { name, limit };
            self.problems.push(SchemaProblem { node, kind });
        }
        let scalar = node.scalar();
        let is_text = matches!(scalar, Some(Scalar::Str(_))) || node.is_embedded();
        let expected = match kind {
            "object" if node.is_mapping() => {
                let is_object = schema.boolean("x-kubernetes-embedded-resource") == Some(true);
                self.object(node, schema, is_object);
                return;
            }
            "array" if node.is_sequence() => {
                let items = schema.mapping("items");
                for item in items
                    .into_iter()
                    .flat_map(|schema| node.items().map(move |item| (item, schema)))
                {
                    self.value(name, item.0, item.1);
                }
                return;
            }
            "object" => "a mapping",
            "array" => "a list",
            "string" if !is_text => "text",
            "boolean" if !matches!(scalar, Some(Scalar::Bool(_))) => "`true` or `false`",
            "integer" if node.as_int().is_none() => "a whole number",
            "number"
                if !matches!(scalar, Some(Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_))) =>
            {
                "a number"
            }
            "int-or-string" if !is_text && node.as_int().is_none() => "a whole number or text",
            _ => return,
        };
        if is_placeholder(node) {
            return;
        }
        let kind = SchemaProblemKind::WrongType { name, expected, found: found(node) };
        self.problems.push(SchemaProblem { node, kind });
    }
}
