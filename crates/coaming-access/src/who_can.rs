//! Who can read one Secret: subjects, containers, nodes.

use std::collections::{BTreeMap, BTreeSet};

use coaming_kube::{Fields as _, Inventory, Object, SecretUse, SecretUseKind, Workload};
use coaming_yaml::Node;

use crate::{Access, Allowed, Danger, Place, Placement, Request, Subject};

/// The verbs that give a Secret's values: an answer to a patch holds the whole object, and so does
/// one to the deletion of a collection.
const READING: &[&str] = &["get", "list", "watch", "patch", "deletecollection"];

/// Everybody and everything that can read a Secret.
#[derive(Clone, Debug)]
pub struct Answer<'a> {
    /// The Secret's namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Where it is written, if it is at hand.
    pub place: Option<Place>,
    /// Who may read it by the API.
    pub subjects: Vec<SubjectAccess<'a>>,
    /// Who may do something that gives it in one more step.
    pub indirect: Vec<IndirectAccess<'a>>,
    /// The containers that have it.
    pub containers: Vec<ContainerUse<'a>>,
    /// The workloads whose nodes have it.
    pub pods: Vec<PodUse<'a>>,
    /// The bindings that might allow it, to roles that are not at hand: binding, role, place.
    pub unknown: Vec<(String, String, Place)>,
}

/// A subject that may read the Secret.
#[derive(Clone, Debug)]
pub struct SubjectAccess<'a> {
    /// Who.
    pub subject: Subject<'a>,
    /// By which verbs.
    pub verbs: Vec<&'static str>,
    /// By which binding and role.
    pub via: Via,
    /// The workloads whose pods have a token of this subject, each as `Kind namespace/name`.
    pub pods: Vec<String>,
}

/// A subject that may do something that gives the Secret in one more step.
#[derive(Clone, Debug)]
pub struct IndirectAccess<'a> {
    /// Who.
    pub subject: Subject<'a>,
    /// What he may do, as `verb resource`.
    pub allowed: String,
    /// How that gives the Secret.
    pub how: String,
    /// By which binding and role.
    pub via: Via,
}

/// A binding and its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// The binding, as `Kind namespace/name`.
    pub binding: String,
    /// Where the binding names the subject.
    pub binding_place: Place,
    /// The role, as `Kind namespace/name`.
    pub role: String,
    /// Where the rule is that allows it; `None` for a role of Kubernetes' own that is not at hand.
    pub rule_place: Option<Place>,
}

/// How a container has a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// A variable has the value of a key.
    Variable {
        /// The variable.
        name: String,
        /// The key.
        key: String,
    },
    /// Each key is a variable, under this prefix.
    Environment {
        /// The prefix; mostly empty.
        prefix: String,
    },
    /// Keys are files.
    Files {
        /// The directory, or with `subPath` the file.
        path: String,
        /// The keys; empty for all.
        keys: Vec<String>,
    },
}

/// A container that has the Secret.
#[derive(Clone, Debug)]
pub struct ContainerUse<'a> {
    /// The workload.
    pub workload: Object<'a>,
    /// The container's name.
    pub container: &'a str,
    /// How it has it.
    pub how: How,
    /// Where that is written.
    pub place: Place,
}

/// A workload whose pods bring the Secret to their nodes.
#[derive(Clone, Debug)]
pub struct PodUse<'a> {
    /// The workload.
    pub workload: Object<'a>,
    /// Whether only the node sees it: to pull images, or for a volume's driver.
    pub node_only: bool,
    /// On which nodes.
    pub placement: Placement,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The text is not `NAMESPACE/NAME`.
    #[error("`{0}` does not name a Secret: write NAMESPACE/NAME")]
    Name(String),
}

/// Who can read the Secret that `text` names (`NAMESPACE/NAME`; a name alone is of namespace
/// `default`).
///
/// # Errors
///
/// As [`AnswerError`] says. A Secret that is not at hand is no error: who could read it is asked all
/// the same.
pub fn who_can<'a>(inventory: &'a Inventory, text: &str) -> Result<Answer<'a>, AnswerError> {
    let (namespace, name) = text.split_once('/').unwrap_or(("default", text));
    if namespace.is_empty() || name.is_empty() || name.contains('/') {
        return Err(AnswerError::Name(text.to_owned()));
    }
    let access = Access::from_inventory(inventory);
    let asker = Asker { inventory, access: &access, namespace, name };
    let subjects = asker.subjects();
    let (containers, pods) = asker.uses();
    let indirect = asker.indirect(&subjects, &containers);
    let secret =
        inventory.find("Secret", namespace, name).filter(|secret| secret.group().is_empty());
    Ok(Answer {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        place: secret.map(|secret| Place::of(inventory, secret, secret.node())),
        subjects,
        indirect,
        containers,
        pods,
        unknown: asker.unknown(),
    })
}

