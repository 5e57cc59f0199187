//! A text of a file as it can be parsed, and where each of its bytes is in the file.

use std::ops::Range;

use crate::{Node, ScalarStyle, Span};

/// A text that can be parsed.
pub(super) struct Readable {
    pub(super) text: String,
    /// Where each byte, and the end, is in the file.
    places: Vec<u32>,
    /// Whether each line of the text is in the file as it is.
    pub(super) is_written: bool,
}

impl Readable {
    /// A text of which the caller knows where it is from.
    pub(super) fn new(text: &str, places: Vec<u32>) -> Self {
        Self { text: text.to_owned(), places, is_written: false }
    }

    /// The text of a scalar of a file: the lines of a block, or what quotes mean.
    pub(super) fn of(source: &str, node: Node<'_>) -> Option<Self> {
        let (span, value) = (node.span()?, node.as_str()?);
        let written = span.text(source);
        match node.scalar_style()? {
            ScalarStyle::Literal => {
                let places = lines(written, value, span.start)?;
                Some(Self { text: value.to_owned(), places, is_written: true })
            }
            ScalarStyle::Folded => {
                let places = folded(written, value, span.start)?;
                Some(Self { text: value.to_owned(), places, is_written: false })
            }
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                let (text, places) = unquoted(written, span.start)?;
                (text == value).then_some(Self { text, places, is_written: false })
            }
            _ => None,
        }
    }

    /// A part of the text.
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        let text = self.text.get(range.clone()).unwrap_or_default().to_owned();
        let places = self.places.get(range.start..=range.end).unwrap_or_default().to_vec();
        Self { text, places, is_written: self.is_written }
    }

    /// Another text with each byte in the same place.
    pub(super) fn altered(self, text: String) -> Self {
        Self { text, places: self.places, is_written: false }
    }

    /// The place in the file of a byte of the text.
    pub(super) fn place(&self, offset: u32) -> u32 {
        let place = self.places.get(offset as usize).or(self.places.last());
        place.copied().unwrap_or_default()
    }

    /// The place in the file of a part of the text.
    pub(super) fn span(&self, span: Span) -> Span {
        Span::new(self.place(span.start), self.place(span.end))
    }
}

/// The place of each byte of a block's value: each of its lines is the end of one in the file.
fn lines(written: &str, value: &str, start: u32) -> Option<Vec<u32>> {
    let mut places = Vec::with_capacity(value.len() + 1);
    let mut at = written.find('\n')? + 1;
    let mut end = start;
    for line in value.split_inclusive('\n') {
        let rest = written.get(at..)?;
        let length = rest.find('\n').unwrap_or(rest.len());
        let here = rest.get(..length)?.trim_end_matches('\r');
        let text = line.trim_end_matches('\n');
        let first = here.strip_suffix(text).filter(|before| before.bytes().all(|it| it == b' '))?;
        let first = start + u32::try_from(at + first.len()).ok()?;
        places.extend((first..).take(line.len()));
        end = first + u32::try_from(text.len()).ok()?;
        at += length + 1;
    }
    places.push(end);
    Some(places)
}

/// The place of each byte of a folded block's value: its words are those of the file, only the space
/// between them differs.
fn folded(written: &str, value: &str, start: u32) -> Option<Vec<u32>> {
    let mut places = Vec::with_capacity(value.len() + 1);
    let mut at = written.find('\n')? + 1;
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    let bytes = written.as_bytes();
    for byte in value.bytes() {
        if !is_space(&byte) {
            at += bytes.get(at..)?.iter().position(|byte| !is_space(byte))?;
            if bytes.get(at) != Some(&byte) {
                return None;
            }
        }
        places.push(start + u32::try_from(at).ok()?);
        let is_here = bytes.get(at).is_some_and(|here| is_space(here) == is_space(&byte));
        at += usize::from(is_here);
    }
    let end = value.trim_end().len();
    let end = places.get(end.checked_sub(1)?)? + 1;
    places.push(end);
    Some(places)
}

/// What a text in quotes means, and the place of each byte. The caller compares it with what the
/// parser read: what is not known here is not read.
fn unquoted(written: &str, start: u32) -> Option<(String, Vec<u32>)> {
    let quote = written.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let inner = written.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut text = String::with_capacity(inner.len());
    let mut places = Vec::with_capacity(inner.len() + 1);
    let mut rest = inner;
    // The length up to which nothing is cut off any more.
    let mut fixed = 0;
    while let Some(c) = rest.chars().next() {
        let place = start + 1 + u32::try_from(inner.len() - rest.len()).ok()?;
        if matches!(c, '\n' | '\r') {
            // Spaces at the end of a line are no part of the text, unless they are escaped.
            let end = text.trim_end_matches([' ', '\t']).len().max(fixed);
            text.truncate(end);
            places.truncate(end);
            let (breaks, length) = line_breaks(rest);
            let joint = if breaks == 1 { " ".to_owned() } else { "\n".repeat(breaks - 1) };
            text.push_str(&joint);
            places.resize(text.len(), place);
            rest = rest.get(length..)?;
            fixed = text.len();
            continue;
        }
        if let Some(next) = rest.strip_prefix('\\').filter(|_| quote == '"')
            && next.starts_with(['\n', '\r'])
        {
            let (breaks, length) = line_breaks(next);
            text.push_str(&"\n".repeat(breaks - 1));
            places.resize(text.len(), place);
            rest = next.get(length..)?;
            fixed = text.len();
            continue;
        }
        let (c, length) = match c {
            '\'' if quote == '\'' => (c, 2),
            '\\' if quote == '"' => escape(rest)?,
            c => (c, c.len_utf8()),
        };
        text.push(c);
        places.resize(text.len(), place);
        if length > c.len_utf8() {
            fixed = text.len();
        }
        rest = rest.get(length..)?;
    }
    places.push(start + 1 + u32::try_from(inner.len()).ok()?);
    Some((text, places))
}

