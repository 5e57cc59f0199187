//! Layers become a tree: each adds, replaces and takes away, as container runtimes unpack them.
//!
//! Invariant: an entry whose folder is a link of a lower layer lands where the link leads, inside the
//! root; an entry whose folder is no folder takes that away, and so nothing lies below what is no folder.

use std::collections::HashMap;
use std::collections::btree_map::Entry;

use super::{Clue, Node, Source, Tree, folder_of, join, name_of};
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
        for folder in opaque {
            let path = self.tree.resolve(folder).map(|resolved| resolved.path);
            if let Some(path) = path {
                self.clear(&path);
            }
        }
        let mut folders: HashMap<String, String> = HashMap::new();
        for leaf in leaves {
            let (folder, name) = (folder_of(&leaf.path), name_of(&leaf.path));
            let path = match folders.get(folder) {
                Some(inside) => join(inside, name),
                None => {
                    let inside = self.folder(folder);
                    let path = join(&inside, name);
                    folders.insert(folder.to_owned(), inside);
                    path
                }
            };
            if self.insert(path, leaf) {
                folders.clear();
            }
        }
        self.layer += 1;
    }

    /// The tree, whole.
    pub(crate) fn finish(self) -> Tree {
        self.tree
    }

    /// Where a path of a layer is in the tree: its folder's links are followed, not its own.
    fn place(&self, path: &str) -> String {
        let folder = self.tree.resolve(folder_of(path)).map(|resolved| resolved.path);
        join(folder.as_deref().unwrap_or(folder_of(path)), name_of(path))
    }

    /// A folder without links. What lies there or on the way and is no folder is taken away, and what
    /// is missing is made, as whoever unpacks the layer does.
    fn folder(&mut self, path: &str) -> String {
        let resolved = self.tree.resolve(path).map(|resolved| resolved.path);
        let path = resolved.unwrap_or_else(|| path.to_owned());
        let mut ancestor = path.as_str();
        while ancestor != "/" {
            if !self.tree.nodes.get(ancestor).is_some_and(Node::is_folder) {
                let source = Source { layer: self.layer, path: ancestor.into() };
                let (kind, mode) = (EntryKind::Directory, 0o755);
                let node = Node { kind, mode, size: 0, link: "".into(), source, clue: None };
                self.tree.nodes.insert(ancestor.to_owned(), node);
            }
            ancestor = folder_of(ancestor);
        }
        path
    }

    /// Puts an entry into its place. Whether there was a folder or a link, by which paths led that may
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
        let stays_folder = node.is_folder();
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
        if old.is_folder() && !stays_folder {
            let path = place.key().clone();
            self.clear(&path);
        }
        old.is_folder() || old.kind == EntryKind::Symlink
    }

    fn remove(&mut self, path: &str) {
        self.clear(path);
        self.tree.nodes.remove(path);
    }

    /// Takes away what lies below.
    fn clear(&mut self, folder: &str) {
        let below: Vec<String> = self.tree.below(folder).map(|(path, _)| path.to_owned()).collect();
        for path in below {
            self.tree.nodes.remove(&path);
        }
    }
}
