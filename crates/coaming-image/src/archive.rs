//! The walk over a tar archive: its entries, in order.
//!
//! Reads what container runtimes read (ustar, GNU and pax headers; two zero blocks end it), as Go's
//! `archive/tar` does, because that is what unpacks layers. The library `tar` parses headers here,
//! but not archives: its `Archive` cannot peek at a file before it is wanted, seek past it, or
//! bound the length of extended headers. Invariants: an entry's path is absolute, normalized and
//! inside the root; names and extensions are bounded; a broken header ends the walk with an error,
//! and what came before stays.

use std::io::{self, Read as _};

use crate::decode::lossy;
use crate::input::Input;

/// The longest path that is accepted: Linux accepts no longer ones.
const PATH_LIMIT: u64 = 4096;
/// The largest extended header that is accepted. Docker itself accepts no larger ones.
const EXTENSION_LIMIT: u64 = 1 << 20;
const BLOCK: usize = 512;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link to `link`, as it was written.
    Symlink,
    /// Another name for the file at `link`, which is absolute.
    HardLink,
    /// A device, a pipe or a socket: never opened.
    Special,
}

/// One entry of an archive or a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Absolute in the image, normalized: `/etc/passwd`.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Its permissions, with setuid, setgid and sticky.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its size in bytes; 0 unless it is a file.
    pub size: u64,
    /// The target, if it is a link.
    pub link: String,
    /// The time of its last change, in seconds since 1970.
    pub modified: i64,
    /// The extended attribute `security.capability`; empty if there is none.
    pub capability: Vec<u8>,
    /// All other extended attributes by their names, in the order of the archive.
    pub attributes: Vec<(String, Vec<u8>)>,
}

impl Entry {
    /// A symbolic link at a path, to an absolute one.
    pub(crate) fn symlink(path: String, link: String) -> Self {
        let (uid, gid, size, modified, capability, attributes) = Default::default();
        let kind = EntryKind::Symlink;
        Self { path, kind, mode: 0o777, uid, gid, size, link, modified, capability, attributes }
    }
}

/// Why a walk ended early.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The bytes end within an entry, or cannot be read.
    #[error("the archive ends early or cannot be read at byte {position}: {source}")]
    Io {
        /// The offset in the decompressed archive.
        position: u64,
        /// The error of the system or the decompressor.
        source: io::Error,
    },
    /// There is no valid header where one should be.
    #[error("no tar header at byte {position}: {message}")]
    Header {
        /// The offset in the decompressed archive.
        position: u64,
        /// What is wrong with it.
        message: String,
    },
}

/// What [`Walk::next`] found.
#[derive(Debug)]
pub(crate) enum Step {
    /// An entry. Its bytes are read from [`Walk::input`] before the next step, or skipped.
    Entry(Entry),
    /// An entry that was left out, and why.
    Refused {
        /// Its path, as written.
        path: String,
        /// What is wrong with it.
        message: &'static str,
    },
}

/// What extended headers say about the next entry.
#[derive(Debug, Default)]
struct Extension {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u32>,
    gid: Option<u32>,
    modified: Option<i64>,
    capability: Vec<u8>,
    attributes: Vec<(String, Vec<u8>)>,
}

/// A walk over an archive.
pub(crate) struct Walk {
    /// The archive's bytes.
    pub(crate) input: Input,
    /// The end of the current entry's data, with their padding.
    next_header: u64,
}

impl Walk {
    pub(crate) fn new(input: Input) -> Self {
        Self { input, next_header: 0 }
    }

    /// The next entry; `None` at the end of the archive.
    ///
    /// # Errors
    ///
    /// If there is no header where one should be: the walk is over.
    pub(crate) fn next(&mut self) -> Result<Option<Step>, ArchiveError> {
        let mut extension = Extension::default();
        loop {
            let Some(header) = self.header()? else { return Ok(None) };
            let size = header.entry_size().map_err(|error| self.broken(&error))?;
            self.set_end(size);
            match header.as_bytes().get(156).copied().unwrap_or_default() {
                b'L' => extension.path = Some(self.name(size)?),
                b'K' => extension.link = Some(self.name(size)?),
                b'x' => {
                    let bytes = self.bytes(size, EXTENSION_LIMIT)?;
                    read_pax(&bytes, &mut extension)
                        .ok_or_else(|| self.broken(&"the extended header is malformed"))?;
                }
                b'g' => {}
                b'S' => {
                    self.skip_sparse_map(&header, size)?;
                    return self.entry(&header, size, extension, EntryKind::File).map(Some);
                }
                kind => return self.entry(&header, size, extension, entry_kind(kind)).map(Some),
            }
        }
    }

