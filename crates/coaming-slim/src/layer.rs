//! The new layer: the selected files, sorted by path, each as it was in its own layer.
//!
//! The image's layers are read a second time. The selected contents go through an unnamed temporary
//! file, so that the order of the new layer does not depend on the order of the old ones.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};

use coaming_image::{Entry, EntryKind, Image, Source, Tree};
use coaming_oci::{Algorithm, Digest, Digester};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::select::Selection;
use crate::{SlimError, database};

/// A layer that was written.
pub(crate) struct Layer {
    /// The digest of the archive before compression.
    pub(crate) diff_id: Digest,
    /// The compressed archive, positioned at its start.
    pub(crate) compressed: File,
}

/// An entry of an old layer, and where its bytes are in the temporary file.
struct Stored {
    entry: Entry,
    offset: u64,
    size: u64,
}

/// Writes the layer.
pub(crate) fn write(image: &Image, tree: &Tree, selection: &Selection) -> Result<Layer, SlimError> {
    let failed = |source| SlimError::Write { path: "a temporary file".to_owned(), source };
    let (stored, spool) = collect(image, tree, selection)?;
    let compressed = tempfile::tempfile().map_err(failed)?;
    let encoder = GzEncoder::new(BufWriter::new(compressed), Compression::default());
    let hashing = Hashing { out: encoder, digester: Digester::new(Algorithm::Sha256) };
    let hashing = archive(hashing, tree, selection, &stored, spool).map_err(failed)?;
    let diff_id = hashing.digester.finish();
    let out = hashing.out.finish().map_err(failed)?;
    let mut compressed = out.into_inner().map_err(|error| failed(error.into_error()))?;
    compressed.rewind().map_err(failed)?;
    Ok(Layer { diff_id, compressed })
}

/// Copies the selected files out of the layers. Databases are reduced on the way.
fn collect(
    image: &Image,
    tree: &Tree,
    selection: &Selection,
) -> Result<(HashMap<Source, Stored>, File), SlimError> {
    let failed = |source| SlimError::Write { path: "a temporary file".to_owned(), source };
    let mut wanted: HashMap<&Source, &str> = HashMap::new();
    for path in selection.closure.files.keys() {
        if let Some(node) = tree.get(path) {
            wanted.entry(&node.source).or_insert(path);
        }
    }
    let mut stored = HashMap::new();
    let mut spool = BufWriter::new(tempfile::tempfile().map_err(failed)?);
    let mut offset = 0;
    for index in 0..image.layers() {
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        let visited = image.visit(index, &mut |entry, bytes| {
            let source = Source { layer: number, path: entry.path.as_str().into() };
            let Some(path) = wanted.get(&source).filter(|_| is_stored(entry)) else {
                return Ok(());
            };
            let size = store(entry, bytes, path, tree, selection, &mut spool)?;
            stored.insert(source, Stored { entry: entry.clone(), offset, size });
            offset += size;
            Ok(())
        });
        visited.map_err(|error| SlimError::Unreadable(error.to_string()))?;
    }
    let spool = spool.into_inner().map_err(|error| failed(error.into_error()))?;
    Ok((stored, spool))
}

/// Whether an entry has contents of its own to store. Hard links are names of stored files, and
/// runtimes replace devices.
fn is_stored(entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::File | EntryKind::Directory | EntryKind::Symlink)
}

/// Copies a file's bytes and returns their number.
fn store(
    entry: &Entry,
    bytes: &mut dyn Read,
    path: &str,
    tree: &Tree,
    selection: &Selection,
    spool: &mut impl Write,
) -> io::Result<u64> {
    if entry.kind != EntryKind::File {
        return Ok(0);
    }
    if database::is_kept(path, &selection.packages) && entry.size <= database::MAX_BYTES {
        let mut whole = Vec::new();
        bytes.read_to_end(&mut whole)?;
        let reduced =
            database::reduced(path, &whole, tree, &selection.closure.files, &selection.packages);
        let written = reduced.as_ref().unwrap_or(&whole);
        spool.write_all(written)?;
        return Ok(written.len() as u64);
    }
    let copied = io::copy(bytes, spool)?;
    if copied == entry.size {
        Ok(copied)
    } else {
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{path} ends early")))
    }
}

/// Writes the archive. If a file has several names, the first becomes the file and the others hard
/// links to it.
fn archive<W: Write>(
    out: W,
    tree: &Tree,
    selection: &Selection,
    stored: &HashMap<Source, Stored>,
    spool: File,
) -> io::Result<W> {
    let mut builder = tar::Builder::new(out);
    let mut spool = BufReader::new(spool);
    let mut names: BTreeMap<&Source, &str> = BTreeMap::new();
    for path in selection.closure.files.keys() {
        let Some(node) = tree.get(path) else { continue };
        let name = path.trim_start_matches('/');
        let Some(Stored { entry, offset, size }) = stored.get(&node.source) else {
            // The old layers have no entry for this directory, only for files in it.
            if node.kind == EntryKind::Directory {
                builder.append_data(&mut implied_directory(), format!("{name}/"), io::empty())?;
            }
            continue;
        };
        append_attributes(&mut builder, entry)?;
        let mut header = header(entry);
        match node.kind {
            EntryKind::Directory => {
                header.set_entry_type(tar::EntryType::Directory);
                builder.append_data(&mut header, format!("{name}/"), io::empty())?;
            }
            EntryKind::Symlink => {
                header.set_entry_type(tar::EntryType::Symlink);
                builder.append_link(&mut header, name, &entry.link)?;
            }
            EntryKind::File | EntryKind::HardLink => match names.get(&node.source) {
                Some(first) => {
                    header.set_entry_type(tar::EntryType::Link);
                    builder.append_link(&mut header, name, first)?;
                }
                None => {
                    names.insert(&node.source, name);
                    header.set_entry_type(tar::EntryType::Regular);
                    header.set_size(*size);
                    spool.seek(SeekFrom::Start(*offset))?;
                    builder.append_data(&mut header, name, (&mut spool).take(*size))?;
                }
            },
            EntryKind::Special => {}
        }
    }
    builder.into_inner()
}

fn header(entry: &Entry) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_mode(entry.mode);
    header.set_uid(entry.uid.into());
    header.set_gid(entry.gid.into());
    header.set_mtime(u64::try_from(entry.modified).unwrap_or(0));
    header
}

fn implied_directory() -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_size(0);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// Writes the extended attributes of the entry that follows.
fn append_attributes<W: Write>(builder: &mut tar::Builder<W>, entry: &Entry) -> io::Result<()> {
    let mut records: Vec<(String, &[u8])> = entry
        .attributes
        .iter()
        .map(|(name, value)| (format!("SCHILY.xattr.{name}"), value.as_slice()))
        .collect();
    if !entry.capability.is_empty() {
        records.push(("SCHILY.xattr.security.capability".to_owned(), &entry.capability));
    }
    if records.is_empty() {
        return Ok(());
    }
    builder.append_pax_extensions(records.iter().map(|(name, value)| (name.as_str(), *value)))
}

/// Passes bytes on and computes their digest.
struct Hashing<W> {
    out: W,
    digester: Digester,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.digester.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
