//! The fields of the API's types, and what in an object does not fit them.
//!
//! The table (`data/fields.txt`, made by `data/generate.py`) has a line a type:
//!
//! ```text
//! = v1 Pod core.v1.Pod                                  an object's apiVersion, kind and type
//! core.v1.ContainerPort containerPort:i name:s …        a type's fields with their shapes
//! ```
//!
//! Shapes: `b` boolean, `i` whole number, `f` number, `s` text, `q` quantity, `x` whole number or
//! text, `*` anything, `@type` an object, `[shape` a list, `{shape` a mapping with any keys.
//! Objects of other kinds are judged as far as they hold pods.

use std::collections::HashMap;
use std::sync::OnceLock;

use coaming_yaml::{Node, Scalar};

use crate::Object;

static TABLE: &str = include_str!("../data/fields.txt");

/// Something in an object that its type does not have.
#[derive(Clone, Copy, Debug)]
pub struct SchemaProblem<'a> {
    /// The field's key, or the value of the wrong type.
    pub node: Node<'a>,
    /// What is wrong.
    pub kind: SchemaProblemKind<'a>,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaProblemKind<'a> {
    /// There is no such field.
    Unknown {
        /// The name, as it is written.
        name: &'a str,
        /// The value that it has.
        value: Node<'a>,
        /// The field that was probably meant; it is not in the same mapping already.
        suggestion: Option<&'static str>,
    },
    /// The value is not what the field takes.
    WrongType {
        /// The field's name.
        name: &'a str,
        /// What it takes: `text`, `a list` …
        expected: &'static str,
        /// What it has.
        found: &'static str,
    },
    /// The mapping has the key twice, and only the last counts.
    Duplicate {
        /// The key.
        name: &'a str,
    },
}

#[derive(Debug)]
enum Shape {
    Boolean,
    Whole,
    Number,
    Text,
    Quantity,
    WholeOrText,
    Anything,
    /// A type, by its place in the table.
    Object(usize),
    List(Box<Shape>),
    Map(Box<Shape>),
}

/// A type's fields, sorted by [`order`].
type Fieldset = Vec<(&'static str, Shape)>;

/// Shorter names first: most comparisons end with the lengths.
fn order(name: &str) -> (usize, &str) {
    (name.len(), name)
}

/// The shape of a field. Mappings are small: to search is cheaper than to hash.
fn shape_of<'t>(fields: &'t Fieldset, name: &str) -> Option<&'t Shape> {
    let place = fields.binary_search_by(|(field, _)| order(field).cmp(&order(name))).ok()?;
    fields.get(place).map(|(_, shape)| shape)
}

#[derive(Debug)]
struct Table {
    roots: HashMap<(&'static str, &'static str), usize>,
    types: Vec<Fieldset>,
    pod_spec: Option<usize>,
}

fn table() -> &'static Table {
    static PARSED: OnceLock<Table> = OnceLock::new();
    PARSED.get_or_init(|| {
        let (roots, types): (Vec<&str>, Vec<&str>) =
            TABLE.lines().partition(|line| line.starts_with("= "));
        let names = types.iter().map(|line| line.split(' ').next().unwrap_or_default());
        let places: Places = names.enumerate().map(|(place, name)| (name, place)).collect();
        let roots = roots.iter().filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            let of = (words.next()?, words.next()?);
            Some((of, *places.get(words.next()?)?))
        });
        let fields = types.iter().map(|line| {
            let words = line.split(' ').filter_map(|word| word.split_once(':'));
            let shapes = words.map(|(field, shape)| (field, parse_shape(shape, &places)));
            let mut fields: Fieldset = shapes.collect();
            fields.sort_by_key(|(field, _)| order(field));
            fields
        });
        Table {
            roots: roots.collect(),
            types: fields.collect(),
            pod_spec: places.get("core.v1.PodSpec").copied(),
        }
    })
}

/// Where types stand in the table, by their names.
type Places = HashMap<&'static str, usize>;

