//! Which package of the distribution owns a file, and which other packages a package needs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::Tree;
use crate::analyse::Relation;
use crate::tree::{directory_of, join_into, name_of};

/// A package of the distribution, as recorded in its database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnedPackage {
    /// The source package that it was built from.
    pub source: String,
    /// What it depends on: one of each group is enough.
    pub needs: Vec<Vec<String>>,
    /// Its files and directories, by paths without links.
    pub files: Vec<Arc<str>>,
}

/// The packages of the distribution, and their files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    packages: BTreeMap<String, OwnedPackage>,
    /// The packages that provide names of no package.
    provided: HashMap<String, String>,
    of_file: HashMap<Arc<str>, Vec<Arc<str>>>,
}

impl Owners {
    /// Joins lists of files and relations; links in paths are resolved.
    pub(crate) fn new<'a>(
        tree: &Tree,
        files: &[(&'a str, &'a [String])],
        relations: impl Iterator<Item = &'a Relation>,
    ) -> Self {
        let mut owners = Self::default();
        for relation in relations {
            for name in &relation.provides {
                owners.provided.entry(name.clone()).or_insert_with(|| relation.name.clone());
            }
            let package = owners.packages.entry(relation.name.clone()).or_default();
            package.source.clone_from(&relation.source);
            package.needs.clone_from(&relation.needs);
        }
        let listed = files.iter().map(|(_, paths)| paths.len()).sum::<usize>();
        owners.of_file.reserve(listed.min(tree.len()));
        // A lookup in the tree would compare each path with a dozen others.
        let there: HashSet<&str> = tree.iter().map(|(path, _)| path).collect();
        let mut directories: HashMap<&str, Option<String>> = HashMap::new();
        let mut found = String::new();
        for &(name, paths) in files {
            let shared: Arc<str> = name.into();
            let package = owners.packages.entry(name.to_owned()).or_default();
            for path in paths {
                let directory =
                    directories.entry(directory_of(path)).or_insert_with_key(|directory| {
                        tree.resolve(directory).map(|resolved| resolved.path)
                    });
                let Some(directory) = directory else { continue };
                join_into(&mut found, directory, name_of(path));
                if !there.contains(found.as_str()) {
                    continue;
                }
                let path: Arc<str> = found.as_str().into();
                owners.of_file.entry(Arc::clone(&path)).or_default().push(Arc::clone(&shared));
                package.files.push(path);
            }
        }
        owners
    }

    /// The package of this name, or the one that provides the name.
    #[must_use]
    pub fn package(&self, name: &str) -> Option<(&str, &OwnedPackage)> {
        let (name, package) = self
            .packages
            .get_key_value(name)
            .or_else(|| self.packages.get_key_value(self.provided.get(name)?))?;
        Some((name, package))
    }

    /// All packages, by their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &OwnedPackage)> {
        self.packages.iter().map(|(name, package)| (name.as_str(), package))
    }

    /// The packages that own a file or directory; the path must not lead through links.
    #[must_use]
    pub fn of(&self, path: &str) -> &[Arc<str>] {
        self.of_file.get(path).map_or(&[], Vec::as_slice)
    }

    /// A package with all that it needs, directly or indirectly.
    #[must_use]
    pub fn with_needs(&self, name: &str) -> BTreeSet<&str> {
        let mut all = BTreeSet::new();
        let mut left = vec![name];
        while let Some(name) = left.pop() {
            let Some((name, package)) = self.package(name) else { continue };
            if all.insert(name) {
                // All installed alternatives count, because nothing says which one is used.
                left.extend(package.needs.iter().flatten().map(String::as_str));
            }
        }
        all
    }
}
