//! Bindings, found by role and by service account.

use std::collections::{BTreeMap, BTreeSet};

use coaming_kube::{ObjectId, ObjectKey, RoleBinding, World};

use crate::subject::StoredSubject;
use crate::{FieldRef, RoleName, Subject};

/// A `RoleBinding` or `ClusterRoleBinding`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its object.
    pub object: ObjectId,
    /// The namespace in which it counts; `None` where it counts in all.
    pub namespace: Option<Box<str>>,
    /// The role that it gives.
    pub role: RoleName,
    /// Whether it comes with Kubernetes.
    pub is_built_in: bool,
    subjects: Vec<(StoredSubject, FieldRef)>,
}

impl Binding {
    /// The binding, if it names a role, and the API server would accept it.
    fn new(binding: RoleBinding<'_>) -> Option<Self> {
        let object = binding.object;
        if !binding.has_valid_groups() {
            return None;
        }
        let name = binding.role_name().filter(|name| !name.is_empty())?;
        let namespace = binding.namespace();
        let of_role = namespace.filter(|_| !binding.binds_cluster_role());
        let subjects = (0..).zip(binding.subjects()).filter_map(|(number, subject)| {
            Some((StoredSubject::new(Subject::of(subject)?), FieldRef::new(object.id, number)))
        });
        Some(Self {
            object: object.id,
            namespace: namespace.map(Box::from),
            role: RoleName::new(of_role, name),
            is_built_in: binding.is_built_in(),
            subjects: subjects.collect(),
        })
    }

    /// The subjects that get the role, each with the field that names it.
    pub fn subjects(&self) -> impl Iterator<Item = (Subject<'_>, FieldRef)> {
        self.subjects.iter().map(|(subject, field)| (subject.get(), *field))
    }

    /// Whether it counts for requests in this namespace; `None` is all namespaces at once.
    pub(crate) fn counts_in(&self, namespace: Option<&str>) -> bool {
        self.namespace.is_none() || self.namespace.as_deref() == namespace
    }

    /// Bindings in a namespace come first, then those of the cluster, each in the order of the
    /// world.
    pub(crate) fn order(&self) -> Order {
        (self.namespace.is_none(), self.object)
    }
}

/// Whether it counts in the whole cluster, and its object.
type Order = (bool, ObjectId);

/// All bindings, kept up to date object by object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct BindingTable {
    bindings: BTreeMap<Order, Binding>,
    by_key: BTreeMap<ObjectKey, BTreeSet<Order>>,
    by_role: BTreeMap<RoleName, BTreeSet<Order>>,
    accounts: BTreeMap<Box<str>, AccountsOfNamespace>,
}

/// The bindings of the service accounts of a namespace.
#[derive(Debug, Default, PartialEq, Eq)]
struct AccountsOfNamespace {
    /// Bindings of the group of all accounts of the namespace.
    all: BTreeSet<Order>,
    by_name: BTreeMap<Box<str>, BTreeSet<Order>>,
}

impl BindingTable {
    pub(crate) fn new(world: &World) -> Self {
        let mut table = Self::default();
        for kind in ["RoleBinding", "ClusterRoleBinding"] {
            for binding in world.of_kind(kind).filter_map(RoleBinding::new) {
                table.insert(binding);
            }
        }
        table
    }

    /// Reads again what the world has under this key.
    pub(crate) fn refresh(&mut self, world: &World, key: &ObjectKey) {
        for order in self.by_key.remove(key).unwrap_or_default() {
            self.remove(order);
        }
        for binding in world.all(key).filter_map(RoleBinding::new) {
            self.insert(binding);
        }
    }

    fn insert(&mut self, binding: RoleBinding<'_>) {
        let key = binding.object.key();
        let Some(binding) = Binding::new(binding) else { return };
        let order = binding.order();
        self.by_key.entry(key).or_default().insert(order);
        self.by_role.entry(binding.role.clone()).or_default().insert(order);
        for (subject, _) in binding.subjects() {
            if let Some((namespace, account)) = subject.accounts() {
                let accounts = self.accounts.entry(namespace.into()).or_default();
                accounts.bindings_mut(account).insert(order);
            }
        }
        self.bindings.insert(order, binding);
    }

    fn remove(&mut self, order: Order) {
        let Some(binding) = self.bindings.remove(&order) else { return };
        if let Some(orders) = self.by_role.get_mut(&binding.role) {
            orders.remove(&order);
            if orders.is_empty() {
                self.by_role.remove(&binding.role);
            }
        }
        for (subject, _) in binding.subjects() {
            let Some((namespace, account)) = subject.accounts() else { continue };
            if let Some(accounts) = self.accounts.get_mut(namespace) {
                accounts.remove(account, order);
                if accounts.is_empty() {
                    self.accounts.remove(namespace);
                }
            }
        }
    }

    /// All bindings, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.values()
    }

    /// The roles that are bound, each with its bindings.
    pub(crate) fn by_role(
        &self,
    ) -> impl Iterator<Item = (&RoleName, impl Iterator<Item = &Binding>)> {
        self.by_role.iter().map(|(role, orders)| (role, self.get(orders)))
    }

    /// The bindings of a role, in their order.
    pub(crate) fn of_role(&self, role: &RoleName) -> impl Iterator<Item = &Binding> {
        self.by_role.get(role).into_iter().flat_map(|orders| self.get(orders))
    }

    /// The bindings that name a service account, or all service accounts of its namespace.
    pub(crate) fn of_account(&self, namespace: &str, name: &str) -> impl Iterator<Item = &Binding> {
        let accounts = self.accounts.get(namespace);
        let named = accounts.and_then(|accounts| accounts.by_name.get(name));
        let all = accounts.map(|accounts| &accounts.all);
        named.into_iter().chain(all).flat_map(|orders| self.get(orders))
    }

    fn get<'t>(&'t self, orders: &'t BTreeSet<Order>) -> impl Iterator<Item = &'t Binding> {
        orders.iter().filter_map(|order| self.bindings.get(order))
    }
}

impl AccountsOfNamespace {
    fn bindings_mut(&mut self, account: Option<&str>) -> &mut BTreeSet<Order> {
        match account {
            Some(name) => self.by_name.entry(name.into()).or_default(),
            None => &mut self.all,
        }
    }

    fn remove(&mut self, account: Option<&str>, order: Order) {
        match account {
            Some(name) => {
                if let Some(orders) = self.by_name.get_mut(name) {
                    orders.remove(&order);
                    if orders.is_empty() {
                        self.by_name.remove(name);
                    }
                }
            }
            None => drop(self.all.remove(&order)),
        }
    }

    fn is_empty(&self) -> bool {
        self.all.is_empty() && self.by_name.is_empty()
    }
}
