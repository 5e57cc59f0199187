//! Layers on top of each other, as a container sees them.
//!
//! The upper layer wins: its entry replaces the lower one of the same path, what is no directory hides
//! all that lay in it, a whiteout takes away a path, and an opaque directory all that lower layers put
//! in it. Links are followed inside the root, and only so often. Invariant: every question takes
//! time that the number of layers and the depth of the path bound.

use std::collections::HashMap;

use crate::archive::EntryKind;
use crate::layer::{DIRECTORY, EXECUTABLE, Kept, LayerReading, Shared};

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lies {
    pub(crate) directory: bool,
    /// A regular file that may be executed.
    pub(crate) executable: bool,
}

/// An entry that matters, in its layer.
#[derive(Clone, Copy)]
pub(crate) struct Placed<'a> {
    pub(crate) layer: usize,
    pub(crate) kept: &'a Kept,
    /// Whether no upper layer hides it.
    pub(crate) left: bool,
}

/// The layers, and what of them is left in the container.
pub(crate) struct Overlay<'a> {
    layers: &'a [LayerReading],
    shared: &'a Shared,
    /// All that matters, from the lowest layer, each path once a layer.
    pub(crate) all: Vec<Placed<'a>>,
    /// Links that are left, and where they point to, as written.
    links: HashMap<&'a str, &'a str>,
}

impl<'a> Overlay<'a> {
    pub(crate) fn new(layers: &'a [LayerReading], shared: &'a Shared) -> Self {
        let mut overlay = Self { layers, shared, all: Vec::new(), links: HashMap::new() };
        for (layer, reading) in layers.iter().enumerate() {
            // The last entry of a path wins.
            let mut last: HashMap<&str, usize> = HashMap::with_capacity(reading.kept.len());
            for (place, kept) in reading.kept.iter().enumerate() {
                last.insert(&kept.entry.path, place);
            }
            for (place, kept) in reading.kept.iter().enumerate() {
                if last.get(kept.entry.path.as_str()) == Some(&place) {
                    let left = overlay.is_left(layer, &kept.entry.path);
                    overlay.all.push(Placed { layer, kept, left });
                    if left && kept.entry.kind == EntryKind::Symlink {
                        overlay.links.insert(&kept.entry.path, &kept.entry.link);
                    }
                }
            }
        }
        overlay
    }

    /// All that matters and is left, with the layer it is in.
    pub(crate) fn visible(&self) -> impl Iterator<Item = (usize, &'a Kept)> {
        self.all.iter().filter(|placed| placed.left).map(|placed| (placed.layer, placed.kept))
    }

    /// Whether no upper layer hides what this layer has at the path.
    pub(crate) fn is_left(&self, layer: usize, path: &str) -> bool {
        self.layers
            .get(layer + 1..)
            .unwrap_or_default()
            .iter()
            .all(|upper| upper.lies(path, self.shared).is_none() && !upper.hides(path, self.shared))
    }

    /// What the container has at a path, which must not lead through links.
    pub(crate) fn lies(&self, path: &str) -> Option<Lies> {
        for layer in self.layers.iter().rev() {
            if let Some(lies) = layer.lies(path, self.shared) {
                return Some(lies);
            }
            if layer.hides(path, self.shared) {
                return None;
            }
        }
        None
    }

    /// Where a link points to, as written.
    pub(crate) fn link(&self, path: &str) -> Option<&'a str> {
        self.links.get(path).copied()
    }

    /// The path without links, as the kernel finds it when the image is its root; `None` where
    /// links lead in circles.
    pub(crate) fn resolve(&self, path: &str) -> Option<String> {
        let resolved = crate::resolve::resolve(path, |path| self.link(path))?;
        Some(resolved.path)
    }
}

/// The directories that a path lies in, from the innermost; without the root.
pub(crate) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        let (directory, _) = path.rsplit_once('/')?;
        (!directory.is_empty()).then_some(directory)
    })
    .skip(1)
}

