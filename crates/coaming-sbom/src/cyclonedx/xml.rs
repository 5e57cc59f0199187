//! CycloneDX in XML. Read only: its components and vulnerabilities become those of the JSON form.

use std::io::{self, BufRead, Read};

use quick_xml::Reader;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};

use super::vulnerability::{Affected, AffectedVersion, Rating, Reference, Vulnerability};
use super::{Component, Document, Metadata, PROPERTIES, Property};
use crate::lenient::{self, Lenient};
use crate::{MAX_PACKAGES, ReadError};

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
    let metadata = Metadata { component: parser.subject, ..Metadata::default() };
    let vulnerabilities = parser.vulnerabilities.into_iter().map(|it| Lenient(Some(it))).collect();
    Ok(Document { metadata, components: parser.components, vulnerabilities })
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
    /// What the document is about.
    subject: Option<Component>,
    vulnerabilities: Vec<Vulnerability>,
    /// How many components, vulnerabilities and entries in them there are so far.
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
        self.start_of_vulnerability(&name);
        self.path.push(name);
        self.text.clear();
        Ok(())
    }

    fn end(&mut self) {
        let name = self.path.pop().unwrap_or_default();
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        if name == "component" {
            return self.end_component();
        }
        if self.end_of_vulnerability(&name, text) {
            return;
        }
        let parent = self.path.last().map(String::as_str).unwrap_or_default();
        let Some(component) = self.open.last_mut() else { return };
        match (parent, name.as_str()) {
            ("component", "name") => text.clone_into(&mut component.name),
            ("component", "group") => text.clone_into(&mut component.group),
            ("component", "version") => component.version = Some(text.to_owned()),
            ("component", "scope") => text.clone_into(&mut component.scope),
            ("component", "description") => {
                component.description = lenient::start_of(text);
            }
            ("component", "purl") => component.purl = Some(text.to_owned()),
            ("properties", "property") if PROPERTIES.contains(&self.property.as_str()) => {
                component.properties.push(Property {
                    name: std::mem::take(&mut self.property),
                    value: Some(text.to_owned()),
                });
            }
            _ => {}
        }
    }

    /// Puts a component that ends where it belongs: others than those that are listed are what a
    /// component was made of, or tools.
    fn end_component(&mut self) {
        let Some(component) = self.open.pop() else { return };
        self.count += 1;
        let path: Vec<&str> = self.path.iter().skip(1).map(String::as_str).collect();
        let listed = match path.as_slice() {
            ["metadata"] => {
                self.subject = Some(component);
                return;
            }
            ["metadata", "component", rest @ ..] => rest,
            all => all,
        };
        let expected = ["components", "component"].into_iter().cycle();
        let is_listed = listed.len() % 2 == 1
            && listed.iter().zip(expected).all(|(name, expected)| *name == expected);
        if !is_listed {
            return;
        }
        match self.open.last_mut() {
            Some(outer) => outer.components.push(component),
            None => self.components.push(component),
        }
    }

    /// Takes an element of a vulnerability that ends; false if it is none.
    fn end_of_vulnerability(&mut self, name: &str, text: &str) -> bool {
        let path: Vec<&str> = self.path.iter().skip(1).map(String::as_str).collect();
        let ["vulnerabilities", "vulnerability", inner @ ..] = path.as_slice() else {
            return path == ["vulnerabilities"];
        };
        let Some(vulnerability) = self.vulnerabilities.last_mut() else { return true };
        match (inner, name) {
            ([], "id") => text.clone_into(&mut vulnerability.id),
            (["references", "reference"], "id") => {
                let id = text.to_owned();
                vulnerability.references.push(Reference { id, ..Reference::default() });
            }
            (["ratings", "rating"], "severity") => {
                let severity = text.to_owned();
                vulnerability.ratings.push(Rating { severity, ..Rating::default() });
            }
            (["analysis"], _) => {
                let analysis = vulnerability.analysis.get_or_insert_default();
                match name {
                    "state" => text.clone_into(&mut analysis.state),
                    "justification" => text.clone_into(&mut analysis.justification),
                    "detail" => text.clone_into(&mut analysis.detail),
                    _ => {}
                }
            }
            (["affects", "target"], "ref") => {
                if let Some(affected) = vulnerability.affects.last_mut() {
                    text.clone_into(&mut affected.reference);
                }
            }
            (["affects", "target", "versions", "version"], _) => {
                let affected = vulnerability.affects.last_mut();
                let version = affected.and_then(|affected| affected.versions.last_mut());
                match (version, name) {
                    (Some(version), "version") => text.clone_into(&mut version.version),
                    (Some(version), "status") => text.clone_into(&mut version.status),
                    _ => {}
                }
            }
            _ => {}
        }
        true
    }

    /// Opens a vulnerability, or a part of one that has several elements.
    fn start_of_vulnerability(&mut self, name: &str) {
        let path: Vec<&str> = self.path.iter().skip(1).map(String::as_str).collect();
        let last = self.vulnerabilities.last_mut();
        match (path.as_slice(), name, last) {
            (["vulnerabilities"], "vulnerability", _) => {
                self.vulnerabilities.push(Vulnerability::default());
            }
            (["vulnerabilities", _, "affects"], "target", Some(last)) => {
                last.affects.push(Affected::default());
            }
            (["vulnerabilities", _, "affects", _, "versions"], "version", Some(last)) => {
                let affected = last.affects.last_mut();
                affected.into_iter().for_each(|it| it.versions.push(AffectedVersion::default()));
            }
            _ => return,
        }
        self.count += 1;
    }
}
