//! Finds objects in bytes that no tree leads to: free pages, and etcd's write-ahead log.
//!
//! bbolt does not wipe a page when it is freed, so what was compacted away, deleted or encrypted
//! since remains there until the page is used again. Pages are freed and overwritten one by one, so
//! keys and values are found by how they begin, and read as far as they go.
//!
//! Work is bounded by the number of bytes: when values add up to more than [`WORK_FACTOR`] times
//! the size of a piece, the rest of the piece is skipped, and reported as skipped.

use std::io::{self, Read, Seek};
use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::envelope::{self, PlainObject, Stored};
use super::inspect::{Inspected, inspect};
use super::mvcc::{EtcdKey, Resource};
use super::problem::Problems;
use super::protobuf::{Fields, Value, varint};
use super::reader::Reader;

/// This much is searched in one piece.
const PIECE_BYTES: u64 = 16 << 20;
/// Pieces overlap by this much, so that every object is whole in one of them.
const OVERLAP_BYTES: u64 = 2 << 20;
/// Values are read up to this length.
const MAX_VALUE_BYTES: usize = 2 << 20;
/// All values of a piece together may be this many times as large as the piece.
const WORK_FACTOR: usize = 4;

/// How keys and objects begin. Keys come first: their values follow them.
const PATTERNS: [&[u8]; 6] = [
    b"/secrets/",
    b"/configmaps/",
    b"k8s\0\x0a",
    br#"{"kind":"Secret","apiVersion":"v1""#,
    br#"{"kind":"ConfigMap","apiVersion":"v1""#,
    br#"{"apiVersion":""#,
];
/// The pattern of JSON objects of any kind.
const ANY_JSON: usize = 5;
/// The first patterns are those of keys: this many.
const KEY_PATTERNS: usize = 2;

/// An object in plain text that no tree leads to.
pub(super) struct Carved<'b> {
    /// Where its value begins, in bytes from the start of the file.
    pub(super) offset: u64,
    /// The revision that wrote it; 0 where that is lost.
    pub(super) modified: u64,
    pub(super) object: CarvedObject<'b>,
}

/// What was found, by its kind.
pub(super) enum CarvedObject<'b> {
    /// A Secret or ConfigMap.
    Known(EtcdKey, PlainObject<'b>),
    /// An object of another kind.
    Other(Inspected),
}

/// Finds keys and objects by how they begin.
pub(super) struct Carver {
    /// Always there: the tests would find nothing without.
    patterns: Option<AhoCorasick>,
}

impl Carver {
    pub(super) fn new() -> Self {
        Self { patterns: AhoCorasick::new(PATTERNS).ok() }
    }

    /// Passes what it finds in a part of a file to `take`.
    ///
    /// # Errors
    ///
    /// If reading the file fails.
    pub(super) fn carve<R: Read + Seek>(
        &self,
        reader: &mut Reader<R>,
        part: Range<u64>,
        problems: &mut Problems,
        take: &mut dyn FnMut(Carved<'_>),
    ) -> io::Result<()> {
        let mut start = part.start;
        while start < part.end {
            let end = part.end.min(start + PIECE_BYTES);
            let last = end == part.end;
            let bytes = reader.bytes(start..end)?;
            if bytes.is_empty() {
                break;
            }
            let own = if last { bytes.len() as u64 } else { PIECE_BYTES - OVERLAP_BYTES };
            self.piece(start, own, bytes, problems, take);
            start = if last { end } else { start + own };
        }
        Ok(())
    }

    /// Finds what begins in the first `own` bytes of a piece.
    fn piece(
        &self,
        start: u64,
        own: u64,
        bytes: &[u8],
        problems: &mut Problems,
        take: &mut dyn FnMut(Carved<'_>),
    ) {
        let mut work = bytes.len().saturating_mul(WORK_FACTOR);
        let mut done = None;
        let Some(patterns) = &self.patterns else { return };
        for hit in patterns.find_iter(bytes) {
            if hit.start() as u64 >= own {
                break;
            }
            let candidate = if hit.pattern().as_usize() < KEY_PATTERNS {
                by_key(bytes, hit.start())
            } else if done == Some(hit.start()) {
                None
            } else {
                // Annotations contain objects too, but only values of etcd follow a revision.
                let any = hit.pattern().as_usize() == ANY_JSON;
                Some(Candidate::of_value(bytes, hit.start()))
                    .filter(|candidate| !any || candidate.modified > 0)
            };
            let Some(candidate) = candidate else { continue };
            let Some(rest) = work.checked_sub(candidate.value.len()) else {
                return problems.add(format!(
                    "bytes {start} to {} were skipped: their values overlap",
                    start + own
                ));
            };
            work = rest;
            done = Some(candidate.at);
            if let Some(carved) = candidate.open(start) {
                take(carved);
            }
        }
    }
}

/// Something that may be an object.
struct Candidate<'b> {
    key: Option<EtcdKey>,
    modified: u64,
    /// Where the value begins in the piece.
    at: usize,
    value: &'b [u8],
}

impl<'b> Candidate<'b> {
    /// A value whose key is lost, and whose end is unknown.
    fn of_value(bytes: &'b [u8], at: usize) -> Self {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = match rest.strip_prefix(envelope::PROTOBUF) {
            Some(envelope) => envelope::PROTOBUF.len() + envelope_length(envelope),
            None => MAX_VALUE_BYTES,
        };
        let (stated, modified) = before(bytes, at).unwrap_or((length, 0));
        let length = if stated <= rest.len() { stated } else { length };
        let value = rest.get(..length.min(MAX_VALUE_BYTES)).unwrap_or(rest);
        Self { key: None, modified, at, value }
    }