fn parse_shape(text: &'static str, places: &Places) -> Shape {
    match text.as_bytes().first() {
        Some(b'b') => Shape::Boolean,
        Some(b'i') => Shape::Whole,
        Some(b'f') => Shape::Number,
        Some(b's') => Shape::Text,
        Some(b'q') => Shape::Quantity,
        Some(b'x') => Shape::WholeOrText,
        Some(b'@') => places.get(&text[1..]).map_or(Shape::Anything, |place| Shape::Object(*place)),
        Some(b'[') => Shape::List(Box::new(parse_shape(&text[1..], places))),
        Some(b'{') => Shape::Map(Box::new(parse_shape(&text[1..], places))),
        _ => Shape::Anything,
    }
}

/// What in an object does not fit its type; nothing for kinds that are not known. `pods` are the
/// pod specifications in it.
#[must_use]
pub fn check<'a>(object: Object<'a>, pods: &[Node<'a>]) -> Vec<SchemaProblem<'a>> {
    let table = table();
    let mut checker = Checker { table, problems: Vec::new() };
    match table.roots.get(&(object.api_version(), object.kind())) {
        Some(place) => checker.object(object.node(), *place),
        None => {
            if let Some(place) = table.pod_spec {
                pods.iter().for_each(|pod| checker.object(*pod, place));
            }
        }
    }
    checker.problems
}

struct Checker<'a> {
    table: &'static Table,
    problems: Vec<SchemaProblem<'a>>,
}

impl<'a> Checker<'a> {
    fn object(&mut self, node: Node<'a>, place: usize) {
        let Some(fields) = self.table.types.get(place) else { return };
        self.duplicates(node);
        for entry in node.entries() {
            let key = entry.name();
            // Kustomize and kubectl's patches have directives such as `$patch`.
            if key.starts_with('$') {
                continue;
            }
            match shape_of(fields, key) {
                Some(shape) => self.value(key, entry.value, shape),
                None => {
                    let kind = SchemaProblemKind::Unknown {
                        name: key,
                        value: entry.value,
                        suggestion: suggestion(key, node, fields),
                    };
                    self.problems.push(SchemaProblem { node: entry.key, kind });
                }
            }
        }
    }

    fn value(&mut self, name: &'a str, node: Node<'a>, shape: &'static Shape) {
        if node.is_null() {
            return;
        }
        match shape {
            Shape::Object(place) if node.is_mapping() => self.object(node, *place),
            Shape::List(item) if node.is_sequence() => {
                node.items().for_each(|child| self.value(name, child, item));
            }
            Shape::Map(value) if node.is_mapping() => {
                self.duplicates(node);
                node.entries().for_each(|entry| self.value(entry.name(), entry.value, value));
            }
            _ if fits(node, shape) => {}
            _ => {
                let kind = SchemaProblemKind::WrongType {
                    name,
                    expected: expected(shape),
                    found: found(node),
                };
                self.problems.push(SchemaProblem { node, kind });
            }
        }
    }

    fn duplicates(&mut self, node: Node<'a>) {
        for entry in node.duplicate_keys() {
            let kind = SchemaProblemKind::Duplicate { name: entry.name() };
            self.problems.push(SchemaProblem { node: entry.key, kind });
        }
    }
}

/// Whether a simple value is what a shape takes.
fn fits(node: Node<'_>, shape: &Shape) -> bool {
    let scalar = node.scalar();
    match shape {
        Shape::Boolean => matches!(scalar, Some(Scalar::Bool(_))),
        Shape::Whole => node.as_int().is_some(),
        Shape::Number => {
            matches!(scalar, Some(Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_)))
        }
        Shape::Text => matches!(scalar, Some(Scalar::Str(_))),
        Shape::Quantity => matches!(
            scalar,
            Some(Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_) | Scalar::Str(_))
        ),
        Shape::WholeOrText => node.as_int().is_some() || matches!(scalar, Some(Scalar::Str(_))),
        Shape::Anything => true,
        Shape::Object(_) | Shape::List(_) | Shape::Map(_) => false,
    }
}

