//! Tabs where Helm's YAML reader refuses them: as indentation of blocks, and after the `-` of an item.
//! Our reader follows a newer version of YAML, which has them there.

use coaming_yaml::{Document, Kind, Node, Style};

/// The first byte of a tab that Helm refuses, in the first document of a text.
pub(crate) fn misplaced(document: &Document) -> Option<usize> {
    let text = document.source();
    let mut from = 0;
    let end = document.span().end as usize;
    while let Some(found) = text.get(from..end).and_then(|rest| rest.find('\t')) {
        let at = from + found;
        let line = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
        let prefix = text.get(line..at).unwrap_or_default();
        if is_structure(prefix, text.get(..line).unwrap_or_default())
            && !is_content(document.root(), at)
        {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Whether what follows `prefix` on its line starts a part of a block. Below a deeper indentation than
/// that of the line before, a text may go on.
fn is_structure(prefix: &str, before: &str) -> bool {
    let content = prefix.trim_start_matches(' ');
    if !content.is_empty() {
        return content.ends_with('-') && content.bytes().all(|byte| matches!(byte, b'-' | b' '));
    }
    let previous = before.lines().rev().find(|line| !line.trim().is_empty());
    let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
    previous.is_none_or(|previous| prefix.len() <= indentation(previous))
}

/// Whether a byte is in a scalar or in a flow collection, which may have tabs.
fn is_content(node: Node<'_>, at: usize) -> bool {
    let is_inside =
        node.span().is_some_and(|span| (span.start as usize) < at && at < span.end as usize);
    match node.kind() {
        Kind::Scalar => is_inside,
        Kind::Sequence => {
            (is_inside && node.style() == Some(Style::Flow))
                || node.items().any(|item| is_content(item, at))
        }
        Kind::Mapping => {
            (is_inside && node.style() == Some(Style::Flow))
                || node
                    .entries()
                    .any(|entry| is_content(entry.key, at) || is_content(entry.value, at))
        }
    }
}
