//! Positions of the protocol: lines, and columns in UTF-16 code units.

use coaming_yaml::{LineIndex, Span};
use lsp_types::{Position, Range};

/// A text with an index of its lines.
#[derive(Clone, Debug)]
pub(crate) struct Lines<'t> {
    text: &'t str,
    index: LineIndex,
}

impl<'t> Lines<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, index: LineIndex::new(text) }
    }

    /// The position of a byte.
    pub(crate) fn position(&self, offset: u32) -> Position {
        let end = floor(self.text, offset as usize);
        let (line, _) = self.index.position(self.text, offset);
        let start = self.index.start(line).unwrap_or(0) as usize;
        let units = self.text.get(start..end).unwrap_or_default().encode_utf16().count();
        Position::new(line - 1, u32::try_from(units).unwrap_or(u32::MAX))
    }

    /// The range of a span.
    pub(crate) fn range(&self, span: Span) -> Range {
        Range::new(self.position(span.start), self.position(span.end))
    }

    /// The byte at a position. A position behind the end of a line is the line's end, as the protocol
    /// says.
    pub(crate) fn offset(&self, position: Position) -> u32 {
        let Some(start) = self.index.start(position.line.saturating_add(1)) else {
            return u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        };
        let rest = self.text.get(start as usize..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut units = 0;
        let mut at = start;
        for c in line.chars() {
            if units >= position.character {
                break;
            }
            units += u32::try_from(c.len_utf16()).unwrap_or(1);
            at += u32::try_from(c.len_utf8()).unwrap_or(1);
        }
        at
    }
}

/// The part of a span on its first line: a container of twenty lines is not underlined as a whole.
pub(crate) fn first_line(text: &str, span: Span) -> Span {
    let (start, end) = (floor(text, span.start as usize), floor(text, span.end as usize));
    let part = text.get(start..end.max(start)).unwrap_or_default();
    let length = part.split('\n').next().unwrap_or_default().trim_end().len();
    let end = start + length;
    Span::new(u32::try_from(start).unwrap_or(0), u32::try_from(end).unwrap_or(0))
}

/// The nearest border of characters at or before a byte.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_utf16() {
        let text = "a: 🦀b\r\nä: c";
        let lines = Lines::new(text);
        let at = |needle: &str| u32::try_from(text.find(needle).unwrap()).unwrap();
        assert_eq!(lines.position(at("b")), Position::new(0, 5));
        assert_eq!(lines.offset(Position::new(0, 5)), at("b"));
        assert_eq!(lines.position(at("c")), Position::new(1, 3));
        assert_eq!(lines.offset(Position::new(1, 3)), at("c"));
        assert_eq!(lines.offset(Position::new(0, 99)), at("\r"));
        assert_eq!(lines.offset(Position::new(9, 0)), u32::try_from(text.len()).unwrap());
    }

    #[test]
    fn a_span_is_shown_by_its_first_line() {
        let text = "- name: a\n  image: b\n";
        assert_eq!(first_line(text, Span::new(2, 20)), Span::new(2, 9));
        assert_eq!(first_line(text, Span::new(2, 2)), Span::new(2, 2));
        assert_eq!(first_line(text, Span::new(90, 99)).start, 21);
    }
}
