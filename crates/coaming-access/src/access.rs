//! All known roles and bindings, and what they allow.

use coaming_kube::{ObjectKey, World};

use crate::binding::{Binding, BindingTable};
use crate::role::{ResolvedRole, RoleName, RoleTable};
use crate::{Permission, Request};

/// The roles and bindings of a world. It owns what it knows, and follows the changes of the world.
#[derive(Debug, PartialEq, Eq)]
pub struct Access {
    roles: RoleTable,
    bindings: BindingTable,
}

/// A binding that allows a request.
#[derive(Clone, Copy, Debug)]
pub struct Allowed<'t> {
    /// The binding.
    pub binding: &'t Binding,
    /// Its role.
    pub role: &'t ResolvedRole,
    /// The rule that allows it.
    pub permission: &'t Permission,
}

impl Access {
    /// Reads all roles and bindings of a world.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self { roles: RoleTable::new(world), bindings: BindingTable::new(world) }
    }

    /// Forgets what it knows from the objects with this key, and reads again what the world now has
    /// under it. [`World::apply`] returns the keys to refresh.
    pub fn refresh(&mut self, world: &World, key: &ObjectKey) {
        match key.kind.as_str() {
            "Role" | "ClusterRole" => self.roles.refresh(world, key),
            "RoleBinding" | "ClusterRoleBinding" => self.bindings.refresh(world, key),
            _ => {}
        }
    }

    /// The roles, known and built in, by name. Several of one name are from several files.
    pub fn roles(&self) -> impl Iterator<Item = (&RoleName, &ResolvedRole)> {
        self.roles.iter().flat_map(|(name, roles)| roles.iter().map(move |role| (name, role)))
    }

    /// The roles of a name; empty if it is unknown.
    #[must_use]
    pub fn roles_named(&self, name: &RoleName) -> &[ResolvedRole] {
        self.roles.named(name)
    }

    /// The bindings whose roles are known: those of namespaces, then those of the cluster, each in
    /// the order of the world.
    pub fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(|binding| self.is_resolved(binding))
    }

    /// The bindings of a role, in the same order.
    pub fn bindings_of(&self, role: &RoleName) -> impl Iterator<Item = &Binding> {
        self.bindings.of_role(role)
    }

    /// The bindings to unknown roles: what they allow is not known.
    pub fn unresolved(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(|binding| !self.is_resolved(binding))
    }

    /// The bindings that name a service account, or the group of all service accounts of its
    /// namespace, whether or not their roles are known.
    pub fn bindings_of_account(
        &self,
        namespace: &str,
        name: &str,
    ) -> impl Iterator<Item = &Binding> {
        self.bindings.of_account(namespace, name)
    }

    fn is_resolved(&self, binding: &Binding) -> bool {
        !self.roles.named(&binding.role).is_empty()
    }

    /// The bindings that allow a request, in the order of [`Access::bindings`].
    #[must_use]
    pub fn allowing(&self, request: &Request<'_>) -> Vec<Allowed<'_>> {
        self.allowed_by(request.namespace, |permission| permission.allows(request))
    }

    /// The bindings that allow a request for an object of some name, in the same order.
    pub(crate) fn allowing_some(&self, request: &Request<'_>) -> Vec<Allowed<'_>> {
        self.allowed_by(request.namespace, |permission| permission.allows_some(request))
    }

    fn allowed_by(
        &self,
        namespace: Option<&str>,
        allows: impl Fn(&Permission) -> bool,
    ) -> Vec<Allowed<'_>> {
        // A role is judged once, however many bindings refer to it.
        let mut allowed: Vec<Allowed<'_>> = Vec::new();
        for (name, bindings) in self.bindings.by_role() {
            let roles = self.roles.named(name).iter();
            let Some((role, permission)) =
                roles.filter_map(|role| Some((role, role.first(&allows)?))).next()
            else {
                continue;
            };
            let bindings = bindings.filter(|binding| binding.counts_in(namespace));
            allowed.extend(bindings.map(|binding| Allowed { binding, role, permission }));
        }
        allowed.sort_by_key(|allowed| allowed.binding.order());
        allowed
    }
}
