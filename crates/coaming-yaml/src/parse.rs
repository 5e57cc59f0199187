//! Parse text into documents: from YAML events, or as JSON if the text is JSON.
//!
//! A syntax error invalidates only its own document; parsing continues at the next `---`.

use std::borrow::Cow;
use std::sync::Arc;

use granit_parser::{
    ErrorKind, Event, Options, Parser, ScalarStyle as EventStyle, ScanError, StrInput,
    StructureStyle, Tag,
};

use crate::arena::{Shape, Typing};
use crate::builder::{Builder, Text};
use crate::tree::{
    Comment, Document, Placement, Scalar, ScalarStyle, Span, Stream, Style, SyntaxError,
};

/// The maximum length of a text in bytes, because positions are stored in 32 bits.
const MAX_BYTES: usize = u32::MAX as usize - 1;

/// Parses a whole text: YAML documents, or consecutive JSON values.
///
/// Never fails as a whole: syntax errors are in [`Stream::errors`], all other documents in
/// [`Stream::documents`].
#[must_use]
pub fn parse(source: Arc<str>) -> Stream {
    if source.len() > MAX_BYTES {
        let error = SyntaxError { message: "the text is larger than 4 GiB".to_owned(), offset: 0 };
        return Stream { source, documents: Vec::new(), errors: vec![error] };
    }
    if let Some((documents, errors)) = crate::json::parse(&source) {
        return Stream { source, documents, errors };
    }
    if let Some(documents) = crate::plain::parse(&source) {
        return Stream { source, documents, errors: Vec::new() };
    }
    parse_any(source)
}

/// Parses YAML with the general parser.
pub(crate) fn parse_any(source: Arc<str>) -> Stream {
    let mut patched = crate::lenient::without_inner_marks(&source);
    let (mut stream, mut tabbed_flow) = read(&source, patched.as_deref());
    for _ in 0..MAX_TABBED_FLOWS {
        let Some(start) = tabbed_flow else { break };
        let text = patched.as_deref().unwrap_or(&source);
        let Some(without_tabs) = crate::lenient::without_tabs(text, start) else { break };
        patched = Some(without_tabs);
        (stream, tabbed_flow) = read(&source, patched.as_deref());
    }
    stream
}

fn read(source: &Arc<str>, patched: Option<&str>) -> (Stream, Option<u32>) {
    Reader::new(source, patched.unwrap_or(source)).read()
}

/// The maximum number of flow collections with tabs in a text. Each one requires another pass.
const MAX_TABBED_FLOWS: usize = 32;

fn options() -> Options {
    let mut options = Options::default();
    // `kubectl` treats the last line as terminated, even if it has no line break.
    options.block_scalar_eof_without_line_feed = false;
    // The number of comments is bounded by the text, which is already in memory.
    options.max_buffered_comment_events = usize::MAX;
    options
}

/// Converts the events of one text into documents.
struct Reader<'s> {
    source: &'s Arc<str>,
    /// What the parser reads: the source, or a copy of the same length (see [`crate::lenient`]).
    text: &'s str,
    parser: Parser<'s, StrInput<'s>>,
    builder: Builder,
    comments: Vec<Comment>,
    documents: Vec<Document>,
    errors: Vec<SyntaxError>,
    /// Where the text of the current document starts.
    document_start: u32,
    /// Whether the previous document was abandoned because of an error.
    abandoned: bool,
    /// Where the last event's text ended.
    last_end: u32,
}

impl<'s> Reader<'s> {
    fn new(source: &'s Arc<str>, text: &'s str) -> Self {
        Self {
            source,
            text,
            parser: Parser::new_from_str_with_options(text, options()),
            builder: Builder::first(source),
            comments: Vec::new(),
            documents: Vec::with_capacity(1),
            errors: Vec::new(),
            document_start: 0,
            abandoned: false,
            last_end: 0,
        }
    }

