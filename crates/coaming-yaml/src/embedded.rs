//! YAML that is a part of another file: values in an object, a patch in a kustomization, manifests
//! in a ConfigMap. It keeps its place, so that positions, comments and edits in it are those of the
//! file.
//!
//! A text that was opened is a mapping in the tree, or a sequence if it holds several documents. A
//! part of a text, such as what a script passes to a command, hangs on the text, which stays one.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::arena::{Expansion, NONE, NodeData, Shape, Value};
use crate::path::Path;
use crate::tree::{AliasSite, Comment, Style};
use crate::{Document, Node, NodeId, ScalarStyle, parse};

mod readable;

use readable::Readable;

/// What is open in a document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Embedded {
    /// What nodes are. An outer text has a smaller number than those in it.
    opened: BTreeMap<NodeId, How>,
    /// The parts of texts, by the node that they hang on.
    parts: BTreeMap<NodeId, Vec<NodeId>>,
}

#[derive(Clone, Copy, Debug)]
enum How {
    /// The node was this text, and is what it holds. Whether that can be edited in the file.
    Whole { text: NodeData, is_editable: bool },
    /// The node is one of several documents in a text.
    Item,
    /// The node hangs on a text, which stays a text.
    Part,
}

/// The text of a mapping in a file, or of YAML in a block scalar of the file, with spaces in the
/// place of all that comes before: every byte has the offset and the column that it has in the file.
/// `None` if the node has no text of its own that can be read so.
#[must_use]
pub fn embedded_yaml(text: &str, node: Node<'_>) -> Option<Arc<str>> {
    let span = node.span()?;
    let (start, end) = (span.start as usize, span.end as usize);
    let start = match node.scalar_style() {
        None if node.is_mapping() => start,
        Some(ScalarStyle::Literal) => start + text.get(start..end)?.find('\n')? + 1,
        _ => return None,
    };
    let before = text.get(..start)?;
    // Line breaks stay, so that lines stay: columns are bytes.
    let mut blank: String =
        before.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
    blank.push_str(text.get(start..end)?);
    Some(blank.into())
}

impl Document {
    /// Reads a text of the document as the YAML or JSON that it holds, if that is one mapping, with
    /// the offsets of the file: the mapping takes the place of the text. Returns whether it did.
    pub fn open_embedded(&mut self, id: NodeId) -> bool {
        let Some(readable) = self.readable(id) else { return false };
        let Some(mut parts) = mappings(readable.text.as_str().into()) else { return false };
        let (Some(part), true) = (parts.pop(), parts.is_empty()) else { return false };
        self.graft(id, part, &readable);
        true
    }

