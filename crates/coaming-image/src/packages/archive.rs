//! A zip archive, by its directory at the end: only the entries that are needed are read.
//!
//! Invariants: of a directory with millions of entries, only those that are needed are kept; no
//! entry yields more bytes than its reader allows, whatever it claims.

use std::io::{self, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;

/// The most bytes of a directory.
const DIRECTORY_LIMIT: u64 = 64 << 20;

/// The directory's end: 22 bytes and a comment of up to 64 KiB.
const END: usize = 22;
const END_SEARCH: u64 = 65_536 + END as u64;

/// What archives are read from.
pub(super) trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// An entry of the directory.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    method: u16,
    compressed: u64,
    offset: u64,
}

/// The offset and size of the directory, and the start of the archive: a program may precede it.
struct Directory {
    offset: u64,
    size: u64,
    start: u64,
}

/// The entries whose name is `wanted`, in the directory's order, at most `most`.
pub(super) fn entries(
    source: &mut dyn Source,
    most: usize,
    wanted: fn(&str) -> bool,
) -> io::Result<Vec<Entry>> {
    let directory = find(source)?;
    if directory.size > DIRECTORY_LIMIT {
        return Err(io::Error::other("the directory of the archive is too large"));
    }
    source.seek(SeekFrom::Start(directory.offset))?;
    let mut bytes = Vec::new();
    source.take(directory.size).read_to_end(&mut bytes)?;
    let mut entries = Vec::new();
    let mut rest = bytes.as_slice();
    while rest.starts_with(b"PK\x01\x02") && entries.len() < most {
        let short = |offset| usize::from(short(rest, offset).unwrap_or_default());
        let (name, extra, comment) = (short(28), short(30), short(32));
        let Some(raw) = rest.get(46..46 + name) else { break };
        if let Ok(text) = std::str::from_utf8(raw)
            && wanted(text)
        {
            let extra = rest.get(46 + name..46 + name + extra).unwrap_or_default();
            entries.extend(entry(rest, text, extra, directory.start));
        }
        rest = rest.get(46 + name + extra + comment..).unwrap_or_default();
    }
    Ok(entries)
}

/// An entry, with its numbers from the extension for large archives if they do not fit.
fn entry(record: &[u8], name: &str, mut extra: &[u8], start: u64) -> Option<Entry> {
    let mut compressed = u64::from(long(record, 20)?);
    let uncompressed = long(record, 24)?;
    let mut offset = u64::from(long(record, 42)?);
    while let (Some(kind), Some(length)) = (short(extra, 0), short(extra, 2)) {
        let mut fields = extra.get(4..4 + usize::from(length))?;
        extra = extra.get(4 + usize::from(length)..)?;
        if kind != 1 {
            continue;
        }
        if uncompressed == u32::MAX {
            fields = fields.get(8..)?;
        }
        if compressed == u64::from(u32::MAX) {
            compressed = quad(fields, 0)?;
            fields = fields.get(8..)?;
        }
        if offset == u64::from(u32::MAX) {
            offset = quad(fields, 0)?;
        }
    }
    let offset = offset.checked_add(start)?;
    Some(Entry { name: name.to_owned(), method: short(record, 10)?, compressed, offset })
}

/// Finds the directory by the record at the archive's end.
fn find(source: &mut dyn Source) -> io::Result<Directory> {
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "this is not a zip archive");
    let length = source.seek(SeekFrom::End(0))?;
    let window = length.saturating_sub(END_SEARCH);
    source.seek(SeekFrom::Start(window))?;
    let mut tail = Vec::new();
    source.take(END_SEARCH).read_to_end(&mut tail)?;
    let at = tail.windows(END).rposition(|part| part.starts_with(b"PK\x05\x06"));
    let at = at.ok_or_else(broken)?;
    let end = tail.get(at..).unwrap_or_default();
    let mut position = window + at as u64;
    let mut size = u64::from(long(end, 12).ok_or_else(broken)?);
    let mut offset = u64::from(long(end, 16).ok_or_else(broken)?);
    // If a number does not fit, a locator before this record says where the larger record is.
    if size == u64::from(u32::MAX) || offset == u64::from(u32::MAX) {
        let locator = at.checked_sub(20).and_then(|start| tail.get(start..at));
        let locator =
            locator.filter(|bytes| bytes.starts_with(b"PK\x06\x07")).ok_or_else(broken)?;
        position = quad(locator, 8).ok_or_else(broken)?;
        let mut large = [0; 56];
        source.seek(SeekFrom::Start(position))?;
        source.read_exact(&mut large)?;
        if !large.starts_with(b"PK\x06\x06") {
            return Err(broken());
        }
        size = quad(&large, 40).ok_or_else(broken)?;
        offset = quad(&large, 48).ok_or_else(broken)?;
    }
    let begin = position.checked_sub(size).ok_or_else(broken)?;
    let start = begin.checked_sub(offset).ok_or_else(broken)?;
    Ok(Directory { offset: begin, size, start })
}

/// The offset of an entry's bytes, after a head that repeats its name.
fn data(source: &mut dyn Source, entry: &Entry) -> io::Result<u64> {
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "an entry of the archive is broken");
    let mut head = [0; 30];
    source.seek(SeekFrom::Start(entry.offset))?;
    source.read_exact(&mut head)?;
    if !head.starts_with(b"PK\x03\x04") {
        return Err(broken());
    }
    let skip = [26, 28].iter().filter_map(|&at| short(&head, at)).map(i64::from).sum();
    source.seek(SeekFrom::Current(skip))
}

/// The bytes of an entry, at most `limit`.
pub(super) fn read(source: &mut dyn Source, entry: &Entry, limit: u64) -> io::Result<Vec<u8>> {
    data(source, entry)?;
    let compressed = source.take(entry.compressed);
    let mut bytes = Vec::new();
    match entry.method {
        0 => compressed.take(limit + 1).read_to_end(&mut bytes)?,
        8 => DeflateDecoder::new(compressed).take(limit + 1).read_to_end(&mut bytes)?,
        _ => {
            return Err(io::Error::other(
                "an entry of the archive is compressed with an unsupported method",
            ));
        }
    };
    if bytes.len() as u64 > limit {
        return Err(io::Error::other("an entry of the archive is too large"));
    }
    Ok(bytes)
}

/// An entry that is stored without compression, to read in place; `None` if it is compressed.
pub(super) fn window<'a>(
    source: &'a mut dyn Source,
    entry: &Entry,
) -> io::Result<Option<Window<'a>>> {
    if entry.method != 0 {
        return Ok(None);
    }
    let start = data(source, entry)?;
    Ok(Some(Window { source, start, length: entry.compressed, position: 0 }))
}

/// A part of a source, as a source. If the source is shorter, reading ends early.
pub(super) struct Window<'a> {
    source: &'a mut dyn Source,
    start: u64,
    length: u64,
    position: u64,
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.position);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let target = buffer.get_mut(..wanted).unwrap_or_default();
        self.source.seek(SeekFrom::Start(self.start.saturating_add(self.position)))?;
        let count = self.source.read(target)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(distance) => self.length.checked_add_signed(distance),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

fn array<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

fn short(bytes: &[u8], offset: usize) -> Option<u16> {
    array(bytes, offset).map(u16::from_le_bytes)
}

fn long(bytes: &[u8], offset: usize) -> Option<u32> {
    array(bytes, offset).map(u32::from_le_bytes)
}

fn quad(bytes: &[u8], offset: usize) -> Option<u64> {
    array(bytes, offset).map(u64::from_le_bytes)
}
