//! From text to documents: YAML events, and JSON where a text is JSON.
//!
//! A syntax error costs its own document only; reading goes on at the next `---`.

use std::borrow::Cow;
use std::sync::Arc;

use granit_parser::{Event, Options, Parser, ScalarStyle as EventStyle, StrInput, StructureStyle};

use crate::builder::{Builder, Text};
use crate::tree::{
    Comment, Document, Placement, ScalarStyle, Shape, Span, Stream, Style, SyntaxError,
};

/// The longest text that is read, in bytes: positions are kept in 32 bits.
const MAX_BYTES: usize = u32::MAX as usize - 1;

/// Reads a whole text: YAML documents, or JSON values one after the other.
///
/// Never fails as a whole: what could not be read is in [`Stream::errors`], the rest in
/// [`Stream::documents`].
#[must_use]
pub fn parse(source: Arc<str>) -> Stream {
    if source.len() > MAX_BYTES {
        let error = SyntaxError { message: "the text is larger than 4 GiB".to_owned(), offset: 0 };
        return Stream { source, documents: Vec::new(), errors: vec![error] };
    }
    if let Some(documents) = crate::json::parse(&source) {
        return Stream { source, documents, errors: Vec::new() };
    }
    Reader::new(&source).read()
}

fn options() -> Options {
    let mut options = Options::default();
    options.block_scalar_eof_without_line_feed = true;
    // Comments are bounded by the text, which is at hand as a whole.
    options.max_buffered_comment_events = usize::MAX;
    options
}

/// The events of one text on their way into documents.
struct Reader<'s> {
    source: &'s Arc<str>,
    parser: Parser<'s, StrInput<'s>>,
    builder: Builder,
    comments: Vec<Comment>,
    documents: Vec<Document>,
    errors: Vec<SyntaxError>,
    /// Where the text of the current document starts.
    document_start: u32,
    /// Where the last event's text ended.
    last_end: u32,
}

impl<'s> Reader<'s> {
    fn new(source: &'s Arc<str>) -> Self {
        Self {
            source,
            parser: Parser::new_from_str_with_options(source, options()),
            builder: Builder::new(Arc::clone(source)),
            comments: Vec::new(),
            documents: Vec::new(),
            errors: Vec::new(),
            document_start: 0,
            last_end: 0,
        }
    }

    fn read(mut self) -> Stream {
        while let Some(event) = self.parser.next_event() {
            let outcome = match event {
                Ok((event, span)) => {
                    let range = span.byte_range().unwrap_or(0..0);
                    self.event(event, Span::new(offset(range.start), offset(range.end)))
                }
                Err(error) => Err(SyntaxError {
                    offset: offset(error.marker().byte_offset().unwrap_or(0)),
                    message: error.info(),
                }),
            };
            if let Err(error) = outcome
                && !self.recover(error)
            {
                break;
            }
        }
        if let Some(last) = self.documents.last_mut() {
            last.comments.append(&mut self.comments);
            last.span.end = offset(self.source.len());
        }
        Stream { source: Arc::clone(self.source), documents: self.documents, errors: self.errors }
    }