    /// Reads a text of the document as the manifests that it holds, one or several, if all of it is
    /// mappings and `accepts` one of them. Returns the nodes of the mappings; none if it did not.
    pub fn open_documents(
        &mut self,
        id: NodeId,
        accepts: impl Fn(Node<'_>) -> bool,
    ) -> Vec<NodeId> {
        let Some(readable) = self.readable(id) else { return Vec::new() };
        let parts = mappings(readable.text.as_str().into()).unwrap_or_default();
        if !parts.iter().any(|part| accepts(part.root())) {
            return Vec::new();
        }
        self.graft_all(id, parts, &readable)
    }

    /// Reads those parts of a text that `find` finds in it, and `accepts`. The text stays a text,
    /// and what it holds cannot be edited. Returns the nodes of the mappings, and how many parts could not be
    /// read.
    pub fn open_parts(
        &mut self,
        id: NodeId,
        find: impl Fn(&str) -> Vec<Range<usize>>,
        accepts: impl Fn(Node<'_>) -> bool,
    ) -> (Vec<NodeId>, u32) {
        let Some(readable) = self.readable(id) else { return (Vec::new(), 1) };
        let (mut nodes, mut unread) = (Vec::new(), 0);
        for range in find(&readable.text) {
            let part = readable.part(range);
            let documents = mappings(part.text.as_str().into()).unwrap_or_default();
            if !documents.iter().any(|document| accepts(document.root())) {
                unread += 1;
                continue;
            }
            for document in documents {
                let root = self.append(id, document, &part);
                self.note_part(id, root);
                nodes.push(root);
            }
        }
        (nodes, unread)
    }

    /// Reads what is left of a text when `alter` has blanked the rest of it, if all of that is
    /// mappings and `accepts` one of them. The text stays a text, and what it holds cannot be edited.
    /// Returns the nodes of the mappings.
    pub fn open_altered(
        &mut self,
        id: NodeId,
        alter: impl Fn(&str) -> Option<String>,
        accepts: impl Fn(Node<'_>) -> bool,
    ) -> Vec<NodeId> {
        let Some(readable) = self.readable(id) else { return Vec::new() };
        let altered = alter(&readable.text).filter(|altered| altered.len() == readable.text.len());
        let documents = altered.as_deref().and_then(|text| mappings(text.into()));
        let documents = documents.unwrap_or_default();
        let Some(altered) = altered.filter(|_| documents.iter().any(|it| accepts(it.root())))
        else {
            return Vec::new();
        };
        let altered = readable.altered(altered);
        let roots = documents.into_iter().map(|document| {
            let root = self.append(id, document, &altered);
            self.note_part(id, root);
            root
        });
        roots.collect()
    }

    /// Reads a text that means the same as a node, and hangs what it holds on the node, which stays
    /// as it is. `places` says where each byte of the text, and its end, is in the file. Returns
    /// the mapping that the text holds.
    pub fn hang(&mut self, id: NodeId, text: &str, places: Vec<u32>) -> Option<NodeId> {
        let part = mappings(text.into())?.pop()?;
        let root = self.append(id, part, &Readable::new(text, places));
        self.note_part(id, root);
        Some(root)
    }

    /// Opens the texts that are open in a document of the same shape.
    pub(crate) fn open_as_in(&mut self, other: &Self) {
        for (&place, how) in &other.embedded.opened {
            if !matches!(how, How::Whole { .. }) {
                continue;
            }
            if let Some(id) = self.at(&other.node(place).path()).map(Node::id) {
                if other.node(place).is_sequence() {
                    self.open_documents(id, |_| true);
                } else {
                    self.open_embedded(id);
                }
            }
        }
    }

    /// Whether the node at a path, or the nearest one above it that exists, is sealed
    /// ([`Node::is_sealed`]).
    #[must_use]
    pub fn is_sealed_at(&self, path: &Path) -> bool {
        let mut node = self.root();
        for step in path.steps() {
            match node.at(&Path::from(vec![step.clone()])) {
                Some(next) => node = next,
                None => break,
            }
        }
        node.is_sealed()
    }

    fn has_embedded(&self) -> bool {
        !self.embedded.opened.is_empty()
    }

    /// The text of a scalar as it can be parsed, with its place in the file.
    fn readable(&self, id: NodeId) -> Option<Readable> {
        let node = self.node(id);
        if node.alias().is_some() || node.is_sealed() {
            return None;
        }
        Readable::of(&self.source, node)
    }

    /// Puts the roots of documents in the place of a node: a sequence, if they are several.
    fn graft_all(&mut self, id: NodeId, mut parts: Vec<Self>, readable: &Readable) -> Vec<NodeId> {
        if parts.len() == 1 {
            parts.into_iter().for_each(|part| self.graft(id, part, readable));
            return vec![id];
        }
        let text = self.nodes[id.0 as usize];
        let roots: Vec<NodeId> =
            parts.drain(..).map(|part| self.append(id, part, readable)).collect();
        let place = &mut self.nodes[id.0 as usize];
        place.shape = Shape::Sequence(Style::Block);
        (place.first, place.len) = (count(self.children.len()), count(roots.len()));
        self.children.extend(&roots);
        self.opened(id, text, readable);
        self.embedded.opened.extend(roots.iter().map(|&id| (id, How::Item)));
        roots
    }

    /// Puts the root of a document in the place of a node.
    fn graft(&mut self, id: NodeId, part: Self, readable: &Readable) {
        let root = self.append(id, part, readable);
        let data = self.nodes[root.0 as usize];
        let children = data.first as usize..data.first as usize + data.len as usize;
        for child in self.children.get(children).unwrap_or_default() {
            self.nodes[child.0 as usize].parent = id.0;
        }
        let place = &mut self.nodes[id.0 as usize];
        let text = *place;
        (place.shape, place.first, place.len) = (data.shape, data.first, data.len);
        place.span = data.span;
        self.opened(id, text, readable);
    }

    fn opened(&mut self, id: NodeId, text: NodeData, readable: &Readable) {
        let how = How::Whole { text, is_editable: readable.is_written };
        self.embedded.opened.insert(id, how);
    }

    fn note_part(&mut self, host: NodeId, part: NodeId) {
        self.embedded.opened.insert(part, How::Part);
        self.embedded.parts.entry(host).or_default().push(part);
    }

    /// Adds the nodes of a document below a node, and returns its root.
    fn append(&mut self, parent: NodeId, mut part: Self, readable: &Readable) -> NodeId {
        let (nodes, children) = (count(self.nodes.len()), count(self.children.len()));
        let (decoded, literals) = (count(self.decoded.len()), count(self.literals.len()));
        let is_written = readable.is_written;
        if !is_written {
            // The file has the text in another notation: what is a slice of it is one of a copy.
            self.decoded.push_str(&readable.text);
        }
        let copied = count(self.decoded.len());
        let mut unfolded = String::new();
        for data in &mut part.nodes {
            match &mut data.shape {
                Shape::Scalar { value, .. } => match *value {
                    Value::Verbatim if is_written => data.first = readable.place(data.first),
                    Value::Verbatim => {
                        *value = Value::Decoded;
                        data.first += decoded;
                    }
                    Value::Decoded => data.first += copied,
                    Value::Literal if is_written => data.first += literals,
                    Value::Literal => {
                        let text =
                            part.literals.text(data.first as usize, data.span.text(&part.source));
                        *value = Value::Decoded;
                        data.first = copied + count(part.decoded.len() + unfolded.len());
                        data.len = count(text.len());
                        unfolded.push_str(text);
                    }
                },
                Shape::Sequence(_) | Shape::Mapping { .. } => data.first += children,
            }
            data.span = readable.span(data.span);
            data.parent = if data.parent == NONE { parent.0 } else { data.parent + nodes };
        }
        self.nodes.append(&mut part.nodes);
        self.children.extend(part.children.iter().map(|child| NodeId(child.0 + nodes)));
        self.decoded.push_str(&part.decoded);
        self.decoded.push_str(&unfolded);
        if is_written {
            self.literals.append(part.literals);
        }
        self.expansions.extend(part.expansions.into_iter().map(|expansion| Expansion {
            nodes: expansion.nodes.start + nodes..expansion.nodes.end + nodes,
            site: AliasSite { span: readable.span(expansion.site.span), ..expansion.site },
        }));
        let comments: Vec<Comment> = part
            .comments
            .into_iter()
            .map(|comment| Comment { span: readable.span(comment.span), ..comment })
            .collect();
        if let Some(first) = comments.first() {
            let after =
                self.comments.partition_point(|comment| comment.span.start < first.span.start);
            self.comments.splice(after..after, comments);
        }
        NodeId(part.root.0 + nodes)
    }
}

impl<'a> Node<'a> {
    /// Whether it is what a text of the document holds ([`Document::open_embedded`]).
    #[must_use]
    pub fn is_embedded(self) -> bool {
        self.opened().is_some()
    }

    /// Whether it is, or is in, what a text holds that cannot be edited in the file: escaped text,
    /// or a part of a script.
    #[must_use]
    pub fn is_sealed(self) -> bool {
        let is_sealed = |node: Node<'_>| {
            matches!(node.opened(), Some(How::Part | How::Whole { is_editable: false, .. }))
        };
        self.document().has_embedded()
            && std::iter::successors(Some(self), |node| node.parent()).any(is_sealed)
    }

    /// The text that it was before it was opened: to Kubernetes, it still is.
    #[must_use]
    pub fn opened_text(self) -> Option<&'a str> {
        match self.opened()? {
            How::Whole { text, .. } => {
                let document = self.document();
                Some(text.text(&document.source, &document.decoded, &document.literals))
            }
            How::Item | How::Part => None,
        }
    }

    /// What hangs on it ([`Document::open_parts`], [`Document::hang`]). In a path, parts come after
    /// a node's items.
    pub fn parts(self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let parts = self.document().embedded.parts.get(&self.id());
        parts.into_iter().flatten().map(move |&id| self.document().node(id))
    }

    fn opened(self) -> Option<How> {
        self.document().embedded.opened.get(&self.id()).copied()
    }
}

/// The documents of a text, if all of them are mappings.
fn mappings(text: Arc<str>) -> Option<Vec<Document>> {
    let stream = parse(text);
    let is_whole = stream.errors.is_empty()
        && stream.documents.iter().all(|document| document.root().is_mapping());
    is_whole.then_some(stream.documents)
}

/// A length as an index of the arena.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(NONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::{self, Edit};

