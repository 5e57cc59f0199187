//! The values that a schema allows: `enum`, `pattern`, `format`, limits, and fields that are required.
//! Only what the API server refuses with certainty is a problem: a value that has a default is not
//! missing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use coaming_yaml::{Node, Scalar};
use regex::Regex;

use super::formats;
use crate::Fields;

/// What a schema allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit<'a> {
    /// One of these.
    OneOf(Node<'a>),
    /// One of these, by the API server itself.
    Listed(&'static [&'static str]),
    /// Text that this pattern is found in.
    Pattern(&'a str),
    /// At least (or `exclusive`: more than) this number.
    Minimum {
        /// The number, as it is written.
        number: &'a str,
        /// Whether the number itself is not allowed.
        exclusive: bool,
    },
    /// At most (or `exclusive`: less than) this number.
    Maximum {
        /// The number, as it is written.
        number: &'a str,
        /// Whether the number itself is not allowed.
        exclusive: bool,
    },
    /// At least this many characters, or items.
    Least(i64),
    /// At most this many characters, or items.
    Most(i64),
    /// Text of this format.
    Format(&'a str),
    /// What fits all of `allOf`.
    AllOf,
    /// What fits one of `anyOf`.
    AnyOf,
    /// What fits exactly one of `oneOf`, and not this many.
    OnlyOne(usize),
    /// Anything but what `not` says.
    Not,
}

/// Patterns that were compiled before.
#[derive(Clone, Debug, Default)]
pub(super) struct Patterns(Arc<Mutex<HashMap<String, Option<Regex>>>>);

impl Patterns {
    /// Whether a pattern refuses a text. One that is not known here refuses none.
    fn refuses(&self, pattern: &str, text: &str) -> bool {
        self.compiled(pattern).is_some_and(|compiled| !compiled.is_match(text))
    }

    /// Whether a pattern is understood.
    pub(super) fn knows(&self, pattern: &str) -> bool {
        self.compiled(pattern).is_some()
    }

    fn compiled(&self, pattern: &str) -> Option<Regex> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let compiled = match known.get(pattern) {
            Some(compiled) => compiled.clone(),
            None => known.entry(pattern.to_owned()).or_insert(Regex::new(pattern).ok()).clone(),
        };
        drop(known);
        compiled
    }
}

/// The fields that a mapping must have, has not, and does not get by a default.
pub(super) fn missing<'a>(
    node: Node<'a>,
    schema: Node<'a>,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let properties = schema.mapping("properties");
    // A part of an object, which is applied to one.
    let is_patch = node.entries().any(|entry| entry.name().starts_with('$'));
    let required = schema.list("required").filter(move |_| !is_patch);
    required.filter_map(Node::as_str).filter(move |name| {
        let has_default = || properties.mapping(name).field("default").is_some();
        node.get(name).is_none() && !has_default()
    })
}

/// What a schema allows in the place of a value that it refuses.
pub(super) fn problem<'a>(
    node: Node<'a>,
    schema: Node<'a>,
    kind: &str,
    patterns: &Patterns,
) -> Option<Limit<'a>> {
    let scalar = node.scalar();
    match (kind, scalar) {
        ("string", Some(Scalar::Str(text))) => {
            let pattern = schema.string("pattern");
            of_enum(node, schema)
                .or_else(|| of_length(text.chars().count(), schema, "minLength", "maxLength"))
                .or_else(|| pattern.filter(|it| patterns.refuses(it, text)).map(Limit::Pattern))
                .or_else(|| {
                    let format = schema.string("format");
                    format.filter(|format| formats::refuses(format, text)).map(Limit::Format)
                })
        }
        ("integer" | "number", Some(_)) => {
            of_enum(node, schema).or_else(|| of_range(number(node)?, schema))
        }
        ("array", None) if node.is_sequence() => {
            of_length(node.items().len(), schema, "minItems", "maxItems")
        }
        _ => None,
    }
}

fn of_enum<'a>(node: Node<'a>, schema: Node<'a>) -> Option<Limit<'a>> {
    let allowed = schema.sequence("enum")?;
    let is_same = |other: Node<'_>| match (number(node), number(other)) {
        #[expect(clippy::float_cmp, reason = "both are as written")]
        (Some(a), Some(b)) => a == b,
        (None, None) => node.scalar() == other.scalar(),
        _ => false,
    };
    // What is not a plain value is compared by the API server alone.
    let are_plain = allowed.items().all(|item| item.scalar().is_some());
    (are_plain && !allowed.items().any(is_same)).then_some(Limit::OneOf(allowed))
}

fn of_length<'a>(length: usize, schema: Node<'a>, least: &str, most: &str) -> Option<Limit<'a>> {
    let limit = |field: &str| schema.field(field).and_then(Node::as_int);
    let length = i64::try_from(length).ok()?;
    let least = limit(least).filter(|limit| length < *limit).map(Limit::Least);
    least.or_else(|| limit(most).filter(|limit| length > *limit).map(Limit::Most))
}

fn of_range<'a>(value: f64, schema: Node<'a>) -> Option<Limit<'a>> {
    let limit = |field: &str, exclusive: &str| {
        let node = schema.field(field)?;
        Some((number(node)?, node.text(), schema.boolean(exclusive) == Some(true)))
    };
    if let Some((least, number, exclusive)) = limit("minimum", "exclusiveMinimum")
        && (value < least || exclusive && value <= least)
    {
        return Some(Limit::Minimum { number, exclusive });
    }
    let (most, number, exclusive) = limit("maximum", "exclusiveMaximum")?;
    (value > most || exclusive && value >= most).then_some(Limit::Maximum { number, exclusive })
}

#[expect(clippy::cast_precision_loss, reason = "limits are compared as the API server does")]
fn number(node: Node<'_>) -> Option<f64> {
    match node.scalar()? {
        Scalar::Int(value) => Some(value as f64),
        Scalar::UInt(value) => Some(value as f64),
        Scalar::Float(value) => Some(value),
        _ => None,
    }
}