    /// The stream, and the start of the first flow collection that fails only because of its tabs.
    /// go-yaml accepts tabs there, the parser does not.
    fn read(mut self) -> (Stream, Option<u32>) {
        let mut tabbed_flow = None;
        while let Some(event) = self.parser.next_event() {
            let outcome = match event {
                Ok((event, span)) => {
                    let range = span.byte_range().unwrap_or(0..0);
                    self.event(event, Span::new(offset(range.start), offset(range.end)))
                }
                Err(error) => {
                    let error_at = syntax_error(&error);
                    if tabbed_flow.is_none() && is_tab(&error) {
                        tabbed_flow = self.open_flow_before(error_at.offset);
                    }
                    Err(error_at)
                }
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
        let source = Arc::clone(self.source);
        (Stream { source, documents: self.documents, errors: self.errors }, tabbed_flow)
    }

    /// Where the outermost flow collection starts that is open at this offset. The scanner is ahead
    /// of the events: the collection may start in the text that no event has described yet.
    fn open_flow_before(&self, at: u32) -> Option<u32> {
        self.builder.flow_start().or_else(|| {
            let ahead = Span::new(self.last_end.min(at), at).text(self.text);
            let start = find_indicator(ahead, |byte, _| matches!(byte, b'[' | b'{'))?;
            Some(self.last_end + start)
        })
    }

    /// Records an error and skips to the next document; `false` at the end of the text.
    fn recover(&mut self, error: SyntaxError) -> bool {
        self.errors.push(error);
        self.abandoned = true;
        self.builder = Builder::new(Arc::clone(self.source), 0);
        self.comments.clear();
        match self.parser.proceed_next_document() {
            Ok(more) => more,
            Err(error) => {
                self.errors.push(syntax_error(&error));
                false
            }
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), SyntaxError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let typing = match tag.as_deref() {
                    None if style == EventStyle::Plain => Typing::Resolved,
                    None => Typing::Text,
                    Some(tag) => typing_by_tag(tag, &text, span)?,
                };
                self.scalar(text, style, span, typing, anchor);
            }
            Event::SequenceStart(style, anchor, _) => {
                let start = match style {
                    StructureStyle::Block => self.first_dash(span.start),
                    StructureStyle::Flow => span.start,
                };
                let span = Span::new(start, span.end);
                self.builder.open(Shape::Sequence(structure(style)), span, anchor)?;
            }
            Event::MappingStart(style, anchor, _) => {
                self.builder.open(Shape::mapping(structure(style)), span, anchor)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                // The parser detects the end of a block collection only at the next token.
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
            Event::DocumentStart(explicit, _) => {
                if std::mem::take(&mut self.abandoned) {
                    self.document_start = span.start;
                }
                // An implicit start has the position of the document's first token.
                if !explicit {
                    return Ok(());
                }
            }
            Event::DocumentEnd => self.end_document(span),
            _ => {}
        }
        // Events without text may have the position of the next token.
        if span.start < span.end {
            self.last_end = self.last_end.max(span.end);
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: EventStyle,
        span: Span,
        typing: Typing,
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
            // The parser reports an absent value as a scalar with an empty span.
            let at = self.absent_value(span.start);
            let empty = Span::new(at, at);
            self.last_end = self.last_end.max(at);
            self.builder.scalar(style, empty, Text::Slice(empty), typing, anchor);
            return;
        }
        let whole = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => self.block_scalar_span(span),
            _ => span,
        };
        self.last_end = self.last_end.max(whole.end);
        // Owned text is never part of the source.
        let text = self.slice_of(&text).map_or(Text::Decoded(&text), Text::Slice);
        self.builder.scalar(style, whole, text, typing, anchor);
    }

    /// The position of an absent value: after its colon or dash, and after its tag or anchor. The
    /// parser reports this position, that of the colon, or that of the next token.
    fn absent_value(&self, given: u32) -> u32 {
        let mut end = given;
        if self.builder.expects_value() {
            let rest = Span::new(given, offset(self.text.len())).text(self.text);
            let gap = rest.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            if rest.as_bytes().get(gap) == Some(&b':') {
                end += offset(gap) + 1;
            }
        }
        let start = self.last_end.min(end);
        let between = Span::new(start, end).text(self.text);
        let mut at = 0;
        while let Some(token) = find_indicator(between.get(at..).unwrap_or_default(), |byte, _| {
            !byte.is_ascii_whitespace() && byte != b'#'
        }) {
            let rest = between.get(at + token as usize..).unwrap_or_default();
            let length = if rest.starts_with(['&', '!']) {
                property_length(rest)
            } else {
                // An indicator, or a byte order mark.
                rest.chars().next().map_or(1, char::len_utf8)
            };
            at += token as usize + length;
        }
        start + offset(at)
    }

