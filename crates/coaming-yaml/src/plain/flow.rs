//! Flow sequences on one line: `[a, "b"]`.

use super::{Reader, Scalar, Unsure, position, span, starts_plain};
use crate::arena::Shape;
use crate::tree::{ScalarStyle, Style};

impl Reader<'_> {
    /// Reads the sequence whose `[` is at `start`, on the line that ends at `end`.
    pub(super) fn flow_sequence(&mut self, start: usize, end: usize) -> Result<(), Unsure> {
        self.filled();
        self.builder.open(Shape::Sequence(Style::Flow), span(start, start + 1), 0)?;
        let mut at = self.skip_spaces(start + 1, end);
        if self.byte(at) != Some(b']') {
            loop {
                let item = self.flow_scalar(at, end)?;
                self.scalar(&item);
                at = self.skip_spaces(item.span.end as usize, end);
                match self.byte(at).filter(|_| at < end) {
                    Some(b',') => at = self.skip_spaces(at + 1, end),
                    Some(b']') => break,
                    _ => return Err(Unsure),
                }
            }
        }
        self.builder.close(Some(position(at + 1)))?;
        self.rest_of_line(at + 1, end)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes().get(at).copied()
    }

    /// An item: in quotes, or a word of characters that mean nothing to YAML.
    fn flow_scalar(&mut self, at: usize, end: usize) -> Result<Scalar, Unsure> {
        let text = self.bytes().get(at..end).unwrap_or_default();
        if matches!(text, [b'"' | b'\'', ..]) {
            return self.scalar_at(at, end);
        }
        let length = text
            .iter()
            .take_while(|&&byte| starts_plain(byte) || matches!(byte, b'-' | b'*' | b'@' | b'%'))
            .count();
        if length == 0 || !text.first().is_some_and(|&first| starts_plain(first)) {
            return Err(Unsure);
        }
        let text = span(at, at + length);
        Ok(Scalar { style: ScalarStyle::Plain, span: text, text: Some(text) })
    }
}
