//! Build a [`Document`]: nodes are added in source order, collections are opened and closed.
//!
//! A node's subtree is a contiguous range of the arena, and so are its lists of children. Expanding
//! an alias therefore copies two ranges. The number of copied nodes is bounded.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::arena::{Expansion, NONE, NodeData, Shape, Typing, Value, expansion_of};
use crate::embedded::Embedded;
use crate::literal::Literals;
use crate::tree::{AliasSite, Comment, Document, NodeId, ScalarStyle, Span, Style, SyntaxError};

/// Copies of anchored nodes may outnumber the nodes in the source by this factor …
const COPIES_PER_NODE: usize = 10;
/// … plus this many, so that small documents may use many aliases.
const COPIES_ALLOWED: usize = 100_000;

/// How deeply collections may nest, including those of expanded aliases, so that code that walks a
/// tree may recurse.
pub(crate) const MAX_DEPTH: usize = 512;

/// The approximate number of nodes per line of a manifest: a key and its value. A higher estimate
/// would waste memory and cost a copy when the vector is shrunk.
const NODES_PER_LINE: usize = 2;
/// The minimum number of nodes for which memory is reserved.
const FEW_NODES: usize = 8;

/// Memory is reserved explicitly for texts longer than this many bytes.
const LONG_TEXT: usize = 4096;

/// A scalar's text.
pub(crate) enum Text<'t> {
    /// A verbatim slice of the source.
    Slice(Span),
    /// Text that is not a slice of the source.
    Decoded(&'t str),
    /// The text that [`crate::literal`] computes from the scalar's span. Never used for keys.
    Literal,
}

/// An open collection.
struct Frame {
    node: NodeId,
    pending_start: usize,
    children_start: usize,
    anchor: usize,
    /// How deeply its children nest.
    height: usize,
}

/// A finished anchored subtree: its nodes and its lists of children.
#[derive(Clone, Copy)]
struct Anchored {
    nodes: (usize, usize),
    children: (usize, usize),
    height: usize,
}

/// A document that is being built.
pub(crate) struct Builder {
    source: Arc<str>,
    nodes: Vec<NodeData>,
    children: Vec<NodeId>,
    decoded: String,
    literals: Literals,
    expansions: Vec<Expansion>,
    stack: Vec<Frame>,
    /// Children of the open collections, outermost first.
    pending: Vec<NodeId>,
    anchors: BTreeMap<usize, Anchored>,
    copied: usize,
    root: Option<NodeId>,
    merges: bool,
}

impl Builder {
    /// A builder for the first document of `source`.
    pub(crate) fn first(source: &Arc<str>) -> Self {
        Self::new(Arc::clone(source), estimated_nodes(source.as_bytes()))
    }

    /// A builder for the next document, which starts at `start`. It reserves as much memory as this
    /// document uses, because the documents of a stream are often similar.
    pub(crate) fn next(&self, start: usize) -> Self {
        let guess = if start < self.source.len() { self.nodes.len() } else { 0 };
        Self::new(Arc::clone(&self.source), guess)
    }

    /// A builder with memory for `guess` nodes.
    pub(crate) fn new(source: Arc<str>, guess: usize) -> Self {
        Self {
            source,
            nodes: Vec::with_capacity(guess),
            children: Vec::with_capacity(guess),
            decoded: String::new(),
            literals: Literals::default(),
            expansions: Vec::new(),
            stack: Vec::with_capacity(guess.min(16)),
            pending: Vec::with_capacity(guess.min(32)),
            anchors: BTreeMap::new(),
            copied: 0,
            root: None,
            merges: false,
        }
    }

    /// Whether anything was added.
    pub(crate) fn has_root(&self) -> bool {
        self.root.is_some()
    }

    /// Whether the next node is the value of a key that was already added.
    pub(crate) fn expects_value(&self) -> bool {
        self.stack.last().is_some_and(|frame| {
            let is_mapping = self.nodes[frame.node.0 as usize].is_mapping();
            is_mapping && (self.pending.len() - frame.pending_start) % 2 == 1
        })
    }

    /// Where the outermost open flow collection starts, if one is open.
    pub(crate) fn flow_start(&self) -> Option<u32> {
        self.stack.iter().find_map(|frame| {
            let data = &self.nodes[frame.node.0 as usize];
            let is_flow = matches!(
                data.shape,
                Shape::Mapping { style: Style::Flow, .. } | Shape::Sequence(Style::Flow)
            );
            is_flow.then_some(data.span.start)
        })
    }

