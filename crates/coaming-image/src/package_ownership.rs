//! Which files are as the distribution's packages installed them: their contents are public.
//!
//! That a package owns a path is not enough: an upper layer, or an administrator who edited a
//! package's settings, may have put something else there. Invariant: a credential is dropped only
//! if its file is what a package recorded for it, or if nothing shows that it is not.

use std::collections::{HashMap, HashSet};

use crate::checksum::Checksum;
use crate::layer::{Credentials, LayerContext, PathHash};
use crate::overlay::{LayeredEntry, Overlay};
use crate::tree::{directory_of, join_into, name_of};

/// The files that packages own, and what the packages recorded of them.
pub(crate) struct PackageOwnership {
    /// The files that packages own, by their paths in the container.
    owned: HashSet<PathHash>,
    /// The checksums that packages recorded, in any state of the databases: lower layers have files
    /// of older versions.
    checksums: HashMap<PathHash, Vec<Checksum>>,
    /// The layers that list a file, lowest first: a package that owns it was installed there, or,
    /// if one database lists all files, any package. For the files without a checksum.
    listed: HashMap<PathHash, Vec<usize>>,
}

/// The hashes of paths as the container sees them.
struct ContainerPaths<'a> {
    overlay: &'a Overlay<'a>,
    context: &'a LayerContext,
    directories: HashMap<&'a str, Option<String>>,
    /// The last path, to use its memory again.
    path: String,
}

impl<'a> ContainerPaths<'a> {
    fn hash(&mut self, path: &'a str) -> PathHash {
        // A package records /bin/ls for what is at /usr/bin/ls if /bin is a link.
        let directory = directory_of(path);
        let overlay = self.overlay;
        let inside =
            self.directories.entry(directory).or_insert_with(|| overlay.resolve(directory));
        match inside {
            Some(inside) => {
                join_into(&mut self.path, inside, name_of(path));
                self.context.hash(&self.path)
            }
            None => self.context.hash(path),
        }
    }
}

impl PackageOwnership {
    pub(crate) fn new(overlay: &Overlay<'_>, context: &LayerContext) -> Self {
        let (directories, path) = Default::default();
        let mut paths = ContainerPaths { overlay, context, directories, path };
        let (mut owned, mut checksums, mut listed) =
            (HashSet::new(), HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for LayeredEntry { layer, retained, visible } in &overlay.all {
            let Some(parsed) = &retained.parsed else { continue };
            for (path, checksum) in &parsed.checksums {
                checksums.entry(paths.hash(path)).or_default().push(*checksum);
            }
            if *visible {
                owned.extend(parsed.owned_paths.iter().map(|path| paths.hash(path)));
            }
            for path in parsed.owned_paths.iter().filter(|path| crate::credential::wants(path)) {
                listed.entry(paths.hash(path)).or_default().push(*layer);
            }
        }
        Self { owned, checksums, listed }
    }

    /// Whether a package owns the file.
    pub(crate) fn owns(&self, path: PathHash) -> bool {
        self.owned.contains(&path)
    }

    /// The credentials of a file that are not a package's own.
    pub(crate) fn without_published(
        &self,
        path: PathHash,
        layer: usize,
        credentials: Credentials,
    ) -> Credentials {
        let published = match (self.checksums.get(&path), &credentials.checksums) {
            // Also those of a package that an upper layer removed.
            (Some(recorded), Some(of_file)) => of_file.match_any(recorded),
            _ if !self.owns(path) => false,
            // Without a checksum: it was changed if a layer has it that does not list it, above one
            // that does.
            _ => {
                let listed = self.listed.get(&path).map(Vec::as_slice).unwrap_or_default();
                listed.contains(&layer) || !listed.iter().any(|&below| below < layer)
            }
        };
        if published { Credentials::default() } else { credentials }
    }
}
