//! Read plain manifests without the general parser, several times faster.
//!
//! Nearly all manifests use a small subset of YAML: block mappings and lists of one-line scalars,
//! literal block scalars after `|`, lists such as `[a, "b"]`, comments, `---`. This module reads
//! only that subset. At the first construct that it is not sure about, it gives up, and the general
//! parser reads the text from the start.
//!
//! Invariant: if this module reads a text, the documents are identical to those of the general
//! parser, including comments and spans. The tests verify this on generated, mutated, and real
//! texts.

mod flow;
mod literal;
mod quoted;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::arena::{Shape, Typing};
use crate::builder::{Builder, Text};
use crate::tree::{Comment, Document, Placement, ScalarStyle, Span, Style, SyntaxError};

/// The longest key: YAML's own limit for keys is 1,024 characters.
const MAX_KEY: usize = 1000;

/// The text contains a construct that only the general parser can read.
struct Unsure;

impl From<SyntaxError> for Unsure {
    fn from(_: SyntaxError) -> Self {
        Self
    }
}

/// Reads the whole text; `None` if any part of it is not plain.
pub(crate) fn parse(source: &Arc<str>) -> Option<Vec<Document>> {
    let is_plain = source.as_bytes().chunks(CHUNK).all(has_no_control)
        && (source.is_ascii() || !source.chars().any(is_special));
    if is_plain { Reader::new(source).read().ok() } else { None }
}

/// The number of bytes that are checked together, chosen so that the compiler vectorizes the check.
const CHUNK: usize = 64;

/// Whether there are no control characters except line feeds.
fn has_no_control(bytes: &[u8]) -> bool {
    !bytes
        .iter()
        .fold(false, |found, &byte| found | ((byte < b' ') & (byte != b'\n') | (byte == 0x7f)))
}

/// Whether YAML treats a non-ASCII character as a line break, a byte order mark, or not printable.
fn is_special(character: char) -> bool {
    matches!(
        character,
        '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
    )
}

/// An open block collection.
#[derive(Clone, Copy)]
struct Level {
    /// The column of its keys or dashes.
    column: usize,
    is_mapping: bool,
    /// Where the value of its last key or dash would be, if there is none yet.
    missing_value: Option<u32>,
}

/// A token with the text after it on its line.
struct Scalar {
    style: ScalarStyle,
    /// Its span, including quotes.
    span: Span,
    /// The span without quotes; `None` if the text has escapes and is in [`Reader::decoded`].
    text: Option<Span>,
}

struct Reader<'s> {
    source: &'s Arc<str>,
    builder: Builder,
    levels: Vec<Level>,
    comments: Vec<Comment>,
    documents: Vec<Document>,
    document_start: u32,
    /// Whether the current document has started, with a `---` or with content.
    started: bool,
    /// Where the `---` before the current document ended.
    marker_end: usize,
    /// Where the next line starts.
    next: usize,
    /// The text of the current scalar, if it is not a slice of the source.
    decoded: String,
}

impl<'s> Reader<'s> {
    fn new(source: &'s Arc<str>) -> Self {
        Self {
            source,
            builder: Builder::first(source),
            levels: Vec::with_capacity(16),
            comments: Vec::new(),
            // Most files contain one document.
            documents: Vec::with_capacity(1),
            document_start: 0,
            started: false,
            marker_end: 0,
            next: 0,
            decoded: String::new(),
        }
    }

