//! Roles as the cluster sees them: aggregated, and those that every cluster has.

use std::collections::BTreeMap;

use coaming_kube::{Fields as _, Inventory, Object, Role};
use coaming_yaml::Node;

use crate::Request;
use crate::builtin;
use crate::placement::labels_match;

/// Where a role's rules come from.
#[derive(Clone, Copy, Debug)]
pub enum RoleSource<'a> {
    /// From an object at hand.
    Object(Role<'a>),
    /// From what every cluster has; the text is the role's name.
    BuiltIn(&'static str),
}

impl<'a> RoleSource<'a> {
    /// The role's object, if it is at hand.
    #[must_use]
    pub fn object(self) -> Option<Object<'a>> {
        match self {
            Self::Object(role) => Some(role.object),
            Self::BuiltIn(_) => None,
        }
    }

    /// Whether the role comes with Kubernetes, at hand or not.
    #[must_use]
    pub fn is_built_in(self) -> bool {
        match self {
            Self::Object(role) => role.is_built_in() || role.object.name().starts_with("system:"),
            Self::BuiltIn(_) => true,
        }
    }
}

/// One rule of a role, ready to be asked.
#[derive(Clone, Debug)]
pub struct Permission<'a> {
    verbs: Vec<&'a str>,
    groups: Vec<&'a str>,
    resources: Vec<&'a str>,
    names: Vec<&'a str>,
    /// Where it is written: the object (of an aggregated role, the one that it was taken from) and
    /// the rule's node.
    pub place: Option<(Object<'a>, Node<'a>)>,
}

impl<'a> Permission<'a> {
    fn of_object(object: Object<'a>, rule: coaming_kube::PolicyRule<'a>) -> Self {
        Self {
            verbs: rule.verbs().collect(),
            groups: rule.api_groups().collect(),
            resources: rule.resources().collect(),
            names: rule.resource_names().collect(),
            place: Some((object, rule.node())),
        }
    }

    pub(crate) fn built_in(groups: &[&'a str], resources: &[&'a str], verbs: &[&'a str]) -> Self {
        Self {
            verbs: verbs.to_vec(),
            groups: groups.to_vec(),
            resources: resources.to_vec(),
            names: Vec::new(),
            place: None,
        }
    }

    /// Whether it allows the request; its namespace is the binding's matter. As Kubernetes'
    /// `RuleAllows`.
    #[must_use]
    pub fn allows(&self, request: &Request<'_>) -> bool {
        self.allows_verb(request.verb)
            && self.groups.iter().any(|&group| group == "*" || group == request.group)
            && self.resources.iter().any(|resource| resource_matches(resource, request))
            && (self.names.is_empty()
                || request.name.is_some_and(|name| self.names.contains(&name)))
    }

    /// Whether it is only about objects of certain names.
    #[must_use]
    pub fn is_limited_to_names(&self) -> bool {
        !self.names.is_empty()
    }

    /// Whether it allows everything that there is.
    #[must_use]
    pub fn allows_everything(&self) -> bool {
        self.names.is_empty()
            && [&self.verbs, &self.groups, &self.resources].iter().all(|list| list.contains(&"*"))
    }

    fn allows_verb(&self, verb: &str) -> bool {
        self.verbs.iter().any(|&own| own == "*" || own == verb)
    }
}

fn resource_matches(resource: &str, request: &Request<'_>) -> bool {
    match (resource.split_once('/'), request.subresource) {
        // All resources, and all their subresources.
        _ if resource == "*" => true,
        (None, "") => resource == request.resource,
        (Some((of, subresource)), wanted) if !wanted.is_empty() => {
            subresource == wanted && (of == "*" || of == request.resource)
        }
        _ => false,
    }
}

/// A role with all its rules.
#[derive(Clone, Debug)]
pub struct ResolvedRole<'a> {
    /// Where it comes from.
    pub source: RoleSource<'a>,
    /// Its rules.
    pub permissions: Vec<Permission<'a>>,
}

