//! Layers become a tree: each adds, replaces and takes away, as container runtimes unpack them.
//!
//! Invariant: an entry whose directory is a link of a lower layer lands where the link leads, inside the
//! root; an entry whose directory is no directory takes that away, and so nothing lies below what is no directory.

use std::collections::HashMap;
use std::collections::btree_map::Entry;

use super::{Clue, Node, Source, Tree, directory_of, join, name_of};
use crate::EntryKind;

/// An entry of a layer.
#[derive(Debug)]
pub(crate) struct Leaf {
    path: Box<str>,
    kind: EntryKind,
    mode: u32,
    size: u64,
    /// Where it points to, of links of both kinds.
    link: Box<str>,
    pub(crate) clue: Option<Box<Clue>>,
}

impl Leaf {
    pub(crate) fn new(entry: &crate::Entry) -> Self {
        Self {
            path: entry.path.as_str().into(),
            kind: entry.kind,
            mode: entry.mode,
            size: entry.size,
            link: entry.link.as_str().into(),
            clue: None,
        }
    }
}

/// A tree that layers are put on.
#[derive(Default)]
pub(crate) struct Growing {
    tree: Tree,
    layer: u32,
}

impl Growing {
    /// Puts a layer on those before: first what it takes away of them, then its entries in order.
    pub(crate) fn put(&mut self, leaves: Vec<Leaf>, whiteouts: &[String], opaque: &[String]) {
        for gone in whiteouts {
            let path = self.place(gone);
            self.remove(&path);
        }
        for directory in opaque {
            let path = self.tree.resolve(directory).map(|resolved| resolved.path);
            if let Some(path) = path {
                self.clear(&path);
            }
        }
        let mut directories: HashMap<String, String> = HashMap::new();
        for leaf in leaves {
            let (directory, name) = (directory_of(&leaf.path), name_of(&leaf.path));
            let path = match directories.get(directory) {
                Some(inside) => join(inside, name),
                None => {
                    let inside = self.directory(directory);
                    let path = join(&inside, name);
                    directories.insert(directory.to_owned(), inside);
                    path
                }
            };
            if self.insert(path, leaf) {
                directories.clear();
            }
        }
        self.layer += 1;
    }

    /// The tree, whole.
    pub(crate) fn finish(self) -> Tree {
        self.tree
    }

    /// Where a path of a layer is in the tree: its directory's links are followed, not its own.
    fn place(&self, path: &str) -> String {
        let directory = self.tree.resolve(directory_of(path)).map(|resolved| resolved.path);
        join(directory.as_deref().unwrap_or(directory_of(path)), name_of(path))
    }

    /// A directory without links. What lies there or on the way and is no directory is taken away, and what
    /// is missing is made, as whoever unpacks the layer does.
    fn directory(&mut self, path: &str) -> String {
        let resolved = self.tree.resolve(path).map(|resolved| resolved.path);
        let path = resolved.unwrap_or_else(|| path.to_owned());
        let mut ancestor = path.as_str();
        while ancestor != "/" {
            if !self.tree.nodes.get(ancestor).is_some_and(Node::is_directory) {
                let source = Source { layer: self.layer, path: ancestor.into() };
                let (kind, mode) = (EntryKind::Directory, 0o755);
                let node = Node { kind, mode, size: 0, link: "".into(), source, clue: None };
                self.tree.nodes.insert(ancestor.to_owned(), node);
            }
            ancestor = directory_of(ancestor);
        }
        path
    }

    /// Puts an entry into its place. Whether there was a directory or a link, by which paths led that may
    /// lead elsewhere now.
    fn insert(&mut self, path: String, leaf: Leaf) -> bool {
        if path == "/" {
            return false;
        }
        let source = Source { layer: self.layer, path: leaf.path };
        let node = if leaf.kind == EntryKind::HardLink {
            let target = self.place(&leaf.link);
            // A name of a file that is not there is no file either.
            let Some(file) = self.tree.nodes.get(&target) else { return false };
            file.clone()
        } else {
            let link = if leaf.kind == EntryKind::Symlink { leaf.link } else { "".into() };
            let (kind, mode, size) = (leaf.kind, leaf.mode, leaf.size);
            Node { kind, mode, size, link, source, clue: leaf.clue }
        };
        let stays_directory = node.is_directory();
        if node.kind == EntryKind::Symlink {
            self.tree.links.insert(path.as_str().into());
        }
        let mut place = match self.tree.nodes.entry(path) {
            Entry::Vacant(place) => {
                place.insert(node);
                return false;
            }
            Entry::Occupied(place) => place,
        };
        let old = place.insert(node);
        if old.is_directory() && !stays_directory {
            let path = place.key().clone();
            self.clear(&path);
        }
        old.is_directory() || old.kind == EntryKind::Symlink
    }

    fn remove(&mut self, path: &str) {
        self.clear(path);
        self.tree.nodes.remove(path);
    }

    /// Takes away what lies below.
    fn clear(&mut self, directory: &str) {
        let below: Vec<String> =
            self.tree.below(directory).map(|(path, _)| path.to_owned()).collect();
        for path in below {
            self.tree.nodes.remove(&path);
        }
    }
}
