//! A strict JSON reader with spans, for texts that are JSON as a whole.
//!
//! YAML's flow style accepts most JSON, but neither tabs for indentation nor long keys. The API
//! server's clients read a text that starts with `{` as JSON. Depth is bounded. A text that is not
//! entirely JSON gives no result: it is then read as YAML, which has more helpful errors.

use std::sync::Arc;

use crate::arena::{Shape, Typing};
use crate::builder::{Builder, Text};
use crate::tree::{Document, Kind, Node, Scalar, ScalarStyle, Span, Style, SyntaxError};

/// Reads the consecutive JSON values in `source`; `None` if it contains anything else. Of several
/// values (JSON lines), one that cannot be read is an error, and the next line that starts one is read
/// again.
pub(crate) fn parse(source: &Arc<str>) -> Option<(Vec<Document>, Vec<SyntaxError>)> {
    let mut reader = Reader { text: source.as_bytes(), at: 0, source };
    if source.starts_with('\u{feff}') {
        reader.at = 3;
    }
    reader.skip_space();
    if !matches!(reader.peek(), Some(b'{' | b'[')) {
        return None;
    }
    let (mut documents, mut errors) = (Vec::new(), Vec::new());
    let mut start = 0;
    let mut builder = Builder::first(source);
    while let Some(first) = reader.peek() {
        let is_read = reader.value(&mut builder).is_some();
        if !is_read {
            if documents.is_empty() || first != b'{' {
                return None;
            }
            errors.push(reader.error(start));
            reader.skip_to_line_of_value(start);
        }
        reader.skip_space();
        let next = builder.next(reader.at);
        let builder = std::mem::replace(&mut builder, next);
        let document = is_read.then(|| builder.finish(reader.span(start), Vec::new()));
        documents.extend(document.flatten());
        start = reader.at;
    }
    Some((documents, errors))
}

struct Reader<'s> {
    text: &'s [u8],
    at: usize,
    source: &'s str,
}

impl Reader<'_> {
    /// Why the value that starts here could not be read further.
    fn error(&self, start: usize) -> SyntaxError {
        let is_cut = self.source.get(self.at..).is_none_or(|rest| rest.trim().is_empty());
        let (message, at) = if is_cut {
            ("a JSON value ends too early", start)
        } else {
            ("a JSON value is not valid here", self.at)
        };
        SyntaxError { message: message.to_owned(), offset: u32::try_from(at).unwrap_or(u32::MAX) }
    }

    /// Goes to the next line after `start` that starts with a brace, or to the end.
    fn skip_to_line_of_value(&mut self, start: usize) {
        let rest = self.text.get(start..).unwrap_or_default();
        let next = rest.windows(2).position(|pair| pair == b"\n{");
        self.at = next.map_or(self.text.len(), |next| start + next + 1);
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        (self.peek()? == expected).then(|| self.at += 1)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn span(&self, start: usize) -> Span {
        Span::new(
            u32::try_from(start).unwrap_or(u32::MAX),
            u32::try_from(self.at).unwrap_or(u32::MAX),
        )
    }

    fn value(&mut self, builder: &mut Builder) -> Option<()> {
        match self.peek()? {
            b'{' => self.object(builder),
            b'[' => self.array(builder),
            b'"' => self.string(builder),
            _ => self.literal(builder),
        }
    }

    fn object(&mut self, builder: &mut Builder) -> Option<()> {
        let start = self.at;
        self.take(b'{')?;
        builder.open(Shape::mapping(Style::Flow), self.span(start), 0).ok()?;
        self.skip_space();
        if self.peek()? != b'}' {
            loop {
                self.skip_space();
                self.string(builder)?;
                self.skip_space();
                self.take(b':')?;
                self.skip_space();
                self.value(builder)?;
                self.skip_space();
                if self.take(b',').is_none() {
                    break;
                }
            }
        }
        self.take(b'}')?;
        builder.close(Some(self.span(start).end)).ok()
    }

    fn array(&mut self, builder: &mut Builder) -> Option<()> {
        let start = self.at;
        self.take(b'[')?;
        builder.open(Shape::Sequence(Style::Flow), self.span(start), 0).ok()?;
        self.skip_space();
        if self.peek()? != b']' {
            loop {
                self.skip_space();
                self.value(builder)?;
                self.skip_space();
                if self.take(b',').is_none() {
                    break;
                }
            }
        }
        self.take(b']')?;
        builder.close(Some(self.span(start).end)).ok()
    }

    fn string(&mut self, builder: &mut Builder) -> Option<()> {
        let start = self.at;
        self.take(b'"')?;
        let mut escaped = false;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                0..=0x1F => return None,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let span = self.span(start);
        let decoded: String;
        let text = if escaped {
            // The library handles escapes, including surrogate pairs.
            decoded = serde_json::from_str(span.text(self.source)).ok()?;
            Text::Decoded(&decoded)
        } else {
            Text::Slice(Span::new(span.start + 1, span.end - 1))
        };
        builder.scalar(ScalarStyle::DoubleQuoted, span, text, Typing::Text, 0);
        Some(())
    }

    fn literal(&mut self, builder: &mut Builder) -> Option<()> {
        let start = self.at;
        while matches!(
            self.peek(),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'+' | b'.')
        ) {
            self.at += 1;
        }
        let span = self.span(start);
        match span.text(self.source) {
            "true" | "false" | "null" => {}
            text => {
                // Accept only JSON numbers, which YAML reads the same way.
                if serde_json::from_str::<serde_json::Number>(text).is_err() {
                    self.at = start;
                    return None;
                }
            }
        }
        builder.scalar(ScalarStyle::Plain, span, Text::Slice(span), Typing::Resolved, 0);
        Some(())
    }
}

