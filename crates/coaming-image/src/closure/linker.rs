//! Where the dynamic linker finds a library, for glibc and for musl.

use crate::Tree;
use crate::tree::{Elf, Node, directory_of, join};

/// How many files an `ld.so.conf` may include, in all.
const INCLUDES: usize = 200;

/// The dynamic linker's view of an image.
pub(super) struct Linker<'t> {
    tree: &'t Tree,
    /// `LD_LIBRARY_PATH`.
    environment: Vec<String>,
    /// The directories of `ld.so.conf`, or of musl's path file.
    configured: Vec<String>,
    /// The names of the directories with libraries of one architecture: `x86_64-linux-gnu`.
    triples: Vec<String>,
}

impl<'t> Linker<'t> {
    pub(super) fn new(tree: &'t Tree, library_path: &str) -> Self {
        let list = |text: &str| -> Vec<String> {
            text.split([':', ';', '\n'])
                .map(str::trim)
                .filter(|directory| directory.starts_with('/'))
                .map(str::to_owned)
                .collect()
        };
        let mut configured = Vec::new();
        let mut includes = INCLUDES;
        configuration(tree, "/etc/ld.so.conf", &mut configured, &mut includes);
        for (path, node) in tree.below("/etc") {
            if path.starts_with("/etc/ld-musl-") && path.ends_with(".path") {
                configured.extend(list(node.text().unwrap_or_default()));
            }
        }
        let mut triples: Vec<String> = ["/usr/lib", "/lib"]
            .iter()
            .flat_map(|directory| {
                tree.below(directory)
                    .filter_map(|(path, _)| path.get(directory.len() + 1..))
                    .filter(|name| !name.contains('/') && super::directories::is_triple(name))
                    .map(str::to_owned)
            })
            .collect();
        triples.sort();
        triples.dedup();
        Self { tree, environment: list(library_path), configured, triples }
    }

    pub(super) fn triples(&self) -> &[String] {
        &self.triples
    }

    /// The files that the name of a library may mean to the file that needs it: the first that the
    /// linker finds, and its variants for newer processors of the architecture. `loaders` are the
    /// files that led to this one, from the nearest up to the program.
    pub(super) fn find(&self, name: &str, file: &str, elf: &Elf, loaders: &[&str]) -> Vec<String> {
        if name.contains('/') {
            return self.fits(&join(directory_of(file), name), elf).into_iter().collect();
        }
        for directory in self.directories(file, elf, loaders) {
            let mut found: Vec<String> =
                self.fits(&join(&directory, name), elf).into_iter().collect();
            let variants = format!("{}/glibc-hwcaps", directory.trim_end_matches('/'));
            if let Some((variants, _)) = self.tree.find(&variants) {
                let named = format!("/{name}");
                found.extend(
                    self.tree
                        .below(variants)
                        .filter(|(path, _)| path.ends_with(&named))
                        .map(|(path, _)| path.to_owned()),
                );
            }
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// The path, if a library for the same architecture is there.
    fn fits(&self, path: &str, elf: &Elf) -> Option<String> {
        let (_, node) = self.tree.find(path)?;
        same_architecture(node, elf).then(|| path.to_owned())
    }

    /// The directories in the linker's order.
    fn directories(&self, file: &str, elf: &Elf, loaders: &[&str]) -> Vec<String> {
        let mut directories = Vec::new();
        if elf.runpath.is_empty() {
            for owner in std::iter::once(file).chain(loaders.iter().copied()) {
                let Some(loader) = self.tree.get(owner).and_then(Node::elf) else { continue };
                if loader.runpath.is_empty() {
                    self.expand(&loader.rpath, owner, &mut directories);
                }
            }
        }
        directories.extend(self.environment.iter().cloned());
        self.expand(&elf.runpath, file, &mut directories);
        directories.extend(self.configured.iter().cloned());
        for triple in &self.triples {
            directories.push(format!("/lib/{triple}"));
            directories.push(format!("/usr/lib/{triple}"));
        }
        let usual = ["/lib64", "/usr/lib64", "/lib", "/usr/local/lib", "/usr/lib"];
        directories.extend(usual.map(str::to_owned));
        directories
    }

    /// Expands `$ORIGIN` and `$LIB`, the latter to all its possible values.
    fn expand(&self, list: &[String], file: &str, directories: &mut Vec<String>) {
        let origin = directory_of(file);
        for directory in list {
            let directory = directory.replace("${ORIGIN}", origin).replace("$ORIGIN", origin);
            let directory = directory.replace("${LIB}", "$LIB");
            if !directory.starts_with('/') {
                continue;
            }
            if directory.contains("$LIB") {
                let named = self.triples.iter().map(|triple| format!("lib/{triple}"));
                let libraries = named.chain(["lib64".to_owned(), "lib".to_owned()]);
                directories.extend(libraries.map(|library| directory.replace("$LIB", &library)));
            } else {
                directories.push(directory);
            }
        }
    }
}

/// Whether a file is a program or library for the same architecture.
pub(super) fn same_architecture(node: &Node, elf: &Elf) -> bool {
    node.elf().is_some_and(|other| other.wide == elf.wide && other.machine == elf.machine)
}

/// Reads an `ld.so.conf`: one directory per line, and `include` with a pattern in one directory.
fn configuration(tree: &Tree, path: &str, directories: &mut Vec<String>, includes: &mut usize) {
    let Some((_, node)) = tree.find(path) else { return };
    for line in node.text().unwrap_or_default().lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some(pattern) = line.strip_prefix("include").map(str::trim) else {
            if line.starts_with('/') {
                directories.push(line.split('=').next().unwrap_or(line).to_owned());
            }
            continue;
        };
        let pattern = join("/etc", pattern);
        let (directory, name) = (directory_of(&pattern), crate::tree::name_of(&pattern));
        let (before, after) = name.split_once('*').unwrap_or((name, ""));
        let included: Vec<&str> = tree
            .below(directory)
            .map(|(path, _)| path)
            .filter(|path| {
                directory_of(path) == directory
                    && path
                        .get(directory.len() + 1..)
                        .is_some_and(|name| name.starts_with(before) && name.ends_with(after))
            })
            .collect();
        for path in included {
            let Some(left) = includes.checked_sub(1) else { return };
            *includes = left;
            configuration(tree, path, directories, includes);
        }
    }
}
