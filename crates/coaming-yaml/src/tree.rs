//! The arena: nodes by index, text by span, no reference counting and no clone of the source.
//!
//! A [`Document`] is built once, by the crate's builder, and never changes. [`Node`] is a handle to
//! one of its nodes: `Copy`, borrowed, as cheap as a pair of words.

use std::collections::HashSet;
use std::sync::Arc;

use crate::arena::{Expansion, NONE, NodeData, Shape, Typing, Value, expansion_of};
use crate::literal::Literals;
use crate::path::{Path, Step};

/// A range of bytes in a source text, half open.
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

    /// The text it covers; empty where it lies outside `source`.
    #[must_use]
    pub fn text(self, source: &str) -> &str {
        source.get(self.range()).unwrap_or_default()
    }
}

/// Up to so many entries are compared pairwise, which costs no hash table.
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
    /// Keys and values, in the order of the text.
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
    /// `null`, `~` or nothing at all.
    Null,
    /// `true`, `yes`, `on`, `y` and their opposites.
    Bool(bool),
    /// A whole number that fits into 64 bits, signed.
    Int(i64),
    /// A whole number above `i64::MAX`.
    UInt(u64),
    /// Any other number.
    Float(f64),
    /// Text.
    Str(&'a str),
}

/// Where a comment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Placement {
    /// On lines of its own, right above what follows.
    Above,
    /// On the line of what precedes it.
    Right,
    /// On lines of its own, apart from its neighbours, or at the end of the stream.
    Free,
}

/// A comment, from its `#` to the end of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The text with its `#`, without the line break.
    pub span: Span,
    /// Where it stands.
    pub placement: Placement,
}

/// A place where an alias (`*name`, also as the value of a merge key) was expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AliasSite {
    /// The alias token itself: `*name`.
    pub span: Span,
    /// Whether it came in by a merge key (`<<: *name`).
    pub merge: bool,
}

/// Why a document could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// What is wrong, and where it helps, what to do.
    pub message: String,
    /// The byte in the source where the parser noticed it.
    pub offset: u32,
}

/// A whole text: its documents, and what could not be read of it.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The text that the documents' spans refer to.
    pub source: Arc<str>,
    /// The documents that could be read, in the order of the text. Empty ones are left out.
    pub documents: Vec<Document>,
    /// Syntax errors, in the order of the text. Each costs its own document only.
    pub errors: Vec<SyntaxError>,
}

/// One document: an arena of nodes over a shared source text.
#[derive(Clone, Debug)]
pub struct Document {
    pub(crate) source: Arc<str>,
    /// Text of scalars that are not a verbatim slice of the source.
    pub(crate) cooked: String,
    pub(crate) literals: Literals,
    pub(crate) nodes: Vec<NodeData>,
    pub(crate) children: Vec<NodeId>,
    pub(crate) expansions: Vec<Expansion>,
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

