//! CycloneDX in XML. Read only: its components become those of the JSON form.

use std::io::{self, BufRead, Read};

use quick_xml::Reader;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};

use crate::cyclonedx::{Component, Document, Property};
use crate::{MAX_PACKAGES, ReadError, lenient};

/// How deep elements may nest.
const DEPTH: usize = 128;

/// The longest tag or text: the parser keeps each as a whole.
const MAX_PART: usize = 1 << 20;

/// Whether a file that starts like this is such a document.
pub(crate) fn is_start(start: &[u8]) -> bool {
    let start = start.get(..4096).unwrap_or(start);
    start.starts_with(b"<") && contains(start, b"cyclonedx.org/schema/bom")
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|part| part == wanted)
}

/// A reader that fails in a tag or text of more than [`MAX_PART`] bytes.
struct Bounded<R> {
    inner: R,
    /// How many bytes of the current tag or text were read.
    part: usize,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.part > MAX_PART {
            return Err(io::Error::other(format!("a text of more than {} MiB", MAX_PART >> 20)));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.part += count;
        self.inner.consume(count);
    }
}

/// Reads a document, piece by piece.
pub(crate) fn read(reader: impl BufRead) -> Result<Document, ReadError> {
    let broken = |error: &dyn std::fmt::Display| ReadError::MalformedXml(error.to_string());
    let mut reader = Reader::from_reader(Bounded { inner: reader, part: 0 });
    let mut parser = Parser::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        reader.get_mut().part = 0;
        if parser.count > MAX_PACKAGES {
            return Err(ReadError::TooMany { what: "packages", limit: MAX_PACKAGES });
        }
        match reader.read_event_into(&mut buffer).map_err(|error| broken(&error))? {
            Event::Start(start) => parser.start(&start)?,
            Event::Empty(start) => {
                parser.start(&start)?;
                parser.end();
            }
            Event::End(_) => parser.end(),
            Event::Text(text) => parser.text.push_str(&text),
            Event::GeneralRef(entity) => {
                let resolved = entity.resolve_char_ref().map_err(|error| broken(&error))?;
                match (resolved, quick_xml::escape::resolve_predefined_entity(&entity)) {
                    (Some(character), _) => parser.text.push(character),
                    (None, Some(text)) => parser.text.push_str(text),
                    // Documents define no entities of their own.
                    (None, None) => {}
                }
            }
            Event::CData(data) => parser.text.push_str(&data),
            Event::Eof => break,
            _ => {}
        }
    }
    if !parser.is_bom {
        return Err(ReadError::UnknownFormat);
    }
    Ok(Document { components: parser.components, ..Document::default() })
}

/// What was read so far.
#[derive(Default)]
struct Parser {
    is_bom: bool,
    /// The names of the elements around the current position.
    path: Vec<String>,
    /// The components around the current position.
    open: Vec<Component>,
    components: Vec<Component>,
    /// How many components there are so far.
    count: usize,
    /// The name of the current property.
    property: String,
    text: String,
}

impl Parser {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), ReadError> {
        if self.path.len() >= DEPTH {
            return Err(ReadError::MalformedXml("elements nest too deep".to_owned()));
        }
        let name = start.local_name().as_ref().to_owned();
        let attribute = |wanted: &str| {
            let found = start.attributes().flatten();
            let found = found.filter(|it| it.key.local_name().as_ref() == wanted).last();
            let value = |it: Attribute<'_>| {
                quick_xml::escape::unescape(&it.value).map(std::borrow::Cow::into_owned).ok()
            };
            found.and_then(value).unwrap_or_default()
        };
        self.is_bom |= self.path.is_empty() && name == "bom";
        match name.as_str() {
            "component" => self.open.push(Component {
                r#type: attribute("type"),
                reference: attribute("bom-ref"),
                ..Component::default()
            }),
            "property" => self.property = attribute("name"),
            _ => {}
        }
        self.path.push(name);
        self.text.clear();
        Ok(())
    }

    fn end(&mut self) {
        let name = self.path.pop().unwrap_or_default();
        let text = std::mem::take(&mut self.text);
        let parent = self.path.last().map(String::as_str).unwrap_or_default();
        if name == "component" {
            let Some(component) = self.open.pop() else { return };
            self.count += 1;
            // What the document is about, and the tools that wrote it, are not in the image.
            if self.path.iter().any(|outer| outer == "metadata") {
                return;
            }
            match self.open.last_mut() {
                Some(outer) => outer.components.push(component),
                None => self.components.push(component),
            }
            return;
        }
        let Some(component) = self.open.last_mut() else { return };
        let text = text.trim();
        match (parent, name.as_str()) {
            ("component", "name") => text.clone_into(&mut component.name),
            ("component", "group") => text.clone_into(&mut component.group),
            ("component", "version") => component.version = Some(text.to_owned()),
            ("component", "description") => {
                component.description = lenient::start_of(text);
            }
            ("component", "purl") => component.purl = Some(text.to_owned()),
            ("properties", "property") => component.properties.push(Property {
                name: std::mem::take(&mut self.property),
                value: Some(text.to_owned()),
            }),
            _ => {}
        }
    }
}
