//! Quoted scalars on one line, with the escapes that manifests have.

use super::{Reader, Scalar, Unsure, span};
use crate::tree::ScalarStyle;

impl Reader<'_> {
    /// The scalar whose opening quote is at `at`, if it ends on this line.
    pub(super) fn quoted(&mut self, at: usize, end: usize) -> Result<Scalar, Unsure> {
        let inner = self.source.get(at + 1..end).ok_or(Unsure)?;
        let (style, length) = if self.source.as_bytes().get(at) == Some(&b'"') {
            (ScalarStyle::DoubleQuoted, unescape_double(inner, &mut self.cooked)?)
        } else {
            (ScalarStyle::SingleQuoted, unescape_single(inner, &mut self.cooked)?)
        };
        let (start, after) = (at + 1, at + 1 + length);
        let text = self.cooked.is_empty().then(|| span(start, after));
        Ok(Scalar { style, span: span(at, after + 1), text })
    }
}

/// Where the closing quote stands; the text is put to `cooked` only if it has escapes.
fn unescape_double(inner: &str, cooked: &mut String) -> Result<usize, Unsure> {
    cooked.clear();
    let mut at = 0;
    loop {
        let rest = inner.get(at..).ok_or(Unsure)?;
        let plain = memchr::memchr2(b'"', b'\\', rest.as_bytes()).ok_or(Unsure)?;
        let is_end = rest.as_bytes().get(plain) == Some(&b'"');
        if is_end && at == 0 {
            return Ok(plain);
        }
        *cooked += rest.get(..plain).ok_or(Unsure)?;
        if is_end {
            return Ok(at + plain);
        }
        cooked.push(match rest.as_bytes().get(plain + 1) {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            _ => return Err(Unsure),
        });
        at += plain + 2;
    }
}

/// As [`unescape_double`]; the only escape is a quote that is written twice.
fn unescape_single(inner: &str, cooked: &mut String) -> Result<usize, Unsure> {
    cooked.clear();
    let mut at = 0;
    loop {
        let rest = inner.get(at..).ok_or(Unsure)?;
        let plain = memchr::memchr(b'\'', rest.as_bytes()).ok_or(Unsure)?;
        let is_end = rest.as_bytes().get(plain + 1) != Some(&b'\'');
        if is_end && at == 0 {
            return Ok(plain);
        }
        *cooked += rest.get(..plain).ok_or(Unsure)?;
        if is_end {
            return Ok(at + plain);
        }
        cooked.push('\'');
        at += plain + 2;
    }
}