fn expected(shape: &Shape) -> &'static str {
    match shape {
        Shape::Boolean => "`true` or `false`",
        Shape::Whole => "a whole number",
        Shape::Number => "a number",
        Shape::Text => "text",
        Shape::Quantity => "a quantity",
        Shape::WholeOrText => "a whole number or text",
        Shape::Anything => "anything",
        Shape::Object(_) | Shape::Map(_) => "a mapping",
        Shape::List(_) => "a list",
    }
}

fn found(node: Node<'_>) -> &'static str {
    match node.scalar() {
        None if node.is_sequence() => "a list",
        None => "a mapping",
        Some(Scalar::Null) => "nothing",
        Some(Scalar::Bool(_)) => "a boolean",
        Some(Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_)) => "a number",
        Some(Scalar::Str(_)) => "text",
    }
}

/// The field that a mistyped name probably means, if it is not set.
fn suggestion(name: &str, node: Node<'_>, fields: &'static Fieldset) -> Option<&'static str> {
    let unset = fields.iter().map(|(field, _)| *field).filter(|field| node.get(field).is_none());
    coaming_text::nearest(name, unset)
}

#[cfg(test)]
mod tests {
    use coaming_yaml::Document;

    use super::*;
    use crate::{ObjectId, SourceId};

    fn problems(text: &str) -> Vec<String> {
        let document: Document = coaming_yaml::parse(text.into()).documents.remove(0);
        let object = Object::new(ObjectId::new(SourceId::new(0), 0), 0, document.root());
        check(object, &[])
            .iter()
            .map(|problem| match problem.kind {
                SchemaProblemKind::Unknown { name, suggestion, .. } => {
                    format!("{name}? {}", suggestion.unwrap_or("-"))
                }
                SchemaProblemKind::WrongType { name, expected, found } => {
                    format!("{name}: {expected}, not {found}")
                }
                SchemaProblemKind::Duplicate { name } => format!("{name} twice"),
            })
            .collect()
    }

    fn pod(container: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{container}]}}\n"
        )
    }

    #[test]
    fn names_are_compared() {
        assert_eq!(
            problems(&pod("{name: c, securitycontext: {}}")),
            ["securitycontext? securityContext"]
        );
        assert_eq!(
            problems(&pod("{name: c, imagePullpolcy: Always}")),
            ["imagePullpolcy? imagePullPolicy"]
        );
        assert_eq!(
            problems(&pod("{name: c, securityContext: {runAsNonroot: true}}")),
            ["runAsNonroot? runAsNonRoot"]
        );
        assert_eq!(problems(&pod("{name: c, whatever: 1}")), ["whatever? -"]);
        assert_eq!(problems(&pod("{name: c, $patch: delete}")), [""; 0]);
    }

    #[test]
    fn types_are_compared() {
        assert_eq!(
            problems(&pod("{name: c, env: [{name: A, value: 1}]}")),
            ["value: text, not a number"]
        );
        assert_eq!(
            problems(&pod("{name: c, ports: [{containerPort: '80'}]}")),
            ["containerPort: a whole number, not text"]
        );
        assert_eq!(problems(&pod("{name: c, args: x}")), ["args: a list, not text"]);
        assert_eq!(problems(&pod("{name: c, tty: 'yes'}")), ["tty: `true` or `false`, not text"]);
        assert_eq!(
            problems(&pod("{name: c, resources: {limits: {cpu: 1, memory: 1Gi}}}")),
            [""; 0]
        );
        assert_eq!(problems(&pod("{name: c, livenessProbe: {httpGet: {port: http}}}")), [""; 0]);
        assert_eq!(problems(&pod("{name: c, env: null}")), [""; 0]);
    }

    #[test]
    fn keys_stand_once() {
        assert_eq!(problems(&pod("{name: c, image: a, image: b}")), ["image twice"]);
    }

    #[test]
    fn other_kinds_are_left_alone() {
        assert!(problems("apiVersion: example.com/v1\nkind: Thing\nspecc: 1\n").is_empty());
        assert!(problems("apiVersion: v1\nkind: Pod\nstatus: {anything: 1}\n").is_empty());
    }
}