    fn bytes(&self) -> &'s [u8] {
        self.source.as_bytes()
    }

    fn read(mut self) -> Result<Vec<Document>, Unsure> {
        let bytes = self.bytes();
        while self.next < bytes.len() {
            let start = self.next;
            let end = self.line_end(start);
            self.next = end + 1;
            self.line(start, end)?;
        }
        self.end_document(bytes.len())?;
        if let Some(last) = self.documents.last_mut() {
            last.comments.append(&mut self.comments);
            last.span.end = position(bytes.len());
        }
        Ok(self.documents)
    }

    /// The offset of the line break after `start`, or of the end of the text.
    fn line_end(&self, start: usize) -> usize {
        let rest = self.bytes().get(start..).unwrap_or_default();
        start + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
    }

    /// Reads the line from `start` up to `end`, the offset of its line break.
    fn line(&mut self, start: usize, end: usize) -> Result<(), Unsure> {
        let column = self.skip_spaces(start, end) - start;
        let first = start + column;
        match self.bytes().get(first..end).unwrap_or_default() {
            [] => Ok(()),
            [b'#', ..] => self.comment(first, end, true),
            [b'-', b'-', b'-', after @ ..] if column == 0 => {
                if after.iter().any(|&byte| byte != b' ') {
                    return Err(Unsure);
                }
                self.end_document(start)?;
                self.started = true;
                self.marker_end = start + 3;
                Ok(())
            }
            [b'.', b'.', b'.', ..] | [b'%', ..] if column == 0 => Err(Unsure),
            _ => {
                self.started = true;
                self.content(start, first, end)
            }
        }
    }

    fn skip_spaces(&self, from: usize, end: usize) -> usize {
        let rest = self.bytes().get(from..end).unwrap_or_default();
        from + leading_spaces(rest)
    }

    /// Records the comment from `at` to the end of the line.
    fn comment(&mut self, at: usize, end: usize, alone: bool) -> Result<(), Unsure> {
        let placement = if alone {
            let next = self.bytes().get(end + 1..).unwrap_or_default();
            let blank = leading_spaces(next);
            match next.get(blank) {
                // The placement of a comment at the end depends on the open collections.
                _ if next.trim_ascii().is_empty() => return Err(Unsure),
                Some(b'\n') => Placement::Free,
                _ => Placement::Above,
            }
        } else {
            Placement::Right
        };
        let text = self.bytes().get(at..end).unwrap_or_default();
        let end = at + text.trim_ascii_end().len();
        if end - at != text.len() {
            return Err(Unsure);
        }
        self.comments.push(Comment { span: span(at, end), placement });
        Ok(())
    }

    /// Reads a line's content: dashes, a key, a value.
    fn content(&mut self, start: usize, first: usize, end: usize) -> Result<(), Unsure> {
        self.close_down_to(first - start, self.is_dash(first, end))?;
        let mut at = first;
        while self.is_dash(at, end) {
            self.dash(at - start, at)?;
            at = self.skip_spaces(at + 1, end);
            if at == end {
                return Ok(());
            }
            match self.bytes().get(at) {
                Some(b'#') => return self.comment(at, end, false),
                Some(b'|') => return self.literal(at, end),
                Some(b'[' | b'{') => return self.flow(at, end),
                _ => {}
            }
        }
        let token = self.scalar_at(at, end)?;
        let after = token.span.end as usize;
        if self.bytes().get(after..end).unwrap_or_default().first() != Some(&b':') {
            // A scalar alone on its line may continue below; after a dash, it is the item.
            if at == first {
                return Err(Unsure);
            }
            self.value(&token);
            return self.rest_of_line(after, end);
        }
        if after - at > MAX_KEY {
            return Err(Unsure);
        }
        self.key(at - start, &token, after + 1)?;
        let value = self.skip_spaces(after + 1, end);
        match self.bytes().get(value..end).unwrap_or_default() {
            [] => Ok(()),
            [b'#', ..] if value > after + 1 => self.comment(value, end, false),
            _ if value == after + 1 => Err(Unsure),
            [b'[' | b'{', ..] => self.flow(value, end),
            [b'|', ..] => self.literal(value, end),
            _ => {
                let token = self.scalar_at(value, end)?;
                let after = token.span.end as usize;
                self.value(&token);
                self.rest_of_line(after, end)
            }
        }
    }

    /// Nothing but a comment may follow a value.
    fn rest_of_line(&mut self, from: usize, end: usize) -> Result<(), Unsure> {
        let at = self.skip_spaces(from, end);
        match self.bytes().get(at..end).unwrap_or_default() {
            [] => Ok(()),
            [b'#', ..] if at > from => self.comment(at, end, false),
            _ => Err(Unsure),
        }
    }

    fn is_dash(&self, at: usize, end: usize) -> bool {
        matches!(self.bytes().get(at..end), Some([b'-'] | [b'-', b' ', ..]))
    }

    /// Closes the collections that are indented more deeply than a line at this column.
    fn close_down_to(&mut self, column: usize, dash: bool) -> Result<(), Unsure> {
        while let Some(&level) = self.levels.last() {
            // A list may be at the column of its key; it ends at a line there without a dash.
            let ends =
                level.column > column || level.column == column && !level.is_mapping && !dash;
            if !ends {
                break;
            }
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Unsure> {
        self.fill_with_null();
        self.levels.pop();
        Ok(self.builder.close(None)?)
    }

    /// Gives a key or dash without a value the value null, directly after it.
    fn fill_with_null(&mut self) {
        if let Some(at) = self.levels.last_mut().and_then(|level| level.missing_value.take()) {
            let empty = Span::new(at, at);
            let text = Text::Slice(empty);
            self.builder.scalar(ScalarStyle::Plain, empty, text, Typing::Resolved, 0);
        }
    }

    fn mark_filled(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.missing_value = None;
        }
    }

    fn dash(&mut self, column: usize, at: usize) -> Result<(), Unsure> {
        self.enter(column, at, false)?;
        self.expect_value(at + 1);
        Ok(())
    }

    fn key(&mut self, column: usize, key: &Scalar, value: usize) -> Result<(), Unsure> {
        self.enter(column, key.span.start as usize, true)?;
        self.scalar(key);
        self.expect_value(value);
        Ok(())
    }

    fn expect_value(&mut self, at: usize) {
        if let Some(level) = self.levels.last_mut() {
            level.missing_value = Some(position(at));
        }
    }

    fn value(&mut self, token: &Scalar) {
        self.mark_filled();
        self.scalar(token);
    }

    /// Selects the collection at this column: the innermost one, or a new one inside it.
    fn enter(&mut self, column: usize, at: usize, is_mapping: bool) -> Result<(), Unsure> {
        match self.levels.last().copied() {
            Some(level) if level.column == column && level.is_mapping == is_mapping => {
                self.fill_with_null();
                return Ok(());
            }
            Some(level) if level.missing_value.is_some() => {
                let at_column_of_key = level.column == column && level.is_mapping && !is_mapping;
                if level.column >= column && !at_column_of_key {
                    return Err(Unsure);
                }
                self.mark_filled();
            }
            Some(_) => return Err(Unsure),
            None if self.builder.has_root() => return Err(Unsure),
            None => {}
        }
        let shape =
            if is_mapping { Shape::mapping(Style::Block) } else { Shape::Sequence(Style::Block) };
        self.builder.open(shape, span(at, at), 0)?;
        self.levels.push(Level { column, is_mapping, missing_value: None });
        Ok(())
    }

    fn scalar(&mut self, scalar: &Scalar) {
        let typing =
            if scalar.style == ScalarStyle::Plain { Typing::Resolved } else { Typing::Text };
        let text = scalar.text.map_or(Text::Decoded(&self.decoded), Text::Slice);
        self.builder.scalar(scalar.style, scalar.span, text, typing, 0);
    }

    /// The scalar that starts at `at`, if it certainly ends on this line.
    fn scalar_at(&mut self, at: usize, end: usize) -> Result<Scalar, Unsure> {
        let text = self.bytes().get(at..end).unwrap_or_default();
        match text {
            [b'"' | b'\'', ..] => self.quoted(at, end),
            [b'-', next, ..] if *next != b' ' => Ok(plain(at, text)),
            [b':', next, ..] if next.is_ascii_alphanumeric() => Ok(plain(at, text)),
            [first, ..] if starts_plain(*first) => Ok(plain(at, text)),
            _ => Err(Unsure),
        }
    }

    /// Ends the document at `at`, if one has started.
    fn end_document(&mut self, at: usize) -> Result<(), Unsure> {
        if !self.started {
            return Ok(());
        }
        while !self.levels.is_empty() {
            self.close()?;
        }
        // A document without content ends at its marker.
        let at = if self.builder.has_root() { at } else { self.marker_end };
        if !self.builder.has_root() && !self.comments.is_empty() {
            return Err(Unsure);
        }
        let next = self.builder.next(at);
        let builder = std::mem::replace(&mut self.builder, next);
        let text = Span::new(self.document_start, position(at));
        self.document_start = position(at);
        let comments = std::mem::take(&mut self.comments);
        self.documents.extend(builder.finish(text, comments));
        self.started = false;
        Ok(())
    }
}

