//! Which rights each identity has, and by which binding and rule.

use std::collections::{BTreeMap, BTreeSet};

use coaming_access::{Binding, Permission, Request, ResolvedRole, Subject};
use coaming_kube::ObjectId;

use crate::evidence::Evidence;
use crate::foothold::IdentityName;
use crate::rights::{ALTERNATIVES, Extent, Right};
use crate::scene::Scene;

/// A right of an identity.
pub(crate) struct Held {
    pub(crate) right: Right,
    /// Where; `None` is the cluster.
    pub(crate) namespace: Option<String>,
    /// `create pods/exec`.
    pub(crate) requests: Vec<String>,
    pub(crate) evidence: Vec<Evidence>,
    /// The roles and bindings that give it: a finding about one of them may undo it.
    pub(crate) objects: Vec<ObjectId>,
}

/// A right on one object by its name.
pub(crate) enum HeldByName {
    Secret { namespace: String, name: String },
    AccountToken { namespace: String, name: String },
    ImpersonateAccount { namespace: String, name: String },
    ImpersonateUser(String),
    ChangeWorkload { namespace: String },
}

/// A binding, with one of its roles.
#[derive(Clone, Copy)]
struct Grant<'s> {
    binding: &'s Binding,
    subject: Evidence,
    role: &'s ResolvedRole,
}

/// The bindings of every identity that any binding names.
pub(crate) struct Bindings<'s> {
    grants: BTreeMap<IdentityName, Vec<Grant<'s>>>,
}

