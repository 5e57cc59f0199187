//! The image's files in a directory of the host.
//!
//! Invariant: no link of the image is followed. The tree's paths lead through none, and symbolic
//! links are made last.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown, lchown, symlink};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use coaming_image::{Entry, EntryKind, Image, Source, Tree};

use super::host_id;
use crate::trace::TraceError;

/// The most bytes that are unpacked.
const MAX_BYTES: u64 = 32 << 30;

/// Where a path of the tree is on the host.
pub(super) fn inside(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// Writes all files of the tree into a new directory.
pub(super) fn unpack(
    image: &Image,
    tree: &Tree,
    root: &Path,
    stop: &AtomicBool,
) -> Result<(), TraceError> {
    own(root.parent().unwrap_or(root), 0o700).map_err(TraceError::Unpack)?;
    std::fs::create_dir(root).map_err(TraceError::Unpack)?;
    own(root, 0o755).map_err(TraceError::Unpack)?;
    let mut names: HashMap<&Source, Vec<&str>> = HashMap::new();
    for (path, node) in tree.iter().filter(|(path, _)| is_plain(path)) {
        names.entry(&node.source).or_default().push(path);
        if node.is_directory() {
            let directory = inside(root, path);
            std::fs::create_dir_all(&directory).map_err(TraceError::Unpack)?;
            own(&directory, 0o755).map_err(TraceError::Unpack)?;
        }
    }
    let (mut late, mut bytes) = (Vec::new(), 0u64);
    for index in 0..image.layers() {
        let layer = u32::try_from(index).unwrap_or(u32::MAX);
        let visited = image.visit(index, &mut |entry, content| {
            if stop.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let source = Source { layer, path: entry.path.as_str().into() };
            let Some(names) = names.get(&source) else { return Ok(()) };
            if entry.kind == EntryKind::File {
                bytes = bytes.saturating_add(entry.size);
                if bytes > MAX_BYTES {
                    return Err(io::Error::other("the image has more than 32 GB"));
                }
                return write(root, entry, names, content);
            }
            late.extend(names.iter().map(|name| (inside(root, name), entry.clone())));
            Ok(())
        });
        if stop.load(Ordering::Relaxed) {
            return Err(TraceError::Interrupted);
        }
        visited.map_err(|error| TraceError::Unpack(io::Error::other(error.to_string())))?;
    }
    late.iter().try_for_each(|(path, entry)| finish(path, entry)).map_err(TraceError::Unpack)
}

/// Whether a path can be joined to another directory; names that are not UTF-8 cannot be written.
fn is_plain(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    parts.all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
        && !path.contains(['\u{fffd}', '\0'])
}

/// A file with all its names. Setuid and setgid are without effect in the container; they are left
/// out, so that they have none on the host.
fn write(root: &Path, entry: &Entry, names: &[&str], content: &mut dyn Read) -> io::Result<()> {
    let Some((first, others)) = names.split_first() else { return Ok(()) };
    let first = inside(root, first);
    let mut file: File =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&first)?;
    let copied = io::copy(content, &mut file)?;
    if copied != entry.size {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a file ends early"));
    }
    chown(&first, Some(host_id(entry.uid)), Some(host_id(entry.gid)))?;
    file.set_permissions(Permissions::from_mode(entry.mode & 0o777))?;
    // Python compares the times of sources with those in compiled modules.
    let seconds = u64::try_from(entry.modified).unwrap_or(0);
    if let Some(time) = UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) {
        file.set_modified(time)?;
    }
    others.iter().try_for_each(|name| std::fs::hard_link(&first, inside(root, name)))
}

/// Directories and links, when all files are written.
fn finish(path: &Path, entry: &Entry) -> io::Result<()> {
    let (user, group) = (host_id(entry.uid), host_id(entry.gid));
    match entry.kind {
        EntryKind::Symlink => {
            symlink(&entry.link, path)?;
            lchown(path, Some(user), Some(group))
        }
        EntryKind::Directory => {
            lchown(path, Some(user), Some(group))?;
            std::fs::set_permissions(path, Permissions::from_mode(entry.mode & 0o7777))
        }
        _ => Ok(()),
    }
}

/// Gives a directory to the container's root.
pub(super) fn own(path: &Path, mode: u32) -> io::Result<()> {
    lchown(path, Some(host_id(0)), Some(host_id(0)))?;
    std::fs::set_permissions(path, Permissions::from_mode(mode))
}