    /// The next header that is not all zero.
    fn header(&mut self) -> Result<Option<tar::Header>, ArchiveError> {
        let position = self.input.position();
        self.input.skip(self.next_header.saturating_sub(position)).map_err(|e| self.io(e))?;
        for _ in 0..2 {
            let block =
                self.input.peek(BLOCK).map_err(|source| ArchiveError::Io { position, source })?;
            if block.is_empty() {
                return Ok(None);
            }
            let Some(block) = block.first_chunk::<BLOCK>() else {
                return Err(self.io(io::ErrorKind::UnexpectedEof.into()));
            };
            if block.iter().any(|&byte| byte != 0) {
                let header = tar::Header::from_byte_slice(block).clone();
                if !checksum_holds(&header) {
                    return Err(self.broken(&"the checksum is wrong"));
                }
                self.input.skip(BLOCK as u64).map_err(|e| self.io(e))?;
                return Ok(Some(header));
            }
            self.input.skip(BLOCK as u64).map_err(|e| self.io(e))?;
        }
        Ok(None)
    }

    fn entry(
        &mut self,
        header: &tar::Header,
        written_size: u64,
        extension: Extension,
        kind: EntryKind,
    ) -> Result<Step, ArchiveError> {
        let written = extension.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let mut size = 0;
        // Only files have data, whatever the header says: Go reads it this way.
        if kind == EntryKind::File {
            size = extension.size.unwrap_or(written_size);
            self.set_end(size);
        } else {
            self.next_header = self.input.position();
        }
        let Some(path) = normalise(&written) else {
            return Ok(Step::Refused {
                path: lossy(&written).into_owned(),
                message: "the path leads out of the image or is too long",
            });
        };
        // Old archives mark directories only by a slash at the end.
        let kind = match kind {
            EntryKind::File if written.ends_with(b"/") && size == 0 => EntryKind::Directory,
            kind => kind,
        };
        let link = extension
            .link
            .or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned))
            .unwrap_or_default();
        let link = match kind {
            EntryKind::Symlink if link.len() as u64 <= PATH_LIMIT => lossy(&link).into_owned(),
            EntryKind::HardLink => match normalise(&link) {
                Some(link) => link,
                None => {
                    return Ok(Step::Refused { path, message: "the link leads out of the image" });
                }
            },
            EntryKind::Symlink => {
                return Ok(Step::Refused { path, message: "the target of the link is too long" });
            }
            _ => String::new(),
        };
        let fields = header.as_old();
        let mode = match header.mode() {
            Err(error) if !is_blank(&fields.mode) => return Err(self.broken(&error)),
            mode => mode.unwrap_or(0) & 0o7777,
        };
        let uid = extension.uid.or_else(|| number(&fields.uid, header.uid()));
        let gid = extension.gid.or_else(|| number(&fields.gid, header.gid()));
        Ok(Step::Entry(Entry {
            path,
            kind,
            mode,
            uid: uid.unwrap_or(u32::MAX),
            gid: gid.unwrap_or(u32::MAX),
            size,
            link,
            modified: extension.modified.unwrap_or_else(|| {
                header.mtime().ok().and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or(0)
            }),
            capability: extension.capability,
            attributes: extension.attributes,
        }))
    }

    /// After a GNU sparse header there may be more blocks of its map.
    fn skip_sparse_map(&mut self, header: &tar::Header, size: u64) -> Result<(), ArchiveError> {
        let mut more = header.as_gnu().is_some_and(tar::GnuHeader::is_extended);
        while more {
            let position = self.input.position();
            let block =
                self.input.peek(BLOCK).map_err(|source| ArchiveError::Io { position, source })?;
            more = block.get(504).is_some_and(|&flag| flag != 0);
            self.input.skip(BLOCK as u64).map_err(|e| self.io(e))?;
        }
        self.set_end(size);
        Ok(())
    }

    fn name(&mut self, size: u64) -> Result<Vec<u8>, ArchiveError> {
        let mut name = self.bytes(size, EXTENSION_LIMIT)?;
        if let Some(end) = name.iter().position(|&byte| byte == 0) {
            name.truncate(end);
        }
        Ok(name)
    }

    fn bytes(&mut self, size: u64, limit: u64) -> Result<Vec<u8>, ArchiveError> {
        if size > limit {
            return Err(self.broken(&"the extended header is too large"));
        }
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        self.input.read_exact(&mut bytes).map_err(|e| self.io(e))?;
        Ok(bytes)
    }

    /// The data of the current entry are `size` bytes, padded to blocks.
    fn set_end(&mut self, size: u64) {
        let padded = size.checked_next_multiple_of(BLOCK as u64).unwrap_or(u64::MAX);
        self.next_header = self.input.position().saturating_add(padded);
    }

    fn io(&self, source: io::Error) -> ArchiveError {
        ArchiveError::Io { position: self.input.position(), source }
    }

    fn broken(&self, message: &impl ToString) -> ArchiveError {
        ArchiveError::Header { position: self.input.position(), message: message.to_string() }
    }
}