    /// The span of a borrowed text in the source; `None` for an owned text.
    fn slice_of(&self, text: &str) -> Option<Span> {
        let start = (text.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let end = start.checked_add(text.len())?;
        (end <= self.text.len()).then(|| Span::new(offset(start), offset(end)))
    }

    /// The span of a block scalar, from its `|` or `>` to the end of its last non-blank line.
    /// The parser reports only its content, with the blank lines that follow.
    fn block_scalar_span(&self, content: Span) -> Span {
        let before = Span::new(self.last_end.min(content.start), content.start).text(self.text);
        let start = find_indicator(before, |byte, _| matches!(byte, b'|' | b'>'))
            .map_or(content.start, |header| self.last_end + header);
        let header = Span::new(start, offset(self.text.len())).text(self.text);
        let indicators = header.bytes().take_while(|byte| !byte.is_ascii_whitespace()).count();
        let keeps = header.get(..indicators).is_some_and(|header| header.contains('+'));
        let end = if keeps {
            // With `+`, the blank lines are part of the value.
            let known = Span::new(0, content.end).text(self.text);
            let line_end = offset(known.trim_end_matches([' ', '\t']).len()).max(start);
            let rest = Span::new(line_end, offset(self.text.len())).text(self.text);
            let blank = rest
                .split_inclusive('\n')
                .take_while(|line| line.ends_with('\n') && line.trim().is_empty());
            let end = line_end + blank.map(|line| offset(line.len())).sum::<u32>();
            let text = Span::new(start, end).text(self.text);
            start + offset(text.strip_suffix('\n').unwrap_or(text).trim_end_matches('\r').len())
        } else {
            let written = without_blank_lines(content.text(self.text));
            // For a block scalar without content, the parser reports the header instead.
            if written.is_empty() || content.start == start {
                start + offset(indicators)
            } else {
                content.start + offset(written.len())
            }
        };
        Span::new(start, end)
    }

    /// The offset of a block sequence's first dash. The parser reports it, except for a sequence
    /// that is not indented below its key: there, it reports the first item.
    fn first_dash(&self, item: u32) -> u32 {
        if !self.builder.expects_value() {
            return item;
        }
        let before = Span::new(self.last_end.min(item), item).text(self.text);
        find_indicator(before, |byte, next| {
            byte == b'-' && next.is_none_or(|next| next.is_ascii_whitespace())
        })
        .map_or(item, |dash| self.last_end + dash)
    }

    fn end_document(&mut self, span: Span) {
        let next = self.builder.next(span.end as usize);
        let builder = std::mem::replace(&mut self.builder, next);
        let text = Span::new(self.document_start, span.end);
        self.document_start = span.end;
        let comments = std::mem::take(&mut self.comments);
        if let Some(document) = builder.finish(text, comments) {
            self.documents.push(document);
        }
    }
}

/// The length of the tag or anchor at the start of a text. Only ASCII white space ends it: an
/// anchor may contain Unicode white space, which is not white space in YAML.
pub(crate) fn property_length(text: &str) -> usize {
    text.bytes().position(|byte| byte.is_ascii_whitespace()).unwrap_or(text.len())
}

/// Searches the text between two nodes (white space, comments, indicators, anchors, and tags) for
/// an indicator. `is_match` gets each byte and the one after it.
pub(crate) fn find_indicator(
    between: &str,
    is_match: impl Fn(u8, Option<u8>) -> bool,
) -> Option<u32> {
    let bytes = between.as_bytes();
    let mut at = 0;
    let skip_until = |at: usize, stop: fn(&u8) -> bool| {
        bytes.get(at..)?.iter().position(stop).map(|length| at + length)
    };
    while let Some(&byte) = bytes.get(at) {
        if is_match(byte, bytes.get(at + 1).copied()) {
            return Some(offset(at));
        }
        match byte {
            b'#' => at = skip_until(at, |&byte| byte == b'\n')?,
            b'&' | b'!' => at = skip_until(at, u8::is_ascii_whitespace)?,
            _ => at += 1,
        }
    }
    None
}

/// The text up to the end of its last line that is not blank, without that line's line break.
fn without_blank_lines(text: &str) -> &str {
    let mut rest = text;
    loop {
        let line_start = rest.rfind('\n').map_or(0, |newline| newline + 1);
        let line = rest.get(line_start..).unwrap_or_default();
        if !line.trim_ascii().is_empty() {
            return rest.strip_suffix('\r').unwrap_or(rest);
        }
        if line_start == 0 {
            return "";
        }
        rest = rest.get(..line_start - 1).unwrap_or_default();
    }
}

/// The typing that a tag gives a scalar. As in go-yaml, it is an error if the text does not match
/// a core tag, and every other tag makes the scalar text.
fn typing_by_tag(tag: &Tag, text: &str, span: Span) -> Result<Typing, SyntaxError> {
    let name = tag.suffix_in_namespace("tag:yaml.org,2002:");
    let kind = match name.as_deref() {
        Some(kind @ ("int" | "float" | "bool" | "null")) => kind,
        // `yq` writes merge keys with their tag.
        Some("merge") if text == "<<" => return Ok(Typing::Resolved),
        _ => return Ok(Typing::Text),
    };
    let typing = if kind == "float" { Typing::Float } else { Typing::Resolved };
    let matches_tag = match crate::scalar::typed(text, typing) {
        Scalar::Null => kind == "null",
        Scalar::Bool(_) => kind == "bool",
        Scalar::Int(_) | Scalar::UInt(_) => kind == "int",
        Scalar::Float(_) => kind == "float",
        Scalar::Str(_) => false,
    };
    if !matches_tag {
        let message = format!("the value does not match its tag `!!{kind}`");
        return Err(SyntaxError { message, offset: span.start });
    }
    Ok(typing)
}

fn is_tab(error: &ScanError) -> bool {
    matches!(error.kind(), ErrorKind::TabInBlockIndentation | ErrorKind::TabNotAllowed)
}

fn syntax_error(error: &ScanError) -> SyntaxError {
    let offset = offset(error.marker().byte_offset().unwrap_or(0));
    let message = if is_tab(error) {
        "a tab cannot indent a line in YAML: use spaces".to_owned()
    } else {
        error.info()
    };
    SyntaxError { message, offset }
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
