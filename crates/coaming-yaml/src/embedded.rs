//! YAML that is a part of another file: values in an object, a patch in a kustomization. It keeps its
//! place, so that positions, comments and edits in it are those of the file.

use std::sync::Arc;

use crate::arena::{Expansion, NONE, Shape, Value};
use crate::{Document, Node, NodeId, ScalarStyle, parse};

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
    /// Reads a text of the document as the YAML that it holds: the mapping takes the place of the
    /// block scalar, with the offsets of the file. Returns whether it did; a text that is not one
    /// mapping stays a text.
    pub fn open_embedded(&mut self, id: NodeId) -> bool {
        let node = self.node(id);
        if node.is_mapping() || node.alias().is_some() {
            return false;
        }
        let Some(text) = embedded_yaml(&self.source, node) else { return false };
        let mut stream = parse(text);
        let is_whole = stream.errors.is_empty() && stream.documents.len() == 1;
        match stream.documents.pop() {
            Some(part) if is_whole && part.root().is_mapping() => self.graft(id, part),
            _ => return false,
        }
        true
    }

    /// Opens the texts that are open in a document of the same shape.
    pub(crate) fn open_as_in(&mut self, other: &Self) {
        for &id in &other.embedded {
            if let Some(id) = self.at(&other.node(id).path()).map(Node::id) {
                self.open_embedded(id);
            }
        }
    }

    /// Puts the root of a document with the same offsets in the place of a node.
    fn graft(&mut self, id: NodeId, mut part: Document) {
        let base = |length: usize| u32::try_from(length).unwrap_or(NONE);
        let (nodes, children) = (base(self.nodes.len()), base(self.children.len()));
        let (decoded, literals) = (base(self.decoded.len()), base(self.literals.len()));
        let root = part.root;
        for data in &mut part.nodes {
            match data.shape {
                Shape::Scalar { value: Value::Verbatim, .. } => {}
                Shape::Scalar { value: Value::Decoded, .. } => data.first += decoded,
                Shape::Scalar { value: Value::Literal, .. } => data.first += literals,
                Shape::Sequence(_) | Shape::Mapping { .. } => data.first += children,
            }
            data.parent = match data.parent {
                NONE => NONE,
                parent if parent == root.0 => id.0,
                parent => parent + nodes,
            };
        }
        let place = &mut self.nodes[id.0 as usize];
        let data = part.nodes[root.0 as usize];
        (place.shape, place.first, place.len) = (data.shape, data.first, data.len);
        place.span = data.span;
        self.nodes.append(&mut part.nodes);
        self.children.extend(part.children.iter().map(|child| NodeId(child.0 + nodes)));
        self.decoded.push_str(&part.decoded);
        self.literals.append(part.literals);
        self.expansions.extend(part.expansions.into_iter().map(|expansion| Expansion {
            nodes: expansion.nodes.start + nodes..expansion.nodes.end + nodes,
            ..expansion
        }));
        let after = self.comments.partition_point(|comment| comment.span.start < data.span.start);
        self.comments.splice(after..after, part.comments);
        self.embedded.push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Path;
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
    fn what_is_not_one_mapping_stays_a_text() {
        for text in [
            "v: |\n  a\n",
            "v: |\n  - a\n",
            "v: |\n  a: [\n",
            "v: |\n  a: 1\n  ---\n  b: 1\n",
            "v: 'a: 1'\n",
            "v: {a: 1}\n",
        ] {
            assert!(opened(text, "v").is_none(), "{text}");
        }
    }
}
