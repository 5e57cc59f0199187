//! Trees whose keys have origins of their own, for other renderers.

use std::borrow::Cow;

use super::{Context, Dialect, Emitter, increased, order};
use crate::budget::{Budget, MAX_DEPTH};
use crate::origin::{Origin, Place};
use crate::text::Text;
use crate::value::{Kind, Value};
use crate::{Location, Source, SourceMap};

/// A node to write as YAML, and where it comes from.
#[derive(Clone, Debug)]
pub struct Tree<'t> {
    /// What it is.
    pub shape: Shape<'t>,
    /// Where it comes from.
    pub source: Source,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Shape<'t> {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer above `i64::MAX`.
    UInt(u64),
    /// Any other number.
    Float(f64),
    /// Text, which is put in quotes where it looks like something else.
    Text(Cow<'t, str>),
    /// A list.
    Sequence(Vec<Tree<'t>>),
    /// Keys, where they come from, and their values. They are written in go-yaml's order.
    Mapping(Vec<(&'t str, Source, Tree<'t>)>),
}

/// Writes a tree as `sigs.k8s.io/yaml` writes JSON that it reads: numbers in keys are sorted by
/// their value. The text ends with a line break.
///
/// # Errors
///
/// The tree is nested too deeply, is too large, or has a number that is not finite.
pub fn write_yaml(tree: Tree<'_>) -> Result<(String, SourceMap), String> {
    let budget = Budget::default();
    let mut emitter = Emitter::new(Dialect { pretty: false }, &budget);
    emitter.tree(tree, -1, Context::Root, 0)?;
    if !emitter.out.text.ends_with('\n') {
        emitter.out.text.push('\n');
    }
    Ok((emitter.out.text, SourceMap { marks: emitter.out.marks }))
}

impl Emitter<'_> {
    fn tree(
        &mut self,
        tree: Tree<'_>,
        indent: i32,
        context: Context,
        depth: usize,
    ) -> Result<(), String> {
        self.budget.nodes(1)?;
        if depth > 2 * MAX_DEPTH {
            return Err("value is nested too deeply".to_owned());
        }
        let origin = origin(tree.source);
        let kind = match tree.shape {
            Shape::Mapping(entries) if entries.is_empty() => {
                self.indicator("{", true, true, false, origin);
                self.indicator("}", false, false, false, origin);
                return Ok(());
            }
            Shape::Mapping(entries) => {
                let entries = order::sort(entries, false, &|(key, ..)| *key);
                let indent = increased(indent, false, false);
                for (key, source, value) in entries {
                    self.key(key, indent, self::origin(source))?;
                    self.tree(value, indent, Context::Value, depth + 1)?;
                }
                return Ok(());
            }
            Shape::Sequence(items) if items.is_empty() => {
                self.indicator("[", true, true, false, origin);
                self.indicator("]", false, false, false, origin);
                return Ok(());
            }
            Shape::Sequence(items) => {
                let indentless = context == Context::Value && !self.indention;
                let indent = increased(indent, false, indentless);
                for item in items {
                    let at = self::origin(item.source);
                    self.write_indent(indent, at);
                    self.indicator("-", true, false, true, at);
                    self.tree(item, indent, Context::Item, depth + 1)?;
                }
                return Ok(());
            }
            Shape::Null => Kind::Nil,
            Shape::Bool(value) => Kind::Bool(value),
            Shape::Int(value) => Kind::Int(value),
            Shape::Float(value) => Kind::Float(value),
            Shape::UInt(value) => {
                if !self.whitespace {
                    self.put(" ", origin);
                }
                self.put(&value.to_string(), origin);
                self.whitespace = false;
                self.indention = false;
                return Ok(());
            }
            Shape::Text(text) => Kind::Text(Text::plain(text)),
        };
        self.scalar(&Value { kind, origin }, increased(indent, true, false), context)
    }
}

fn origin(source: Source) -> Origin {
    let place = |location: Option<Location>| match location {
        Some(location) => Place {
            file: u16::try_from(location.file + 1).unwrap_or(0),
            verbatim: location.verbatim,
            offset: location.offset,
        },
        None => Place::default(),
    };
    Origin {
        template: place(source.template),
        value: place(source.values),
        generated: source.generated,
    }
}