    /// The node with this index. Panics never: an index of another document gives the root.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Node<'_> {
        let id = if (id.0 as usize) < self.nodes.len() { id } else { self.root };
        Node { document: self, id }
    }

    /// The node at `path`, if there is one.
    #[must_use]
    pub fn at(&self, path: &Path) -> Option<Node<'_>> {
        self.root().at(path)
    }

    /// The whole source text (of the stream, not of this document alone).
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The source text, to be shared.
    #[must_use]
    pub fn shared_source(&self) -> Arc<str> {
        Arc::clone(&self.source)
    }

    /// The part of the source text that belongs to this document, comments included.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// Whether nodes have spans: `false` for a tree that came from JSON values without text.
    #[must_use]
    pub fn has_spans(&self) -> bool {
        self.has_spans
    }

    /// The comments, in the order of the text.
    #[must_use]
    pub fn comments(&self) -> &[Comment] {
        &self.comments
    }

    /// How many nodes there are, expanded aliases included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node at all: never, as a document has a root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    #[inline]
    fn data(&self, id: NodeId) -> &NodeData {
        &self.nodes[id.0 as usize]
    }

    /// What stands in a collection.
    #[inline]
    fn children_of(&self, collection: &NodeData) -> &[NodeId] {
        let start = collection.first as usize;
        self.children.get(start..start + collection.len as usize).unwrap_or_default()
    }

    /// A scalar's text; empty for a collection.
    #[inline]
    fn text(&self, data: &NodeData) -> &str {
        data.text(&self.source, &self.cooked, &self.literals)
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

    /// Whether it is `null`, `~` or nothing at all.
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

    /// A scalar's text after escapes and folding, whatever its type; empty for a collection. Of a
    /// key that is no string, the string that it becomes (see [`Entry::name`]).
    #[must_use]
    #[inline]
    pub fn text(self) -> &'a str {
        self.document.text(self.data())
    }

    /// Where [`Node::text`] stands in the source; `None` where it does not stand there letter by letter,
    /// as with escapes and indented blocks, and for a collection.
    #[must_use]
    pub fn text_span(self) -> Option<Span> {
        let data = self.data();
        let is_slice = matches!(data.shape, Shape::Scalar { value: Value::Written, .. });
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

    /// The whole number, if Kubernetes reads it as one (`8080.0` is one too, as in JSON).
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

    /// The value of `key`, if this is a mapping that has it. Of duplicate keys the last one counts,
    /// as for `kubectl`; what a merge key brings in yields to the explicit keys after it, and
    /// beats those before it.
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

    /// The entry of `key` in this mapping. Rules ask for many fields: bytes are compared, and of few keys.
    fn find(self, mapping: &NodeData, key: &str) -> Option<Entry<'a>> {
        let document = self.document;
        let (pairs, _) = document.children_of(mapping).as_chunks::<2>();
        let is_asked = |id: NodeId| {
            let data = document.data(id);
            data.len as usize == key.len()
                && data.is(key.as_bytes(), &document.source, &document.cooked)
        };
        let &[key, value] = pairs.iter().rev().find(|[id, _]| is_asked(*id))?;
        Some(Entry { key: Node { document, id: key }, value: Node { document, id: value } })
    }

    /// A mapping's entries in the order of the text, duplicates included, then those that merge
    /// keys bring in; nothing for other nodes.
    pub fn entries(
        self,
    ) -> impl DoubleEndedIterator<Item = Entry<'a>> + ExactSizeIterator + use<'a> {
        let children = if self.is_mapping() { self.children() } else { &[] };
        children.chunks_exact(2).map(move |pair| Entry {
            key: Node { document: self.document, id: pair[0] },
            value: Node { document: self.document, id: pair[1] },
        })
    }

    /// The entries whose key occurred before in the same mapping, in their order: `kubectl` lets
    /// the last one win, a strict API server refuses them.
    #[must_use]
    pub fn duplicate_keys(self) -> Vec<Entry<'a>> {
        let entries = self.entries();
        if let Shape::Mapping { lengths, .. } = self.data().shape
            && lengths.tell_apart(entries.len())
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

    /// A sequence's items; nothing for other nodes.
    pub fn items(self) -> impl DoubleEndedIterator<Item = Node<'a>> + ExactSizeIterator + use<'a> {
        let children = if self.is_sequence() { self.children() } else { &[] };
        children.iter().map(move |&id| Node { document: self.document, id })
    }

    /// The node at `path`, seen from here.
    #[must_use]
    pub fn at(self, path: &Path) -> Option<Node<'a>> {
        path.steps().iter().try_fold(self, |node, step| match step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.items().nth(*index),
        })
    }

    /// What contains it: of a key or a value, the mapping; `None` for the root.
    #[must_use]
    pub fn parent(self) -> Option<Node<'a>> {
        let parent = self.data().parent;
        (parent != NONE).then_some(Node { document: self.document, id: NodeId(parent) })
    }

    /// The steps from the root. The path of a key is that of its value.
    #[must_use]
    pub fn path(self) -> Path {
        let depth = std::iter::successors(self.parent(), |node| node.parent()).count();
        let mut steps = Vec::with_capacity(depth);
        let mut node = self;
        while let Some(parent) = node.parent() {
            let position = parent.position_of(node.id);
            steps.push(if parent.is_mapping() {
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

    /// Its bytes in the source; `None` where the tree came without text. An empty value has an
    /// empty span; below an alias, the span is that of the anchored text.
    #[must_use]
    pub fn span(self) -> Option<Span> {
        self.document.has_spans.then(|| self.data().span)
    }

    /// The alias through which this node came to stand here, if any.
    #[must_use]
    pub fn alias(self) -> Option<AliasSite> {
        let position = expansion_of(&self.document.expansions, self.id)?;
        self.document.expansions.get(position).map(|expansion| expansion.site)
    }

    /// Every node below this one and itself, parents first, keys before their values.
    pub fn descendants(self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let mut stack = vec![self];
        std::iter::from_fn(move || {
            let node = stack.pop()?;
            let children = node.children();
            stack.extend(children.iter().rev().map(|&id| Node { document: node.document, id }));
            Some(node)
        })
    }

    /// Where a child stands among the children. They mostly stand in the order in which they were
    /// made, so that bisection finds it; only what was merged in may stand elsewhere.
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
    /// Shows shape and place, never the value: it may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at {} {:?}", self.kind(), self.path(), self.span())
    }
}
