//! Who can read one Secret: subjects, containers, nodes.

use std::collections::BTreeMap;

use coaming_kube::{Fields as _, Object, ObjectId, SecretUse, SecretUseKind, Workload, World};
use coaming_yaml::Node;

use crate::answer::{
    ContainerUse, DirectAccess, Grant, NodeUse, SecretAccess, UnresolvedBinding, UseKind,
};
use crate::steps::Steps;
use crate::{Access, Allowed, Evidence, FieldRef, NodePlacement, Request, Subject, node_uses};

/// The verbs that return a Secret's values: the answer to a patch contains the whole object, and so
/// does the answer to the deletion of a collection.
pub(crate) const READING: &[&str] = &["get", "list", "watch", "patch", "deletecollection"];

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretNameError {
    /// The text is not `NAMESPACE/NAME` or `NAME`.
    #[error("`{0}` is not the name of a Secret: write NAMESPACE/NAME")]
    Invalid(String),
}

/// Finds everyone and everything that can read the Secret that `text` names: `NAMESPACE/NAME`, or
/// `NAME` for namespace `default`. It need not be in the world.
///
/// # Errors
///
/// The text is not the name of a Secret.
pub fn who_can<'a>(
    world: &'a World,
    access: &'a Access,
    text: &str,
) -> Result<SecretAccess<'a>, SecretNameError> {
    let (namespace, name) = text.split_once('/').unwrap_or(("default", text));
    if namespace.is_empty() || name.is_empty() || name.contains('/') {
        return Err(SecretNameError::Invalid(text.to_owned()));
    }
    let query = Query { world, access, namespace, name };
    let direct = query.direct();
    let (containers, nodes) = query.uses();
    let indirect = Steps::new(&query).indirect(&direct);
    let secret = world.find("Secret", namespace, name).filter(|secret| secret.group().is_empty());
    Ok(SecretAccess {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        evidence: secret.map(|secret| Evidence::of(world, secret, secret.node())),
        direct,
        indirect,
        containers,
        nodes,
        unresolved: query.unresolved(),
    })
}

/// `Kind namespace/name`; a cluster-scoped object of RBAC has no namespace.
#[must_use]
pub fn title(object: Object<'_>) -> String {
    match object.kind() {
        kind @ ("ClusterRole" | "ClusterRoleBinding") => format!("{kind} {}", object.name()),
        kind => format!("{kind} {}/{}", object.namespace_or_default(), object.name()),
    }
}

/// A question about one Secret.
pub(crate) struct Query<'q, 'a> {
    pub(crate) world: &'a World,
    pub(crate) access: &'a Access,
    pub(crate) namespace: &'q str,
    pub(crate) name: &'q str,
}

