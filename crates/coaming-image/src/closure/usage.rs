//! Which packages the entry point uses: it decides how much a vulnerability in one matters.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::{Closure, Limit};
use crate::{ImageFacts, Package, Tree};

/// What the entry point uses of an image, as far as its files show.
///
/// A part of [`ImageFacts`], so it is cached with them; see [`ImageFacts::uses`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryPoint {
    /// The programs that are started, without links, in their order: `/usr/sbin/nginx`.
    pub programs: Vec<String>,
    /// How many files they use, without directories and links.
    pub files: u64,
    /// The packages that own one of these files, sorted.
    pub packages: BTreeSet<PackageId>,
    /// The packages with a program that a used program names, and may run; without those that are
    /// used.
    pub maybe: BTreeSet<PackageId>,
    /// What cannot be known.
    pub limits: Vec<Limit>,
}

/// What identifies a package in an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackageId {
    /// [`Package::purl`].
    pub purl: String,
    /// [`Package::path`].
    pub path: String,
}

impl PackageId {
    fn of(package: &Package) -> Self {
        Self { purl: package.purl.clone(), path: package.path.clone() }
    }
}

impl ImageFacts {
    /// Whether the entry point uses a package of this image: one of its files is in the
    /// [closure](super).
    ///
    /// `Some(true)`: it does (a library that is linked, a module of the runtime, data that is
    /// named). `Some(false)`: none of its files is in the closure; only an attacker in the
    /// container, or another command started in it, could use it. `None`: unknown, because nothing
    /// is known about the entry point, or because a used program names a program of the package and
    /// could run it.
    ///
    /// A program that runs others by names it builds at run time is a [`Limit`], and does not make
    /// everything unknown: show the limits together with `Some(false)`.
    #[must_use]
    pub fn uses(&self, package: &Package) -> Option<bool> {
        let entry_point = self.entry_point.as_ref()?;
        let id = PackageId::of(package);
        if entry_point.packages.contains(&id) {
            Some(true)
        } else if entry_point.maybe.contains(&id) {
            None
        } else {
            Some(false)
        }
    }
}

/// What the facts contain of a closure; `None` if nothing is started, or it is not in the image.
pub(crate) fn entry_point(
    tree: &Tree,
    closure: &Closure,
    packages: &[Package],
) -> Option<EntryPoint> {
    if closure.programs.is_empty() {
        return None;
    }
    let mut used = BTreeSet::new();
    let mut maybe = BTreeSet::new();
    let files = || closure.files.keys().filter(|path| is_file(tree, path));
    let named = closure.limits.iter().filter_map(|limit| match limit {
        Limit::RunsPrograms { named, .. } => Some(named),
        _ => None,
    });
    // From files to packages, because packages have many more files than the closure.
    let owners_of = |path: &String| tree.owners.of(path).iter().map(|name| &**name);
    let owners: HashSet<&str> = files().flat_map(owners_of).collect();
    let named: HashSet<&str> = named.flatten().flat_map(owners_of).collect();
    for package in packages {
        let owned = tree.owners.package(&package.name).filter(|_| package.kind.is_distribution());
        let uses = match owned {
            Some((name, _)) => owners.contains(name),
            None if package.kind.is_distribution() => {
                // Its files are unknown.
                maybe.insert(PackageId::of(package));
                continue;
            }
            None => {
                tree.find(&package.path).is_some_and(|(path, _)| closure.files.contains_key(path))
            }
        };
        if uses {
            used.insert(PackageId::of(package));
        } else if owned.is_some_and(|(name, _)| named.contains(name)) {
            maybe.insert(PackageId::of(package));
        }
    }
    Some(EntryPoint {
        programs: closure.programs.clone(),
        files: files().count() as u64,
        packages: used,
        maybe,
        limits: closure.limits.clone(),
    })
}

/// Whether a path of the closure is a regular file: directories and links belong to many packages.
fn is_file(tree: &Tree, path: &str) -> bool {
    tree.get(path).is_some_and(|node| node.kind == crate::EntryKind::File)
}
