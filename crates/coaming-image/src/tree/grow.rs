//! Layers become a tree: each adds, replaces and takes away, as container runtimes unpack them.
//!
//! Invariant: an entry whose folder is a link of a lower layer lands where the link leads, inside the
//! root; an entry whose folder is no folder takes that away.

use std::collections::HashMap;

use super::{Clue, Node, Source, Tree, folder_of, join, name_of};
use crate::EntryKind;
use crate::archive::Entry;

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
    pub(crate) fn new(entry: &Entry) -> Self {
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
            let folder = folder_of(&leaf.path);
            let inside = match folders.get(folder) {
                Some(inside) => inside.clone(),
                None => {
                    let inside = self.folder(folder);
                    folders.insert(folder.to_owned(), inside.clone());
                    inside
                }
            };
            if leaf.kind != EntryKind::Directory {
                // What was a folder, or a link to one, may be another thing now.
                folders.clear();
            }
            let path = join(&inside, name_of(&leaf.path));
            self.insert(path, leaf);
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

    fn insert(&mut self, path: String, leaf: Leaf) {
        if path == "/" {
            return;
        }
        let source = Source { layer: self.layer, path: leaf.path };
        let node = if leaf.kind == EntryKind::HardLink {
            let target = self.place(&leaf.link);
            // A name of a file that is not there is no file either.
            let Some(file) = self.tree.nodes.get(&target) else { return };
            file.clone()
        } else {
            let link = if leaf.kind == EntryKind::Symlink { leaf.link } else { "".into() };
            let (kind, mode, size) = (leaf.kind, leaf.mode, leaf.size);
            Node { kind, mode, size, link, source, clue: leaf.clue }
        };
        if !node.is_folder() {
            self.clear(&path);
        }
        self.tree.nodes.insert(path, node);
    }

    fn remove(&mut self, path: &str) {
        self.clear(path);
        self.tree.nodes.remove(path);
    }

    /// Takes away what lies below.
    fn clear(&mut self, folder: &str) {
        // What is no folder has nothing below; to look there is cheap, to list it is not.
        let Some(first) = self.tree.below(folder).next().map(|(path, _)| path.to_owned()) else {
            return;
        };
        let rest: Vec<String> = self.tree.below(folder).map(|(path, _)| path.to_owned()).collect();
        self.tree.nodes.remove(&first);
        for path in rest {
            self.tree.nodes.remove(&path);
        }
    }
}
