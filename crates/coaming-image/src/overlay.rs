//! Layers on top of each other, as a container sees them.
//!
//! The upper layer wins: its entry replaces the lower one at the same path, a file or link hides
//! everything in the directory that it replaces, a whiteout removes a path, and an opaque directory
//! removes what lower layers put into it. Links are followed inside the root, and a bounded number
//! of times. Invariant: the time of a lookup is bounded by the number of layers and the depth of
//! the path.

use std::collections::HashMap;

use crate::archive::EntryKind;
use crate::layer::{LayerContext, LayerReading, PathHash, RetainedEntry};

/// An entry that matters, in its layer.
#[derive(Clone, Copy)]
pub(crate) struct LayeredEntry<'a> {
    pub(crate) layer: usize,
    pub(crate) retained: &'a RetainedEntry,
    /// Whether no upper layer hides it.
    pub(crate) visible: bool,
}

/// The layers, and what of them is visible in the container.
pub(crate) struct Overlay<'a> {
    layers: &'a [LayerReading],
    context: &'a LayerContext,
    /// All entries that matter, from the lowest layer, each path once per layer.
    pub(crate) all: Vec<LayeredEntry<'a>>,
    /// The visible links, and where they point to, as written.
    links: HashMap<&'a str, &'a str>,
}

impl<'a> Overlay<'a> {
    pub(crate) fn new(layers: &'a [LayerReading], context: &'a LayerContext) -> Self {
        let mut overlay = Self { layers, context, all: Vec::new(), links: HashMap::new() };
        for (layer, reading) in layers.iter().enumerate() {
            // The last entry of a path wins.
            let mut last: HashMap<&str, usize> = HashMap::with_capacity(reading.retained.len());
            for (index, retained) in reading.retained.iter().enumerate() {
                last.insert(&retained.entry.path, index);
            }
            for (index, retained) in reading.retained.iter().enumerate() {
                if last.get(retained.entry.path.as_str()) == Some(&index) {
                    let visible = overlay.is_visible(layer, &retained.entry.path);
                    overlay.all.push(LayeredEntry { layer, retained, visible });
                    if visible && retained.entry.kind == EntryKind::Symlink {
                        overlay.links.insert(&retained.entry.path, &retained.entry.link);
                    }
                }
            }
        }
        overlay
    }

    /// All visible entries that matter, with the layer that each is in.
    pub(crate) fn visible(&self) -> impl Iterator<Item = (usize, &'a RetainedEntry)> {
        self.all.iter().filter(|entry| entry.visible).map(|entry| (entry.layer, entry.retained))
    }

    /// Whether no upper layer hides what this layer has at the path.
    pub(crate) fn is_visible(&self, layer: usize, path: &str) -> bool {
        self.layers
            .get(layer + 1..)
            .unwrap_or_default()
            .iter()
            .all(|upper| upper.at(path, self.context).is_none() && !upper.hides(path, self.context))
    }

    /// What the container has at a path, which must not lead through links.
    pub(crate) fn at(&self, path: &str) -> Option<PathHash> {
        for layer in self.layers.iter().rev() {
            if let Some(entry) = layer.at(path, self.context) {
                return Some(entry);
            }
            if layer.hides(path, self.context) {
                return None;
            }
        }
        None
    }

    /// Where a link points to, as written.
    pub(crate) fn link(&self, path: &str) -> Option<&'a str> {
        self.links.get(path).copied()
    }

    /// The path without links, as the kernel finds it when the image is its root; `None` if links
    /// lead in circles.
    pub(crate) fn resolve(&self, path: &str) -> Option<String> {
        let resolved = crate::resolve::resolve(path, |path| self.link(path))?;
        Some(resolved.path)
    }
}

/// Moves what layers contain and remove to where it is when they are unpacked: paths may lead through
/// links of the layers below, as in those that Bazel makes (`lib/x` above `lib -> usr/lib`).
pub(crate) fn follow_links(layers: &mut [LayerReading], context: &LayerContext) {
    let mut links: HashMap<String, String> = HashMap::new();
    for layer in layers {
        links.retain(|path, _| layer.at(path, context).is_none() && !layer.hides(path, context));
        if !links.is_empty() {
            layer.follow(&links, context);
        }
        for RetainedEntry { entry, .. } in &layer.retained {
            if entry.kind == EntryKind::Symlink {
                links.insert(entry.path.clone(), entry.link.clone());
            }
        }
    }
}

