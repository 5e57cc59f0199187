//! An open document: the text as the editor has it.

use std::sync::Arc;

use lsp_types::{TextDocumentContentChangeEvent, Uri};

use crate::position::Lines;
use crate::workspace::Judgement;

/// An open document.
#[derive(Debug)]
pub(crate) struct Document {
    /// What the client calls it.
    pub(crate) uri: Uri,
    /// The client's number of its state.
    pub(crate) version: i32,
    /// Its text.
    pub(crate) text: Arc<str>,
    /// The result of the last judgement, if the text has not changed since.
    pub(crate) judgement: Option<Arc<Judgement>>,
}

impl Document {
    /// Applies changes in their order, each to the text that the earlier ones made.
    pub(crate) fn change(&mut self, version: i32, changes: Vec<TextDocumentContentChangeEvent>) {
        for change in changes {
            self.text = match change.range {
                None => change.text.into(),
                Some(range) => {
                    let lines = Lines::new(&self.text);
                    let start = lines.offset(range.start) as usize;
                    let end = (lines.offset(range.end) as usize).max(start);
                    let before = self.text.get(..start).unwrap_or_default();
                    let after = self.text.get(end..).unwrap_or_default();
                    [before, &change.text, after].concat().into()
                }
            };
        }
        self.version = version;
        self.judgement = None;
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use lsp_types::{Position, Range};

    use super::*;

    #[test]
    fn changes_follow_each_other() {
        let mut document = Document {
            uri: Uri::from_str("file:///a.yaml").unwrap(),
            version: 1,
            text: "a: 🦀\nb: c\n".into(),
            judgement: None,
        };
        let change =
            |from: (u32, u32), to: (u32, u32), text: &str| TextDocumentContentChangeEvent {
                range: Some(Range::new(Position::new(from.0, from.1), Position::new(to.0, to.1))),
                range_length: None,
                text: text.to_owned(),
            };
        document.change(2, vec![change((0, 3), (0, 5), "x\ny"), change((2, 3), (9, 9), "d")]);
        assert_eq!((&*document.text, document.version), ("a: x\ny\nb: d", 2));
        let all =
            TextDocumentContentChangeEvent { range: None, range_length: None, text: "e".into() };
        document.change(3, vec![all]);
        assert_eq!(&*document.text, "e");
    }
}