/// Whether a plain scalar may start with this byte. Only covers the bytes that manifests use.
fn starts_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'.' | b'/' | b'~' | b'+' | b'$' | b'(' | b'<' | b'=' | b'^')
}

/// The plain scalar at the start of `text`. It ends before the colon that makes it a key, before a
/// comment, or at the end.
fn plain(at: usize, text: &[u8]) -> Scalar {
    let ends = |&at: &usize| match text.get(at) {
        Some(b':') => text.get(at + 1).is_none_or(|&next| next == b' '),
        _ => at.checked_sub(1).and_then(|before| text.get(before)) == Some(&b' '),
    };
    let length = memchr::memchr2_iter(b':', b'#', text).find(ends).unwrap_or(text.len());
    let trimmed = text.get(..length).unwrap_or_default().trim_ascii_end().len();
    let text = span(at, at + trimmed);
    Scalar { style: ScalarStyle::Plain, span: text, text: Some(text) }
}

/// The number of leading spaces. This is optimized because up to half of a manifest is indentation.
fn leading_spaces(text: &[u8]) -> usize {
    const SPACES: u64 = u64::from_le_bytes([b' '; 8]);
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let others = u64::from_le_bytes(*word) ^ SPACES;
        if others != 0 {
            return index * 8 + others.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8 + rest.iter().take_while(|&&byte| byte == b' ').count()
}

fn span(start: usize, end: usize) -> Span {
    Span::new(position(start), position(end))
}

/// Positions fit into 32 bits: sources are limited to 4 GiB.
fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
