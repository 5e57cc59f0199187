//! The files of an image as a container sees them, and what each says about the files that it
//! needs.
//!
//! Unlike the [overlay](crate::overlay), which knows paths by their hashes, this holds every path:
//! it is for walks from one file to the next. Invariants: every path is absolute and leads through
//! no link; links are followed inside the root, and a bounded number of times; the number of files
//! and the bytes that are kept of them are bounded, and an image that has more has no tree.

mod build;
mod dependencies;
mod elf;
mod script;

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

pub(crate) use build::{Leaf, TreeBuilder};
pub(crate) use dependencies::{DependencyBudget, DependencyScan, FileDependencies, scan_for};
pub use elf::Elf;
pub(crate) use elf::machine_code;
pub use script::Script;
pub(crate) use script::{is_shell, read_sourced, split_variable};

use crate::resolve::Resolved;
use crate::{EntryKind, Owners};

/// The files of an image, sorted by path.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
    /// The paths of symbolic links, also of removed ones: a quick test, because most parts of paths
    /// are not links.
    links: HashSet<Box<str>>,
    pub(crate) owners: Owners,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is; a hard link is the file that it is a name for.
    pub kind: EntryKind,
    /// Its permissions, with setuid, setgid and sticky.
    pub mode: u32,
    /// Its size in bytes.
    pub size: u64,
    /// The target as written, if it is a symbolic link.
    pub link: Box<str>,
    /// Where its bytes are: all names of a file have the same source.
    pub source: Source,
    pub(crate) dependencies: Option<Box<FileDependencies>>,
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

    fn known(&self) -> Option<&FileDependencies> {
        self.dependencies.as_deref()?.known()
    }

    /// Whether it starts like a program or a library. The rest may still be malformed.
    #[must_use]
    pub fn is_elf(&self) -> bool {
        self.dependencies.as_deref().is_some_and(FileDependencies::is_elf)
    }

    /// What it needs, if it is a program or a library.
    #[must_use]
    pub fn elf(&self) -> Option<&Elf> {
        match self.known() {
            Some(FileDependencies::Elf(elf)) => Some(elf),
            _ => None,
        }
    }

    /// What it needs, if it is a script.
    #[must_use]
    pub fn script(&self) -> Option<&Script> {
        match self.known() {
            Some(FileDependencies::Script(script)) => Some(script),
            _ => None,
        }
    }

    /// Its text, if it is one of the few files whose text says where others are.
    pub(crate) fn text(&self) -> Option<&str> {
        match self.known() {
            Some(FileDependencies::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The names of other files in it, if it is a configuration.
    pub(crate) fn names(&self) -> &[String] {
        match self.known() {
            Some(FileDependencies::Names(names)) => names,
            _ => &[],
        }
    }
}

impl Tree {
    /// All files, sorted by path; the root itself is not among them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// Which packages of the distribution own the files.
    #[must_use]
    pub fn owners(&self) -> &Owners {
        &self.owners
    }

    /// The number of files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no files.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// What is at a path, which must not lead through links.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// The same as [`get`](Self::get), with the path in the tree.
    pub(crate) fn entry(&self, path: &str) -> Option<(&str, &Node)> {
        self.nodes.get_key_value(path).map(|(path, node)| (path.as_str(), node))
    }

    #[cfg(test)]
    pub(crate) fn set_dependencies(&mut self, path: &str, dependencies: FileDependencies) {
        self.nodes.get_mut(path).unwrap().dependencies = Some(Box::new(dependencies));
    }

    /// Everything below a directory, sorted by path.
    pub fn below(&self, directory: &str) -> impl Iterator<Item = (&str, &Node)> {
        let directory = directory.trim_end_matches('/');
        // `0` is the character after `/`.
        let (start, end) = (format!("{directory}/"), format!("{directory}0"));
        let range = (Bound::Excluded(start), Bound::Excluded(end));
        self.nodes.range::<String, _>(range).map(|(path, node)| (path.as_str(), node))
    }

    /// Where a path leads as the kernel finds it when the image is its root; `None` if links lead
    /// in circles.
    #[must_use]
    pub fn resolve(&self, path: &str) -> Option<Resolved> {
        crate::resolve::resolve(path, |path| {
            let node = self.links.contains(path).then(|| self.nodes.get(path))??;
            (node.kind == EntryKind::Symlink).then_some(&*node.link)
        })
    }

    /// What a path leads to, and the path without links.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<(&str, &Node)> {
        let resolved = self.resolve(path)?;
        self.entry(&resolved.path)
    }
}

/// The directory that a path is in; that of the root is the root.
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

/// The path itself if it is absolute, else below the directory.
#[must_use]
pub(crate) fn join(directory: &str, path: &str) -> String {
    let mut joined = String::with_capacity(directory.len() + 1 + path.len());
    join_into(&mut joined, directory, path);
    joined
}

/// The same as [`join`], replacing what was in `joined`: one allocation for many paths.
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
