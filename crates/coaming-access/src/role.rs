//! Roles as the cluster sees them: aggregated, and including those that every cluster has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coaming_kube::{Fields as _, Object, ObjectId, ObjectKey, Role, World};

use crate::builtin;
use crate::selector::labels_match;
use crate::{FieldRef, Permission, Request};

/// What a binding refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName {
    /// The namespace of a `Role`; `None` for a `ClusterRole`.
    pub namespace: Option<Box<str>>,
    /// The name.
    pub name: Box<str>,
}

impl RoleName {
    /// The name of a role in a namespace, or of a cluster role.
    #[must_use]
    pub fn new(namespace: Option<&str>, name: &str) -> Self {
        Self { namespace: namespace.map(Box::from), name: name.into() }
    }

    fn of(role: Role<'_>) -> Self {
        let object = role.object;
        let namespace = (!role.is_cluster_role()).then(|| object.namespace_or_default());
        Self::new(namespace, object.name())
    }

    /// `Role` or `ClusterRole`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        if self.namespace.is_some() { "Role" } else { "ClusterRole" }
    }
}

/// Where the rules of a role come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleSource {
    /// A known object.
    Object {
        /// The object.
        id: ObjectId,
        /// Whether it comes with Kubernetes.
        is_built_in: bool,
    },
    /// Kubernetes itself: every cluster has the role, but its object is not known.
    BuiltIn,
}

impl RoleSource {
    /// The object of the role, if it is known.
    #[must_use]
    pub fn object(self, world: &World) -> Option<Object<'_>> {
        self.id().and_then(|id| world.object(id))
    }

    /// The id of the object, if it is known.
    #[must_use]
    pub fn id(self) -> Option<ObjectId> {
        match self {
            Self::Object { id, .. } => Some(id),
            Self::BuiltIn => None,
        }
    }

    /// Whether the role comes with Kubernetes.
    #[must_use]
    pub fn is_built_in(self) -> bool {
        match self {
            Self::Object { is_built_in, .. } => is_built_in,
            Self::BuiltIn => true,
        }
    }
}

/// A role with all its rules, including those it gets by aggregation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedRole {
    /// Where it comes from.
    pub source: RoleSource,
    /// Whether it is a `Role`, which gives nothing outside of its namespace.
    pub is_namespaced: bool,
    /// Its rules.
    pub permissions: Vec<Arc<Permission>>,
}

/// The group, resource and verb of dangerous requests outside of namespaces: what a `Role` says of
/// them has no effect. `bind` counts for cluster roles in a namespace; an empty verb is any.
const OUTSIDE_OF_NAMESPACES: &[(&str, &str, &str)] = &[
    ("", "nodes", ""),
    ("", "persistentvolumes", ""),
    ("", "users", ""),
    ("", "groups", ""),
    ("admissionregistration.k8s.io", "mutatingadmissionpolicies", ""),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", ""),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies", ""),
    ("admissionregistration.k8s.io", "validatingadmissionpolicybindings", ""),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", ""),
    ("apiregistration.k8s.io", "apiservices", ""),
    ("certificates.k8s.io", "certificatesigningrequests", ""),
    ("certificates.k8s.io", "signers", ""),
    ("rbac.authorization.k8s.io", "clusterroles", "escalate"),
];

impl ResolvedRole {
    /// The first rule that allows the request, where this kind of role can.
    #[must_use]
    pub fn allowing(&self, request: &Request<'_>) -> Option<&Permission> {
        let is_outside = |&(group, resource, verb): &(&str, &str, &str)| {
            group == request.group
                && resource == request.resource
                && (verb.is_empty() || verb == request.verb)
        };
        if self.is_namespaced && OUTSIDE_OF_NAMESPACES.iter().any(is_outside) {
            return None;
        }
        self.first(|rule| rule.allows(request))
    }

    /// The first rule of this kind.
    pub(crate) fn first(&self, is_it: impl Fn(&Permission) -> bool) -> Option<&Permission> {
        self.permissions.iter().map(|rule| &**rule).find(|rule| is_it(rule))
    }
}

/// How many rules an aggregated role may get: real ones have some hundreds.
const MAX_AGGREGATED: usize = 100_000;

/// All roles, by name, kept up to date object by object.
///
/// Aggregation is the only dependency between roles, and only cluster roles take part in it: when
/// one of them changes, the few aggregated roles are resolved again.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RoleTable {
    /// The known role objects, in the order of the world.
    known: BTreeMap<ObjectId, KnownRole>,
    by_key: BTreeMap<ObjectKey, BTreeSet<ObjectId>>,
    by_name: BTreeMap<RoleName, BTreeSet<ObjectId>>,
    /// Several roles of one name are from several files, perhaps of unrelated applications: each
    /// counts.
    resolved: BTreeMap<RoleName, Vec<ResolvedRole>>,
}

/// A role object.
#[derive(Debug, PartialEq, Eq)]
struct KnownRole {
    name: RoleName,
    is_built_in: bool,
    /// Whether the cluster overwrites its rules with those of other roles.
    is_aggregated: bool,
    /// The rules that it states itself.
    permissions: Vec<Arc<Permission>>,
}

impl RoleTable {
    pub(crate) fn new(world: &World) -> Self {
        let mut table = Self::default();
        for kind in ["Role", "ClusterRole"] {
            world.of_kind(kind).for_each(|object| table.insert(object));
        }
        let names: BTreeSet<RoleName> =
            table.by_name.keys().chain(builtin::roles().keys()).cloned().collect();
        names.iter().for_each(|name| table.resolve(world, name));
        table
    }

