//! Which files the new image has: those of the closure, the licenses of the packages that remain, and
//! the package databases.

use std::collections::BTreeSet;

use coaming_image::{Because, Closure, EntryKind, Reason, Tree};

use crate::database;

/// The files and packages of the new image.
#[derive(Debug)]
pub(crate) struct Selection {
    /// The closure, with the licenses and the databases.
    pub(crate) closure: Closure,
    /// The distribution's packages of which a file remains.
    pub(crate) packages: BTreeSet<String>,
}

/// Selects the files of the closure and those that belong to them.
pub(crate) fn select(tree: &Tree, mut closure: Closure) -> Selection {
    // A name that is not UTF-8 cannot be written unchanged.
    closure.files.retain(|path, _| !path.contains('\u{fffd}'));
    closure.files.retain(|path, _| tree.get(path).is_some_and(|it| it.kind != EntryKind::Special));
    let packages: BTreeSet<String> = tree
        .owners()
        .iter()
        .filter(|(_, package)| package.files.iter().any(|path| remains(tree, &closure, path)))
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in &packages {
        license(tree, &mut closure, name);
    }
    for (path, _) in tree.iter().filter(|(path, _)| database::is_kept(path, &packages)) {
        add(tree, &mut closure, path, "packages");
    }
    Selection { closure, packages }
}

/// Whether a package's file remains. Directories and links to them do not count: many packages share
/// them.
fn remains(tree: &Tree, closure: &Closure, path: &str) -> bool {
    closure.files.contains_key(path)
        && tree.find(path).is_some_and(|(_, node)| node.kind == EntryKind::File)
        && !path.starts_with("/usr/share/doc/")
}

/// Adds the license of a package, which must accompany the package wherever it is distributed.
fn license(tree: &Tree, closure: &mut Closure, package: &str) {
    let path = format!("/usr/share/doc/{package}/copyright");
    if tree.find(&path).is_some() {
        add(tree, closure, &path, package);
    }
}

/// Adds a file, the links on the way to it, and the directories that contain these.
fn add(tree: &Tree, closure: &mut Closure, path: &str, of: &str) {
    let Some(resolved) = tree.resolve(path) else { return };
    let because = |reason| Because { reason, of: of.to_owned() };
    for path in resolved.links.iter().chain([&resolved.path]) {
        if tree.get(path).is_none() {
            continue;
        }
        closure.files.entry(path.clone()).or_insert_with(|| because(Reason::Record));
        let mut directory = path.as_str();
        while let Some((parent, _)) = directory.rsplit_once('/').filter(|(it, _)| !it.is_empty()) {
            directory = parent;
            if tree.get(directory).is_some() {
                closure
                    .files
                    .entry(directory.to_owned())
                    .or_insert_with(|| because(Reason::Directory));
            }
        }
    }
}