    /// Notes an error and skips to the next document; `false` at the end of the text.
    fn recover(&mut self, error: SyntaxError) -> bool {
        self.errors.push(error);
        self.builder = Builder::new(Arc::clone(self.source));
        self.comments.clear();
        match self.parser.proceed_next_document() {
            Ok(more) => more,
            Err(error) => {
                self.errors.push(SyntaxError {
                    offset: offset(error.marker().byte_offset().unwrap_or(0)),
                    message: error.info(),
                });
                false
            }
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), SyntaxError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let resolves = match tag.as_deref() {
                    None => style == EventStyle::Plain,
                    Some(tag) => {
                        matches!(tag.core_suffix(), Some("int" | "float" | "bool" | "null"))
                    }
                };
                self.scalar(text, style, span, resolves, anchor);
            }
            Event::SequenceStart(style, anchor, _) => {
                let start = match style {
                    StructureStyle::Block => self.first_dash(span.start),
                    StructureStyle::Flow => span.start,
                };
                let span = Span::new(start, span.end);
                self.builder.open(Shape::Sequence(structure(style)), span, anchor);
            }
            Event::MappingStart(style, anchor, _) => {
                self.builder.open(Shape::Mapping(structure(style)), span, anchor);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                // The end of a block collection is noticed only where the next thing begins.
                let end = (span.end > span.start).then_some(span.end);
                self.builder.close(end)?;
            }
            Event::Alias(anchor) => self.builder.alias(anchor, span)?,
            Event::Comment(_, placement) => {
                let placement = match placement {
                    granit_parser::Placement::Above => Placement::Above,
                    granit_parser::Placement::Right => Placement::Right,
                    _ => Placement::Free,
                };
                self.comments.push(Comment { span, placement });
                return Ok(());
            }
            Event::DocumentEnd => self.end_document(span),
            _ => {}
        }
        self.last_end = self.last_end.max(span.end);
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: EventStyle,
        span: Span,
        resolves: bool,
        anchor: usize,
    ) {
        let style = match style {
            EventStyle::Plain => ScalarStyle::Plain,
            EventStyle::SingleQuoted => ScalarStyle::SingleQuoted,
            EventStyle::DoubleQuoted => ScalarStyle::DoubleQuoted,
            EventStyle::Literal => ScalarStyle::Literal,
            EventStyle::Folded => ScalarStyle::Folded,
        };
        if style == ScalarStyle::Plain && span.start == span.end {
            // An absent value is told by a text that was never written.
            let nothing = Text::Slice(Span::new(span.start, span.start));
            self.builder.scalar(style, span, nothing, resolves, anchor);
            return;
        }
        let whole = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => self.block_scalar_span(span),
            _ => span,
        };
        // Owned text never lies in the source.
        let text = self.slice_of(&text).map_or(Text::Cooked(&text), Text::Slice);
        self.builder.scalar(style, whole, text, resolves, anchor);
    }

    /// Where a borrowed text stands in the source.
    fn slice_of(&self, text: &str) -> Option<Span> {
        let start = (text.as_ptr() as usize).checked_sub(self.source.as_ptr() as usize)?;
        let end = start.checked_add(text.len())?;
        (end <= self.source.len()).then(|| Span::new(offset(start), offset(end)))
    }

    /// The parser gives a block scalar's content with the blank lines after it; its text starts
    /// at the `|` or `>` and ends with the last line that says something.
    fn block_scalar_span(&self, content: Span) -> Span {
        let before = Span::new(self.last_end.min(content.start), content.start).text(self.source);
        let start =
            before.find(['|', '>']).map_or(content.start, |header| self.last_end + offset(header));
        let written = content.text(self.source).trim_end();
        let end = if written.is_empty() {
            let header = Span::new(start, content.start).text(self.source);
            start + offset(header.lines().next().unwrap_or_default().trim_end().len())
        } else {
            content.start + offset(written.len())
        };
        Span::new(start, end)
    }

    /// The parser places a block sequence at its first item; its text starts at the dash before.
    fn first_dash(&self, item: u32) -> u32 {
        let before = Span::new(self.last_end.min(item), item).text(self.source);
        let mut in_comment = false;
        let mut previous = b' ';
        for (at, byte) in before.bytes().enumerate() {
            let next = before.as_bytes().get(at + 1);
            match byte {
                b'\n' => in_comment = false,
                b'#' if previous.is_ascii_whitespace() => in_comment = true,
                b'-' if !in_comment && next.is_none_or(u8::is_ascii_whitespace) => {
                    return self.last_end + offset(at);
                }
                _ => {}
            }
            previous = byte;
        }
        item
    }

    fn end_document(&mut self, span: Span) {
        let builder = std::mem::replace(&mut self.builder, Builder::new(Arc::clone(self.source)));
        let text = Span::new(self.document_start, span.end);
        self.document_start = span.end;
        let comments = std::mem::take(&mut self.comments);
        if let Some(document) = builder.finish(text, comments) {
            self.documents.push(document);
        }
    }
}

fn structure(style: StructureStyle) -> Style {
    match style {
        StructureStyle::Block => Style::Block,
        StructureStyle::Flow => Style::Flow,
    }
}

fn offset(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