impl<'s> Bindings<'s> {
    pub(crate) fn new(scene: &'s Scene<'_>) -> Self {
        let mut grants: BTreeMap<IdentityName, Vec<Grant<'s>>> = BTreeMap::new();
        for binding in scene.access.bindings() {
            for (subject, field) in binding.subjects() {
                let Some((object, node)) = field.find(scene.world) else { continue };
                let subject_evidence = Evidence::at(object, node);
                for role in scene.access.roles_named(&binding.role) {
                    grants.entry(IdentityName::of(subject)).or_default().push(Grant {
                        binding,
                        subject: subject_evidence,
                        role,
                    });
                }
            }
        }
        // What an account has together with its groups may be more than the sum of both.
        let groups: Vec<(String, Vec<Grant<'s>>)> = grants
            .iter()
            .filter_map(|(identity, own)| match identity {
                IdentityName::Group(group) => Some((group.clone(), own.clone())),
                _ => None,
            })
            .collect();
        for (identity, own) in &mut grants {
            if let IdentityName::ServiceAccount { namespace, name } = identity {
                for (group, of_group) in &groups {
                    if Subject::Group(group).covers(namespace, name) {
                        own.extend(of_group.iter().copied());
                    }
                }
            }
        }
        Self { grants }
    }

    /// Every identity that a binding names.
    pub(crate) fn identities(&self) -> impl Iterator<Item = &IdentityName> {
        self.grants.keys()
    }

    /// The rights of an identity, where each is bound.
    pub(crate) fn held(&self, scene: &Scene<'_>, identity: &IdentityName) -> Vec<Held> {
        let grants = self.grants.get(identity).map_or(&[][..], Vec::as_slice);
        let mut scopes: BTreeSet<Option<&str>> =
            grants.iter().map(|grant| grant.binding.namespace.as_deref()).collect();
        scopes.insert(None);
        let mut found: Vec<Held> = Vec::new();
        let mut known: BTreeSet<(Right, Option<String>)> = BTreeSet::new();
        for scope in scopes {
            let counting: Vec<Grant<'_>> = grants
                .iter()
                .copied()
                .filter(|grant| {
                    let own = grant.binding.namespace.as_deref();
                    own.is_none() || own == scope
                })
                .collect();
            if counting.is_empty() {
                continue;
            }
            for alternative in ALTERNATIVES {
                let is_known = known.contains(&(alternative.right, None))
                    || known.contains(&(alternative.right, scope.map(str::to_owned)));
                if is_known || alternative.extent == Extent::Cluster && scope.is_some() {
                    continue;
                }
                let needs = alternative.needs(scene.minor);
                let Some(held) = hold(scene, &counting, &needs) else { continue };
                let extents: Vec<Option<String>> = match (alternative.extent, scope) {
                    (Extent::EachNamespace, None) => {
                        scene.namespaces.iter().cloned().map(Some).collect()
                    }
                    (_, scope) => vec![scope.map(str::to_owned)],
                };
                for namespace in extents {
                    if known.insert((alternative.right, namespace.clone())) {
                        found.push(Held {
                            right: alternative.right,
                            namespace,
                            requests: held.0.clone(),
                            evidence: held.1.clone(),
                            objects: held.2.clone(),
                        });
                    }
                }
            }
        }
        found
    }

    /// The rights of an identity on objects that a rule names.
    pub(crate) fn held_by_name(
        &self,
        scene: &Scene<'_>,
        identity: &IdentityName,
    ) -> Vec<(HeldByName, Vec<Evidence>, Vec<ObjectId>)> {
        let mut found = Vec::new();
        for grant in self.grants.get(identity).into_iter().flatten() {
            let limited = grant.role.permissions.iter().filter(|rule| rule.is_limited_to_names());
            for permission in limited {
                let evidence = evidence_of(scene, *grant, permission);
                for name in permission.names() {
                    for right in
                        by_name(scene, grant.binding.namespace.as_deref(), permission, name)
                    {
                        found.push((right, evidence.0.clone(), evidence.1.clone()));
                    }
                }
            }
        }
        found
    }
}

type Proof = (Vec<String>, Vec<Evidence>, Vec<ObjectId>);

/// How one request of each list is allowed; `None` if one is not.
fn hold(scene: &Scene<'_>, grants: &[Grant<'_>], needs: &[Vec<Request<'static>>]) -> Option<Proof> {
    let mut proof: Proof = Default::default();
    for requests in needs {
        let (request, grant, permission) = requests.iter().find_map(|request| {
            grants.iter().find_map(|grant| Some((request, *grant, grant.role.allowing(request)?)))
        })?;
        proof.0.push(words(request));
        let (evidence, objects) = evidence_of(scene, grant, permission);
        proof.1.extend(evidence);
        proof.2.extend(objects);
    }
    proof.1.dedup();
    Some(proof)
}

/// `create pods/exec`, `everything`.
fn words(request: &Request<'_>) -> String {
    if request.verb == "*" {
        return "do everything".to_owned();
    }
    let slash = if request.subresource.is_empty() { "" } else { "/" };
    format!("{} {}{slash}{}", request.verb, request.resource, request.subresource)
}

fn evidence_of(
    scene: &Scene<'_>,
    grant: Grant<'_>,
    permission: &Permission,
) -> (Vec<Evidence>, Vec<ObjectId>) {
    let rule = permission.source.and_then(|field| field.find(scene.world));
    let mut evidence = vec![grant.subject];
    evidence.extend(rule.map(|(object, node)| Evidence::at(object, node)));
    let mut objects = vec![grant.binding.object];
    objects.extend(rule.map(|(object, _)| object.id));
    objects.extend(grant.role.source.id());
    objects.dedup();
    (evidence, objects)
}

/// What a rule that is limited to names gives on one of them.
fn by_name(
    scene: &Scene<'_>,
    namespace: Option<&str>,
    permission: &Permission,
    name: &str,
) -> Vec<HeldByName> {
    let allows = |verbs: &[&str], group: &str, resource: &str, subresource: &str| {
        verbs.iter().any(|verb| {
            permission.allows(&Request {
                verb,
                group,
                resource,
                subresource,
                namespace,
                name: Some(name),
            })
        })
    };
    let everywhere = || -> Vec<String> {
        match namespace {
            Some(namespace) => vec![namespace.to_owned()],
            None => scene.namespaces.iter().cloned().collect(),
        }
    };
    let mut found = Vec::new();
    for namespace in everywhere() {
        let key = (namespace.clone(), name.to_owned());
        let (own_namespace, own_name) = (namespace.clone(), name.to_owned());
        if scene.secrets.contains_key(&key) && allows(&["get", "list", "watch"], "", "secrets", "")
        {
            found.push(HeldByName::Secret { namespace: own_namespace, name: own_name });
        }
        if scene.accounts.contains(&key) {
            let (namespace, name) = key.clone();
            if allows(&["create"], "", "serviceaccounts", "token") {
                found.push(HeldByName::AccountToken { namespace, name });
            }
            let (namespace, name) = key.clone();
            if allows(&["impersonate"], "", "serviceaccounts", "") {
                found.push(HeldByName::ImpersonateAccount { namespace, name });
            }
        }
        let change = ["update", "patch"];
        let kinds = [
            ("apps", "deployments", "Deployment"),
            ("apps", "daemonsets", "DaemonSet"),
            ("apps", "statefulsets", "StatefulSet"),
            ("batch", "cronjobs", "CronJob"),
        ];
        for (group, resource, kind) in kinds {
            if allows(&change, group, resource, "")
                && scene.world.find(kind, &namespace, name).is_some()
            {
                found.push(HeldByName::ChangeWorkload { namespace: namespace.clone() });
            }
        }
    }
    if namespace.is_none() && allows(&["impersonate"], "", "users", "") {
        found.push(HeldByName::ImpersonateUser(name.to_owned()));
    }
    found
}
