//! Which packages the entry point uses: what a scanner wants to know of a vulnerable one.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::{Closure, Limit};
use crate::{ImageFacts, Package, Tree};

/// What the entry point uses of an image, as far as its files tell.
///
/// A part of [`ImageFacts`], so that it is kept with them; ask it by [`ImageFacts::uses`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryPoint {
    /// The programs that are started, without links, in their order: `/usr/sbin/nginx`.
    pub programs: Vec<String>,
    /// How many files they use, without directories and links.
    pub files: u64,
    /// The packages with a file among these, by their URLs and the files that name them, sorted.
    pub packages: BTreeSet<PackagePlace>,
    /// The packages of which a program that is used names another program, which it may run; those
    /// that are used are not among them.
    pub maybe: BTreeSet<PackagePlace>,
    /// What can't be known.
    pub limits: Vec<Limit>,
}

/// What tells a package of an image from all others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackagePlace {
    /// [`Package::purl`].
    pub purl: String,
    /// [`Package::path`].
    pub path: String,
}

impl PackagePlace {
    fn of(package: &Package) -> Self {
        Self { purl: package.purl.clone(), path: package.path.clone() }
    }
}

impl ImageFacts {
    /// Whether the entry point uses a package of this image: a file of it is in the [closure](super).
    ///
    /// `Some(true)`: it does (a library that is linked, a module of the runtime, data that is named).
    /// `Some(false)`: no file of it is in the closure; only who gets into the container, or starts
    /// another command in it, could use it. `None`: that can't be told, for nothing is known of the
    /// entry point, or a program that is used could run one of the package's, which it names.
    ///
    /// A program that runs others by names it makes at run time is a [`Limit`], and does not make
    /// everything unknown: say so beside a `Some(false)`.
    #[must_use]
    pub fn uses(&self, package: &Package) -> Option<bool> {
        let entry_point = self.entry_point.as_ref()?;
        let place = PackagePlace::of(package);
        if entry_point.packages.contains(&place) {
            Some(true)
        } else if entry_point.maybe.contains(&place) {
            None
        } else {
            Some(false)
        }
    }
}

/// What the facts tell of a closure; `None` where nothing is started, or it is not in the image.
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
    // By its files, for packages have many more than the closure.
    let owners_of = |path: &String| tree.owners.of(path).iter().map(|name| &**name);
    let owners: HashSet<&str> = files().flat_map(owners_of).collect();
    let named: HashSet<&str> = named.flatten().flat_map(owners_of).collect();
    for package in packages {
        let owned = tree.owners.package(&package.name).filter(|_| package.kind.is_distribution());
        let uses = match owned {
            Some((name, _)) => owners.contains(name),
            None if package.kind.is_distribution() => {
                // Nothing is known of its files.
                maybe.insert(PackagePlace::of(package));
                continue;
            }
            None => {
                tree.find(&package.path).is_some_and(|(path, _)| closure.files.contains_key(path))
            }
        };
        if uses {
            used.insert(PackagePlace::of(package));
        } else if owned.is_some_and(|(name, _)| named.contains(name)) {
            maybe.insert(PackagePlace::of(package));
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

/// Whether a path of the closure is a regular file: directories and links are many packages'.
fn is_file(tree: &Tree, path: &str) -> bool {
    tree.get(path).is_some_and(|node| node.kind == crate::EntryKind::File)
}