fn entry_kind(flag: u8) -> EntryKind {
    match flag {
        b'1' => EntryKind::HardLink,
        b'2' => EntryKind::Symlink,
        b'3' | b'4' | b'6' => EntryKind::Special,
        b'5' => EntryKind::Directory,
        _ => EntryKind::File,
    }
}

/// The number in a field; one that is left blank is zero, as for all tools that unpack archives.
fn number(field: &[u8], parsed: io::Result<u64>) -> Option<u32> {
    if is_blank(field) {
        return Some(0);
    }
    u32::try_from(parsed.ok()?).ok()
}

fn is_blank(field: &[u8]) -> bool {
    field.iter().all(|byte| matches!(byte, 0 | b' '))
}

/// Whether the checksum of the header is right: the sum of its bytes, with those of the checksum as
/// spaces.
fn checksum_holds(header: &tar::Header) -> bool {
    let bytes = header.as_bytes();
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    let own = bytes.get(148..156).unwrap_or_default();
    header.cksum().is_ok_and(|written| written == sum(bytes) - sum(own) + 8 * u32::from(b' '))
}

/// The path as an absolute one without `.`; `None` if it has `..` or is too long for Linux.
pub(crate) fn normalise(path: &[u8]) -> Option<String> {
    if path.len() as u64 > PATH_LIMIT {
        return None;
    }
    let text = lossy(path);
    // Most paths are normal after one cut at each end.
    let start = text.strip_prefix("./").or_else(|| text.strip_prefix('/')).unwrap_or(&text);
    let inner = start.strip_suffix('/').unwrap_or(start);
    let bytes = inner.as_bytes();
    let is_plain = |part: Option<&u8>| part.is_some_and(|first| !b"./".contains(first));
    if is_plain(bytes.first())
        && memchr::memchr_iter(b'/', bytes).all(|slash| is_plain(bytes.get(slash + 1)))
    {
        return Some(["/", inner].concat());
    }
    let mut normal = String::with_capacity(text.len() + 1);
    for part in text.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            return None;
        }
        normal.push('/');
        normal.push_str(part);
    }
    if normal.is_empty() {
        normal.push('/');
    }
    Some(normal)
}

/// Whole seconds of a time such as `1700000000.25`.
fn seconds(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.split('.').next()?.parse().ok()
}

/// Records are `LENGTH KEY=VALUE\n`; a value may contain any byte, so only the length counts.
fn read_pax(mut bytes: &[u8], extension: &mut Extension) -> Option<()> {
    while !bytes.is_empty() {
        let space = bytes.iter().take(20).position(|&byte| byte == b' ')?;
        let length: usize = std::str::from_utf8(bytes.get(..space)?).ok()?.parse().ok()?;
        let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|&byte| byte == b'=')?;
        let (key, value) = (record.get(..equals)?, record.get(equals + 1..)?);
        let numeral = || std::str::from_utf8(value).ok()?.parse::<u64>().ok();
        match key {
            b"path" | b"GNU.sparse.name" => extension.path = Some(value.to_vec()),
            b"linkpath" => extension.link = Some(value.to_vec()),
            b"size" => extension.size = Some(numeral()?),
            b"uid" => extension.uid = numeral().and_then(|id| u32::try_from(id).ok()),
            b"gid" => extension.gid = numeral().and_then(|id| u32::try_from(id).ok()),
            // Fractions of a second are not needed.
            b"mtime" => extension.modified = seconds(value),
            b"SCHILY.xattr.security.capability" => extension.capability = value.to_vec(),
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    extension.attributes.push((lossy(name).into_owned(), value.to_vec()));
                }
            }
        }
        bytes = bytes.get(length..)?;
    }
    Some(())
}
