//! The tree: nodes by index, text by span, no reference-counted nodes, and no copy of the source.
//!
//! The crate's builder creates a [`Document`] once, and it never changes. [`Node`] is a borrowed
//! handle to one of its nodes: `Copy`, and only two words in size.

use std::collections::HashSet;
use std::sync::Arc;

use crate::arena::{Expansion, NONE, NodeData, Shape, Typing, Value, expansion_of};
use crate::embedded::Embedded;
use crate::literal::Literals;
use crate::path::{Path, Step};

/// A half-open range of bytes in a source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span from byte `start` up to `end`.
    #[must_use]
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// As a range that indexes a string.
    #[must_use]
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The text it covers; empty if it is outside of `source`.
    #[must_use]
    pub fn text(self, source: &str) -> &str {
        source.get(self.range()).unwrap_or_default()
    }
}

/// Up to this many entries are compared pairwise, which needs no hash table.
const FEW_ENTRIES: usize = 16;

/// The index of a node in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A single value.
    Scalar,
    /// An ordered list.
    Sequence,
    /// Keys and values, in source order.
    Mapping,
}

/// How a collection is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// By indentation.
    Block,
    /// In brackets or braces.
    Flow,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalarStyle {
    /// Without quotes: the only style whose type depends on the text.
    Plain,
    /// In single quotes.
    SingleQuoted,
    /// In double quotes.
    DoubleQuoted,
    /// A `|` block.
    Literal,
    /// A `>` block.
    Folded,
}

/// What a scalar means to Kubernetes (`sigs.k8s.io/yaml`: YAML 1.1 booleans, octals, floats).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// `null`, `~`, or an absent value.
    Null,
    /// `true`, `yes`, `on`, `y` and their opposites.
    Bool(bool),
    /// An integer that fits into a signed 64-bit number.
    Int(i64),
    /// An integer above `i64::MAX`.
    UInt(u64),
    /// Any other number.
    Float(f64),
    /// Text.
    Str(&'a str),
}

impl<'a> Scalar<'a> {
    /// What a plain scalar with this text means.
    #[must_use]
    pub fn of_plain(text: &'a str) -> Self {
        crate::scalar::resolve(text)
    }
}

/// Where a comment is, relative to the text around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Placement {
    /// On lines of its own, directly above the next node.
    Above,
    /// After a node, on the same line.
    Right,
    /// On lines of its own, separated from its neighbors, or at the end of the stream.
    Free,
}

/// A comment, from its `#` to the end of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The text with its `#`, without the line break.
    pub span: Span,
    /// Where it is, relative to the text around it.
    pub placement: Placement,
}

/// The use of an alias (`*name`, also as the value of a merge key) that was expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AliasSite {
    /// The alias token itself: `*name`.
    pub span: Span,
    /// Whether it is the value of a merge key (`<<: *name`).
    pub merge: bool,
}

/// Why a document could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// What is wrong and, where it helps, what to do.
    pub message: String,
    /// The byte offset in the source at which the parser detected the error.
    pub offset: u32,
}

/// A whole text: its documents and its syntax errors.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The text that the documents' spans refer to.
    pub source: Arc<str>,
    /// The documents that could be read, in source order. Empty documents are left out.
    pub documents: Vec<Document>,
    /// Syntax errors, in source order. Each invalidates only its own document.
    pub errors: Vec<SyntaxError>,
}

/// One document: an arena of nodes over a shared source text.
#[derive(Clone, Debug)]
pub struct Document {
    pub(crate) source: Arc<str>,
    /// The text of scalars that are not a verbatim slice of the source.
    pub(crate) decoded: String,
    pub(crate) literals: Literals,
    pub(crate) nodes: Vec<NodeData>,
    pub(crate) children: Vec<NodeId>,
    pub(crate) expansions: Vec<Expansion>,
    /// The texts that were opened; very few.
    pub(crate) embedded: Embedded,
    pub(crate) comments: Vec<Comment>,
    pub(crate) root: NodeId,
    pub(crate) span: Span,
    pub(crate) has_spans: bool,
}

