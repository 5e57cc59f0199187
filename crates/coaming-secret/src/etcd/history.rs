//! Objects of all other kinds through time: what shows now, what old revisions show, and what is left of
//! them where no tree leads.
//!
//! Keys without credentials are not kept, but for a number that tells which revision is their newest.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use super::contents::{Plain, Remnant};
use super::others::{Identity, Looked, look};

/// So many objects with credentials, and so many of their revisions and remnants, are kept.
const MAX_OBJECTS: usize = 100_000;
const MAX_KEPT: usize = 1_000_000;
/// So many keys are told apart: a cluster of the largest size has fewer.
const MAX_KEYS: usize = 4_000_000;

/// An object that is neither Secret nor `ConfigMap`, with credentials in plain text now or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherObject {
    /// What it is.
    pub identity: Identity,
    /// The newest revision at hand; 0 where no tree leads to it any more.
    pub revision: u64,
    /// Whether it is there no more.
    pub deleted: bool,
    /// Where its credentials are now, and what; `None` if it has none now.
    pub plain: Option<Plain>,
    /// Earlier revisions in plain text, oldest first.
    pub old: Vec<(u64, Plain)>,
    /// What is left of it elsewhere, by place.
    pub remnants: Vec<Remnant>,
}

/// The newest revision of a key.
#[derive(Clone, Copy, Debug, Default)]
struct Newest {
    revision: u64,
    /// What it wrote, as a hash; `None` for a deletion, or for what is no object.
    identity: Option<u64>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Others {
    hasher: RandomState,
    newest: HashMap<u64, Newest>,
    /// Revisions with credentials, by key.
    plain: BTreeMap<String, (Identity, Vec<(u64, Plain)>)>,
    remnants: BTreeMap<Identity, Vec<Remnant>>,
    kept: usize,
}

impl Others {
    /// Takes a revision of a key into account; `false` if there are too many.
    pub(super) fn add(&mut self, key: &str, revision: u64, value: &[u8]) -> bool {
        let looked = look(value);
        let identity = looked.as_ref().map(|looked| self.hasher.hash_one(&looked.identity));
        let hash = self.hasher.hash_one(key);
        if !self.newest.contains_key(&hash) && self.newest.len() >= MAX_KEYS {
            return false;
        }
        let newest = self.newest.entry(hash).or_default();
        if newest.revision <= revision {
            *newest = Newest { revision, identity };
        }
        let Some(Looked { identity, plain }) = looked.filter(|looked| looked.plain.count > 0)
        else {
            return true;
        };
        self.kept += 1;
        let is_new = !self.plain.contains_key(key);
        if self.kept > MAX_KEPT || is_new && self.plain.len() >= MAX_OBJECTS {
            return false;
        }
        let (known, revisions) = self.plain.entry(key.to_owned()).or_default();
        *known = identity;
        revisions.push((revision, plain));
        true
    }

    /// Adds what is left of an object; `false` if there are too many.
    pub(super) fn add_remnant(&mut self, identity: Identity, remnant: Remnant) -> bool {
        self.kept += 1;
        let is_new = !self.remnants.contains_key(&identity);
        if self.kept > MAX_KEPT || is_new && self.remnants.len() >= MAX_OBJECTS {
            return false;
        }
        self.remnants.entry(identity).or_default().push(remnant);
        true
    }

    /// All of them, in the order of their keys; what has lost its key goes by its name.
    pub(super) fn into_objects(mut self) -> BTreeMap<String, OtherObject> {
        let living: HashSet<u64> =
            self.newest.values().filter_map(|newest| newest.identity).collect();
        let mut objects = BTreeMap::new();
        for (key, (identity, mut old)) in self.plain {
            let newest = self.newest.get(&self.hasher.hash_one(&key)).copied().unwrap_or_default();
            old.sort_by_key(|(revision, _)| *revision);
            let mut remnants = self.remnants.remove(&identity).unwrap_or_default();
            // A page that was freed is most often a copy of what the tree still has.
            remnants.retain(|left| !old.iter().any(|(revision, _)| *revision == left.revision));
            let is_now = old.last().is_some_and(|(revision, _)| *revision == newest.revision);
            let plain = if is_now { old.pop().map(|(_, plain)| plain) } else { None };
            let (revision, deleted) = (newest.revision, newest.identity.is_none());
            objects.insert(
                key,
                OtherObject {
                    identity,
                    revision,
                    deleted,
                    plain,
                    old,
                    remnants: in_order(remnants),
                },
            );
        }
        for (identity, remnants) in self.remnants {
            let deleted = !living.contains(&self.hasher.hash_one(&identity));
            let key = identity.to_string();
            let (plain, old, remnants) = (None, Vec::new(), in_order(remnants));
            objects
                .insert(key, OtherObject { identity, revision: 0, deleted, plain, old, remnants });
        }
        objects
    }
}

fn in_order(mut remnants: Vec<Remnant>) -> Vec<Remnant> {
    remnants.sort_unstable();
    remnants.dedup();
    remnants
}
