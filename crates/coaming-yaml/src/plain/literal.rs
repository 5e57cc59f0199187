//! Literal block scalars: `|` or `|-`, and the more deeply indented lines below.

use super::{Reader, Text, Unsure, leading_spaces, span};
use crate::arena::Typing;
use crate::tree::ScalarStyle;

impl Reader<'_> {
    /// Reads the literal whose `|` is at `at`, on the line that ends at `end`.
    pub(super) fn literal(&mut self, at: usize, end: usize) -> Result<(), Unsure> {
        if !matches!(self.bytes().get(at..end), Some(b"|" | b"|-")) {
            return Err(Unsure);
        }
        let outer = self.levels.last().ok_or(Unsure)?.column;
        let first = self.bytes().get(self.next..).unwrap_or_default();
        // In a text that starts with blank lines, they may affect the indentation.
        let indentation = leading_spaces(first);
        if indentation <= outer || matches!(first.get(indentation), None | Some(b'\n')) {
            return Err(Unsure);
        }
        let written_end = self.literal_lines(indentation)?;
        self.mark_filled();
        let whole = span(at, written_end);
        self.builder.scalar(ScalarStyle::Literal, whole, Text::Literal, Typing::Text, 0);
        Ok(())
    }

    /// Skips the lines with this indentation and returns the end of the last one that is not blank.
    fn literal_lines(&mut self, indentation: usize) -> Result<usize, Unsure> {
        let source = self.source;
        let mut written_end = self.next;
        while self.next < source.len() {
            let end = self.line_end(self.next);
            let text = self.skip_spaces(self.next, end);
            let width = text - self.next;
            if text == end {
                // Spaces beyond the indentation would be text.
                if width > indentation {
                    return Err(Unsure);
                }
            } else if width < indentation {
                break;
            } else {
                written_end = end;
            }
            self.next = end + 1;
        }
        Ok(written_end)
    }
}
