//! Finds the commits to read, and puts parents before their children.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use gix::{ObjectId, Repository};

use crate::{Commit, GitError, Since};

/// A commit that was found.
pub(crate) struct Node {
    pub(crate) id: ObjectId,
    pub(crate) tree: ObjectId,
    parents: Vec<ObjectId>,
    /// When it was committed, in seconds since 1970.
    time: i64,
    date: Option<time::Date>,
}

/// The commits to read.
pub(crate) struct Walk {
    /// Parents before their children.
    pub(crate) commits: Vec<Node>,
    /// The trees of the parents that are not read: their files are older.
    pub(crate) older_trees: Vec<ObjectId>,
    /// How many commits are named but missing.
    pub(crate) missing: usize,
}

impl Walk {
    pub(crate) fn of(repository: &Repository, since: &Since) -> Result<Self, GitError> {
        let older = match since {
            Since::Revision(revision) => {
                let id = repository.rev_parse_single(revision.as_str()).map_err(|source| {
                    GitError::NoRevision {
                        revision: revision.clone(),
                        hint: if repository.is_shallow().unwrap_or_default() {
                            "; the repository is a shallow clone: `git fetch --unshallow` gets \
                             older commits"
                        } else {
                            ""
                        },
                        source: source.into(),
                    }
                })?;
                let (older, _) = reachable(repository, vec![id.detach()], |_| true);
                older.into_keys().collect()
            }
            Since::Beginning | Since::Time(_) => HashSet::new(),
        };
        let oldest = match since {
            Since::Time(seconds) => *seconds,
            Since::Beginning | Since::Revision(_) => i64::MIN,
        };
        let is_read = |node: &Node| node.time >= oldest && !older.contains(&node.id);
        let (found, missing) = reachable(repository, tips(repository)?, is_read);
        let (read, boundary): (Vec<Node>, Vec<Node>) = found.into_values().partition(is_read);
        let older_trees = boundary.into_iter().map(|node| node.tree).collect();
        Ok(Self { commits: parents_first(read), older_trees, missing })
    }

    pub(crate) fn into_commits(self) -> Vec<Commit> {
        let public = |node: Node| Commit { id: node.id.to_string(), date: node.date };
        self.commits.into_iter().map(public).collect()
    }
}

/// The commits that `HEAD` and all references name.
fn tips(repository: &Repository) -> Result<Vec<ObjectId>, GitError> {
    let mut tips: Vec<ObjectId> =
        repository.head_id().ok().map(gix::Id::detach).into_iter().collect();
    let references = repository.references().map_err(GitError::read)?;
    for mut reference in references.all().map_err(GitError::read)?.flatten() {
        // A reference may name a tree or a blob, or something that is missing.
        if let Ok(commit) = reference.peel_to_commit() {
            tips.push(commit.id);
        }
    }
    tips.sort_unstable();
    tips.dedup();
    Ok(tips)
}

/// The commits that can be reached from `tips`, and how many of them are missing. Parents of a
/// commit for which `continues` is false are not followed; the commit itself is in the result.
fn reachable(
    repository: &Repository,
    tips: Vec<ObjectId>,
    continues: impl Fn(&Node) -> bool,
) -> (HashMap<ObjectId, Node>, usize) {
    let mut found: HashMap<ObjectId, Node> = HashMap::new();
    let mut seen: HashSet<ObjectId> = tips.iter().copied().collect();
    let mut pending = tips;
    let mut missing = 0;
    let shallow = repository.shallow_commits().ok().flatten();
    while let Some(id) = pending.pop() {
        let Some(node) = read(repository, id) else {
            missing += 1;
            continue;
        };
        // The parents of a shallow clone's oldest commits are missing on purpose.
        let is_shallow = shallow.as_ref().is_some_and(|commits| commits.contains(&id));
        if continues(&node) && !is_shallow {
            pending.extend(node.parents.iter().copied().filter(|parent| seen.insert(*parent)));
        }
        found.insert(id, node);
    }
    (found, missing)
}

fn read(repository: &Repository, id: ObjectId) -> Option<Node> {
    let commit = repository.find_commit(id).ok()?;
    let decoded = commit.decode().ok()?;
    let author = decoded.author().ok().and_then(|author| author.time().ok());
    let date = author.and_then(|time| {
        let local = time.seconds.checked_add(i64::from(time.offset))?;
        Some(time::OffsetDateTime::from_unix_timestamp(local).ok()?.date())
    });
    let time = decoded.time().map_or(0, |time| time.seconds);
    let parents = decoded.parents().collect();
    Some(Node { id, tree: decoded.tree(), parents, time, date })
}

/// Puts commits in an order in which parents come first, older ones first where both are possible.
fn parents_first(commits: Vec<Node>) -> Vec<Node> {
    let positions: HashMap<ObjectId, usize> =
        commits.iter().enumerate().map(|(position, node)| (node.id, position)).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); commits.len()];
    let mut parents_left = vec![0_usize; commits.len()];
    for (child, node) in commits.iter().enumerate() {
        for parent in node.parents.iter().filter_map(|id| positions.get(id)) {
            children[*parent].push(child);
            parents_left[child] += 1;
        }
    }
    let rank = |position: usize| Reverse((commits[position].time, commits[position].id, position));
    let mut ready: BinaryHeap<_> =
        (0..commits.len()).filter(|&position| parents_left[position] == 0).map(rank).collect();
    let mut order = Vec::with_capacity(commits.len());
    while let Some(Reverse((_, _, position))) = ready.pop() {
        order.push(position);
        for &child in &children[position] {
            parents_left[child] -= 1;
            if parents_left[child] == 0 {
                ready.push(rank(child));
            }
        }
    }
    let mut commits: Vec<Option<Node>> = commits.into_iter().map(Some).collect();
    order.into_iter().filter_map(|position| commits[position].take()).collect()
}