impl LayerReading {
    /// What this layer has at a path.
    fn lies(&self, path: &str, shared: &Shared) -> Option<Lies> {
        let name = shared.name(path);
        let start = self.names.partition_point(|&other| other < name);
        let same = self.names.get(start..)?.iter().take_while(|&&other| other & !3 == name);
        let mut lies = None;
        for flags in same {
            lies = Some(Lies {
                directory: flags & DIRECTORY != 0,
                executable: flags & EXECUTABLE != 0,
            });
        }
        lies
    }

    /// Whether this layer takes the path away from those below, other than by an entry of its own.
    fn hides(&self, path: &str, shared: &Shared) -> bool {
        if !self.whiteouts.is_empty() && self.whiteouts.iter().any(|gone| is_within(path, gone)) {
            return true;
        }
        if self.opaque.iter().any(|directory| path != directory && is_within(path, directory)) {
            return true;
        }
        ancestors(path)
            .any(|directory| self.lies(directory, shared).is_some_and(|lies| !lies.directory))
    }
}

/// Whether the path is the directory or lies in it.
fn is_within(path: &str, directory: &str) -> bool {
    directory == "/"
        || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Entry;

    /// A layer of `path`, `path/` for directories, `path -> target` for links, `-path` for whiteouts
    /// and `!path` for opaque directories.
    fn layer(shared: &Shared, lines: &[&str]) -> LayerReading {
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
            layer.names.push(
                shared.name(&path) | if kind == EntryKind::Directory { DIRECTORY } else { 0 },
            );
            layer.kept.push(Kept::new(Entry {
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
            }));
        }
        layer.names.sort_unstable();
        layer
    }

    fn left(layers: &[&[&str]]) -> Vec<String> {
        let shared = Shared::new();
        let layers: Vec<_> = layers.iter().map(|lines| layer(&shared, lines)).collect();
        let overlay = Overlay::new(&layers, &shared);
        overlay
            .visible()
            .map(|(layer, kept)| {
                assert!(overlay.lies(&kept.entry.path).is_some());
                format!("{layer}{}", kept.entry.path)
            })
            .collect()
    }

    #[test]
    fn the_upper_layer_wins() {
        assert_eq!(
            left(&[&["/a/", "/a/b"], &["/a/", "/a/b"], &["/a/c"]]),
            ["1/a", "1/a/b", "2/a/c"]
        );
    }

    #[test]
    fn whiteouts_take_away_only_what_is_below() {
        assert_eq!(left(&[&["/a/", "/a/b", "/ab"], &["-/a", "/a/c"]]), ["0/ab", "1/a/c"]);
        assert_eq!(left(&[&["/a/", "/a/b"], &["-/a"], &["/a/", "/a/d"]]), ["2/a", "2/a/d"]);
    }

    #[test]
    fn opaque_directories_are_empty_below() {
        assert_eq!(left(&[&["/a/", "/a/b", "/c"], &["!/a", "/a/d"]]), ["0/a", "0/c", "1/a/d"]);
        assert_eq!(left(&[&["/a/", "/a/b"], &["!/"]]), [""; 0]);
    }

    #[test]
    fn a_file_or_link_hides_the_directory_that_was_there() {
        assert_eq!(left(&[&["/a/", "/a/b"], &["/a"]]), ["1/a"]);
        assert_eq!(left(&[&["/a/", "/a/b"], &["/a -> c"], &["/a/", "/a/d"]]), ["2/a", "2/a/d"]);
    }

    #[test]
    fn links_are_followed_inside_the_root_and_not_for_ever() {
        let shared = Shared::new();
        let layers = [
            layer(
                &shared,
                &["/bin -> usr/bin", "/usr/bin/awk -> ../../etc/alternatives/awk", "/x -> y"],
            ),
            layer(
                &shared,
                &[
                    "/etc/alternatives/awk -> /usr/bin/mawk",
                    "/out -> ../../../../etc/passwd",
                    "/y -> x",
                    "/self -> self/self",
                ],
            ),
        ];
        let overlay = Overlay::new(&layers, &shared);
        assert_eq!(overlay.resolve("/bin/awk").unwrap(), "/usr/bin/mawk");
        assert_eq!(overlay.resolve("/out").unwrap(), "/etc/passwd");
        assert_eq!(overlay.resolve("/").unwrap(), "/");
        assert_eq!(overlay.resolve("/x"), None);
        assert_eq!(overlay.resolve("/self"), None);
    }
}