    /// Reads again what the world has under this key.
    pub(crate) fn refresh(&mut self, world: &World, key: &ObjectKey) {
        let mut changed: BTreeSet<RoleName> = BTreeSet::new();
        for id in self.by_key.remove(key).unwrap_or_default() {
            changed.extend(self.remove(id));
        }
        for object in world.all(key) {
            self.insert(object);
            changed.extend(self.known.get(&object.id).map(|role| role.name.clone()));
        }
        if changed.iter().any(|name| name.namespace.is_none()) {
            let aggregated = self.known.values().filter(|role| role.is_aggregated);
            changed.extend(aggregated.map(|role| role.name.clone()));
            changed.extend(builtin::AGGREGATED.iter().map(|(name, _)| RoleName::new(None, name)));
        }
        changed.iter().for_each(|name| self.resolve(world, name));
    }

    fn insert(&mut self, object: Object<'_>) {
        let Some(role) = Role::new(object).filter(|_| !object.name().is_empty()) else { return };
        let rules = (0..).zip(role.rules());
        let known = KnownRole {
            name: RoleName::of(role),
            is_built_in: role.is_built_in()
                || (object.name().starts_with("system:") && !role.is_changed()),
            is_aggregated: role.aggregation().is_some(),
            permissions: rules
                .map(|(number, rule)| {
                    Arc::new(Permission::of_rule(rule, FieldRef::new(object.id, number)))
                })
                .collect(),
        };
        self.by_key.entry(object.key()).or_default().insert(object.id);
        self.by_name.entry(known.name.clone()).or_default().insert(object.id);
        self.known.insert(object.id, known);
    }

    fn remove(&mut self, id: ObjectId) -> Option<RoleName> {
        let name = self.known.remove(&id)?.name;
        if let Some(ids) = self.by_name.get_mut(&name) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_name.remove(&name);
            }
        }
        Some(name)
    }

    /// Finds the rules of all roles of a name.
    fn resolve(&mut self, world: &World, name: &RoleName) {
        let ids = self.by_name.get(name).into_iter().flatten();
        let known = ids.filter_map(|id| Some((*id, self.known.get(id)?)));
        let mut roles: Vec<ResolvedRole> = known
            .map(|(id, role)| ResolvedRole {
                source: RoleSource::Object { id, is_built_in: role.is_built_in },
                is_namespaced: name.namespace.is_some(),
                permissions: if role.is_aggregated {
                    self.aggregated(world, id)
                } else {
                    role.permissions.clone()
                },
            })
            .collect();
        // A known object takes precedence over what every cluster has.
        if roles.is_empty() {
            roles.extend(self.built_in(world, name));
        }
        if roles.is_empty() {
            self.resolved.remove(name);
        } else {
            self.resolved.insert(name.clone(), roles);
        }
    }

    /// The known cluster roles, each with its object.
    fn cluster_roles<'t>(
        &'t self,
        world: &'t World,
    ) -> impl Iterator<Item = (Object<'t>, &'t KnownRole)> {
        let cluster_roles = self.known.iter().filter(|(_, role)| role.name.namespace.is_none());
        cluster_roles.filter_map(|(id, role)| Some((world.object(*id)?, role)))
    }

    /// The rules of all cluster roles that a selector of this aggregated role matches. An
    /// aggregated role among them gives what it gets, so its selectors count as well.
    fn aggregated(&self, world: &World, id: ObjectId) -> Vec<Arc<Permission>> {
        let selectors = |object| Role::new(object).and_then(Role::aggregation).unwrap_or_default();
        let mut pending = world.object(id).map(selectors).unwrap_or_default();
        let mut taken = BTreeSet::new();
        let mut permissions = Vec::new();
        while let Some(selector) = pending.pop() {
            for (object, role) in self.cluster_roles(world) {
                if taken.contains(&object.id) || !labels_match(selector, object.labels()) {
                    continue;
                }
                taken.insert(object.id);
                if role.is_aggregated {
                    pending.extend(selectors(object));
                } else {
                    permissions.extend(role.permissions.iter().map(Arc::clone));
                }
                if permissions.len() > MAX_AGGREGATED {
                    return permissions;
                }
            }
        }
        permissions
    }

    /// A role that every cluster has, with the rules of the cluster roles that are labeled to
    /// become part of it.
    fn built_in(&self, world: &World, name: &RoleName) -> Option<ResolvedRole> {
        let mut permissions = builtin::roles().get(name)?.clone();
        let aggregated = builtin::AGGREGATED
            .iter()
            .find(|(of, _)| name.namespace.is_none() && **of == *name.name);
        if let Some((_, labels)) = aggregated {
            let is_labeled = |object: Object<'_>| {
                let own = object.metadata().mapping("labels");
                labels.iter().any(|label| own.string(label) == Some("true"))
            };
            let labeled = self
                .cluster_roles(world)
                .filter(|(object, role)| !role.is_aggregated && is_labeled(*object));
            permissions.extend(labeled.flat_map(|(_, role)| role.permissions.iter().cloned()));
        }
        let is_namespaced = name.namespace.is_some();
        Some(ResolvedRole { source: RoleSource::BuiltIn, is_namespaced, permissions })
    }

    /// All roles, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&RoleName, &[ResolvedRole])> {
        self.resolved.iter().map(|(name, roles)| (name, roles.as_slice()))
    }

    /// The roles of a name; empty if it is unknown.
    pub(crate) fn named(&self, name: &RoleName) -> &[ResolvedRole] {
        self.resolved.get(name).map_or(&[], Vec::as_slice)
    }
}