impl<'a> ResolvedRole<'a> {
    /// The first rule that allows the request.
    #[must_use]
    pub fn allowing(&self, request: &Request<'_>) -> Option<&Permission<'a>> {
        self.permissions.iter().find(|permission| permission.allows(request))
    }
}

/// The name of a role: its namespace (`None` for a cluster role) and its name.
pub(crate) type RoleKey<'a> = (Option<&'a str>, &'a str);

/// How many rules an aggregated role may take over: those of real ones are some hundreds.
const MAX_AGGREGATED: usize = 100_000;

/// Every role at hand, and those that every cluster has.
pub(crate) fn resolve(inventory: &Inventory) -> BTreeMap<RoleKey<'_>, Vec<ResolvedRole<'_>>> {
    let at_hand: Vec<Role<'_>> = ["Role", "ClusterRole"]
        .into_iter()
        .flat_map(|kind| inventory.of_kind(kind))
        .filter_map(Role::new)
        .filter(|role| !role.object.name().is_empty())
        .collect();
    let mut roles: BTreeMap<RoleKey<'_>, Vec<ResolvedRole<'_>>> = BTreeMap::new();
    for &role in &at_hand {
        let permissions = match role.aggregation() {
            None => own(role),
            Some(selectors) => aggregated(&at_hand, &selectors),
        };
        let resolved = ResolvedRole { source: RoleSource::Object(role), permissions };
        roles.entry(key(role)).or_default().push(resolved);
    }
    // What is at hand is the cluster's own word.
    for (key, role) in builtin::roles() {
        roles.entry(key).or_insert_with(|| vec![role]);
    }
    extend_built_in(&mut roles, &at_hand);
    roles
}

fn key(role: Role<'_>) -> RoleKey<'_> {
    let object = role.object;
    let namespace = (!role.is_cluster_role()).then(|| object.namespace_or_default());
    (namespace, object.name())
}

fn own(role: Role<'_>) -> Vec<Permission<'_>> {
    role.rules().map(|rule| Permission::of_object(role.object, rule)).collect()
}

/// The rules of all cluster roles that one of the selectors matches. An aggregated role among them
/// gives what it was given, so that its selectors count as well.
fn aggregated<'a>(at_hand: &[Role<'a>], selectors: &[Node<'a>]) -> Vec<Permission<'a>> {
    let mut taken = vec![false; at_hand.len()];
    let mut selectors = selectors.to_vec();
    let mut permissions = Vec::new();
    while let Some(selector) = selectors.pop() {
        for (role, taken) in at_hand.iter().zip(&mut taken) {
            if *taken || !role.is_cluster_role() || !labels_match(selector, role.object.labels()) {
                continue;
            }
            *taken = true;
            match role.aggregation() {
                Some(more) => selectors.extend(more),
                None => permissions.extend(own(*role)),
            }
            if permissions.len() > MAX_AGGREGATED {
                return permissions;
            }
        }
    }
    permissions
}

/// Cluster roles that ask to be part of `admin`, `edit` or `view` are, also where those are not at
/// hand.
fn extend_built_in<'a>(
    roles: &mut BTreeMap<RoleKey<'a>, Vec<ResolvedRole<'a>>>,
    at_hand: &[Role<'a>],
) {
    for (name, label) in builtin::AGGREGATED {
        let known = roles.get_mut(&(None, *name)).and_then(|roles| roles.first_mut());
        let Some(role) = known.filter(|role| role.source.object().is_none()) else { continue };
        let asks = |role: &&Role<'a>| {
            let labels = role.object.metadata().mapping("labels");
            role.is_cluster_role()
                && role.aggregation().is_none()
                && label.iter().any(|label| labels.string(label) == Some("true"))
        };
        role.permissions.extend(at_hand.iter().filter(asks).flat_map(|role| own(*role)));
    }
}
