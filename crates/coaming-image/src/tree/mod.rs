//! The files of an image as a container sees them, and for each what tells which others it needs.
//!
//! Unlike the [overlay](crate::overlay), which knows names by their hashes, this holds every path: it
//! is for whoever must walk from one file to the next. Invariants: every path is absolute and leads
//! through no link; links are followed inside the root, and only so often; the number of files and
//! the bytes of what is known of them are bounded, and an image that has more has no tree.

mod clue;
mod elf;
mod grow;
mod script;

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

pub(crate) use clue::{Clue, Clues, Look, look};
pub use elf::Elf;
pub(crate) use elf::code;
pub(crate) use grow::{Growing, Leaf};
pub use script::Script;
pub(crate) use script::{commands, is_shell};

use crate::resolve::Resolved;
use crate::{EntryKind, Owners};

/// The files of an image, sorted by path.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
    /// Where symbolic links were put, and maybe are no more: most of what lies on a way is none.
    links: HashSet<Box<str>>,
    pub(crate) owners: Owners,
}

/// What lies at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is; a hard link is the file that it is another name of.
    pub kind: EntryKind,
    /// Its permissions, with setuid, setgid and sticky.
    pub mode: u32,
    /// How many bytes it has.
    pub size: u64,
    /// Where it points to as it was written, of symbolic links.
    pub link: Box<str>,
    /// Where its bytes are: names of one file have the same.
    pub source: Source,
    pub(crate) clue: Option<Box<Clue>>,
}

/// An entry of a layer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The layer, counting from 0.
    pub layer: u32,
    /// The entry's path in that layer, which may lead through links of lower ones.
    pub path: Box<str>,
}

impl Node {
    /// Whether it is a regular file that may be executed.
    #[must_use]
    pub fn is_executable(&self) -> bool {
        self.kind == EntryKind::File && self.mode & 0o111 != 0
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.kind == EntryKind::Directory
    }

    fn known(&self) -> Option<&Clue> {
        self.clue.as_deref()?.known()
    }

    /// Whether it begins as programs and libraries do: what it says may still be nonsense.
    #[must_use]
    pub fn is_elf(&self) -> bool {
        self.clue.as_deref().is_some_and(Clue::is_elf)
    }

    /// What the program or library says that it needs.
    #[must_use]
    pub fn elf(&self) -> Option<&Elf> {
        match self.known() {
            Some(Clue::Elf(elf)) => Some(elf),
            _ => None,
        }
    }

    /// What the script says that it needs.
    #[must_use]
    pub fn script(&self) -> Option<&Script> {
        match self.known() {
            Some(Clue::Script(script)) => Some(script),
            _ => None,
        }
    }

    /// Its text, of the few files whose text says where others are.
    pub(crate) fn text(&self) -> Option<&str> {
        match self.known() {
            Some(Clue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The names of other files in a configuration.
    pub(crate) fn names(&self) -> &[String] {
        match self.known() {
            Some(Clue::Names(names)) => names,
            _ => &[],
        }
    }
}

impl Tree {
    /// All files, sorted by path; the root itself is not among them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// Which packages of the distribution the files are of.
    #[must_use]
    pub fn owners(&self) -> &Owners {
        &self.owners
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// What lies at a path, which must not lead through links.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// The path as [`get`](Self::get) gave it, with what lies there.
    pub(crate) fn entry(&self, path: &str) -> Option<(&str, &Node)> {
        self.nodes.get_key_value(path).map(|(path, node)| (path.as_str(), node))
    }

    #[cfg(test)]
    pub(crate) fn set_clue(&mut self, path: &str, clue: Clue) {
        self.nodes.get_mut(path).unwrap().clue = Some(Box::new(clue));
    }

    /// What lies below a directory, sorted by path.
    pub fn below(&self, directory: &str) -> impl Iterator<Item = (&str, &Node)> {
        let directory = directory.trim_end_matches('/');
        // `0` is the character behind `/`.
        let (start, end) = (format!("{directory}/"), format!("{directory}0"));
        let range = (Bound::Excluded(start), Bound::Excluded(end));
        self.nodes.range::<String, _>(range).map(|(path, node)| (path.as_str(), node))
    }

    /// Where a path leads as the kernel finds it when the image is its root; `None` where links lead
    /// in circles.
    #[must_use]
    pub fn resolve(&self, path: &str) -> Option<Resolved> {
        crate::resolve::resolve(path, |path| {
            let node = self.links.contains(path).then(|| self.nodes.get(path))??;
            (node.kind == EntryKind::Symlink).then_some(&*node.link)
        })
    }

    /// What lies where a path leads, and that path without links.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<(&str, &Node)> {
        let resolved = self.resolve(path)?;
        self.entry(&resolved.path)
    }
}

/// The directory that a path lies in; the root's is the root.
#[must_use]
pub(crate) fn directory_of(path: &str) -> &str {
    match memchr::memrchr(b'/', path.as_bytes()).and_then(|end| path.get(..end)) {
        Some(directory) if !directory.is_empty() => directory,
        _ => "/",
    }
}

/// The last part of a path.
#[must_use]
pub(crate) fn name_of(path: &str) -> &str {
    let start = memchr::memrchr(b'/', path.as_bytes()).map_or(0, |slash| slash + 1);
    path.get(start..).unwrap_or_default()
}

/// A path as it stands, or below a directory if it is relative.
#[must_use]
pub(crate) fn join(directory: &str, path: &str) -> String {
    let mut joined = String::with_capacity(directory.len() + 1 + path.len());
    join_into(&mut joined, directory, path);
    joined
}

/// As [`join`], in place of what was in `joined`: one text for many paths saves making room for each.
pub(crate) fn join_into(joined: &mut String, directory: &str, path: &str) {
    joined.clear();
    if !path.starts_with('/') {
        joined.push_str(directory.trim_end_matches('/'));
        joined.push('/');
    }
    joined.push_str(path);
}

#[cfg(test)]
pub(crate) mod tests;
