//! Archives that are the same bytes whenever they are made of the same files: sorted, without owners and
//! with one time.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;

use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

/// An entry of an archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// Its path, without a leading slash.
    pub(crate) path: String,
    /// What it is.
    pub(crate) content: Content,
    /// Its permissions.
    pub(crate) mode: u32,
    /// The user and group that own it.
    pub(crate) owner: u64,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Content {
    /// A directory.
    Directory,
    /// A symbolic link to this path.
    Link(String),
    /// A file with these bytes.
    File(Vec<u8>),
}

impl Entry {
    /// A file that everybody may read.
    pub(crate) fn file(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), content: Content::File(bytes.into()), mode: 0o644, owner: 0 }
    }

    /// A program.
    pub(crate) fn program(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { mode: 0o755, ..Self::file(path, bytes) }
    }

    /// A directory with these permissions.
    pub(crate) fn directory(path: impl Into<String>, mode: u32, owner: u64) -> Self {
        Self { path: path.into(), content: Content::Directory, mode, owner }
    }

    /// A symbolic link.
    pub(crate) fn link(path: impl Into<String>, target: &str) -> Self {
        Self { content: Content::Link(target.to_owned()), mode: 0o777, ..Self::file(path, "") }
    }
}

/// The entries as an archive, with this time in seconds since 1970.
pub(crate) fn tar(mut entries: Vec<Entry>, time: u64) -> io::Result<Vec<u8>> {
    entries.sort();
    let mut builder = Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_gnu();
        header.set_mode(entry.mode);
        header.set_uid(entry.owner);
        header.set_gid(entry.owner);
        header.set_mtime(time);
        match &entry.content {
            Content::Directory => {
                header.set_entry_type(EntryType::Directory);
                header.set_size(0);
                builder.append_data(&mut header, format!("{}/", entry.path), io::empty())?;
            }
            Content::Link(target) => {
                header.set_entry_type(EntryType::Symlink);
                header.set_size(0);
                builder.append_link(&mut header, &entry.path, target)?;
            }
            Content::File(bytes) => {
                header.set_entry_type(EntryType::Regular);
                header.set_size(bytes.len() as u64);
                builder.append_data(&mut header, &entry.path, bytes.as_slice())?;
            }
        }
    }
    builder.into_inner()
}

/// The bytes, compressed; the same input gives the same output.
pub(crate) fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    out.write_all(bytes)?;
    out.finish()
}

/// The SHA-256 in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(&Sha256::digest(bytes))
}

/// The time of everything in a release: `SOURCE_DATE_EPOCH`, or that of the last commit.
pub(crate) fn release_time(root: &Path) -> u64 {
    let set = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    set.or_else(|| {
        let output = Command::new("git")
            .args(["log", "-1", "--format=%ct"])
            .current_dir(root)
            .output()
            .ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    })
    .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_entries_makes_no_difference() {
        let entries = vec![
            Entry::directory("a", 0o755, 0),
            Entry::program("a/b", "x"),
            Entry::link("a/c", "b"),
        ];
        let reversed = entries.iter().rev().cloned().collect();
        let one = gzip(&tar(entries, 1).unwrap()).unwrap();
        assert_eq!(one, gzip(&tar(reversed, 1).unwrap()).unwrap());
        let mut names = Vec::new();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(one.as_slice()));
        for entry in archive.entries().unwrap() {
            names.push(entry.unwrap().path().unwrap().display().to_string());
        }
        assert_eq!(names, ["a/", "a/b", "a/c"]);
    }
}
