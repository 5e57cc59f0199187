//! Service accounts: policies of Calico select pods by the labels of their accounts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use coaming_kube::ObjectId;

use super::{Name, ObjectFacts, Statement};
use crate::model::Policy;
use crate::selector::{ACCOUNT, ACCOUNT_UNKNOWN, Labels, SERVICE_ACCOUNT};

/// Service accounts, and how many policies ask for their labels.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    by_name: HashMap<Name, BTreeSet<ObjectId>>,
    policies: usize,
}

impl Accounts {
    pub(super) fn change(&mut self, name: Name, id: ObjectId, add: bool) {
        super::keep(self.by_name.entry(name).or_default(), id, add);
    }

    /// Takes policies into account; gives whether the labels of accounts count from now on, or no
    /// longer.
    pub(super) fn change_policies(&mut self, policies: &[Policy], add: bool) -> bool {
        let asking = policies.iter().filter(|policy| asks(policy)).count();
        let before = self.policies;
        self.policies = if add { before + asking } else { before.saturating_sub(asking) };
        (before == 0) != (self.policies == 0)
    }

    /// Whether the labels of accounts count.
    pub(super) fn count(&self) -> bool {
        self.policies > 0
    }

    /// Adds the labels of their account to those of pods.
    pub(super) fn enter(
        &self,
        sources: &BTreeMap<ObjectId, ObjectFacts>,
        namespace: &str,
        labels: &mut Labels,
    ) {
        let Some(account) = labels.get(SERVICE_ACCOUNT).cloned() else { return };
        // Every namespace has this one, and nobody needs to write it.
        let is_default = account == "default";
        let ids = self.by_name.get(&(namespace.to_owned(), account));
        let found = ids.and_then(BTreeSet::last).and_then(|id| sources.get(id));
        match found.map(|facts| &facts.statement) {
            Some(Statement::Account(own)) => {
                let own = own.iter().map(|(key, value)| (format!("{ACCOUNT}{key}"), value.clone()));
                labels.extend(own);
            }
            _ if is_default => {}
            _ => {
                labels.insert(ACCOUNT_UNKNOWN.to_owned(), String::new());
            }
        }
    }
}

/// Whether a policy asks for labels of accounts.
pub(crate) fn asks(policy: &Policy) -> bool {
    let mut mentioned = policy.pod_selectors().flat_map(|selector| selector.pods.mentioned());
    mentioned.any(|requirement| requirement.key.starts_with(ACCOUNT))
}
