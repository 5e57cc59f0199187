//! Objects of all kinds but Secrets and ConfigMaps through time: what they contain now, what old
//! revisions contain, and what remains of them outside the tree.
//!
//! Keys without credentials are not kept, only a number that tells which revision is their newest.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use coaming_finding::ObjectRef;

use super::histories::{PlainText, Remnant};
use super::inspect::{Inspected, inspect};

/// At most this many objects with credentials, and this many of their revisions and remnants, are
/// kept.
const MAX_OBJECTS: usize = 100_000;
const MAX_KEPT: usize = 1_000_000;
/// At most this many keys are distinguished: even the largest clusters have fewer.
const MAX_KEYS: usize = 4_000_000;

/// An object that is neither Secret nor ConfigMap, with credentials in plain text now or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherObject {
    /// Which object it is.
    pub identity: ObjectRef,
    /// The newest known revision; 0 if no tree leads to it anymore.
    pub revision: u64,
    /// Whether the object no longer exists.
    pub deleted: bool,
    /// Where its credentials are now, and what they are; `None` if it has none now.
    pub plain_text: Option<PlainText>,
    /// Earlier revisions in plain text, oldest first.
    pub earlier: Vec<(u64, PlainText)>,
    /// What remains of it outside the tree, by location.
    pub remnants: Vec<Remnant>,
}

/// The newest revision of a key.
#[derive(Clone, Copy, Debug, Default)]
struct Newest {
    revision: u64,
    /// A hash of the object that it wrote; `None` for a deletion, or if it wrote no object.
    identity: Option<u64>,
}

/// The revisions of one key that contain credentials.
#[derive(Debug)]
struct Exposed {
    /// The object in the last of them.
    identity: ObjectRef,
    revisions: Vec<(u64, PlainText)>,
}

/// All objects that are neither Secret nor ConfigMap.
#[derive(Debug, Default)]
pub(super) struct OtherObjects {
    hasher: RandomState,
    newest: HashMap<u64, Newest>,
    exposed: BTreeMap<String, Exposed>,
    remnants: BTreeMap<ObjectRef, Vec<Remnant>>,
    kept: usize,
}

impl OtherObjects {
    /// Takes a revision of a key into account; `false` if there are too many.
    pub(super) fn add(&mut self, key: &str, revision: u64, value: &[u8]) -> bool {
        let inspected = inspect(value);
        let identity = inspected.as_ref().map(|object| self.hasher.hash_one(&object.identity));
        let hash = self.hasher.hash_one(key);
        if !self.newest.contains_key(&hash) && self.newest.len() >= MAX_KEYS {
            return false;
        }
        let newest = self.newest.entry(hash).or_default();
        if newest.revision <= revision {
            *newest = Newest { revision, identity };
        }
        let Some(Inspected { identity, plain_text }) =
            inspected.filter(|object| object.plain_text.count > 0)
        else {
            return true;
        };
        self.kept += 1;
        let is_new = !self.exposed.contains_key(key);
        if self.kept > MAX_KEPT || is_new && self.exposed.len() >= MAX_OBJECTS {
            return false;
        }
        match self.exposed.get_mut(key) {
            Some(exposed) => {
                exposed.identity = identity;
                exposed.revisions.push((revision, plain_text));
            }
            None => {
                let revisions = vec![(revision, plain_text)];
                self.exposed.insert(key.to_owned(), Exposed { identity, revisions });
            }
        }
        true
    }

    /// Adds a remnant of an object; `false` if there are too many.
    pub(super) fn add_remnant(&mut self, identity: ObjectRef, remnant: Remnant) -> bool {
        self.kept += 1;
        let is_new = !self.remnants.contains_key(&identity);
        if self.kept > MAX_KEPT || is_new && self.remnants.len() >= MAX_OBJECTS {
            return false;
        }
        self.remnants.entry(identity).or_default().push(remnant);
        true
    }

    /// The objects by their keys; an object that lost its key is under its name instead.
    pub(super) fn into_map(mut self) -> BTreeMap<String, OtherObject> {
        let living: HashSet<u64> =
            self.newest.values().filter_map(|newest| newest.identity).collect();
        let mut objects = BTreeMap::new();
        for (key, Exposed { identity, revisions: mut earlier }) in self.exposed {
            let newest = self.newest.get(&self.hasher.hash_one(&key)).copied().unwrap_or_default();
            earlier.sort_by_key(|(revision, _)| *revision);
            let mut remnants = self.remnants.remove(&identity).unwrap_or_default();
            // Most freed pages are copies of what the tree still contains.
            remnants.retain(|left| !earlier.iter().any(|(revision, _)| *revision == left.revision));
            let is_now = earlier.last().is_some_and(|(revision, _)| *revision == newest.revision);
            let plain_text = if is_now { earlier.pop().map(|(_, now)| now) } else { None };
            let object = OtherObject {
                identity,
                revision: newest.revision,
                deleted: newest.identity.is_none(),
                plain_text,
                earlier,
                remnants: in_order(remnants),
            };
            objects.insert(key, object);
        }
        for (identity, remnants) in self.remnants {
            let deleted = !living.contains(&self.hasher.hash_one(&identity));
            let key = display(&identity);
            let object = OtherObject {
                identity,
                revision: 0,
                deleted,
                plain_text: None,
                earlier: Vec::new(),
                remnants: in_order(remnants),
            };
            objects.insert(key, object);
        }
        objects
    }
}

/// `apps/v1/Deployment/shop/web`
fn display(identity: &ObjectRef) -> String {
    let ObjectRef { api_version, kind, namespace, name } = identity;
    format!("{api_version}/{kind}/{namespace}/{name}")
}

fn in_order(mut remnants: Vec<Remnant>) -> Vec<Remnant> {
    remnants.sort_unstable();
    remnants.dedup();
    remnants
}
