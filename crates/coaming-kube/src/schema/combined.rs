//! Combinations of what schemas allow: `allOf`, `anyOf`, `oneOf`, `not`.
//!
//! Invariant: only what is certain counts. A part whose result is not known (a placeholder, a pattern
//! that is not understood, `null`) makes the whole unknown.

use coaming_yaml::{Node, Scalar};

use super::values::{self, Limit, Patterns};
use super::{formats, is_placeholder};
use crate::Fields;

/// How deep combinations in combinations are followed.
const MAX_DEPTH: usize = 16;

/// The first combination of a schema that a value does not fit.
pub(super) fn problem<'a>(
    node: Node<'a>,
    schema: Node<'a>,
    patterns: &Patterns,
) -> Option<Limit<'a>> {
    let fitting = Fitting { patterns };
    let of = |field: &str| schema.list(field);
    if of("allOf").any(|part| fitting.fits(node, part, schema, 0) == Some(false)) {
        return Some(Limit::AllOf);
    }
    if of("anyOf").next().is_some() && fitting.any(node, schema, schema, 0) == Some(false) {
        return Some(Limit::AnyOf);
    }
    if of("oneOf").next().is_some() {
        let count = fitting.count(node, schema, schema, 0);
        if let Some(count) = count.filter(|count| *count != 1) {
            return Some(Limit::OnlyOne(count));
        }
    }
    let excluded = schema.mapping("not")?;
    (fitting.fits(node, excluded, schema, 0) == Some(true)).then_some(Limit::Not)
}

struct Fitting<'p> {
    patterns: &'p Patterns,
}

impl Fitting<'_> {
    /// Whether a value fits a part of a schema. `whole` is the schema that has the defaults.
    fn fits<'a>(
        &self,
        node: Node<'a>,
        part: Node<'a>,
        whole: Node<'a>,
        depth: usize,
    ) -> Option<bool> {
        if depth > MAX_DEPTH || node.is_null() || is_placeholder(node) || node.is_embedded() {
            return None;
        }
        let mut all = Some(true);
        let mut and = |one: Option<bool>| match one {
            Some(false) => all = Some(false),
            None if all == Some(true) => all = None,
            _ => {}
        };
        and(self.own(node, part, whole));
        for entry in part.pairs("properties") {
            let whole = whole.mapping("properties").mapping(entry.name()).unwrap_or(entry.value);
            match node.get(entry.name()) {
                Some(value) => and(self.fits(value, entry.value, whole, depth + 1)),
                // What the default is worth here is not known.
                None if whole.field("default").is_some() => and(None),
                None => {}
            }
        }
        if let Some(items) = part.mapping("items") {
            let whole = whole.mapping("items").unwrap_or(items);
            for item in node.items() {
                and(self.fits(item, items, whole, depth + 1));
            }
        }
        if let Some(others) = part.mapping("additionalProperties") {
            let whole = whole.mapping("additionalProperties").unwrap_or(others);
            let named = part.mapping("properties");
            for entry in node.entries().filter(|entry| named.field(entry.name()).is_none()) {
                and(self.fits(entry.value, others, whole, depth + 1));
            }
        }
        for one in part.list("allOf") {
            and(self.fits(node, one, whole, depth + 1));
        }
        if part.list("anyOf").next().is_some() {
            and(self.any(node, part, whole, depth + 1));
        }
        if part.list("oneOf").next().is_some() {
            and(self.count(node, part, whole, depth + 1).map(|count| count == 1));
        }
        if let Some(excluded) = part.mapping("not") {
            and(self.fits(node, excluded, whole, depth + 1).map(|fits| !fits));
        }
        all
    }

    /// Whether a value fits one of `anyOf`.
    fn any<'a>(
        &self,
        node: Node<'a>,
        schema: Node<'a>,
        whole: Node<'a>,
        depth: usize,
    ) -> Option<bool> {
        let fits = schema.list("anyOf").map(|part| self.fits(node, part, whole, depth + 1));
        let fits: Vec<Option<bool>> = fits.collect();
        if fits.contains(&Some(true)) {
            return Some(true);
        }
        (!fits.contains(&None)).then_some(false)
    }

    /// How many of `oneOf` a value fits.
    fn count<'a>(
        &self,
        node: Node<'a>,
        schema: Node<'a>,
        whole: Node<'a>,
        depth: usize,
    ) -> Option<usize> {
        let fits = schema.list("oneOf").map(|part| self.fits(node, part, whole, depth + 1));
        let fits: Option<Vec<bool>> = fits.collect();
        Some(fits?.into_iter().filter(|fits| *fits).count())
    }

    /// What a part says of the value itself.
    fn own<'a>(&self, node: Node<'a>, part: Node<'a>, whole: Node<'a>) -> Option<bool> {
        if let Some(kind) = part.string("type")
            && !is_of(node, kind)?
        {
            return Some(false);
        }
        let is_absent = |name: &&str| node.get(name).is_none();
        for name in part.list("required").filter_map(Node::as_str).filter(is_absent) {
            let has_default = whole.mapping("properties").mapping(name).field("default").is_some();
            if !has_default {
                return Some(false);
            }
        }
        let count = i64::try_from(node.entries().count()).ok()?;
        let limit = |field: &str| part.field(field).and_then(Node::as_int);
        let is_mapping = node.is_mapping();
        let is_outside = limit("minProperties").is_some_and(|least| count < least)
            || limit("maxProperties").is_some_and(|most| count > most);
        if is_mapping && is_outside {
            return Some(false);
        }
        let kind = match node.scalar() {
            Some(Scalar::Str(text)) => {
                if part.string("format").is_some_and(|format| formats::refuses(format, text)) {
                    return Some(false);
                }
                let known = part.string("pattern").is_none_or(|it| self.patterns.knows(it));
                if !known {
                    return None;
                }
                "string"
            }
            Some(Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_)) => "number",
            Some(_) => return part.sequence("enum").map_or(Some(true), |_| None),
            None if node.is_sequence() => "array",
            None => return part.sequence("enum").map_or(Some(true), |_| None),
        };
        Some(values::problem(node, part, kind, self.patterns).is_none())
    }
}

/// Whether a value has a type; `None` of types that are not known.
fn is_of(node: Node<'_>, kind: &str) -> Option<bool> {
    let scalar = node.scalar();
    Some(match kind {
        "object" => node.is_mapping(),
        "array" => node.is_sequence(),
        "string" => matches!(scalar, Some(Scalar::Str(_))),
        "boolean" => matches!(scalar, Some(Scalar::Bool(_))),
        "integer" => matches!(scalar, Some(Scalar::Int(_) | Scalar::UInt(_))),
        "number" => {
            matches!(scalar, Some(Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_)))
        }
        _ => return None,
    })
}
