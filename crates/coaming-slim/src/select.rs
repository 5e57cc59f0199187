//! Which files the new image has: those of the closure, the licences of the packages that are left,
//! and the packages' databases.

use std::collections::BTreeSet;

use coaming_image::{Because, Closure, EntryKind, Reason, Tree};

use crate::database;

/// What is chosen.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// The closure, with the licences and the databases.
    pub(crate) closure: Closure,
    /// The distribution's packages of which a file is left.
    pub(crate) packages: BTreeSet<String>,
}

/// Chooses.
pub(crate) fn choose(tree: &Tree, mut closure: Closure) -> Chosen {
    // A name that is no text can't be written as it was.
    closure.files.retain(|path, _| !path.contains('\u{fffd}'));
    closure.files.retain(|path, _| tree.get(path).is_some_and(|it| it.kind != EntryKind::Special));
    let packages: BTreeSet<String> = tree
        .owners()
        .iter()
        .filter(|(_, package)| package.files.iter().any(|path| is_left(tree, &closure, path)))
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in &packages {
        licence(tree, &mut closure, name);
    }
    for (path, _) in tree.iter().filter(|(path, _)| database::stays(path, &packages)) {
        add(tree, &mut closure, path, "packages");
    }
    Chosen { closure, packages }
}

/// Whether a package's file is left: directories are many packages', as are links to them.
fn is_left(tree: &Tree, closure: &Closure, path: &str) -> bool {
    closure.files.contains_key(path)
        && tree.find(path).is_some_and(|(_, node)| node.kind == EntryKind::File)
        && !path.starts_with("/usr/share/doc/")
}

/// Who passes a package on must pass on its licence.
fn licence(tree: &Tree, closure: &mut Closure, package: &str) {
    let path = format!("/usr/share/doc/{package}/copyright");
    if tree.find(&path).is_some() {
        add(tree, closure, &path, package);
    }
}

/// Adds a file, the links on the way to it, and the directories that these lie in.
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