    /// Adds a scalar. `anchor`: 0 for none.
    pub(crate) fn scalar(
        &mut self,
        style: ScalarStyle,
        span: Span,
        text: Text<'_>,
        typing: Typing,
        anchor: usize,
    ) {
        let typing = match typing {
            Typing::Resolved if !self.may_be_typed(&text) => Typing::Text,
            typing => typing,
        };
        let (first, len, value) = match text {
            Text::Slice(slice) => (slice.start, slice.end - slice.start, Value::Verbatim),
            Text::Decoded(text) => {
                let first = index(self.decoded.len());
                self.reserve_text(text.len(), span);
                self.decoded.push_str(text);
                (first, index(text.len()), Value::Decoded)
            }
            Text::Literal => (index(self.literals.add()), 0, Value::Literal),
        };
        let shape = Shape::Scalar { style, value, typing };
        let id = self.add(NodeData { span, parent: NONE, first, len, shape });
        if anchor > 0 {
            let nodes = (id.0 as usize, self.nodes.len());
            let children = (self.children.len(), self.children.len());
            self.anchors.insert(anchor, Anchored { nodes, children, height: 0 });
        }
    }

    fn may_be_typed(&self, text: &Text<'_>) -> bool {
        let bytes = match text {
            Text::Slice(span) => self.source.as_bytes().get(span.range()).unwrap_or_default(),
            Text::Decoded(text) => text.as_bytes(),
            Text::Literal => return false,
        };
        crate::scalar::may_be_typed(bytes.first().copied())
    }

    /// Reserves memory for a long text and for later texts, which together are no longer than the
    /// rest of the source (except for escapes). Growing step by step would copy it several times.
    fn reserve_text(&mut self, len: usize, span: Span) {
        if len > LONG_TEXT && self.decoded.capacity() - self.decoded.len() < len {
            let rest = self.source.len().saturating_sub(span.start as usize);
            self.decoded.reserve_exact(rest.max(len));
        }
    }

    /// Opens a collection whose text starts at `span`. `anchor`: 0 for none.
    pub(crate) fn open(
        &mut self,
        shape: Shape,
        span: Span,
        anchor: usize,
    ) -> Result<(), SyntaxError> {
        self.check_depth(span, 1)?;
        let node = self.add(NodeData { span, parent: NONE, first: 0, len: 0, shape });
        self.stack.push(Frame {
            node,
            pending_start: self.pending.len(),
            children_start: self.children.len(),
            anchor,
            height: 0,
        });
        Ok(())
    }

    fn check_depth(&self, span: Span, more: usize) -> Result<(), SyntaxError> {
        if self.stack.len() + more > MAX_DEPTH {
            return Err(error(
                span,
                "lists and mappings are nested too deeply here (more than 512 levels)",
            ));
        }
        Ok(())
    }

    /// Records how deeply the newest child of the innermost open collection nests.
    fn raise(&mut self, height: usize) {
        if let Some(frame) = self.stack.last_mut() {
            frame.height = frame.height.max(height);
        }
    }

    /// Closes the innermost open collection. `end` is where a flow collection's text ends; a block
    /// collection ends with its last child.
    pub(crate) fn close(&mut self, end: Option<u32>) -> Result<(), SyntaxError> {
        let Some(frame) = self.stack.pop() else {
            return Ok(());
        };
        let id = frame.node.0 as usize;
        let mut members: Vec<NodeId> = Vec::new();
        let is_mapping = self.nodes[id].is_mapping();
        let last_end =
            self.pending[frame.pending_start..].last().map(|&last| self.written_end(last));
        if is_mapping {
            self.check_keys(frame.pending_start)?;
            if self.merges {
                members = self.merged(frame.pending_start)?;
            }
        }
        let first = self.children.len();
        if members.is_empty() {
            self.children.extend(self.pending.drain(frame.pending_start..));
        } else {
            self.pending.truncate(frame.pending_start);
            self.children.append(&mut members);
        }
        let len = self.children.len() - first;
        for &child in &self.children[first..] {
            self.nodes[child.0 as usize].parent = frame.node.0;
        }
        if let Shape::Mapping { style, mut lengths } = self.nodes[id].shape {
            let keys = self.children[first..].iter().step_by(2);
            keys.for_each(|key| lengths.add(self.nodes[key.0 as usize].len));
            self.nodes[id].shape = Shape::Mapping { style, lengths };
        }
        let node = &mut self.nodes[id];
        node.first = index(first);
        node.len = index(len);
        node.span.end = end.or(last_end).unwrap_or(node.span.start).max(node.span.start);
        if frame.anchor > 0 {
            let nodes = (id, self.nodes.len());
            let children = (frame.children_start, self.children.len());
            let height = frame.height + 1;
            self.anchors.insert(frame.anchor, Anchored { nodes, children, height });
        }
        self.raise(frame.height + 1);
        Ok(())
    }