    fn cut(text: &str, key: &str) -> Option<Arc<str>> {
        let stream = parse(text.into());
        let node = stream.documents.first()?.root().get(key)?;
        embedded_yaml(text, node)
    }

    #[test]
    fn everything_keeps_its_place() {
        let text = "kind: é\nvalues:\n  image:\n    tag: '1'\n  # why\n  b: 2\nafter: 1\n";
        let part = cut(text, "values").unwrap();
        assert_eq!(part.find("tag"), text.find("tag"));
        let stream = parse(part);
        assert!(stream.errors.is_empty());
        assert_eq!(stream.documents[0].root().get("b").and_then(Node::as_int), Some(2));
        assert!(stream.documents[0].root().get("after").is_none());
        let block = "a: 1\nvalues: |\n  image: x\n  b: {c: d}\n";
        let part = cut(block, "values").unwrap();
        assert_eq!(part.find("image"), block.find("image"));
        assert_eq!(cut("values: {a: 1}\n", "values").as_deref(), Some("        {a: 1}"));
        assert_eq!(cut("values: 'a: 1'\n", "values"), None);
    }

    fn opened(text: &str, key: &str) -> Option<Document> {
        let mut document = parse(text.into()).documents.remove(0);
        let id = document.root().get(key)?.id();
        document.open_embedded(id).then_some(document)
    }