/// Builds a tree from a JSON value that has no text, such as an admission review. Collections below
/// the maximum depth (512 levels) become null.
#[must_use]
pub fn from_json(value: &serde_json::Value) -> Document {
    let source: Arc<str> = Arc::from("");
    let mut builder = Builder::new(source, 0);
    add_json(&mut builder, value);
    builder.into_document(NO_SPAN, Vec::new(), false)
}

impl Node<'_> {
    /// The value as JSON, as `kubectl` sends it. If a key occurs more than once, the last one wins.
    /// A float that JSON cannot represent (`.inf`) becomes a string with its YAML notation.
    #[must_use]
    pub fn to_json(self) -> serde_json::Value {
        match self.kind() {
            Kind::Mapping => serde_json::Value::Object(
                self.entries()
                    .map(|entry| (entry.name().to_owned(), entry.value.to_json()))
                    .collect(),
            ),
            Kind::Sequence => self.items().map(Self::to_json).collect(),
            Kind::Scalar => match self.scalar() {
                None | Some(Scalar::Null) => serde_json::Value::Null,
                Some(Scalar::Bool(value)) => value.into(),
                Some(Scalar::Int(value)) => value.into(),
                Some(Scalar::UInt(value)) => value.into(),
                Some(Scalar::Float(value)) => float(value),
                Some(Scalar::Str(text)) => text.into(),
            },
        }
    }
}

/// A float as JSON; a string if JSON cannot represent it.
pub(crate) fn float(value: f64) -> serde_json::Value {
    serde_json::Number::from_f64(value).map_or_else(
        || {
            let text = if value.is_nan() {
                ".nan"
            } else if value > 0.0 {
                ".inf"
            } else {
                "-.inf"
            };
            text.into()
        },
        serde_json::Value::Number,
    )
}

pub(crate) const NO_SPAN: Span = Span { start: 0, end: 0 };

fn add_json(builder: &mut Builder, value: &serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::Null => add_scalar(builder, "null", Typing::Resolved),
        Value::Bool(value) => {
            add_scalar(builder, if *value { "true" } else { "false" }, Typing::Resolved);
        }
        Value::Number(value) => add_scalar(builder, &value.to_string(), Typing::Resolved),
        Value::String(text) => add_scalar(builder, text, Typing::Text),
        Value::Array(items) => add_collection(builder, Shape::Sequence(Style::Flow), |builder| {
            items.iter().for_each(|item| add_json(builder, item));
        }),
        Value::Object(members) => add_collection(builder, Shape::mapping(Style::Flow), |builder| {
            for (key, value) in members {
                add_scalar(builder, key, Typing::Text);
                add_json(builder, value);
            }
        }),
    }
}

pub(crate) fn add_scalar(builder: &mut Builder, text: &str, typing: Typing) {
    let style = match typing {
        Typing::Text => ScalarStyle::DoubleQuoted,
        Typing::Resolved | Typing::Float => ScalarStyle::Plain,
    };
    builder.scalar(style, NO_SPAN, Text::Decoded(text), typing, 0);
}

fn add_collection(builder: &mut Builder, shape: Shape, members: impl FnOnce(&mut Builder)) {
    if builder.open(shape, NO_SPAN, 0).is_err() {
        return add_scalar(builder, "null", Typing::Resolved);
    }
    members(builder);
    // Closing fails only for keys that are not text, which JSON does not have.
    drop(builder.close(Some(0)));
}