/// The directories that a path is in, from the innermost; without the root.
pub(crate) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        let (directory, _) = path.rsplit_once('/')?;
        (!directory.is_empty()).then_some(directory)
    })
    .skip(1)
}

impl LayerReading {
    /// Moves what it contains and removes to where these links lead.
    fn follow(&mut self, links: &HashMap<String, String>, context: &LayerContext) {
        let follow = |path: &str| {
            if !ancestors(path).chain([path]).any(|directory| links.contains_key(directory)) {
                return None;
            }
            let resolved = crate::resolve::resolve(path, |at| links.get(at).map(String::as_str));
            resolved.map(|resolved| resolved.path)
        };
        // What is at a link by its own name is meant itself, not what it leads to.
        let follow_parent = |path: &str| {
            let (directory, name) = path.rsplit_once('/')?;
            Some(format!("{}/{name}", follow(directory)?.trim_end_matches('/')))
        };
        for directory in &mut self.opaque {
            *directory = follow(directory).unwrap_or_else(|| std::mem::take(directory));
        }
        for gone in &mut self.whiteouts {
            *gone = follow_parent(gone).unwrap_or_else(|| std::mem::take(gone));
        }
        let count = self.paths.len();
        for RetainedEntry { entry, .. } in &mut self.retained {
            if let Some(path) = follow_parent(&entry.path) {
                entry.path = path;
                self.paths.push(context.hash(&entry.path).with_kind_of(entry));
            }
        }
        if self.paths.len() > count {
            self.paths.sort_unstable();
        }
    }

    /// Whether this layer has an entry at a path.
    pub(crate) fn has(&self, path: &str, context: &LayerContext) -> bool {
        self.at(path, context).is_some()
    }

    /// What this layer has at a path.
    fn at(&self, path: &str, context: &LayerContext) -> Option<PathHash> {
        let hash = context.hash(path);
        let start = self.paths.partition_point(|&other| other < hash);
        let entries = self.paths.get(start..)?.iter().copied();
        entries.take_while(|entry| entry.is_same_path(hash)).last()
    }

    /// Whether this layer removes the path from those below, other than by an entry at that path.
    fn hides(&self, path: &str, context: &LayerContext) -> bool {
        if !self.whiteouts.is_empty() && self.whiteouts.iter().any(|gone| is_within(path, gone)) {
            return true;
        }
        if self.opaque.iter().any(|directory| path != directory && is_within(path, directory)) {
            return true;
        }
        ancestors(path)
            .any(|directory| self.at(directory, context).is_some_and(|entry| !entry.is_directory()))
    }
}

