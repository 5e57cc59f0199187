//! Layers become a tree: each adds, replaces and removes, as container runtimes unpack them.
//!
//! Invariants: an entry whose directory is a link of a lower layer is put where the link leads,
//! inside the root; an entry whose directory is not a directory replaces that, so nothing is below
//! a file.

use std::collections::HashMap;
use std::collections::btree_map::Entry;

use super::{FileDependencies, Node, Source, Tree, directory_of, join, name_of};
use crate::EntryKind;

/// An entry of a layer.
#[derive(Debug)]
pub(crate) struct Leaf {
    path: Box<str>,
    kind: EntryKind,
    mode: u32,
    size: u64,
    /// The target, if it is a link of either kind.
    link: Box<str>,
    pub(crate) dependencies: Option<Box<FileDependencies>>,
}

impl Leaf {
    pub(crate) fn new(entry: &crate::Entry) -> Self {
        Self {
            path: entry.path.as_str().into(),
            kind: entry.kind,
            mode: entry.mode,
            size: entry.size,
            link: entry.link.as_str().into(),
            dependencies: None,
        }
    }
}

/// The most bytes of directories that no layer has an entry for, and of the names of directories
/// that are remembered while a layer is added. A path of 4,000 bytes may name hundreds of them.
const DIRECTORY_BYTES: usize = 16 << 20;
const REMEMBERED_BYTES: usize = 4 << 20;

/// What a directory costs besides its path.
const NODE_COST: usize = 200;

/// There are too many directories without entries of their own.
#[derive(Debug)]
pub(crate) struct TooManyDirectories;

/// A tree that layers are added to.
#[derive(Default)]
pub(crate) struct TreeBuilder {
    tree: Tree,
    layer: u32,
    /// The bytes of directories without entries of their own.
    implied: usize,
}

impl TreeBuilder {
    /// Adds a layer to those before: first what it removes of them, then its entries in order.
    ///
    /// # Errors
    ///
    /// If the paths name too many directories: then there is no tree.
    pub(crate) fn add_layer(
        &mut self,
        leaves: Vec<Leaf>,
        whiteouts: &[String],
        opaque: &[String],
    ) -> Result<(), TooManyDirectories> {
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
        let mut remembered = 0;
        for leaf in leaves {
            let (directory, name) = (directory_of(&leaf.path), name_of(&leaf.path));
            let path = match directories.get(directory) {
                Some(inside) => join(inside, name),
                None => {
                    let inside = self.directory(directory);
                    let path = join(&inside, name);
                    remembered += directory.len() + inside.len() + NODE_COST;
                    if remembered > REMEMBERED_BYTES {
                        directories.clear();
                        remembered = 0;
                    }
                    directories.insert(directory.to_owned(), inside);
                    path
                }
            };
            if self.insert(path, leaf) {
                directories.clear();
            }
            if self.implied > DIRECTORY_BYTES {
                return Err(TooManyDirectories);
            }
        }
        self.layer += 1;
        Ok(())
    }

    /// The complete tree.
    pub(crate) fn finish(self) -> Tree {
        self.tree
    }

    /// Where a path of a layer is in the tree: links are followed for its directory, not for
    /// itself.
    fn place(&self, path: &str) -> String {
        let directory = self.tree.resolve(directory_of(path)).map(|resolved| resolved.path);
        join(directory.as_deref().unwrap_or(directory_of(path)), name_of(path))
    }

    /// The path of a directory without links. Files there or on the way are removed, and missing
    /// directories are created, as when the layer is unpacked.
    fn directory(&mut self, path: &str) -> String {
        let resolved = self.tree.resolve(path).map(|resolved| resolved.path);
        let path = resolved.unwrap_or_else(|| path.to_owned());
        let mut ancestor = path.as_str();
        while ancestor != "/" {
            if !self.tree.nodes.get(ancestor).is_some_and(Node::is_directory) {
                let source = Source { layer: self.layer, path: ancestor.into() };
                let (kind, mode) = (EntryKind::Directory, 0o755);
                let node =
                    Node { kind, mode, size: 0, link: "".into(), source, dependencies: None };
                self.implied += 2 * ancestor.len() + NODE_COST;
                self.tree.nodes.insert(ancestor.to_owned(), node);
            }
            ancestor = directory_of(ancestor);
        }
        path
    }

    /// Inserts an entry. Returns whether it replaced a directory or a link: paths through it may
    /// lead elsewhere now.
    fn insert(&mut self, path: String, leaf: Leaf) -> bool {
        if path == "/" {
            return false;
        }
        let source = Source { layer: self.layer, path: leaf.path };
        let node = if leaf.kind == EntryKind::HardLink {
            let target = self.place(&leaf.link);
            // A name for a missing file is not a file.
            let Some(file) = self.tree.nodes.get(&target) else { return false };
            file.clone()
        } else {
            let link = if leaf.kind == EntryKind::Symlink { leaf.link } else { "".into() };
            let (kind, mode, size) = (leaf.kind, leaf.mode, leaf.size);
            Node { kind, mode, size, link, source, dependencies: leaf.dependencies }
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

    /// Removes what is below a directory.
    fn clear(&mut self, directory: &str) {
        let below: Vec<String> =
            self.tree.below(directory).map(|(path, _)| path.to_owned()).collect();
        for path in below {
            self.tree.nodes.remove(&path);
        }
    }
}
