//! Flow collections on one line, nested or not: `[a, "b"]`, `[{port: 80}]`.

use super::{MAX_KEY, Reader, Scalar, Unsure, position, span, starts_plain};
use crate::arena::Shape;
use crate::tree::{ScalarStyle, Style};

/// How deeply they may nest. In manifests, there are rarely more than two levels.
const DEPTH: usize = 8;

impl Reader<'_> {
    /// Reads the collection whose bracket or brace is at `start`, on the line that ends at `end`.
    pub(super) fn flow(&mut self, start: usize, end: usize) -> Result<(), Unsure> {
        self.mark_filled();
        let after = self.flow_collection(start, end, DEPTH)?;
        self.rest_of_line(after, end)
    }

    /// Reads a collection and returns the offset of its end.
    fn flow_collection(&mut self, start: usize, end: usize, depth: usize) -> Result<usize, Unsure> {
        let depth = depth.checked_sub(1).ok_or(Unsure)?;
        let is_mapping = self.byte(start, end) == Some(b'{');
        let (shape, last) = if is_mapping {
            (Shape::mapping(Style::Flow), b'}')
        } else {
            (Shape::Sequence(Style::Flow), b']')
        };
        self.builder.open(shape, span(start, start + 1), 0)?;
        let mut at = self.skip_spaces(start + 1, end);
        if self.byte(at, end) != Some(last) {
            loop {
                if is_mapping {
                    at = self.flow_key(at, end)?;
                }
                at = self.flow_value(at, end, depth)?;
                at = self.skip_spaces(at, end);
                match self.byte(at, end) {
                    Some(b',') => at = self.skip_spaces(at + 1, end),
                    Some(byte) if byte == last => break,
                    _ => return Err(Unsure),
                }
            }
        }
        self.builder.close(Some(position(at + 1)))?;
        Ok(at + 1)
    }

    fn byte(&self, at: usize, end: usize) -> Option<u8> {
        self.bytes().get(at..end)?.first().copied()
    }

    /// Reads a key and returns the offset of its value, which is on the same line.
    fn flow_key(&mut self, at: usize, end: usize) -> Result<usize, Unsure> {
        let key = self.flow_scalar(at, end)?;
        let after = key.span.end as usize;
        let is_key = matches!(self.bytes().get(after..end), Some([b':', b' ', ..]));
        if !is_key || after - at > MAX_KEY {
            return Err(Unsure);
        }
        self.scalar(&key);
        Ok(self.skip_spaces(after + 1, end))
    }

    /// Reads an item or a value and returns the offset of its end.
    fn flow_value(&mut self, at: usize, end: usize, depth: usize) -> Result<usize, Unsure> {
        if let Some(b'[' | b'{') = self.byte(at, end) {
            return self.flow_collection(at, end, depth);
        }
        let value = self.flow_scalar(at, end)?;
        self.scalar(&value);
        Ok(value.span.end as usize)
    }

    /// A scalar: quoted, or a word without characters that are special in YAML.
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
