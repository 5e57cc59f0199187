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
    pub(crate) value: Value,
    pub(crate) typing: Typing,
}

impl NodeData {
    /// Whether these are the bytes of a key of this length: literals are no keys.
    #[inline]
    pub(crate) fn is(&self, key: &[u8], source: &str, cooked: &str) -> bool {
        let text = if self.value == Value::Written { source } else { cooked };
        let first = self.first as usize;
        // Most keys of a length differ at once, which saves a call.
        text.as_bytes().get(first..first + key.len()).is_some_and(|text| text.first() == key.first() && text == key)
    }

    /// A scalar's text.
    #[inline]
    pub(crate) fn text<'t>(
        &self,
        source: &'t str,
        cooked: &'t str,
        literals: &'t Literals,
    ) -> &'t str {
        let first = self.first as usize;
        let range = first..first + self.len as usize;
        match self.value {
            Value::Written => source.get(range).unwrap_or_default(),
            Value::Cooked => cooked.get(range).unwrap_or_default(),
            Value::Literal => literals.text(first, self.span.text(source)),
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Scalar(ScalarStyle),
    Sequence(Style),
    Mapping(Style),
}