    #[test]
    fn an_opened_text_is_a_part_of_the_tree() {
        let text = "a: \"x\\ty\" # one\nb: |\n  old\nvalues: |\n  image: x # two\n  list: &l [1, {c: 'it''s'}]\n  \
                    again: *l\n  block: |\n    deep\nafter: {z: 1} # three\n";
        let document = opened(text, "values").unwrap();
        let root = document.root();
        let at = |path: &[&str]| path.iter().try_fold(root, |node, key| node.get(key));
        assert_eq!(at(&["a"]).and_then(Node::as_str), Some("x\ty"));
        assert_eq!(at(&["b"]).and_then(Node::as_str), Some("old\n"));
        assert_eq!(at(&["values", "block"]).and_then(Node::as_str), Some("deep\n"));
        assert_eq!(at(&["after", "z"]).and_then(Node::as_int), Some(1));
        let again = at(&["values", "again"]).unwrap();
        let quoted = again.items().nth(1).and_then(|item| item.get("c")).unwrap();
        assert_eq!(quoted.as_str(), Some("it's"));
        assert_eq!(quoted.path().to_string(), "values.again[1].c");
        assert!(again.alias().is_some() && at(&["after"]).unwrap().alias().is_none());
        let image = at(&["values", "image"]).unwrap();
        assert_eq!(image.span().unwrap().text(text), "x");
        assert!(at(&["values"]).unwrap().is_embedded() && !image.is_embedded());
        let comments = document.comments().iter().map(|comment| comment.span.text(text));
        assert!(comments.eq(["# one", "# two", "# three"]));
        assert_eq!(root.descendants().count(), document.len() - 1);
    }

    #[test]
    fn an_opened_text_is_edited_in_the_file() {
        let text = "values: |\n  # why\n  a: {b: 1}\n  c:\n    d: true\nz: 1\n";
        let document = opened(text, "values").unwrap();
        let path = |steps: &[&str]| Path::root().join_keys(steps.iter().copied());
        let edits = [
            Edit::Remove { path: path(&["values", "c", "d"]) },
            Edit::Set { path: path(&["values", "e", "f"]), value: true.into() },
            Edit::Set { path: path(&["values", "a", "b"]), value: "x".into() },
        ];
        let changed =
            edit::apply(text, &document, &edits).map(|edits| edit::apply_to_text(text, &edits));
        assert_eq!(
            changed.unwrap(),
            "values: |\n  # why\n  a: {b: x}\n  c: {}\n  e:\n    f: true\nz: 1\n"
        );
    }

