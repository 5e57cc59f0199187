//! Archives with an image: those of `docker save`, and OCI layouts in a tar archive.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::sync::Arc;

use coaming_oci::Platform;

use super::layout::Files;
use super::{Image, ImageError};
use crate::archive::{EntryKind, Step, Walk};
use crate::blob::{Blob, Compression, compression, decompress};
use crate::input::{Input, fill_up};
use crate::platform::file_identity;

/// The most members that such an archive may have: a few per layer of many images.
const MEMBER_LIMIT: usize = 100_000;
/// The most bytes of their names.
const NAME_LIMIT: usize = 32 << 20;
/// The most bytes that are written to a temporary file.
const SPOOL_LIMIT: u64 = 64 << 30;

/// How many times an archive may be compressed: some files decompress to themselves without end.
const DEPTH_LIMIT: usize = 3;

/// The contents of an archive: where each file is, and which names are links to others.
#[derive(Default)]
pub(super) struct Members {
    files: HashMap<String, (u64, u64)>,
    links: HashMap<String, String>,
}

impl Members {
    fn read(file: &Arc<File>, length: u64, shown: &str) -> Result<Self, ImageError> {
        let mut walk = Walk::new(Input::file(Arc::clone(file), 0, length));
        let mut members = Self::default();
        let mut names = 0;
        while let Some(step) = walk.next().map_err(|error| ImageError::malformed(shown, error))? {
            let Step::Entry(entry) = step else { continue };
            names += entry.path.len() + entry.link.len();
            if members.files.len() + members.links.len() >= MEMBER_LIMIT || names > NAME_LIMIT {
                return Err(ImageError::malformed(
                    shown,
                    format!(
                        "it has more than {MEMBER_LIMIT} members, which no archive of an image has"
                    ),
                ));
            }
            match entry.kind {
                EntryKind::File => {
                    if let Some((_, offset)) = walk.input.file_offset() {
                        members.files.insert(entry.path, (offset, entry.size));
                    }
                }
                EntryKind::HardLink => {
                    members.links.insert(entry.path, entry.link);
                }
                EntryKind::Symlink => {
                    if let Some(target) = link_target(&entry.path, &entry.link) {
                        members.links.insert(entry.path, target);
                    }
                }
                EntryKind::Directory | EntryKind::Special => {}
            }
        }
        Ok(members)
    }

    /// The member with this name. Former versions of Docker link layers that are the same.
    pub(super) fn find(&self, file: &Arc<File>, name: &str) -> Option<Blob> {
        let mut name = crate::archive::normalise(name.as_bytes())?;
        for _ in 0..8 {
            if let Some(&(offset, length)) = self.files.get(&name) {
                return Some(Blob::File { file: Arc::clone(file), offset, length });
            }
            name.clone_from(self.links.get(&name)?);
        }
        None
    }
}

/// The target of a link at `path`; `None` if it leads out of the archive.
fn link_target(path: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    if !link.starts_with('/') {
        parts.extend(path.split('/').filter(|part| !part.is_empty()));
        parts.pop();
    }
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(format!("/{}", parts.join("/")))
}

/// The files of an archive, which may be compressed as a whole.
pub(super) fn files(file: File, shown: &str) -> Result<Files, ImageError> {
    let file = plain(file).map_err(|error| ImageError::io(shown, error))?;
    let length = file.metadata().map_err(|error| ImageError::io(shown, error))?.len();
    let file = Arc::new(file);
    match Members::read(&file, length, shown) {
        Ok(members) if members.files.is_empty() => Err(ImageError::NoImage(shown.to_owned())),
        // A file that does not even begin as an archive is another thing, and not a broken one.
        Err(ImageError::Malformed { message, .. }) if message.contains("at byte 0:") => {
            Err(ImageError::NoImage(shown.to_owned()))
        }
        members => Ok(Files::Archive { file, members: members? }),
    }
}

/// Opens an archive, which may be compressed as a whole.
pub(super) fn open(
    file: File,
    shown: &str,
    platform: Option<&Platform>,
) -> Result<Image, ImageError> {
    let identity = file_identity(&file);
    let files = files(file, shown)?;
    // Docker writes both since its version 25; only an index can hold several platforms.
    let image = match files.oci_image(platform)? {
        Some(image) => Some(image),
        None => files.docker_image()?,
    };
    let mut image = image.ok_or_else(|| ImageError::NoImage(shown.to_owned()))?;
    image.identity = identity.map(|identity| format!("{} {identity}", image.digest));
    Ok(image)
}

/// The file itself, or a temporary one with the decompressed contents.
fn plain(mut file: File) -> io::Result<File> {
    for _ in 0..=DEPTH_LIMIT {
        match compression(&start(&mut file)?) {
            Compression::Plain => return Ok(file),
            // A decompressor is dropped before the next one is created: both may need much memory.
            compression => file = written(&mut decompress(compression, file)?)?,
        }
    }
    Err(io::Error::other(format!("it is compressed more than {DEPTH_LIMIT} times")))
}

/// The first bytes of a file.
fn start(file: &mut File) -> io::Result<[u8; 6]> {
    let mut magic = [0; 6];
    fill_up(file, &mut magic)?;
    file.rewind()?;
    Ok(magic)
}

/// Writes a stream to a temporary file without a name, which disappears when it is closed.
pub(super) fn spool(stream: &mut dyn Read) -> io::Result<File> {
    plain(written(stream)?)
}

fn written(stream: &mut dyn Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    let count = io::copy(&mut stream.take(SPOOL_LIMIT + 1), &mut file)?;
    if count > SPOOL_LIMIT {
        return Err(io::Error::other(format!("it is larger than {} GiB", SPOOL_LIMIT >> 30)));
    }
    file.rewind()?;
    Ok(file)
}
