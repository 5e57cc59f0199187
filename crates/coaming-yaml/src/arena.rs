//! What the arena of a document holds.
//!
//! A large text has as many nodes as words, and all live as long as its tree: [`NodeData`] is small and
//! plain, and whatever few nodes have lies beside.

use std::ops::Range;

use crate::literal::Literals;
use crate::tree::{AliasSite, NodeId, ScalarStyle, Span, Style};

/// No index.
pub(crate) const NONE: u32 = u32::MAX;

/// The nodes that one alias brought in: a range of the arena.
#[derive(Clone, Debug)]
pub(crate) struct Expansion {
    pub(crate) nodes: Range<u32>,
    pub(crate) site: AliasSite,
}

/// Which of the expansions, in the order of the arena, brought in `node`.
pub(crate) fn expansion_of(expansions: &[Expansion], node: NodeId) -> Option<usize> {
    let after = expansions.partition_point(|expansion| expansion.nodes.start <= node.0);
    let position = after.checked_sub(1)?;
    expansions.get(position)?.nodes.contains(&node.0).then_some(position)
}

/// A node as the arena holds it. There are many: nothing is in here that few of them have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeData {
    pub(crate) span: Span,
    pub(crate) parent: u32,
    /// Scalar: where its [`Value`] is. Collection: first index into `children`.
    pub(crate) first: u32,
    /// Scalar: length of the value (but of a literal). Collection: how many children (a mapping's
    /// keys count too).
    pub(crate) len: u32,
    pub(crate) shape: Shape,
}

impl NodeData {
    /// Whether these are the bytes of a key of this length: literals are no keys.
    #[inline]
    pub(crate) fn is(&self, key: &[u8], source: &str, cooked: &str) -> bool {
        let is_written = matches!(self.shape, Shape::Scalar { value: Value::Written, .. });
        let text = if is_written { source } else { cooked };
        let first = self.first as usize;
        // Most keys of a length differ at once, which saves a call.
        text.as_bytes()
            .get(first..first + key.len())
            .is_some_and(|text| text.first() == key.first() && text == key)
    }

    /// Whether it is a single value.
    #[inline]
    pub(crate) fn is_scalar(&self) -> bool {
        matches!(self.shape, Shape::Scalar { .. })
    }

    /// Whether it has keys.
    #[inline]
    pub(crate) fn is_mapping(&self) -> bool {
        matches!(self.shape, Shape::Mapping { .. })
    }

    /// How a scalar's type comes about.
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
        cooked: &'t str,
        literals: &'t Literals,
    ) -> &'t str {
        let first = self.first as usize;
        let range = first..first + self.len as usize;
        match self.shape {
            Shape::Scalar { value: Value::Written, .. } => source.get(range).unwrap_or_default(),
            Shape::Scalar { value: Value::Cooked, .. } => cooked.get(range).unwrap_or_default(),
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
    Written,
    /// In `cooked`, at this offset.
    Cooked,
    /// At this place of `literals`, once it is asked for.
    Literal,
}

/// How a scalar's type comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typing {
    /// Text: quoted, a block, tagged `!!str` or with a foreign tag; or plain, and like nothing else.
    Text,
    /// By its looks: plain, or tagged `!!int`, `!!bool` or `!!null`.
    Resolved,
    /// By its looks, whole numbers as floats: tagged `!!float`.
    Float,
}

/// What a node is, and what only its kind has.
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

/// The lengths of a mapping's keys, modulo 16. Rules ask for many fields that few objects have: most of
/// those have a length that none of the keys has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lengths(u16);

impl Lengths {
    pub(crate) fn add(&mut self, length: u32) {
        self.0 |= 1 << (length % u16::BITS);
    }

    /// Whether so many keys have each a length of its own.
    pub(crate) fn tell_apart(self, count: usize) -> bool {
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
    fn lengths_tell_what_no_key_has() {
        let mut lengths = Lengths::default();
        assert!((0..100).all(|length| !lengths.may_have(length)));
        lengths.add(4);
        lengths.add(17);
        let possible: Vec<usize> = (0..40).filter(|&length| lengths.may_have(length)).collect();
        assert_eq!(possible, [1, 4, 17, 20, 33, 36]);
        assert!(lengths.tell_apart(2) && !lengths.tell_apart(3));
    }
}
