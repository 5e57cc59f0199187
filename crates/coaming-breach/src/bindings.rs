//! Which rights each identity has, and by which binding and rule.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use coaming_access::{Binding, Permission, Request, ResolvedRole, Subject};
use coaming_kube::ObjectId;

use crate::evidence::Evidence;
use crate::foothold::IdentityName;
use crate::rights::{ALTERNATIVES, CHANGE, Extent, PROXY, Right};
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
    Secret {
        namespace: String,
        name: String,
    },
    AccountToken {
        namespace: String,
        name: String,
    },
    ImpersonateAccount {
        namespace: String,
        name: String,
    },
    ImpersonateUser(String),
    ChangeWorkload {
        namespace: String,
    },
    /// Commands in the containers of a pod, by position in [`Scene::pods`].
    Exec {
        pod: usize,
    },
    /// Connections to the ports of a pod.
    Connect {
        pod: usize,
    },
    LabelNamespace {
        namespace: String,
    },
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
    /// The pods whose names are known: by namespace and name.
    named_pods: HashMap<(&'s str, &'s str), usize>,
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
        let named = scene
            .pods
            .iter()
            .enumerate()
            .filter(|(_, pod)| matches!(pod.name.kind.as_str(), "Pod" | "StatefulSet"));
        let named_pods = named
            .map(|(number, pod)| ((pod.namespace(), pod.name.name.as_str()), number))
            .collect();
        Self { grants, named_pods }
    }

    /// The pod with a name. Those of a StatefulSet have its name and a number.
    fn pod_named(&self, namespace: &str, name: &str) -> Option<usize> {
        let numbered = || {
            let (set, number) = name.rsplit_once('-')?;
            number.parse::<u32>().ok()?;
            self.named_pods.get(&(namespace, set))
        };
        self.named_pods.get(&(namespace, name)).or_else(numbered).copied()
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
                        self.by_name(scene, grant.binding.namespace.as_deref(), permission, name)
                    {
                        found.push((right, evidence.0.clone(), evidence.1.clone()));
                    }
                }
            }
        }
        found
    }

    /// What a rule that is limited to names gives on one of them.
    fn by_name(
        &self,
        scene: &Scene<'_>,
        bound_in: Option<&str>,
        permission: &Permission,
        name: &str,
    ) -> Vec<HeldByName> {
        let named = Named { permission, bound_in, name };
        let everywhere: Vec<String> = match bound_in {
            Some(namespace) => vec![namespace.to_owned()],
            None => scene.namespaces.iter().cloned().collect(),
        };
        let mut found = Vec::new();
        for namespace in everywhere {
            named.in_namespace(scene, &namespace, &mut found);
            if let Some(pod) = self.pod_named(&namespace, name) {
                named.on_pod(scene.minor, pod, &mut found);
            }
        }
        // A role of a namespace counts for the namespace itself.
        if bound_in.is_none_or(|own| own == name)
            && scene.namespaces.contains(name)
            && named.allows(CHANGE, "", "namespaces", "")
        {
            found.push(HeldByName::LabelNamespace { namespace: name.to_owned() });
        }
        if bound_in.is_none() && named.allows(&["impersonate"], "", "users", "") {
            found.push(HeldByName::ImpersonateUser(name.to_owned()));
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

/// A rule that is limited to names, and one of them.
struct Named<'n> {
    permission: &'n Permission,
    bound_in: Option<&'n str>,
    name: &'n str,
}

impl Named<'_> {
    fn allows(&self, verbs: &[&str], group: &str, resource: &str, subresource: &str) -> bool {
        verbs.iter().any(|verb| {
            self.permission.allows(&Request {
                verb,
                group,
                resource,
                subresource,
                namespace: self.bound_in,
                name: Some(self.name),
            })
        })
    }

    /// What it gives in a namespace.
    fn in_namespace(&self, scene: &Scene<'_>, namespace: &str, found: &mut Vec<HeldByName>) {
        let key = (namespace.to_owned(), self.name.to_owned());
        let own = || (namespace.to_owned(), self.name.to_owned());
        if scene.secrets.contains_key(&key)
            && self.allows(&["get", "list", "watch"], "", "secrets", "")
        {
            let (namespace, name) = own();
            found.push(HeldByName::Secret { namespace, name });
        }
        if scene.accounts.contains(&key) {
            if self.allows(&["create"], "", "serviceaccounts", "token") {
                let (namespace, name) = own();
                found.push(HeldByName::AccountToken { namespace, name });
            }
            if self.allows(&["impersonate"], "", "serviceaccounts", "") {
                let (namespace, name) = own();
                found.push(HeldByName::ImpersonateAccount { namespace, name });
            }
        }
        let kinds = [
            ("apps", "deployments", "Deployment"),
            ("apps", "daemonsets", "DaemonSet"),
            ("apps", "statefulsets", "StatefulSet"),
            ("batch", "cronjobs", "CronJob"),
        ];
        for (group, resource, kind) in kinds {
            if self.allows(CHANGE, group, resource, "")
                && scene.world.find(kind, namespace, self.name).is_some()
            {
                found.push(HeldByName::ChangeWorkload { namespace: namespace.to_owned() });
            }
        }
    }

    /// What it gives on the pod with this name.
    fn on_pod(&self, minor: u32, pod: usize, found: &mut Vec<HeldByName>) {
        let stream: &[&str] = if minor >= 35 { &["create"] } else { &["create", "get"] };
        let runs = ["exec", "attach"].iter().any(|part| self.allows(stream, "", "pods", part))
            || self.allows(CHANGE, "", "pods", "ephemeralcontainers")
            || self.allows(CHANGE, "", "pods", "");
        if runs {
            found.push(HeldByName::Exec { pod });
        }
        if self.allows(stream, "", "pods", "portforward") || self.allows(PROXY, "", "pods", "proxy")
        {
            found.push(HeldByName::Connect { pod });
        }
    }
}