impl Document {
    /// The outermost node.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node { document: self, id: self.root }
    }

    /// The node with this index. Never panics: an index that is out of range gives the root.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Node<'_> {
        let id = if (id.0 as usize) < self.nodes.len() { id } else { self.root };
        Node { document: self, id }
    }

    /// The node at `path`, if it exists.
    #[must_use]
    pub fn at(&self, path: &Path) -> Option<Node<'_>> {
        self.root().at(path)
    }

    /// The whole source text (of the stream, not only of this document).
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The source text, as a shared pointer.
    #[must_use]
    pub fn shared_source(&self) -> Arc<str> {
        Arc::clone(&self.source)
    }

    /// The part of the source text that belongs to this document, comments included.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// Whether nodes have spans: `false` for a tree built from JSON values without text.
    #[must_use]
    pub fn has_spans(&self) -> bool {
        self.has_spans
    }

    /// The comments, in source order.
    #[must_use]
    pub fn comments(&self) -> &[Comment] {
        &self.comments
    }

    /// The number of nodes, including those of expanded aliases.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no nodes. Always `false`, because a document has a root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    #[inline]
    fn data(&self, id: NodeId) -> &NodeData {
        &self.nodes[id.0 as usize]
    }

    /// The children of a collection.
    #[inline]
    fn children_of(&self, collection: &NodeData) -> &[NodeId] {
        let start = collection.first as usize;
        self.children.get(start..start + collection.len as usize).unwrap_or_default()
    }

    /// A scalar's text; empty for a collection.
    #[inline]
    fn text(&self, data: &NodeData) -> &str {
        data.text(&self.source, &self.decoded, &self.literals)
    }
}

/// A handle to one node of a [`Document`].
#[derive(Clone, Copy)]
pub struct Node<'a> {
    document: &'a Document,
    id: NodeId,
}

/// A key of a mapping with its value.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The key's node.
    pub key: Node<'a>,
    /// The value's node.
    pub value: Node<'a>,
}

impl<'a> Entry<'a> {
    /// The key as the API server reads it: `1:` is the key `"1"`, `0x10:` is `"16"`, `on:` is
    /// `"true"`.
    #[must_use]
    #[inline]
    pub fn name(&self) -> &'a str {
        self.key.text()
    }
}