    /// Adds a copy of the subtree that `anchor` names.
    pub(crate) fn alias(&mut self, anchor: usize, span: Span) -> Result<(), SyntaxError> {
        let Some(&Anchored { nodes, children, height }) = self.anchors.get(&anchor) else {
            return Err(error(span, "an anchor contains an alias to itself"));
        };
        self.check_depth(span, height)?;
        let count = nodes.1 - nodes.0;
        self.copied += count;
        let written = self.nodes.len() - (self.copied - count);
        if self.copied > written.saturating_mul(COPIES_PER_NODE) + COPIES_ALLOWED {
            return Err(error(span, "the aliases in this document expand to too many values"));
        }
        let copies = index(self.nodes.len())..index(self.nodes.len() + count);
        let site = AliasSite { span, merge: false };
        self.expansions.push(Expansion { nodes: copies, site });
        let node_shift = self.nodes.len() - nodes.0;
        let child_shift = self.children.len() - children.0;
        for position in nodes.0..nodes.1 {
            let mut node = self.nodes[position];
            if node.parent != NONE {
                node.parent = index(node.parent as usize + node_shift);
            }
            if !node.is_scalar() {
                node.first = index(node.first as usize + child_shift);
            }
            self.nodes.push(node);
        }
        for position in children.0..children.1 {
            let child = self.children[position];
            self.children.push(NodeId(index(child.0 as usize + node_shift)));
        }
        let copy = NodeId(index(nodes.0 + node_shift));
        self.nodes[copy.0 as usize].parent = NONE;
        self.place(copy);
        self.raise(height);
        Ok(())
    }

    /// The finished document; `None` if it is empty.
    pub(crate) fn finish(self, span: Span, comments: Vec<Comment>) -> Option<Document> {
        let data = &self.nodes[self.root?.0 as usize];
        let is_empty = data.typing() == Typing::Resolved && data.len == 0;
        (!is_empty).then(|| self.into_document(span, comments, true))
    }

    /// The document, even if it is empty: it then gets a null root.
    pub(crate) fn into_document(
        mut self,
        span: Span,
        comments: Vec<Comment>,
        has_spans: bool,
    ) -> Document {
        if self.root.is_none() {
            let nothing = Text::Slice(Span::new(0, 0));
            self.scalar(ScalarStyle::Plain, Span::new(0, 0), nothing, Typing::Resolved, 0);
        }
        // Documents are numerous and long-lived.
        self.nodes.shrink_to_fit();
        self.children.shrink_to_fit();
        self.decoded.shrink_to_fit();
        self.literals.shrink_to_fit();
        Document {
            source: self.source,
            decoded: self.decoded,
            literals: self.literals,
            nodes: self.nodes,
            children: self.children,
            expansions: self.expansions,
            embedded: Embedded::default(),
            comments,
            root: self.root.unwrap_or(NodeId(0)),
            span,
            has_spans,
        }
    }

    fn add(&mut self, data: NodeData) -> NodeId {
        let id = NodeId(index(self.nodes.len()));
        self.nodes.push(data);
        self.place(id);
        id
    }

    fn place(&mut self, id: NodeId) {
        if self.stack.is_empty() {
            self.root.get_or_insert(id);
        } else {
            self.pending.push(id);
        }
    }

    fn written_end(&self, id: NodeId) -> u32 {
        expansion_of(&self.expansions, id).map_or_else(
            || self.nodes[id.0 as usize].span.end,
            |position| self.expansions[position].site.span.end,
        )
    }

