//! Which files the distribution's packages brought: everybody has those, and what is in them.
//!
//! That a package owns a path is not enough: an upper layer, or whoever changed a package's settings, may
//! have put something else there. Invariant: a credential is passed over only where its file is what a
//! package says that it brought, or where nothing shows that it is not.

use std::collections::{HashMap, HashSet};

use crate::layer::{Leaks, Shared};
use crate::overlay::{Overlay, Placed};
use crate::sum::Sum;
use crate::tree::{directory_of, join_into, name_of};

/// The files that packages brought.
pub(crate) struct Brought {
    /// The names of the files that packages own, as the container sees them.
    owned: HashSet<u64>,
    /// What packages say that their files are, in any state of the databases: lower layers have files of
    /// older versions.
    sums: HashMap<u64, Vec<Sum>>,
    /// The layers that list a file, lowest first: a package that owns it was installed there, or, where
    /// one database lists all files, any package. Of the files that have no sum.
    listed: HashMap<u64, Vec<usize>>,
}

/// The names of paths, as the container sees them.
struct Names<'a> {
    overlay: &'a Overlay<'a>,
    shared: &'a Shared,
    directories: HashMap<&'a str, Option<String>>,
    /// The path that was asked for last.
    path: String,
}

impl<'a> Names<'a> {
    fn name(&mut self, path: &'a str) -> u64 {
        // A package says /bin/ls of what lies in /usr/bin/ls, where /bin is a link.
        let directory = directory_of(path);
        let overlay = self.overlay;
        let inside =
            self.directories.entry(directory).or_insert_with(|| overlay.resolve(directory));
        match inside {
            Some(inside) => {
                join_into(&mut self.path, inside, name_of(path));
                self.shared.name(&self.path)
            }
            None => self.shared.name(path),
        }
    }
}

impl Brought {
    pub(crate) fn new(overlay: &Overlay<'_>, shared: &Shared) -> Self {
        let mut names = Names { overlay, shared, directories: HashMap::new(), path: String::new() };
        let (mut owned, mut sums, mut listed) =
            (HashSet::new(), HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for Placed { layer, kept, left } in &overlay.all {
            let Some(found) = &kept.found else { continue };
            for (path, sum) in &found.sums {
                sums.entry(names.name(path)).or_default().push(*sum);
            }
            if *left {
                owned.extend(found.owned_paths.iter().map(|path| names.name(path)));
            }
            for path in found.owned_paths.iter().filter(|path| crate::credential::wants(path)) {
                listed.entry(names.name(path)).or_default().push(*layer);
            }
        }
        Self { owned, sums, listed }
    }

    /// Whether a package owns the file.
    pub(crate) fn owns(&self, name: u64) -> bool {
        self.owned.contains(&name)
    }

    /// What is left of a file's credentials without those that a package brought.
    pub(crate) fn without(&self, name: u64, layer: usize, leaks: Leaks) -> Leaks {
        let brought = match (self.sums.get(&name), &leaks.sums) {
            // Also of a package that an upper layer removed.
            (Some(sums), Some(of_file)) => of_file.are_among(sums),
            _ if !self.owns(name) => false,
            // Nothing says what it was: it is another one if a layer changed it that lists no such file.
            _ => {
                let listed = self.listed.get(&name).map(Vec::as_slice).unwrap_or_default();
                listed.contains(&layer) || !listed.iter().any(|&below| below < layer)
            }
        };
        if brought { Leaks::default() } else { leaks }
    }
}
