//! From objects to the topmost owner that the input names.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use coaming_kube::ObjectId;

use super::{Identity, ObjectFacts};
use crate::model::Workload;

/// How long a chain of owners may be.
const MAX_OWNERS: usize = 8;

/// The owner references of all objects.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// The owner that each object names; the last one counts of several objects of one identity.
    owner_of: HashMap<Identity, BTreeMap<ObjectId, Option<Identity>>>,
    /// The objects that name an owner.
    owned_by: HashMap<Identity, BTreeSet<ObjectId>>,
    identities: HashMap<ObjectId, Identity>,
}

impl Owners {
    /// Adds or removes what an object says of its owner. Gives the objects whose topmost owner may
    /// change by that.
    pub(super) fn change(
        &mut self,
        id: ObjectId,
        facts: &ObjectFacts,
        add: bool,
    ) -> BTreeSet<ObjectId> {
        let Some(owner) = &facts.owner else { return BTreeSet::new() };
        let entry = self.owner_of.entry(facts.identity.clone()).or_default();
        if add {
            entry.insert(id, owner.clone());
            self.identities.insert(id, facts.identity.clone());
        } else {
            entry.remove(&id);
            if entry.is_empty() {
                self.owner_of.remove(&facts.identity);
            }
            self.identities.remove(&id);
        }
        if let Some(owner) = owner {
            let owned = self.owned_by.entry(owner.clone()).or_default();
            if add {
                owned.insert(id);
            } else {
                owned.remove(&id);
                if owned.is_empty() {
                    self.owned_by.remove(owner);
                }
            }
        }
        self.descendants(&facts.identity)
    }

    /// The objects whose chain of owners leads through this one.
    fn descendants(&self, identity: &Identity) -> BTreeSet<ObjectId> {
        let mut found = BTreeSet::new();
        let mut level = vec![identity];
        for _ in 0..MAX_OWNERS {
            let owned = level.iter().filter_map(|owner| self.owned_by.get(*owner)).flatten();
            let new: Vec<ObjectId> = owned.copied().filter(|id| found.insert(*id)).collect();
            level = new.iter().filter_map(|id| self.identities.get(id)).collect();
        }
        found
    }

    /// The topmost owner of an object that the input names.
    pub(super) fn topmost(&self, object: &Identity, id: ObjectId) -> Workload {
        let own = self.owner_of.get(object).and_then(|owners| owners.get(&id));
        let mut next = own.and_then(Option::as_ref);
        let mut topmost = object;
        for _ in 0..MAX_OWNERS {
            let Some(owner) = next else { break };
            topmost = owner;
            let owners = self.owner_of.get(owner).and_then(BTreeMap::last_key_value);
            next = owners.and_then(|(_, owner)| owner.as_ref());
        }
        let (kind, _, name) = topmost.clone();
        Workload { namespace: object.1.clone(), name, kind }
    }
}
