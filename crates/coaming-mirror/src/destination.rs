//! A downloaded file, its entity tag, and the received part of its successor, side by side.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use md5::{Digest as _, Md5};

use crate::FetchError;

/// Where a file is, with its entity tag and the received part of its successor beside it.
pub(crate) struct Destination {
    target: PathBuf,
    tag: PathBuf,
    part: PathBuf,
    part_tag: PathBuf,
}

/// Removes the entity tag of a file: the next request for it gets all of it.
pub(crate) fn forget(target: &Path) {
    drop(fs::remove_file(beside(target, ".etag")));
}

fn beside(target: &Path, end: &str) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(end);
    target.with_file_name(name)
}

impl Destination {
    pub(crate) fn new(target: &Path) -> Result<Self, FetchError> {
        let destination = Self {
            target: target.to_path_buf(),
            tag: beside(target, ".etag"),
            part: beside(target, ".part"),
            part_tag: beside(target, ".part.etag"),
        };
        if let Some(directory) = target.parent() {
            fs::create_dir_all(directory).map_err(|source| destination.failed(source))?;
        }
        Ok(destination)
    }

    pub(crate) fn failed(&self, source: io::Error) -> FetchError {
        FetchError::Write { path: self.target.display().to_string(), source }
    }

    /// The entity tag of the existing file.
    pub(crate) fn tag(&self) -> Option<String> {
        if !self.target.is_file() {
            return None;
        }
        fs::read_to_string(&self.tag).ok().filter(|tag| !tag.is_empty())
    }

    /// How much of the next file was received, and its tag. Only a strong tag identifies bytes.
    pub(crate) fn partial(&self) -> Option<(u64, String)> {
        let length = fs::metadata(&self.part).ok()?.len();
        let tag = fs::read_to_string(&self.part_tag).ok()?;
        (length > 0 && tag.starts_with('"')).then_some((length, tag))
    }

    /// Removes the received part.
    pub(crate) fn discard_part(&self) {
        drop(fs::remove_file(&self.part));
        drop(fs::remove_file(&self.part_tag));
    }

    /// Opens the part for the bytes from `start` on.
    pub(crate) fn open_part(&self, start: u64, tag: &str) -> Result<File, FetchError> {
        if start > 0 {
            let file = OpenOptions::new().append(true).open(&self.part);
            return file.map_err(|source| self.failed(source));
        }
        fs::write(&self.part_tag, tag).map_err(|source| self.failed(source))?;
        File::create(&self.part).map_err(|source| self.failed(source))
    }

    /// Whether the part has this MD5, if the server states one.
    pub(crate) fn matches(&self, checksum: Option<&[u8]>) -> Result<bool, FetchError> {
        let Some(checksum) = checksum else { return Ok(true) };
        let mut hasher = Md5::new();
        File::open(&self.part)
            .and_then(|mut file| io::copy(&mut file, &mut hasher))
            .map_err(|source| self.failed(source))?;
        Ok(hasher.finalize().as_slice() == checksum)
    }

    /// Replaces the file by the part, which is complete.
    pub(crate) fn finish(&self, address: &str, tag: &str) -> Result<(), FetchError> {
        let archive = self.target.extension().is_some_and(|extension| extension == "zip");
        let whole = !archive || is_archive(&self.part).map_err(|source| self.failed(source))?;
        if !whole {
            self.discard_part();
            return Err(FetchError::NotAnArchive(address.to_owned()));
        }
        // With its tag, the old file would pass for the new one if we stopped in between.
        drop(fs::remove_file(&self.tag));
        fs::rename(&self.part, &self.target).map_err(|source| self.failed(source))?;
        drop(fs::remove_file(&self.part_tag));
        fs::write(&self.tag, tag).map_err(|source| self.failed(source))
    }
}

/// Whether a file begins and ends like a zip archive: half an archive can be read too, half.
fn is_archive(path: &Path) -> io::Result<bool> {
    /// The end of the central directory, with the longest comment after it.
    const END: u64 = 22 + 65_535;
    let mut file = File::open(path)?;
    let mut start = [0; 2];
    if io::Read::read(&mut file, &mut start)? < start.len() || start != *b"PK" {
        return Ok(false);
    }
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut end = Vec::new();
    file.take(END).read_to_end(&mut end)?;
    Ok(end.windows(4).any(|bytes| bytes == b"PK\x05\x06"))
}
