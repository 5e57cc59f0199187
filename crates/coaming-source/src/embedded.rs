//! YAML that is a part of another file, as a text in which everything keeps its place: values in an
//! object, a patch in a kustomization.

use std::sync::Arc;

use coaming_yaml::{Node, ScalarStyle};

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

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, key: &str) -> Option<Arc<str>> {
        let stream = coaming_yaml::parse(text.into());
        let node = stream.documents.first()?.root().get(key)?;
        embedded_yaml(text, node)
    }

    #[test]
    fn everything_keeps_its_place() {
        let text = "kind: é\nvalues:\n  image:\n    tag: '1'\n  # why\n  b: 2\nafter: 1\n";
        let part = cut(text, "values").unwrap();
        assert_eq!(part.find("tag"), text.find("tag"));
        let stream = coaming_yaml::parse(part);
        assert!(stream.errors.is_empty());
        assert_eq!(stream.documents[0].root().get("b").and_then(Node::as_int), Some(2));
        assert!(stream.documents[0].root().get("after").is_none());
        let block = "a: 1\nvalues: |\n  image: x\n  b: {c: d}\n";
        let part = cut(block, "values").unwrap();
        assert_eq!(part.find("image"), block.find("image"));
        assert_eq!(cut("values: {a: 1}\n", "values").as_deref(), Some("        {a: 1}"));
        assert_eq!(cut("values: 'a: 1'\n", "values"), None);
    }
}
