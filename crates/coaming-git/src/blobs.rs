//! Finds the versions of files that commits introduced.

use std::collections::HashSet;

use gix::index::entry::Mode;
use gix::objs::TreeRefIter;
use gix::{ObjectId, Repository};

use crate::commits::Walk;
use crate::{GitError, Version};

/// A longer path is not read: it cannot be checked out either.
const MAX_PATH: usize = 4096;

/// Reads trees, each one once.
pub(crate) struct Finder<'r> {
    repository: &'r Repository,
    /// The files of the commit that is checked out.
    head: HashSet<ObjectId>,
    /// These, and the files of the last commits of all branches.
    branches: HashSet<ObjectId>,
    submodules: usize,
}

/// What was found.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) versions: Vec<Version>,
    /// How many trees are named but missing or damaged.
    pub(crate) missing: usize,
}

/// Trees and files that were found before.
#[derive(Default)]
struct Seen {
    trees: HashSet<ObjectId>,
    files: HashSet<ObjectId>,
    submodules: HashSet<String>,
}

impl<'r> Finder<'r> {
    pub(crate) fn new(repository: &'r Repository) -> Result<Self, GitError> {
        let head = repository.head_tree_id_or_empty().map_err(GitError::read)?.detach();
        let mut seen = Seen::default();
        let mut files = HashSet::new();
        new_files(repository, head, &mut seen, &mut |id, _| {
            files.insert(id);
        });
        let submodules = seen.submodules.len();
        let mut in_branches = files.clone();
        for tree in branches(repository)? {
            new_files(repository, tree, &mut seen, &mut |id, _| {
                in_branches.insert(id);
            });
        }
        Ok(Self { repository, head: files, branches: in_branches, submodules })
    }

    /// How many submodules the commit that is checked out has.
    pub(crate) fn submodules(&self) -> usize {
        self.submodules
    }

    /// The versions that the commits of a walk introduced.
    pub(crate) fn find(&self, walk: &Walk) -> Found {
        let mut seen = Seen::default();
        let mut found = Found::default();
        for &tree in &walk.older_trees {
            found.missing += new_files(self.repository, tree, &mut seen, &mut |_, _| {});
        }
        for (position, commit) in walk.commits.iter().enumerate() {
            let versions = &mut found.versions;
            let missing = new_files(self.repository, commit.tree, &mut seen, &mut |id, path| {
                let is_in_head = self.head.contains(&id);
                let is_in_branch = self.branches.contains(&id);
                let commit = Some(position);
                versions.push(Version { path, commit, is_in_head, is_in_branch, id });
            });
            found.missing += missing;
        }
        found
    }
}

/// The trees of the last commits of branches, also of other repositories. Tags and the stash keep
/// what was removed.
fn branches(repository: &Repository) -> Result<Vec<ObjectId>, GitError> {
    let references = repository.references().map_err(GitError::read)?;
    let local = references.local_branches().map_err(GitError::read)?;
    let remote = references.remote_branches().map_err(GitError::read)?;
    let mut trees: Vec<ObjectId> = local
        .chain(remote)
        .flatten()
        .filter_map(|mut branch| branch.peel_to_commit().ok()?.tree_id().ok())
        .map(gix::Id::detach)
        .collect();
    trees.sort_unstable();
    trees.dedup();
    Ok(trees)
}

/// Hands the files of a tree to `add` that were not seen before; returns how many trees are missing.
fn new_files(
    repository: &Repository,
    root: ObjectId,
    seen: &mut Seen,
    add: &mut impl FnMut(ObjectId, String),
) -> usize {
    let mut missing = 0;
    let mut pending = vec![(root, String::new())];
    while let Some((id, directory)) = pending.pop() {
        if !seen.trees.insert(id) {
            continue;
        }
        let Ok(tree) = repository.find_tree(id) else {
            missing += 1;
            continue;
        };
        for entry in TreeRefIter::from_bytes(&tree.data, id.kind()) {
            let Ok(entry) = entry else {
                missing += 1;
                break;
            };
            let path = format!("{directory}{}", entry.filename);
            if path.len() > MAX_PATH {
                missing += 1;
            } else if entry.mode.is_tree() {
                pending.push((entry.oid.to_owned(), path + "/"));
            } else if entry.mode.is_blob() && seen.files.insert(entry.oid.to_owned()) {
                add(entry.oid.to_owned(), path);
            } else if entry.mode.is_commit() {
                seen.submodules.insert(path);
            }
        }
    }
    missing
}

/// The files of the commit that is checked out, by path.
pub(crate) fn in_head(repository: &Repository) -> Result<HashSet<(String, ObjectId)>, GitError> {
    let index = repository.head_tree_id_or_empty().map_err(GitError::read)?;
    let state = repository.index_from_tree(&index).map_err(GitError::read)?;
    let files = state.entries().iter().filter(|entry| entry.mode.contains(Mode::FILE));
    Ok(files.map(|entry| (entry.path(&state).to_string(), entry.id)).collect())
}