    /// Rejects keys that JSON does not allow, converts the others to strings, and records whether
    /// there are merge keys.
    fn check_keys(&mut self, pending_start: usize) -> Result<(), SyntaxError> {
        self.merges = false;
        for position in (pending_start..self.pending.len()).step_by(2) {
            let id = self.pending[position].0 as usize;
            let key = &self.nodes[id];
            if !key.is_scalar() {
                return Err(error(key.span, "a key must be a plain value, not a list or mapping"));
            }
            if key.typing() == Typing::Text {
                continue;
            }
            let name = crate::scalar::key_text(self.text(key), key.typing())
                .map_err(|_| error(key.span, "a key cannot be null: write it in quotes"))?;
            if let Some(name) = name {
                let first = index(self.decoded.len());
                self.decoded.push_str(&name);
                let key = &mut self.nodes[id];
                key.first = first;
                key.len = index(name.len());
                if let Shape::Scalar { value, .. } = &mut key.shape {
                    *value = Value::Decoded;
                }
            } else {
                self.merges |= self.is_merge(key);
            }
        }
        Ok(())
    }

    fn is_merge(&self, key: &NodeData) -> bool {
        key.len == 2 && key.typing() == Typing::Resolved && self.text(key) == "<<"
    }

    /// A key's text.
    fn text(&self, data: &NodeData) -> &str {
        data.text(&self.source, &self.decoded, &self.literals)
    }

    fn key_text(&self, id: NodeId) -> String {
        self.text(&self.nodes[id.0 as usize]).to_owned()
    }

    /// The mappings that a merge key's value names, in source order.
    fn add_merge_sources(
        &self,
        value: NodeId,
        sources: &mut Vec<NodeId>,
    ) -> Result<(), SyntaxError> {
        let data = &self.nodes[value.0 as usize];
        match data.shape {
            Shape::Mapping { .. } => sources.push(value),
            Shape::Sequence(_) => {
                let range = data.first as usize..(data.first + data.len) as usize;
                for &item in &self.children[range] {
                    let item_data = &self.nodes[item.0 as usize];
                    if !item_data.is_mapping() {
                        return Err(error(item_data.span, MERGE_VALUE));
                    }
                    sources.push(item);
                }
            }
            Shape::Scalar { .. } => return Err(error(data.span, MERGE_VALUE)),
        }
        Ok(())
    }

    /// The mapping's members: explicit entries first, then merged ones. As in go-yaml 2, the last
    /// assignment to a key wins: a merged entry yields to an explicit key after its merge key, to a
    /// later merge key, and to an earlier mapping of the same merge key.
    fn merged(&mut self, pending_start: usize) -> Result<Vec<NodeId>, SyntaxError> {
        let pairs: Vec<NodeId> = self.pending[pending_start..].to_vec();
        let mut written = Vec::with_capacity(pairs.len());
        let mut merged = Vec::new();
        let mut later: HashSet<String> = HashSet::new();
        for pair in pairs.chunks_exact(2).rev() {
            if !self.is_merge(&self.nodes[pair[0].0 as usize]) {
                later.insert(self.key_text(pair[0]));
                written.push([pair[0], pair[1]]);
                continue;
            }
            let mut sources = Vec::new();
            self.add_merge_sources(pair[1], &mut sources)?;
            for source in sources {
                let data = self.nodes[source.0 as usize];
                if let Some(position) = expansion_of(&self.expansions, source) {
                    self.expansions[position].site.merge = true;
                }
                let range = data.first as usize..(data.first + data.len) as usize;
                let known = merged.len();
                for pair in self.children[range].chunks_exact(2).rev() {
                    if later.insert(self.key_text(pair[0])) {
                        merged.push([pair[0], pair[1]]);
                    }
                }
                merged[known..].reverse();
            }
        }
        Ok(written.into_iter().rev().chain(merged).flatten().collect())
    }
}

/// The approximate number of nodes in the first document of `text`. Growing step by step would copy
/// them all several times and fragment the heap.
fn estimated_nodes(text: &[u8]) -> usize {
    let end = memchr::memmem::find(text, b"\n---").unwrap_or(text.len());
    let lines = memchr::memchr_iter(b'\n', text.get(..end).unwrap_or_default()).count();
    lines * NODES_PER_LINE + FEW_NODES
}

const MERGE_VALUE: &str = "a merge key (`<<`) needs a mapping or a list of mappings";

fn error(span: Span, message: &str) -> SyntaxError {
    SyntaxError { message: message.to_owned(), offset: span.start }
}

/// Positions fit into 32 bits: sources are limited to 4 GiB. Except for copies, which are bounded,
/// there are fewer nodes than bytes.
fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