impl<'a> Query<'_, 'a> {
    /// The binding and role of an allowed request; `None` if they are no longer in the world.
    pub(crate) fn grant(&self, allowed: &Allowed<'a>, subject: FieldRef) -> Option<Grant> {
        let evidence = |(object, node)| Evidence::of(self.world, object, node);
        let (binding, node) = subject.find(self.world)?;
        let name = &allowed.binding.role;
        let role = match allowed.role.source.object(self.world) {
            Some(role) => title(role),
            None => format!("{} {}", name.kind(), name.name),
        };
        let rule = allowed.permission.source.and_then(|rule| rule.find(self.world));
        Some(Grant {
            binding: title(binding),
            binding_evidence: evidence((binding, node)),
            role,
            rule_evidence: rule.map(evidence),
        })
    }

    /// The subjects that can read it, each with all verbs of one binding.
    fn direct(&self) -> Vec<DirectAccess<'a>> {
        let request = Request::on_secret("get", self.namespace, self.name);
        let tokens = Tokens::new(self.world);
        let mut found: Vec<(ObjectId, DirectAccess<'a>)> = Vec::new();
        let mut known: BTreeMap<FieldRef, usize> = BTreeMap::new();
        for &verb in READING {
            // The deletion of a collection names no object.
            let name = request.name.filter(|_| verb != "deletecollection");
            for allowed in self.access.allowing(&Request { verb, name, ..request }) {
                for (subject, field) in allowed.binding.subjects() {
                    if let Some(&index) = known.get(&field) {
                        found[index].1.verbs.push(verb);
                        continue;
                    }
                    let Some(grant) = self.grant(&allowed, field) else { continue };
                    known.insert(field, found.len());
                    let pods = tokens.of(subject);
                    let access = DirectAccess { subject, verbs: vec![verb], grant, pods };
                    found.push((allowed.binding.object, access));
                }
            }
        }
        found.sort_by(|(a, x), (b, y)| (x.subject, a).cmp(&(y.subject, b)));
        found.into_iter().map(|(_, access)| access).collect()
    }

    /// The containers that have it, and the workloads whose nodes have it.
    fn uses(&self) -> (Vec<ContainerUse<'a>>, Vec<NodeUse<'a>>) {
        let (mut containers, mut nodes) = (Vec::new(), Vec::new());
        for workload in self.world.workloads() {
            let before = containers.len();
            let is_here = workload.object.namespace_or_default() == self.namespace;
            let all = if is_here { workload.pod().secret_uses() } else { Vec::new() };
            let uses: Vec<SecretUse<'a>> =
                all.into_iter().filter(|found| found.secret == self.name).collect();
            let is_used = !uses.is_empty();
            for found in uses {
                containers.extend(self.container_uses(workload, found));
            }
            if is_used || node_uses::brings(self.world, workload, self.namespace, self.name) {
                nodes.push(NodeUse {
                    workload: workload.object,
                    node_only: containers.len() == before,
                    placement: NodePlacement::of(self.world, workload),
                });
            }
        }
        (containers, nodes)
    }

    fn container_uses(
        &self,
        workload: Workload<'a>,
        found: SecretUse<'a>,
    ) -> Vec<ContainerUse<'a>> {
        let object = workload.object;
        let of = |container: &'a str, kind: UseKind, node: Node<'a>| ContainerUse {
            workload: object,
            container,
            kind,
            evidence: Evidence::of(self.world, object, node),
        };
        match found.kind {
            SecretUseKind::Variable { container, name, key, variable } => {
                let kind = UseKind::Variable { name: name.to_owned(), key: key.to_owned() };
                vec![of(container.name(), kind, variable)]
            }
            SecretUseKind::Environment { container, prefix, source } => {
                let kind = UseKind::Environment { prefix: prefix.to_owned() };
                vec![of(container.name(), kind, source)]
            }
            SecretUseKind::Files { volume, source } => {
                let keys: Vec<String> = source
                    .list("items")
                    .filter_map(|item| item.string("key"))
                    .map(str::to_owned)
                    .collect();
                let mounts = workload.pod().mounts_of(volume);
                mounts
                    .map(|(container, mount)| {
                        let path = mount.mount_path().unwrap_or_default().to_owned();
                        let kind = UseKind::Files { path, keys: keys.clone() };
                        of(container.name(), kind, mount.node())
                    })
                    .collect()
            }
            SecretUseKind::Node => Vec::new(),
        }
    }

    /// The bindings to unknown roles that count here.
    fn unresolved(&self) -> Vec<UnresolvedBinding> {
        self.access
            .unresolved()
            .filter(|binding| binding.counts_in(Some(self.namespace)))
            .filter_map(|binding| {
                let object = self.world.object(binding.object)?;
                Some(UnresolvedBinding {
                    binding: title(object),
                    role: format!("{} {}", binding.role.kind(), binding.role.name),
                    evidence: Evidence::of(self.world, object, object.node()),
                })
            })
            .collect()
    }
}

/// The workloads whose pods have a token of their service account, by account.
struct Tokens<'a> {
    /// Each with its number in the order of the world.
    by_account: BTreeMap<(&'a str, &'a str), Vec<(usize, String)>>,
}

impl<'a> Tokens<'a> {
    fn new(world: &'a World) -> Self {
        let mut by_account: BTreeMap<_, Vec<(usize, String)>> = BTreeMap::new();
        for (number, workload) in world.workloads().enumerate() {
            if has_token(world, workload) {
                let account = workload.pod().service_account_name();
                let key = (workload.object.namespace_or_default(), account);
                by_account.entry(key).or_default().push((number, title(workload.object)));
            }
        }
        Self { by_account }
    }

    /// The workloads with a token of this subject, in the order of the world.
    fn of(&self, subject: Subject<'_>) -> Vec<String> {
        let mut found: Vec<&(usize, String)> = match subject {
            Subject::ServiceAccount { namespace, name } => {
                self.by_account.get(&(namespace, name)).into_iter().flatten().collect()
            }
            Subject::User(_) => Vec::new(),
            Subject::Group(_) => self
                .by_account
                .iter()
                .filter(|((namespace, name), _)| subject.covers(namespace, name))
                .flat_map(|(_, workloads)| workloads)
                .collect(),
        };
        found.sort_unstable();
        found.dedup_by(|(_, a), (_, b)| a == b);
        found.into_iter().map(|(_, title)| title.clone()).collect()
    }
}

/// Whether the pods have a token of their service account: the pod's setting counts before the
/// account's.
#[must_use]
pub fn has_token(world: &World, workload: Workload<'_>) -> bool {
    let pod = workload.pod();
    let account = || {
        let namespace = workload.object.namespace_or_default();
        let account = world.find("ServiceAccount", namespace, pod.service_account_name())?;
        account.node().boolean("automountServiceAccountToken")
    };
    pod.automount_service_account_token().or_else(account) != Some(false)
}
