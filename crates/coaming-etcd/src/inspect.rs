//! Looks for credentials in objects of all kinds but Secrets and ConfigMaps: a pod with a password
//! in a variable, a custom resource with a token. No value is kept.
//!
//! The built-in kinds of Kubernetes are stored as protobuf messages. What their fields mean is not
//! needed: a message of two texts is a name and a value (a variable, a header, an annotation),
//! consecutive texts of one field are a command line, and any other text may contain a token.

use coaming_finding::ObjectRef;
use coaming_secret::structured::{in_command, in_object};
use coaming_secret::{Confidence, Detection, TextKind, detector};

use super::envelope::PROTOBUF;
use super::histories::{ExposedEntry, PlainText, printable_name};
use super::protobuf::{Fields, bytes_of, text_of};

/// How deep messages are followed: pods in templates of custom resources are not this deep.
const MAX_DEPTH: usize = 24;
/// How many fields of an object are looked at.
const MAX_FIELDS: usize = 200_000;
/// At most this many credentials of an object are listed.
const MAX_ENTRIES: usize = 16;

/// An object that was looked through.
pub(super) struct Inspected {
    pub(super) identity: ObjectRef,
    /// Where its credentials are; its count is 0 if there are none.
    pub(super) plain_text: PlainText,
}

/// The object in a value of etcd.
pub(super) fn inspect(value: &[u8]) -> Option<Inspected> {
    let mut credentials = Credentials::default();
    let identity = match value.strip_prefix(PROTOBUF) {
        Some(envelope) => of_protobuf(envelope, &mut credentials)?,
        None => of_json(value, &mut credentials)?,
    };
    Some(Inspected { identity, plain_text: credentials.plain_text })
}

fn identity([api_version, kind, namespace, name]: [&str; 4]) -> ObjectRef {
    ObjectRef {
        api_version: printable_name(api_version),
        kind: printable_name(kind),
        namespace: printable_name(namespace),
        name: printable_name(name),
    }
}

fn of_json(value: &[u8], credentials: &mut Credentials) -> Option<ObjectRef> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.starts_with('{'))?;
    let stream = coaming_yaml::parse(text.into());
    let root = stream.documents.first().filter(|_| stream.errors.is_empty())?.root();
    let field = |name: &str| root.get(name).map(|node| node.text());
    let metadata = root.get("metadata")?;
    let own = |name: &str| metadata.get(name).map(|node| node.text());
    for found in in_object(detector(), root) {
        credentials.add(&found.name, &found.detection);
    }
    let namespace = own("namespace").unwrap_or_default();
    Some(identity([field("apiVersion")?, field("kind")?, namespace, own("name")?]))
}

fn of_protobuf(envelope: &[u8], credentials: &mut Credentials) -> Option<ObjectRef> {
    let type_meta = bytes_of(envelope, 1)?;
    let (api_version, kind) = (text_of(type_meta, 1), text_of(type_meta, 2));
    let object = bytes_of(envelope, 2).filter(|_| !kind.is_empty())?;
    let metadata = bytes_of(object, 1)?;
    credentials.message(object, 0);
    Some(identity([api_version, kind, text_of(metadata, 3), text_of(metadata, 1)]))
}

/// The credentials of an object, collected field by field.
#[derive(Default)]
struct Credentials {
    plain_text: PlainText,
    fields: usize,
}

impl Credentials {
    fn add(&mut self, name: &str, detection: &Detection) {
        if detection.confidence <= Confidence::Low {
            return;
        }
        self.plain_text.count += 1;
        if self.plain_text.entries.len() < MAX_ENTRIES {
            let (name, title) = (printable_name(name), detection.title.clone().into_owned());
            self.plain_text.entries.push(ExposedEntry { field: "spec", name, title });
        }
    }

    fn message(&mut self, message: &[u8], depth: usize) {
        if let Some((name, value)) = pair(message) {
            for detection in detector().scan(value, TextKind::Value(name)) {
                self.add(name, &detection);
            }
            return;
        }
        let mut consecutive: Vec<&str> = Vec::new();
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
                        self.texts(&std::mem::take(&mut consecutive));
                    }
                    number = field.number;
                    consecutive.push(text);
                }
                None if depth < MAX_DEPTH => self.message(bytes, depth + 1),
                None => {}
            }
        }
        self.texts(&consecutive);
    }

    /// The texts of one field: the words of a command, or one text.
    fn texts(&mut self, texts: &[&str]) {
        for found in in_command(detector(), texts) {
            self.add(&found.name, &found.detection);
        }
    }
}

/// A name and a value, if they are the only two fields, and both are texts.
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
