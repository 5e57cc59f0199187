//! Here-documents, which may be anywhere in `RUN`, `COPY` and `ADD`.
//!
//! The parser of instructions knows them only at the start of an instruction. So it gets a text of
//! the same length in which they are hidden: `<<` is replaced, and their lines are
//! comments. Where they are is remembered.

use std::ops::Range;

/// A text in which all here-documents are hidden.
pub(crate) struct Masked {
    /// As long as the original, byte for byte.
    pub(crate) text: String,
    /// The offsets of the markers, each with the end of its document's last line.
    pub(crate) documents: Vec<(usize, usize)>,
}

/// The character that continues a line: what the directive `# escape=` says, else `\`.
pub(crate) fn escape_character(text: &str) -> char {
    let directives = text.trim_start_matches('\u{feff}').lines();
    for line in directives.map_while(|line| line.trim_start().strip_prefix('#')) {
        let Some((name, value)) = line.split_once('=') else { break };
        if name.trim().eq_ignore_ascii_case("escape") {
            return if value.trim() == "`" { '`' } else { '\\' };
        }
    }
    '\\'
}

/// Hides the here-documents of a text.
pub(crate) fn mask(text: &str) -> Masked {
    let escape = escape_character(text);
    let mut bytes = text.as_bytes().to_vec();
    let mut documents = Vec::new();
    let mut lines = Lines { text, at: 0 };
    while let Some(line) = lines.next() {
        let start = line.start;
        let mut end = line.end;
        if is_blank_or_comment(slice(text, &line)) {
            continue;
        }
        let mut last = line;
        while slice(text, &last).trim_end().ends_with(escape) {
            let Some(next) = lines.next() else { break };
            end = next.end;
            // Comments and blank lines do not end a continued instruction.
            if !is_blank_or_comment(slice(text, &next)) {
                last = next;
            }
        }
        if !may_have_documents(slice(text, &(start..end))) {
            continue;
        }
        for marker in markers(slice(text, &(start..end))) {
            let at = start + marker.start;
            let body = lines.document(&marker);
            if let Some(shown) = bytes.get_mut(at..at + 2) {
                shown.fill(b':');
            }
            hide(&mut bytes, body.clone());
            documents.push((at, body.end));
        }
    }
    // Whole lines and pairs of ASCII were replaced by ASCII.
    Masked { text: String::from_utf8(bytes).unwrap_or_default(), documents }
}

fn slice<'t>(text: &'t str, range: &Range<usize>) -> &'t str {
    text.get(range.clone()).unwrap_or_default()
}

fn is_blank_or_comment(line: &str) -> bool {
    let line = line.trim_start_matches('\u{feff}').trim_start();
    line.is_empty() || line.starts_with('#')
}

fn may_have_documents(instruction: &str) -> bool {
    let mut words = instruction.trim_start_matches('\u{feff}').split_whitespace();
    let is = |word: Option<&str>, names: &[&str]| {
        word.is_some_and(|word| names.iter().any(|name| word.eq_ignore_ascii_case(name)))
    };
    let mut first = words.next();
    if is(first, &["ONBUILD"]) {
        first = words.next();
    }
    is(first, &["RUN", "COPY", "ADD"])
}

/// Makes every line a comment.
fn hide(bytes: &mut [u8], body: Range<usize>) {
    let Some(body) = bytes.get_mut(body) else { return };
    for byte in body.iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        *byte = b'#';
    }
}

/// Lines with their ends, by their places.
struct Lines<'t> {
    text: &'t str,
    at: usize,
}

impl Lines<'_> {
    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.find('\n').map_or(rest.len(), |newline| newline + 1);
        let start = self.at;
        self.at += length;
        Some(start..self.at)
    }

    /// The lines up to the one that ends a document, that one included.
    fn document(&mut self, marker: &Marker<'_>) -> Range<usize> {
        let start = self.at;
        while let Some(line) = self.next() {
            let text = slice(self.text, &line);
            let text = if marker.strips_tabs { text.trim_start_matches('\t') } else { text };
            if text.trim_end_matches(['\n', '\r']) == marker.delimiter {
                break;
            }
        }
        start..self.at
    }
}

/// The start of a here-document.
struct Marker<'t> {
    /// The offset of its `<<`.
    start: usize,
    delimiter: &'t str,
    strips_tabs: bool,
}

/// The markers in an instruction: words that are `<<NAME`, outside quotes.
fn markers(instruction: &str) -> Vec<Marker<'_>> {
    let mut found = Vec::new();
    let mut quote = None;
    let mut escaped = false;
    let mut starts_word = true;
    for (at, character) in instruction.char_indices() {
        let starts = starts_word;
        starts_word = character.is_whitespace()
            || matches!(character, ';' | '&' | '|')
            || starts && character.is_ascii_digit();
        match (quote, character) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '<') if starts => found.extend(marker(instruction, at)),
            (None, _) => {}
        }
    }
    found
}

fn marker(instruction: &str, start: usize) -> Option<Marker<'_>> {
    let rest = instruction.get(start..)?.strip_prefix("<<")?;
    let (strips_tabs, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let (quote, rest) = match rest.chars().next()? {
        quote @ ('"' | '\'') => (Some(quote), rest.get(1..)?),
        _ => (None, rest),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
    let (delimiter, behind) = rest.split_at(length);
    let closed = quote.is_none_or(|quote| behind.starts_with(quote));
    (closed && !delimiter.is_empty()).then_some(Marker { start, delimiter, strips_tabs })
}
