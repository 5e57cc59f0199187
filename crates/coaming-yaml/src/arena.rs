//! The contents of a document's arena.
//!
//! A large text has as many nodes as words, and all of them live as long as its tree. [`NodeData`]
//! is therefore small, and data that few nodes need is stored separately.

use std::ops::Range;

use crate::literal::Literals;
use crate::tree::{AliasSite, NodeId, ScalarStyle, Span, Style};

/// No index.
pub(crate) const NONE: u32 = u32::MAX;

/// The nodes that result from expanding one alias: a range of the arena.
#[derive(Clone, Debug)]
pub(crate) struct Expansion {
    pub(crate) nodes: Range<u32>,
    pub(crate) site: AliasSite,
}

/// The index of the expansion that produced `node`. `expansions` is in arena order.
pub(crate) fn expansion_of(expansions: &[Expansion], node: NodeId) -> Option<usize> {
    let after = expansions.partition_point(|expansion| expansion.nodes.start <= node.0);
    let position = after.checked_sub(1)?;
    expansions.get(position)?.nodes.contains(&node.0).then_some(position)
}

/// A node in the arena. There are many, so it contains nothing that only a few of them need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeData {
    pub(crate) span: Span,
    pub(crate) parent: u32,
    /// Scalar: the offset or index of its [`Value`]. Collection: the first index into `children`.
    pub(crate) first: u32,
    /// Scalar: the length of the value (unused for a literal). Collection: the number of children
    /// (a mapping's keys count too).
    pub(crate) len: u32,
    pub(crate) shape: Shape,
}

impl NodeData {
    /// Whether this is the key `key`, which has the same length. Keys are never literals.
    #[inline]
    pub(crate) fn is_key(&self, key: &[u8], source: &str, decoded: &str) -> bool {
        let is_written = matches!(self.shape, Shape::Scalar { value: Value::Verbatim, .. });
        let text = if is_written { source } else { decoded };
        let first = self.first as usize;
        // Most keys of the same length differ in their first byte, which saves a call.
        text.as_bytes()
            .get(first..first + key.len())
            .is_some_and(|text| text.first() == key.first() && text == key)
    }

    /// Whether it is a single value.
    #[inline]
    pub(crate) fn is_scalar(&self) -> bool {
        matches!(self.shape, Shape::Scalar { .. })
    }

    /// Whether it is a mapping.
    #[inline]
    pub(crate) fn is_mapping(&self) -> bool {
        matches!(self.shape, Shape::Mapping { .. })
    }

    /// How a scalar's type is determined.
    #[inline]
    pub(crate) fn typing(&self) -> Typing {
        match self.shape {
            Shape::Scalar { typing, .. } => typing,
            Shape::Sequence(_) | Shape::Mapping { .. } => Typing::Text,
        }
    }

    /// A scalar's text; empty for a collection.
    #[inline]
    pub(crate) fn text<'t>(
        &self,
        source: &'t str,
        decoded: &'t str,
        literals: &'t Literals,
    ) -> &'t str {
        let first = self.first as usize;
        let range = first..first + self.len as usize;
        match self.shape {
            Shape::Scalar { value: Value::Verbatim, .. } => source.get(range).unwrap_or_default(),
            Shape::Scalar { value: Value::Decoded, .. } => decoded.get(range).unwrap_or_default(),
            Shape::Scalar { value: Value::Literal, .. } => {
                literals.text(first, self.span.text(source))
            }
            Shape::Sequence(_) | Shape::Mapping { .. } => "",
        }
    }
}

/// Where a scalar's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// In the source, at this offset.
    Verbatim,
    /// In `decoded`, at this offset.
    Decoded,
    /// At this index of `literals`, computed on first use.
    Literal,
}

/// How a scalar's type is determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typing {
    /// Text: quoted, a block scalar, tagged `!!str` or with an unknown tag, or a plain scalar that
    /// cannot be read as anything else.
    Text,
    /// By its text: plain, or tagged `!!int`, `!!bool`, or `!!null`.
    Resolved,
    /// By its text, with integers as floats: tagged `!!float`.
    Float,
}

/// The kind of a node, with the data that is specific to the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Scalar { style: ScalarStyle, value: Value, typing: Typing },
    Sequence(Style),
    Mapping { style: Style, lengths: Lengths },
}

impl Shape {
    /// A mapping whose keys are not known yet.
    pub(crate) fn mapping(style: Style) -> Self {
        Self::Mapping { style, lengths: Lengths::default() }
    }
}

/// The lengths of a mapping's keys, modulo 16. Rules look up many fields that few objects have, and
/// most such lookups end here because no key has the right length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lengths(u16);

impl Lengths {
    pub(crate) fn add(&mut self, length: u32) {
        self.0 |= 1 << (length % u16::BITS);
    }

    /// Whether `count` keys all have different lengths, and therefore are distinct.
    pub(crate) fn are_distinct(self, count: usize) -> bool {
        self.0.count_ones() as usize == count
    }

    /// Whether a key of this length may be among them.
    #[inline]
    pub(crate) fn may_have(self, length: usize) -> bool {
        self.0 >> (length % u16::BITS as usize) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_small() {
        assert_eq!(size_of::<NodeData>(), 24);
    }

    #[test]
    fn lengths_exclude_absent_keys() {
        let mut lengths = Lengths::default();
        assert!((0..100).all(|length| !lengths.may_have(length)));
        lengths.add(4);
        lengths.add(17);
        let possible: Vec<usize> = (0..40).filter(|&length| lengths.may_have(length)).collect();
        assert_eq!(possible, [1, 4, 17, 20, 33, 36]);
        assert!(lengths.are_distinct(2) && !lengths.are_distinct(3));
    }
}