/// The number of line breaks at the start of a text, and the length up to the first character of the
/// line after them.
fn line_breaks(text: &str) -> (usize, usize) {
    let end = text.trim_start_matches(['\n', '\r', ' ', '\t']);
    let length = text.len() - end.len();
    let breaks = text.bytes().take(length).filter(|byte| *byte == b'\n').count();
    (breaks.max(1), length)
}

/// The character that an escape at the start of a text means, and the length of the escape.
fn escape(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| u32::from_str_radix(text.get(at..at + 4)?, 16).ok();
    let c = match text.chars().nth(1)? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        '0' => '\0',
        'a' => '\u{7}',
        'v' => '\u{b}',
        'e' => '\u{1b}',
        c @ ('"' | '\\' | '/' | ' ' | '\t') => c,
        'x' => {
            let code = u32::from_str_radix(text.get(2..4)?, 16).ok()?;
            return Some((char::from_u32(code)?, 4));
        }
        'u' => {
            let high = unit(2)?;
            if !(0xD800..0xDC00).contains(&high) {
                return Some((char::from_u32(high)?, 6));
            }
            let low = text.get(6..8).filter(|next| *next == "\\u").and_then(|_| unit(8))?;
            let low = low.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
            return Some((char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + low)?, 12));
        }
        _ => return None,
    };
    Some((c, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_knows_its_place() {
        assert_eq!(
            lines("|\n  ab\n\n   c\n", "ab\n\n c\n", 10),
            Some(vec![14, 15, 16, 17, 20, 21, 22, 22])
        );
        assert_eq!(lines("|-\r\n a\r\n b", "a\nb", 0), Some(vec![5, 6, 9, 10]));
        assert_eq!(lines("|\n  ab\n", "cd\n", 0), None);
    }

    #[test]
    fn each_byte_knows_its_place() {
        let (text, places) = unquoted(r#""a\n\u00e9\"""#, 10).unwrap();
        assert_eq!(text, "a\né\"");
        assert_eq!(places, [11, 12, 14, 14, 20, 22]);
        let (text, places) = unquoted("'it''s'", 0).unwrap();
        assert_eq!((text.as_str(), places), ("it's", vec![1, 2, 3, 5, 6]));
        let (text, places) = unquoted(r#""\ud83d\ude00!""#, 0).unwrap();
        assert_eq!((text.as_str(), places), ("😀!", vec![1, 1, 1, 1, 13, 14]));
        for written in ["plain", r#""\q41""#, r#""\ud83d""#, "\""] {
            assert!(unquoted(written, 0).is_none(), "{written}");
        }
    }

    #[test]
    fn lines_in_quotes_are_folded() {
        for (written, text) in [
            ("'a \n  b'", "a b"),
            ("'a\n\n  b\n\n\n c'", "a\nb\n\nc"),
            ("\"a\\n\\\n  b\"", "a\nb"),
            ("\"a\\\n  \\  b\"", "a  b"),
            ("\"a\\x41 \r\n  b\"", "aA b"),
        ] {
            let (found, places) = unquoted(written, 0).unwrap();
            assert_eq!(found, text, "{written:?}");
            let stream = crate::parse(written.into());
            assert_eq!(stream.documents[0].root().as_str(), Some(text), "{written:?}");
            for (at, c) in text.char_indices().filter(|(_, c)| matches!(c, 'a' | 'b' | 'c')) {
                assert!(written[places[at] as usize..].starts_with(c), "{written:?}: {places:?}");
            }
        }
    }

    #[test]
    fn words_of_a_folded_block_know_their_places() {
        let text = "v: >- # why\n  a: 1\n\n  b:\n    c: [d,\n    e]\nz: 1\n";
        let stream = crate::parse(text.into());
        let value = stream.documents[0].root().get("v").unwrap();
        let readable = Readable::of(text, value).unwrap();
        assert_eq!(readable.text, "a: 1\nb:\n  c: [d,\n  e]");
        assert!(!readable.is_written);
        for word in ["a", "b", "c", "d", "e]"] {
            let place = readable.place(u32::try_from(readable.text.find(word).unwrap()).unwrap());
            assert!(text[place as usize..].starts_with(word), "{word}");
        }
        assert_eq!(readable.place(u32::MAX), u32::try_from(text.find("]\n").unwrap() + 1).unwrap());
    }
}
