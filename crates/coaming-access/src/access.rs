//! All roles and bindings at hand, and what they allow.

use std::collections::BTreeMap;

use coaming_kube::{Inventory, RoleBinding};
use coaming_yaml::Node;

use crate::role::{self, Permission, ResolvedRole, RoleKey};
use crate::{Request, Subject};

/// The roles and bindings of an inventory.
#[derive(Debug)]
pub struct Access<'a> {
    /// Roles by name: of one name there may be several, of applications that have nothing to do with
    /// each other, or of one in several files. Each counts.
    roles: BTreeMap<RoleKey<'a>, Vec<ResolvedRole<'a>>>,
    bindings: Vec<Binding<'a>>,
    unresolved: Vec<Unresolved<'a>>,
}

/// A binding whose role is known.
#[derive(Clone, Debug)]
pub struct Binding<'a> {
    /// The binding.
    pub binding: RoleBinding<'a>,
    /// Who is bound, with the nodes that name them.
    pub subjects: Vec<(Subject<'a>, Node<'a>)>,
    role: RoleKey<'a>,
}

impl<'a> Binding<'a> {
    /// The bound role's kind and name.
    #[must_use]
    pub fn role_name(&self) -> (&'static str, &'a str) {
        let (namespace, name) = self.role;
        (if namespace.is_some() { "Role" } else { "ClusterRole" }, name)
    }
}

/// A binding to a role that is not at hand: what it allows can't be known.
#[derive(Clone, Copy, Debug)]
pub struct Unresolved<'a> {
    /// The binding.
    pub binding: RoleBinding<'a>,
    /// The kind of the role, `Role` or `ClusterRole`.
    pub role_kind: &'static str,
    /// Its name.
    pub role_name: &'a str,
}

/// A binding that allows a request.
#[derive(Clone, Copy, Debug)]
pub struct Allowed<'g, 'a> {
    /// The binding.
    pub binding: &'g Binding<'a>,
    /// Its role.
    pub role: &'g ResolvedRole<'a>,
    /// The rule that allows it.
    pub permission: &'g Permission<'a>,
}

impl<'a> Access<'a> {
    /// Takes in all roles and bindings.
    #[must_use]
    pub fn from_inventory(inventory: &'a Inventory) -> Self {
        let roles = role::resolve(inventory);
        let mut access = Self { roles, bindings: Vec::new(), unresolved: Vec::new() };
        let bindings = ["RoleBinding", "ClusterRoleBinding"]
            .into_iter()
            .flat_map(|kind| inventory.of_kind(kind))
            .filter_map(RoleBinding::new);
        for binding in bindings {
            access.add(binding);
        }
        access
    }

    fn add(&mut self, binding: RoleBinding<'a>) {
        let Some(name) = binding.role_name().filter(|name| !name.is_empty()) else { return };
        let namespace = binding.namespace().filter(|_| !binding.binds_cluster_role());
        let role = (namespace, name);
        if self.roles.contains_key(&role) {
            let subjects = binding
                .subjects()
                .filter_map(|subject| Some((Subject::of(subject)?, subject.node())))
                .collect();
            self.bindings.push(Binding { binding, subjects, role });
        } else {
            let role_kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
            self.unresolved.push(Unresolved { binding, role_kind, role_name: name });
        }
    }

    /// The roles: those at hand, and those that every cluster has.
    pub fn roles(&self) -> impl Iterator<Item = &ResolvedRole<'a>> {
        self.roles.values().flatten()
    }

    /// The bindings whose roles are known, in the order of the input.
    #[must_use]
    pub fn bindings(&self) -> &[Binding<'a>] {
        &self.bindings
    }

    /// The role of a binding; several where several have its name.
    #[must_use]
    pub fn roles_of(&self, binding: &Binding<'a>) -> &[ResolvedRole<'a>] {
        self.roles.get(&binding.role).map_or(&[], Vec::as_slice)
    }

    /// The bindings to roles that are not at hand.
    #[must_use]
    pub fn unresolved(&self) -> &[Unresolved<'a>] {
        &self.unresolved
    }

    /// The bindings that allow a request, in the order of the input.
    #[must_use]
    pub fn allowing(&self, request: &Request<'_>) -> Vec<Allowed<'_, 'a>> {
        // A role is judged once, however many bindings refer to it.
        let judged: BTreeMap<RoleKey<'a>, (&ResolvedRole<'a>, &Permission<'a>)> = self
            .roles
            .iter()
            .filter_map(|(key, roles)| {
                let allowed = roles.iter().find_map(|role| Some((role, role.allowing(request)?)));
                Some((*key, allowed?))
            })
            .collect();
        self.bindings
            .iter()
            .filter(|binding| match binding.binding.namespace() {
                None => true,
                namespace => namespace == request.namespace,
            })
            .filter_map(|binding| {
                let &(role, permission) = judged.get(&binding.role)?;
                Some(Allowed { binding, role, permission })
            })
            .collect()
    }
}
