//! Directories: OCI layouts, unpacked docker archives, and root filesystems.
//!
//! Invariant: in a root filesystem, links are never followed, and only regular files are opened.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use coaming_oci::Platform;

use super::layout::Files;
use super::{Image, ImageError, LayerSource};
use crate::archive::{Entry, EntryKind};
use crate::platform::{Attributes, capability_of, open_without_links};

/// How deep directories may nest.
const DEPTH_LIMIT: usize = 256;

/// The contents of these directories are not part of an image, but the state of a running machine.
const PSEUDO: &[&str] = &["/proc", "/sys", "/dev"];

pub(super) fn open(path: &Path, platform: Option<&Platform>) -> Result<Image, ImageError> {
    let files = Files::directory(path);
    let mut found = files.oci_image(platform)?;
    if found.is_none() && !path.join("etc").is_dir() {
        found = files.docker_image()?;
    }
    if let Some(mut image) = found {
        if let Files::Directory { opened, .. } = files {
            image.identity = Some(format!("{} {}", image.digest, opened.into_inner().join(" ")));
        }
        return Ok(image);
    }
    // The root of an image that was built from nothing may have any form.
    let is_empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if is_empty || path.join("index.json").is_file() || path.join("manifest.json").is_file() {
        return Err(ImageError::NoImage(path.display().to_string()));
    }
    Ok(Image {
        digest: String::new(),
        config: Vec::new(),
        layers: vec![LayerSource::Directory(path.to_owned())],
        identity: None,
        notes: Vec::new(),
    })
}

/// Opens a regular file, but neither a link nor a pipe, which might never end.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let file = open_without_links(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(file)
}

/// A walk over a root filesystem, in the order of names.
pub(crate) struct DirectoryWalk {
    root: PathBuf,
    /// What is still to be visited: the next one is the last.
    left: Vec<(PathBuf, usize)>,
    /// What could not be read.
    pub(crate) problems: Vec<(String, String)>,
}

impl DirectoryWalk {
    pub(crate) fn new(root: &Path) -> Self {
        let mut walk = Self { root: root.to_owned(), left: Vec::new(), problems: Vec::new() };
        walk.enter(root, 0);
        walk
    }

    fn enter(&mut self, directory: &Path, depth: usize) {
        let listed = fs::read_dir(directory).and_then(|entries| {
            entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()
        });
        match listed {
            Ok(_) if depth > DEPTH_LIMIT => self.refuse(directory, "directories nest too deep"),
            Ok(mut paths) => {
                paths.sort_unstable_by(|a, b| b.cmp(a));
                self.left.extend(paths.into_iter().map(|path| (path, depth)));
            }
            Err(error) => self.refuse(directory, &error.to_string()),
        }
    }

    fn refuse(&mut self, path: &Path, message: &str) {
        let inside = self.inside(path);
        self.problems.push((inside, message.to_owned()));
    }

    fn inside(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.root).unwrap_or(path);
        format!("/{}", inside.to_string_lossy())
    }

    /// The next entry, and where it is.
    fn step(&mut self, path: PathBuf, depth: usize) -> io::Result<(Entry, PathBuf)> {
        let metadata = fs::symlink_metadata(&path)?;
        let attributes = Attributes::from(&metadata);
        let kind = metadata.file_type();
        let inside = self.inside(&path);
        let mut link = String::new();
        let mut capability = Vec::new();
        let kind = if kind.is_symlink() {
            link = fs::read_link(&path)?.to_string_lossy().into_owned();
            EntryKind::Symlink
        } else if kind.is_dir() {
            if !PSEUDO.contains(&inside.as_str()) {
                self.enter(&path, depth + 1);
            }
            EntryKind::Directory
        } else if kind.is_file() {
            if attributes.mode & 0o111 != 0 {
                capability = capability_of(&path);
            }
            EntryKind::File
        } else {
            EntryKind::Special
        };
        let entry = Entry {
            path: inside,
            kind,
            mode: attributes.mode,
            uid: attributes.uid,
            gid: attributes.gid,
            size: if kind == EntryKind::File { metadata.len() } else { 0 },
            link,
            modified: attributes.modified,
            capability,
            attributes: Vec::new(),
        };
        Ok((entry, path))
    }
}

impl Iterator for DirectoryWalk {
    type Item = (Entry, PathBuf);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (path, depth) = self.left.pop()?;
            match self.step(path.clone(), depth) {
                Ok(entry) => return Some(entry),
                Err(error) => self.refuse(&path, &error.to_string()),
            }
        }
    }
}