/// Whether the path is the directory or is in it.
fn is_within(path: &str, directory: &str) -> bool {
    directory == "/"
        || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Entry;

    /// A layer of `path`, `path/` for directories, `path -> target` for links, `-path` for
    /// whiteouts and `!path` for opaque directories.
    fn layer(context: &LayerContext, lines: &[&str]) -> LayerReading {
        let mut layer = LayerReading::default();
        for line in lines {
            if let Some(path) = line.strip_prefix('-') {
                layer.whiteouts.push(path.into());
                continue;
            }
            if let Some(path) = line.strip_prefix('!') {
                layer.opaque.push(path.into());
                continue;
            }
            let (path, link) = line.split_once(" -> ").unwrap_or((line, ""));
            let kind = match (path.ends_with('/'), link.is_empty()) {
                (true, _) => EntryKind::Directory,
                (_, false) => EntryKind::Symlink,
                _ => EntryKind::File,
            };
            let path = path.trim_end_matches('/').to_owned();
            let entry = Entry {
                path,
                kind,
                mode: 0o644,
                uid: 0,
                gid: 0,
                size: 0,
                link: link.into(),
                modified: 0,
                capability: Vec::new(),
                attributes: Vec::new(),
            };
            layer.paths.push(context.hash(&entry.path).with_kind_of(&entry));
            layer.retained.push(RetainedEntry::new(entry));
        }
        layer.paths.sort_unstable();
        layer
    }

    fn visible(layers: &[&[&str]]) -> Vec<String> {
        let context = LayerContext::new();
        let layers: Vec<_> = layers.iter().map(|lines| layer(&context, lines)).collect();
        let overlay = Overlay::new(&layers, &context);
        overlay
            .visible()
            .map(|(layer, retained)| {
                assert!(overlay.at(&retained.entry.path).is_some());
                format!("{layer}{}", retained.entry.path)
            })
            .collect()
    }

    #[test]
    fn the_upper_layer_wins() {
        assert_eq!(
            visible(&[&["/a/", "/a/b"], &["/a/", "/a/b"], &["/a/c"]]),
            ["1/a", "1/a/b", "2/a/c"]
        );
    }

    #[test]
    fn whiteouts_remove_only_what_is_below() {
        assert_eq!(visible(&[&["/a/", "/a/b", "/ab"], &["-/a", "/a/c"]]), ["0/ab", "1/a/c"]);
        assert_eq!(visible(&[&["/a/", "/a/b"], &["-/a"], &["/a/", "/a/d"]]), ["2/a", "2/a/d"]);
    }

    #[test]
    fn opaque_directories_are_empty_below() {
        assert_eq!(visible(&[&["/a/", "/a/b", "/c"], &["!/a", "/a/d"]]), ["0/a", "0/c", "1/a/d"]);
        assert_eq!(visible(&[&["/a/", "/a/b"], &["!/"]]), [""; 0]);
    }

    #[test]
    fn a_file_or_link_hides_the_directory_that_was_there() {
        assert_eq!(visible(&[&["/a/", "/a/b"], &["/a"]]), ["1/a"]);
        assert_eq!(visible(&[&["/a/", "/a/b"], &["/a -> c"], &["/a/", "/a/d"]]), ["2/a", "2/a/d"]);
    }

    #[test]
    fn paths_lead_through_links_of_lower_layers() {
        let context = LayerContext::new();
        let after = |layers: &[&[&str]]| -> Vec<String> {
            let mut layers: Vec<_> = layers.iter().map(|lines| layer(&context, lines)).collect();
            follow_links(&mut layers, &context);
            let overlay = Overlay::new(&layers, &context);
            overlay.visible().map(|(_, retained)| retained.entry.path.clone()).collect()
        };
        let below: &[&str] = &["/usr/lib/", "/usr/lib/a", "/usr/lib/b/", "/usr/lib/b/c"];
        let link = &["/lib -> usr/lib"];
        assert_eq!(
            after(&[below, link, &["-/lib/a", "!/lib/b"]]),
            ["/usr/lib", "/usr/lib/b", "/lib"]
        );
        // A file replaces the one that is where its path leads.
        assert_eq!(after(&[below, link, &["/lib/a"]])[4], "/usr/lib/a");
        assert_eq!(after(&[below, link, &["/lib/a"]]).len(), 5);
        // The link itself is removed by its own name, and one that is replaced leads nowhere.
        assert_eq!(after(&[below, link, &["-/lib"]]).len(), 4);
        assert_eq!(after(&[below, link, &["/lib/", "-/lib/a"]]).len(), 5);
    }

    #[test]
    fn links_are_followed_inside_the_root_and_a_bounded_number_of_times() {
        let context = LayerContext::new();
        let layers = [
            layer(
                &context,
                &["/bin -> usr/bin", "/usr/bin/awk -> ../../etc/alternatives/awk", "/x -> y"],
            ),
            layer(
                &context,
                &[
                    "/etc/alternatives/awk -> /usr/bin/mawk",
                    "/out -> ../../../../etc/passwd",
                    "/y -> x",
                    "/self -> self/self",
                ],
            ),
        ];
        let overlay = Overlay::new(&layers, &context);
        assert_eq!(overlay.resolve("/bin/awk").unwrap(), "/usr/bin/mawk");
        assert_eq!(overlay.resolve("/out").unwrap(), "/etc/passwd");
        assert_eq!(overlay.resolve("/").unwrap(), "/");
        assert_eq!(overlay.resolve("/x"), None);
        assert_eq!(overlay.resolve("/self"), None);
    }
}