impl<'a> Node<'a> {
    /// The document it belongs to.
    #[must_use]
    pub fn document(self) -> &'a Document {
        self.document
    }

    /// Its index in the document.
    #[must_use]
    pub fn id(self) -> NodeId {
        self.id
    }

    /// What it is.
    #[must_use]
    #[inline]
    pub fn kind(self) -> Kind {
        match self.data().shape {
            Shape::Scalar { .. } => Kind::Scalar,
            Shape::Sequence(_) => Kind::Sequence,
            Shape::Mapping { .. } => Kind::Mapping,
        }
    }

    /// Whether it is a mapping.
    #[must_use]
    #[inline]
    pub fn is_mapping(self) -> bool {
        self.kind() == Kind::Mapping
    }

    /// Whether it is a sequence.
    #[must_use]
    #[inline]
    pub fn is_sequence(self) -> bool {
        self.kind() == Kind::Sequence
    }

    /// Whether it is `null`, `~`, or an absent value.
    #[must_use]
    #[inline]
    pub fn is_null(self) -> bool {
        let data = self.data();
        let may_be = data.typing() != Typing::Text && matches!(data.len, 0 | 1 | 4);
        may_be && self.scalar() == Some(Scalar::Null)
    }

    /// How a collection is written; `None` for a scalar.
    #[must_use]
    pub fn style(self) -> Option<Style> {
        match self.data().shape {
            Shape::Scalar { .. } => None,
            Shape::Sequence(style) | Shape::Mapping { style, .. } => Some(style),
        }
    }

    /// How a scalar is written; `None` for a collection.
    #[must_use]
    pub fn scalar_style(self) -> Option<ScalarStyle> {
        match self.data().shape {
            Shape::Scalar { style, .. } => Some(style),
            Shape::Sequence(_) | Shape::Mapping { .. } => None,
        }
    }

    /// A scalar's text after unescaping and folding, whatever its type; empty for a collection.
    /// For a key that is not a string, the string that it becomes (see [`Entry::name`]).
    #[must_use]
    #[inline]
    pub fn text(self) -> &'a str {
        self.document.text(self.data())
    }

    /// The span of [`Node::text`] in the source. `None` for a collection, and if the source does
    /// not contain the text verbatim, such as with escapes and indented blocks.
    #[must_use]
    pub fn text_span(self) -> Option<Span> {
        let data = self.data();
        let is_slice = matches!(data.shape, Shape::Scalar { value: Value::Verbatim, .. });
        (is_slice && self.document.has_spans).then(|| Span::new(data.first, data.first + data.len))
    }

    /// What the scalar means to Kubernetes; `None` for a collection.
    #[must_use]
    pub fn scalar(self) -> Option<Scalar<'a>> {
        let data = self.data();
        let Shape::Scalar { typing, .. } = data.shape else { return None };
        let text = self.document.text(data);
        Some(match typing {
            Typing::Text => Scalar::Str(text),
            typing => crate::scalar::typed(text, typing),
        })
    }

    /// The text, if Kubernetes reads it as a string.
    #[must_use]
    pub fn as_str(self) -> Option<&'a str> {
        match self.scalar()? {
            Scalar::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if Kubernetes reads it as one.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self.scalar()? {
            Scalar::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The integer, if Kubernetes reads it as one (as in JSON, `8080.0` is one too).
    #[must_use]
    pub fn as_int(self) -> Option<i64> {
        match self.scalar()? {
            Scalar::Int(value) => Some(value),
            #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
            Scalar::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
                Some(value as i64)
            }
            _ => None,
        }
    }

    /// The value of `key`, if this is a mapping that contains it. If a key occurs more than once,
    /// the last one wins, as in `kubectl`. A merged entry yields to explicit keys after its merge
    /// key and overrides those before it.
    #[must_use]
    #[inline]
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        self.entry(key).map(|entry| entry.value)
    }

    /// The entry of `key`, chosen as by [`Node::get`].
    #[must_use]
    #[inline]
    pub fn entry(self, key: &str) -> Option<Entry<'a>> {
        let data = self.data();
        match data.shape {
            Shape::Mapping { lengths, .. } if lengths.may_have(key.len()) => self.find(data, key),
            _ => None,
        }
    }

    /// The entry of `key` in this mapping. Rules look up many fields, so this compares bytes, and
    /// only those of keys that have the right length.
    fn find(self, mapping: &NodeData, key: &str) -> Option<Entry<'a>> {
        let document = self.document;
        let (pairs, _) = document.children_of(mapping).as_chunks::<2>();
        let has_key = |id: NodeId| {
            let data = document.data(id);
            data.len as usize == key.len()
                && data.is_key(key.as_bytes(), &document.source, &document.decoded)
        };
        let &[key, value] = pairs.iter().rev().find(|[id, _]| has_key(*id))?;
        Some(Entry { key: Node { document, id: key }, value: Node { document, id: value } })
    }

    /// A mapping's entries in source order, duplicates included, followed by merged entries; empty
    /// for other nodes.
    pub fn entries(
        self,
    ) -> impl DoubleEndedIterator<Item = Entry<'a>> + ExactSizeIterator + use<'a> {
        let children = if self.is_mapping() { self.children() } else { &[] };
        children.chunks_exact(2).map(move |pair| Entry {
            key: Node { document: self.document, id: pair[0] },
            value: Node { document: self.document, id: pair[1] },
        })
    }

    /// The entries whose key already occurred in the same mapping, in source order. `kubectl` uses
    /// the last one; a strict API server rejects them.
    #[must_use]
    pub fn duplicate_keys(self) -> Vec<Entry<'a>> {
        let entries = self.entries();
        if let Shape::Mapping { lengths, .. } = self.data().shape
            && lengths.are_distinct(entries.len())
        {
            return Vec::new();
        }
        if entries.len() > FEW_ENTRIES {
            let mut seen = HashSet::with_capacity(entries.len());
            return entries.filter(|entry| !seen.insert(entry.name())).collect();
        }
        let (pairs, _) = self.children().as_chunks::<2>();
        let is_duplicate = |(position, entry): &(usize, Entry<'_>)| {
            let length = entry.key.data().len;
            pairs.iter().take(*position).any(|&[id, _]| {
                let earlier = self.document.data(id);
                earlier.len == length && self.document.text(earlier) == entry.name()
            })
        };
        entries.enumerate().filter(is_duplicate).map(|(_, entry)| entry).collect()
    }

    /// A sequence's items; empty for other nodes.
    pub fn items(self) -> impl DoubleEndedIterator<Item = Node<'a>> + ExactSizeIterator + use<'a> {
        let children = if self.is_sequence() { self.children() } else { &[] };
        children.iter().map(move |&id| Node { document: self.document, id })
    }

    /// The node at `path`, relative to this node.
    #[must_use]
    pub fn at(self, path: &Path) -> Option<Node<'a>> {
        path.steps().iter().try_fold(self, Self::step)
    }

    /// The nodes along `path`, this one first, as far as they exist.
    pub fn along(self, path: &Path) -> impl Iterator<Item = Node<'a>> {
        let mut steps = path.steps().iter();
        std::iter::successors(Some(self), move |node| node.step(steps.next()?))
    }

    fn step(self, step: &Step) -> Option<Node<'a>> {
        match step {
            Step::Key(key) => self.get(key),
            Step::Index(index) => {
                self.items().nth(*index).or_else(|| self.parts().nth(index - self.items().len()))
            }
        }
    }

    /// The collection that contains it: for a key or a value, the mapping; `None` for the root.
    #[must_use]
    pub fn parent(self) -> Option<Node<'a>> {
        let parent = self.data().parent;
        (parent != NONE).then_some(Node { document: self.document, id: NodeId(parent) })
    }

    /// The path from the root. A key has the path of its value.
    #[must_use]
    pub fn path(self) -> Path {
        let depth = std::iter::successors(self.parent(), |node| node.parent()).count();
        let mut steps = Vec::with_capacity(depth);
        let mut node = self;
        while let Some(parent) = node.parent() {
            let part = parent.parts().position(|part| part == node);
            let position = part
                .map_or_else(|| parent.position_of(node.id), |part| parent.items().len() + part);
            steps.push(if parent.is_mapping() && part.is_none() {
                let key = Node { document: self.document, id: parent.children()[position & !1] };
                Step::from(key.text())
            } else {
                Step::Index(position)
            });
            node = parent;
        }
        steps.reverse();
        Path::from(steps)
    }

    /// Its bytes in the source; `None` if the tree was built without text. An absent value has an
    /// empty span. Below an alias, the span is that of the anchored text.
    #[must_use]
    pub fn span(self) -> Option<Span> {
        self.document.has_spans.then(|| self.data().span)
    }

    /// The alias that was expanded to this node, if any.
    #[must_use]
    pub fn alias(self) -> Option<AliasSite> {
        let position = expansion_of(&self.document.expansions, self.id)?;
        self.document.expansions.get(position).map(|expansion| expansion.site)
    }

    /// This node and every node below it, parents first, keys before their values.
    pub fn descendants(self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let mut stack = vec![self];
        std::iter::from_fn(move || {
            let node = stack.pop()?;
            let children = node.children();
            stack.extend(children.iter().rev().map(|&id| Node { document: node.document, id }));
            Some(node)
        })
    }

    /// The index of a child among the children. They are usually sorted by id, so a binary search
    /// finds it; only merged entries may be out of order.
    fn position_of(self, child: NodeId) -> usize {
        let children = self.children();
        children
            .binary_search(&child)
            .ok()
            .or_else(|| children.iter().position(|&id| id == child))
            .unwrap_or(0)
    }

    fn children(self) -> &'a [NodeId] {
        let data = self.data();
        if data.is_scalar() { &[] } else { self.document.children_of(data) }
    }

    #[inline]
    fn data(self) -> &'a NodeData {
        self.document.data(self.id)
    }
}

impl PartialEq for Node<'_> {
    /// Whether both are the same node of the same document.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.document, other.document) && self.id == other.id
    }
}

impl Eq for Node<'_> {}

impl std::fmt::Debug for Node<'_> {
    /// Shows the kind and position, never the value, which may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at {} {:?}", self.kind(), self.path(), self.span())
    }
}