    fn open(self, start: u64) -> Option<Carved<'b>> {
        let (offset, modified) = (start + self.at as u64, self.modified);
        let resource = match envelope::open(self.value) {
            Stored::Plain(object) if object.resource.is_some() => object.resource.zip(Some(object)),
            Stored::Plain(_) | Stored::Unknown => None,
            Stored::Empty | Stored::Encrypted(_) => return None,
        };
        let object = match (resource, self.key) {
            (Some((resource, object)), Some(key)) if key.resource == resource => {
                CarvedObject::Known(key, object)
            }
            (Some((resource, object)), None) => {
                CarvedObject::Known(lost_key(resource, &object)?, object)
            }
            (None, None) => {
                let other = inspect(self.value).filter(|other| other.plain_text.count > 0)?;
                CarvedObject::Other(other)
            }
            (_, Some(_)) => return None,
        };
        Some(Carved { offset, modified, object })
    }
}

/// What comes before a value that begins at `at`: its length, and the revision that wrote it (0
/// where that is lost).
fn before(bytes: &[u8], at: usize) -> Option<(usize, u64)> {
    const VALUE_TAG: u8 = 0x2a;
    const VERSION_TAG: u8 = 0x20;
    const MODIFIED_TAG: u8 = 0x18;
    let (length, start) = varint_before(bytes, at)?;
    let length = usize::try_from(length).ok().filter(|length| *length > 0)?;
    let tag = start.checked_sub(1).filter(|tag| bytes.get(*tag) == Some(&VALUE_TAG))?;
    let modified = || {
        let (_version, start) = varint_before(bytes, tag)?;
        let tag = start.checked_sub(1).filter(|tag| bytes.get(*tag) == Some(&VERSION_TAG))?;
        let (modified, start) = varint_before(bytes, tag)?;
        let tag = start.checked_sub(1)?;
        (bytes.get(tag) == Some(&MODIFIED_TAG)).then_some(modified)
    };
    Some((length, modified().unwrap_or(0)))
}

/// The number of variable length that ends before `end`, and where it begins: only its last byte
/// has the highest bit unset, as does a tag before it.
fn varint_before(bytes: &[u8], end: usize) -> Option<(u64, usize)> {
    const MAX_LENGTH: usize = 10;
    let last =
        end.checked_sub(1).filter(|last| bytes.get(*last).is_some_and(|byte| *byte < 0x80))?;
    let mut start = last;
    while end - start < MAX_LENGTH
        && let Some(before) = start.checked_sub(1)
        && bytes.get(before).is_some_and(|byte| *byte >= 0x80)
    {
        start = before;
    }
    let (number, _) = varint(bytes.get(start..end)?)?;
    Some((number, start))
}

/// The key of an object that lost it, without the prefix.
fn lost_key(resource: Resource, object: &PlainObject<'_>) -> Option<EtcdKey> {
    let (namespace, name) = (object.namespace.to_string(), object.name.to_string());
    let known = !namespace.is_empty() && !name.is_empty();
    known.then(|| EtcdKey { resource, namespace, name, prefix: String::new() })
}

/// How long an envelope is, by the lengths of its first two fields.
fn envelope_length(envelope: &[u8]) -> usize {
    let mut fields = Fields::new(envelope);
    let _second = fields.by_ref().find(|field| field.number == 2);
    envelope.len() - fields.rest().len()
}

/// The longest text before a resource's name in a key.
const MAX_PREFIX_BYTES: usize = 128;

/// The key around the resource's name at `at`, with the value that follows it.
fn by_key(bytes: &[u8], at: usize) -> Option<Candidate<'_>> {
    let first = at.saturating_sub(MAX_PREFIX_BYTES);
    for start in (first..=at).rev() {
        if let Some(end) = key_end(bytes, start).filter(|end| *end > at)
            && let Some(key) = bytes.get(start..end)
            && let Some(key) = str::from_utf8(key).ok().and_then(EtcdKey::parse)
        {
            return value_after(bytes, end, key);
        }
        // Keys are text: a byte that is not printable cannot belong to one.
        let before = start.checked_sub(1).and_then(|before| bytes.get(before))?;
        if !before.is_ascii_graphic() {
            return None;
        }
    }
    None
}

/// Where a key that begins at `start` ends, by the tag and the length before it.
fn key_end(bytes: &[u8], start: usize) -> Option<usize> {
    const KEY_TAG: u8 = 0x0a;
    for length_bytes in 1..=2 {
        let tag = start.checked_sub(length_bytes + 1)?;
        if bytes.get(tag) == Some(&KEY_TAG)
            && let Some((length, [])) = varint(bytes.get(tag + 1..start)?)
        {
            return start.checked_add(usize::try_from(length).ok()?);
        }
    }
    None
}

/// The value after a key: of a `KeyValue` in a page, or of a `PutRequest` in the log.
fn value_after(bytes: &[u8], end: usize, key: EtcdKey) -> Option<Candidate<'_>> {
    let mut modified = 0;
    let mut fields = Fields::new(bytes.get(end..)?);
    for _ in 0..4 {
        let field = fields.next()?;
        match (field.number, field.value) {
            (2 | 4, Value::Varint(_)) => {}
            (3, Value::Varint(revision)) => modified = revision,
            (2 | 5, Value::Bytes(value) | Value::Cut(value)) => {
                let at = bytes.len().checked_sub(fields.rest().len() + value.len())?;
                let value = value.get(..MAX_VALUE_BYTES).unwrap_or(value);
                return Some(Candidate { key: Some(key), modified, at, value });
            }
            _ => return None,
        }
    }
    None
}