/// `Kind namespace/name`; a cluster's object has no namespace.
pub(crate) fn title(object: Object<'_>) -> String {
    match object.kind() {
        kind @ ("ClusterRole" | "ClusterRoleBinding") => format!("{kind} {}", object.name()),
        kind => format!("{kind} {}/{}", object.namespace_or_default(), object.name()),
    }
}

struct Asker<'q, 'a> {
    inventory: &'a Inventory,
    access: &'q Access<'a>,
    namespace: &'q str,
    name: &'q str,
}

impl<'a> Asker<'_, 'a> {
    fn via(&self, allowed: &Allowed<'_, 'a>, subject: Node<'a>) -> Via {
        let object = allowed.binding.binding.object;
        let place = |object, node| Place::of(self.inventory, object, node);
        let (kind, name) = allowed.binding.role_name();
        let role = match allowed.role.source.object() {
            Some(role) => title(role),
            None => format!("{kind} {name}"),
        };
        Via {
            binding: title(object),
            binding_place: place(object, subject),
            role,
            rule_place: allowed.permission.place.map(|(object, node)| place(object, node)),
        }
    }

    /// Who may read it, each with all verbs of one binding.
    fn subjects(&self) -> Vec<SubjectAccess<'a>> {
        let request = Request::on_secret("get", self.namespace, self.name);
        let mut found: Vec<(coaming_kube::ObjectId, SubjectAccess<'a>)> = Vec::new();
        let mut places: BTreeMap<(coaming_kube::ObjectId, usize), usize> = BTreeMap::new();
        for &verb in READING {
            // The deletion of a collection names no object.
            let name = request.name.filter(|_| verb != "deletecollection");
            for allowed in self.access.allowing(&Request { verb, name, ..request }) {
                let binding = allowed.binding.binding.object.id;
                for (position, &(subject, node)) in allowed.binding.subjects.iter().enumerate() {
                    if let Some(&place) = places.get(&(binding, position)) {
                        found[place].1.verbs.push(verb);
                        continue;
                    }
                    places.insert((binding, position), found.len());
                    let via = self.via(&allowed, node);
                    let pods = self.pods_of(subject);
                    found.push((binding, SubjectAccess { subject, verbs: vec![verb], via, pods }));
                }
            }
        }
        found.sort_by(|(a, x), (b, y)| (x.subject, a).cmp(&(y.subject, b)));
        found.into_iter().map(|(_, subject)| subject).collect()
    }

    /// The workloads whose pods have a token of this subject.
    fn pods_of(&self, subject: Subject<'_>) -> Vec<String> {
        let mut pods: Vec<String> = self
            .inventory
            .workloads()
            .filter(|workload| {
                let namespace = workload.object.namespace_or_default();
                subject.covers(namespace, workload.pod().service_account_name())
                    && has_token(self.inventory, *workload)
            })
            .map(|workload| title(workload.object))
            .collect();
        pods.dedup();
        pods
    }

    /// The containers that have it, and the workloads whose nodes do.
    fn uses(&self) -> (Vec<ContainerUse<'a>>, Vec<PodUse<'a>>) {
        let (mut containers, mut pods) = (Vec::new(), Vec::new());
        for workload in self.inventory.workloads() {
            if workload.object.namespace_or_default() != self.namespace {
                continue;
            }
            let all = workload.pod().secret_uses();
            let uses: Vec<SecretUse<'a>> =
                all.into_iter().filter(|found| found.secret == self.name).collect();
            if uses.is_empty() {
                continue;
            }
            let before = containers.len();
            for found in uses {
                containers.extend(self.container_uses(workload, found));
            }
            pods.push(PodUse {
                workload: workload.object,
                node_only: containers.len() == before,
                placement: Placement::of(self.inventory, workload),
            });
        }
        (containers, pods)
    }

    fn container_uses(
        &self,
        workload: Workload<'a>,
        found: SecretUse<'a>,
    ) -> Vec<ContainerUse<'a>> {
        let object = workload.object;
        let of = |container: &'a str, how: How, node: Node<'a>| ContainerUse {
            workload: object,
            container,
            how,
            place: Place::of(self.inventory, object, node),
        };
        match found.kind {
            SecretUseKind::Variable { container, name, key, variable } => {
                let how = How::Variable { name: name.to_owned(), key: key.to_owned() };
                vec![of(container.name(), how, variable)]
            }
            SecretUseKind::Environment { container, prefix, source } => {
                let how = How::Environment { prefix: prefix.to_owned() };
                vec![of(container.name(), how, source)]
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
                        of(container.name(), How::Files { path, keys: keys.clone() }, mount.node())
                    })
                    .collect()
            }
            SecretUseKind::Node => Vec::new(),
        }
    }

    /// Who may do something that gives it in one more step, but not read it.
    fn indirect(
        &self,
        direct: &[SubjectAccess<'a>],
        containers: &[ContainerUse<'a>],
    ) -> Vec<IndirectAccess<'a>> {
        let readers: BTreeSet<Subject<'a>> = direct.iter().map(|access| access.subject).collect();
        let mut steps: Vec<(Request<'_>, String)> = Vec::new();
        let here = Some(self.namespace);
        for request in Danger::StartPods.requests() {
            let how = format!("a pod in {} mounts it", self.namespace);
            steps.push((Request { namespace: here, ..request }, how));
        }
        if !containers.is_empty() {
            for request in Danger::Exec.requests() {
                let how = "the containers that have it give it".to_owned();
                // A node is of no namespace.
                let namespace = here.filter(|_| request.resource != "nodes");
                steps.push((Request { namespace, ..request }, how));
            }
        }
        for request in Danger::Escalate.requests().filter(|request| request.verb != "impersonate") {
            let how = format!("it gives itself the right to read Secrets of {}", self.namespace);
            let namespace = here.filter(|_| request.resource == "roles");
            steps.push((Request { namespace, ..request }, how));
        }
        for &reader in &readers {
            steps.extend(become_subject(reader));
        }
        let mut found: Vec<IndirectAccess<'a>> = Vec::new();
        let mut seen = BTreeSet::new();
        for (request, how) in steps {
            for allowed in self.access.allowing(&request) {
                for &(subject, node) in &allowed.binding.subjects {
                    // One way a subject and kind of step is enough to close.
                    if readers.contains(&subject) || !seen.insert((subject, how.clone())) {
                        continue;
                    }
                    let via = self.via(&allowed, node);
                    let allowed = request.to_string();
                    found.push(IndirectAccess { subject, allowed, how: how.clone(), via });
                }
            }
        }
        found.sort_by_key(|access| access.subject);
        found
    }

    /// The bindings that count here, to roles that are not at hand.
    fn unknown(&self) -> Vec<(String, String, Place)> {
        self.access
            .unresolved()
            .iter()
            .filter(|unresolved| {
                unresolved.binding.namespace().is_none_or(|namespace| namespace == self.namespace)
            })
            .map(|unresolved| {
                let object = unresolved.binding.object;
                let role = format!("{} {}", unresolved.role_kind, unresolved.role_name);
                (title(object), role, Place::of(self.inventory, object, object.node()))
            })
            .collect()
    }
}

/// The requests by which somebody becomes this subject.
fn become_subject(reader: Subject<'_>) -> Vec<(Request<'_>, String)> {
    let request = |verb, resource, subresource, namespace, name| Request {
        verb,
        group: "",
        resource,
        subresource,
        namespace,
        name: Some(name),
    };
    let how = format!("it becomes {reader}, who can read it");
    match reader {
        Subject::User(name) => vec![(request("impersonate", "users", "", None, name), how)],
        Subject::Group(name) => vec![(request("impersonate", "groups", "", None, name), how)],
        Subject::ServiceAccount { namespace, name } => vec![
            (request("create", "serviceaccounts", "token", Some(namespace), name), how.clone()),
            (request("impersonate", "serviceaccounts", "", Some(namespace), name), how),
        ],
    }
}

/// Whether the account's token lies in the pod: the pod's word counts before the account's.
fn has_token(inventory: &Inventory, workload: Workload<'_>) -> bool {
    let pod = workload.pod();
    let account = || {
        let namespace = workload.object.namespace_or_default();
        let account = inventory.find("ServiceAccount", namespace, pod.service_account_name())?;
        account.node().boolean("automountServiceAccountToken")
    };
    pod.automount_service_account_token().or_else(account) != Some(false)
}
