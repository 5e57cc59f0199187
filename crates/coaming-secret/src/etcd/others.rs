//! Looks into objects of all other kinds: a pod with a password in a variable, a custom resource with a
//! token. They are looked into as manifests are, and no value is kept.
//!
//! Kubernetes' own kinds lie there as protobuf messages. What their fields mean is not needed: a
//! message of two texts is a name and a value (a variable, a header, an annotation), a row of texts is
//! a command line, and any other text may have a token in it.

use std::fmt;

use super::contents::{EntryName, Plain, name_of};
use super::envelope::PROTOBUF;
use super::protobuf::{Fields, bytes_of, text_of};
use crate::places::{in_object, in_words};
use crate::{Confidence, Detection, Origin, detector};

/// How deep messages are looked into: pods of custom resources' templates are not as deep.
const MAX_DEPTH: usize = 24;
/// How many fields of an object are looked at.
const MAX_FIELDS: usize = 200_000;
/// So many places of an object are told.
const MAX_PLACES: usize = 16;

/// Which object it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// As objects name it: `apps/v1`.
    pub api_version: String,
    /// As objects name it: `Deployment`.
    pub kind: String,
    /// Its namespace; empty where it has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Identity {
    /// `apps/v1/Deployment/shop/web`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { api_version, kind, namespace, name } = self;
        write!(f, "{api_version}/{kind}/{namespace}/{name}")
    }
}

/// An object that was looked into.
pub(super) struct Looked {
    pub(super) identity: Identity,
    /// Where its credentials are; none counted if there are none.
    pub(super) plain: Plain,
}

/// The object in a value of etcd.
pub(super) fn look(value: &[u8]) -> Option<Looked> {
    let mut finds = Finds::default();
    let identity = match value.strip_prefix(PROTOBUF) {
        Some(envelope) => of_protobuf(envelope, &mut finds)?,
        None => of_json(value, &mut finds)?,
    };
    Some(Looked { identity, plain: finds.plain })
}

fn identity([api_version, kind, namespace, name]: [&str; 4]) -> Identity {
    Identity {
        api_version: name_of(api_version),
        kind: name_of(kind),
        namespace: name_of(namespace),
        name: name_of(name),
    }
}

fn of_json(value: &[u8], finds: &mut Finds) -> Option<Identity> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.starts_with('{'))?;
    let stream = coaming_yaml::parse(text.into());
    let root = stream.documents.first().filter(|_| stream.errors.is_empty())?.root();
    let field = |name: &str| root.get(name).map(|node| node.text());
    let metadata = root.get("metadata")?;
    let own = |name: &str| metadata.get(name).map(|node| node.text());
    for place in in_object(detector(), root) {
        finds.add(&place.name, &place.detection);
    }
    let namespace = own("namespace").unwrap_or_default();
    Some(identity([field("apiVersion")?, field("kind")?, namespace, own("name")?]))
}

fn of_protobuf(envelope: &[u8], finds: &mut Finds) -> Option<Identity> {
    let type_meta = bytes_of(envelope, 1)?;
    let (api_version, kind) = (text_of(type_meta, 1), text_of(type_meta, 2));
    let object = bytes_of(envelope, 2).filter(|_| !kind.is_empty())?;
    let metadata = bytes_of(object, 1)?;
    finds.message(object, 0);
    Some(identity([api_version, kind, text_of(metadata, 3), text_of(metadata, 1)]))
}

/// What was found in an object.
#[derive(Default)]
struct Finds {
    plain: Plain,
    fields: usize,
}

impl Finds {
    fn add(&mut self, name: &str, detection: &Detection) {
        if detection.confidence <= Confidence::Low {
            return;
        }
        self.plain.count += 1;
        if self.plain.entries.len() < MAX_PLACES {
            let (name, title) = (name_of(name), detection.title.clone().into_owned());
            self.plain.entries.push(EntryName { field: "spec", name, title });
        }
    }

    fn message(&mut self, message: &[u8], depth: usize) {
        if let Some((name, value)) = pair(message) {
            for detection in detector().scan(value, Origin::Value(name)) {
                self.add(name, &detection);
            }
            return;
        }
        let mut row: Vec<&str> = Vec::new();
        let mut number = 0;
        for field in Fields::new(message) {
            self.fields += 1;
            if self.fields > MAX_FIELDS {
                return;
            }
            let Some(bytes) = field.bytes() else { continue };
            match text(bytes) {
                Some(text) => {
                    if field.number != number {
                        self.row(&std::mem::take(&mut row));
                    }
                    number = field.number;
                    row.push(text);
                }
                None if depth < MAX_DEPTH => self.message(bytes, depth + 1),
                None => {}
            }
        }
        self.row(&row);
    }

    /// Texts of one field: the words of a command, or one text.
    fn row(&mut self, texts: &[&str]) {
        for (_, name, detection) in in_words(detector(), texts) {
            self.add(&name, &detection);
        }
    }
}

/// A name and a value: the only two fields, and both texts.
fn pair(message: &[u8]) -> Option<(&str, &str)> {
    let mut fields = Fields::new(message);
    let (first, second) = (fields.next()?, fields.next()?);
    if fields.next().is_some() || !fields.is_whole() || (first.number, second.number) != (1, 2) {
        return None;
    }
    Some((text(first.bytes()?)?, text(second.bytes()?)?))
}

/// The bytes as a text; `None` for a message: the numbers and lengths of its fields are control
/// characters.
fn text(bytes: &[u8]) -> Option<&str> {
    let is_text = |byte: &u8| *byte >= 0x20 && *byte != 0x7F || b"\n\r\t".contains(byte);
    std::str::from_utf8(bytes).ok().filter(|_| bytes.iter().all(is_text))
}