    #[test]
    fn an_escaped_text_has_places_but_cannot_be_edited() {
        let text = r##"v: "# \"one\"\na: {b: 'é'}\nc: |\n  d\n  e\n" # two"##;
        let document = opened(text, "v").unwrap();
        let value = document.root().get("v").unwrap();
        assert!(value.is_embedded() && value.is_sealed());
        assert_eq!(value.opened_text(), Some("# \"one\"\na: {b: 'é'}\nc: |\n  d\n  e\n"));
        let (inner, block) = (value.get("a").unwrap(), value.get("c").unwrap());
        assert_eq!(inner.get("b").and_then(Node::as_str), Some("é"));
        assert_eq!(inner.span().unwrap().text(text), "{b: 'é'}");
        assert_eq!(block.as_str(), Some("d\ne\n"));
        let comments = document.comments().iter().map(|comment| comment.span.text(text));
        assert!(comments.eq([r#"# \"one\""#, "# two"]));
        let path = Path::root().join_keys(["v", "a", "new"]);
        let edit = Edit::Set { path, value: true.into() };
        assert_eq!(edit::apply(text, &document, &[edit]), Err(edit::EditError::Unwritable));
    }

    #[test]
    fn several_documents_are_edited_in_the_file() {
        let text = "v: |\n  # one\n  a: 1\n  ---\n  b:\n    c: |\n      x\nz: 1\n";
        let mut document = parse(text.into()).documents.remove(0);
        let id = document.root().get("v").unwrap().id();
        assert_eq!(document.open_documents(id, |node| node.get("b").is_some()).len(), 2);
        let second = document.root().get("v").unwrap().items().nth(1).unwrap();
        assert_eq!(second.path().to_string(), "v[1]");
        let before = second.parent().and_then(Node::opened_text);
        assert_eq!(before, Some("# one\na: 1\n---\nb:\n  c: |\n    x\n"));
        assert_eq!(second.get("b").and_then(|b| b.get("c")?.as_str()), Some("x\n"));
        let path = second.path().join_keys(["b", "d"]);
        let edit = Edit::Set { path, value: true.into() };
        let edits = edit::apply(text, &document, &[edit]).unwrap();
        assert_eq!(
            edit::apply_to_text(text, &edits),
            "v: |\n  # one\n  a: 1\n  ---\n  b:\n    c: |\n      x\n    d: true\nz: 1\n"
        );
    }

    #[test]
    fn a_part_of_a_script_hangs_on_it() {
        let text = "v: |\n  run <<E\n  a: {b: 1}\n  E\n";
        let mut document = parse(text.into()).documents.remove(0);
        let id = document.root().get("v").unwrap().id();
        let range = |script: &str| script.find("a:").unwrap()..script.rfind('E').unwrap();
        let find = |script: &str| std::iter::once(range(script)).collect();
        let (nodes, unread) = document.open_parts(id, find, |_| true);
        assert_eq!((nodes.len(), unread), (1, 0));
        let part = document.node(nodes[0]);
        assert_eq!(part.path().to_string(), "v[0]");
        assert_eq!(document.at(&part.path()), Some(part));
        assert_eq!(part.get("a").unwrap().span().unwrap().text(text), "{b: 1}");
        assert!(part.is_sealed() && document.root().get("v").unwrap().as_str().is_some());
    }

    #[test]
    fn what_is_not_one_mapping_stays_a_text() {
        for text in [
            "v: |\n  a\n",
            "v: |\n  - a\n",
            "v: |\n  a: [\n",
            "v: |\n  a: 1\n  ---\n  b: 1\n",
            "v: 'a'\n",
            "v: {a: 1}\n",
        ] {
            assert!(opened(text, "v").is_none(), "{text}");
        }
    }
}
