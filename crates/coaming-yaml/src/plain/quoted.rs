//! Quoted scalars on one line, with the escapes that manifests use.

use super::{Reader, Scalar, Unsure, span};
use crate::tree::ScalarStyle;

impl Reader<'_> {
    /// The scalar whose opening quote is at `at`, if it ends on this line.
    pub(super) fn quoted(&mut self, at: usize, end: usize) -> Result<Scalar, Unsure> {
        let inner = self.source.get(at + 1..end).ok_or(Unsure)?;
        let decoded = &mut self.decoded;
        let (style, length) = if self.source.as_bytes().get(at) == Some(&b'"') {
            (ScalarStyle::DoubleQuoted, unescape(inner, decoded, [b'"', b'\\'], double_escape)?)
        } else {
            (ScalarStyle::SingleQuoted, unescape(inner, decoded, [b'\'', b'\''], single_escape)?)
        };
        let (start, after) = (at + 1, at + 1 + length);
        let text = self.decoded.is_empty().then(|| span(start, after));
        Ok(Scalar { style, span: span(at, after + 1), text })
    }
}

/// What a quote or a backslash means.
enum Special {
    End,
    /// Together with the next byte, this character.
    Escape(char),
}

/// Returns the offset of the closing quote. Writes the text to `decoded` only if it has escapes.
/// `marks` are the bytes that may be special; `meaning` decides by the byte after them.
fn unescape(
    inner: &str,
    decoded: &mut String,
    marks: [u8; 2],
    meaning: fn(u8, Option<u8>) -> Result<Special, Unsure>,
) -> Result<usize, Unsure> {
    decoded.clear();
    let mut at = 0;
    loop {
        let rest = inner.get(at..).ok_or(Unsure)?;
        let bytes = rest.as_bytes();
        let plain = memchr::memchr2(marks[0], marks[1], bytes).ok_or(Unsure)?;
        let mark = bytes.get(plain).copied().ok_or(Unsure)?;
        let special = meaning(mark, bytes.get(plain + 1).copied())?;
        if at > 0 || matches!(special, Special::Escape(_)) {
            *decoded += rest.get(..plain).ok_or(Unsure)?;
        }
        match special {
            Special::End => return Ok(at + plain),
            Special::Escape(character) => decoded.push(character),
        }
        at += plain + 2;
    }
}

fn double_escape(mark: u8, next: Option<u8>) -> Result<Special, Unsure> {
    if mark == b'"' {
        return Ok(Special::End);
    }
    Ok(Special::Escape(match next {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        _ => return Err(Unsure),
    }))
}

/// The only escape is a doubled quote.
fn single_escape(mark: u8, next: Option<u8>) -> Result<Special, Unsure> {
    Ok(if next == Some(mark) { Special::Escape('\'') } else { Special::End })
}
