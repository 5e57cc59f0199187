//! Git repositories made without the program `git`.

use std::path::Path;

use gix::ObjectId;
use gix::actor::SignatureRef;
use gix::objs::tree::EntryKind;

/// A repository in a temporary directory, with `main` checked out.
#[derive(Debug)]
pub struct GitRepository {
    directory: tempfile::TempDir,
    repository: gix::Repository,
}

impl GitRepository {
    /// An empty repository.
    #[must_use]
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let repository = gix::init(directory.path()).expect("a repository");
        Self { directory, repository }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Commits to a branch what differs from its last commit, or from that of `parents`: texts of
    /// files, `None` for a file that is removed. The date is `SECONDS OFFSET`, as git has it.
    /// Returns the commit's id.
    pub fn commit(
        &self,
        branch: &str,
        date: &str,
        parents: &[&str],
        files: &[(&str, Option<&str>)],
    ) -> String {
        let name = format!("refs/heads/{branch}");
        let tip = self.repository.find_reference(&name).ok();
        let parents: Vec<ObjectId> = match (parents, tip) {
            ([], Some(mut tip)) => vec![tip.peel_to_commit().expect("a commit").id],
            (parents, _) => parents.iter().map(|id| id.parse().expect("an id")).collect(),
        };
        let base = parents.first().map_or_else(
            || self.repository.empty_tree().id,
            |&parent| {
                let commit = self.repository.find_commit(parent).expect("a commit");
                commit.tree_id().expect("a tree").detach()
            },
        );
        let mut tree = self.repository.edit_tree(base).expect("a tree");
        for &(path, text) in files {
            match text {
                Some(text) => {
                    let blob = self.repository.write_blob(text).expect("a blob");
                    tree.upsert(path, EntryKind::Blob, blob).expect("a path");
                }
                None => {
                    tree.remove(path).expect("a path");
                }
            }
        }
        let tree = tree.write().expect("a tree");
        let who = SignatureRef { name: "A".into(), email: "a@example.com".into(), time: date };
        self.repository
            .commit_as(who, who, name.as_str(), "change", tree, parents)
            .expect("a commit")
            .to_string()
    }
}

impl Default for GitRepository {
    fn default() -> Self {
        Self::new()
    }
}
