//! Which objects refer to others: bindings to accounts and roles, Services and policies to pods.
//!
//! The index answers for one pod, account or role without a search through all objects. It may
//! return an object that does not refer to it (a Service with a second label in its selector), but
//! it never misses one that does.

use std::collections::{BTreeMap, BTreeSet};

use coaming_yaml::Node;

use crate::{Fields, Object, ObjectId};

/// What is referred to: a part of an object's identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// A service account, by namespace and name.
    Account(Box<str>, Box<str>),
    /// A group or a user.
    Group(Box<str>),
    /// A user.
    User(Box<str>),
    /// A role, by kind, namespace (empty for a `ClusterRole`) and name.
    Role(Box<str>, Box<str>, Box<str>),
    /// Pods of a namespace with a label, for an object of a kind.
    Label(Box<str>, Box<str>, Box<str>, Box<str>),
    /// Any pods of a namespace, for an object of a kind.
    AnyPod(Box<str>, Box<str>),
}

/// Objects by what they refer to.
#[derive(Clone, Debug, Default)]
pub(crate) struct References {
    objects: BTreeMap<Target, BTreeSet<ObjectId>>,
}

impl References {
    pub(crate) fn insert(&mut self, object: Object<'_>) {
        for target in targets(object) {
            self.objects.entry(target).or_default().insert(object.id);
        }
    }

    pub(crate) fn remove(&mut self, object: Object<'_>) {
        for target in targets(object) {
            if let Some(ids) = self.objects.get_mut(&target) {
                ids.remove(&object.id);
                if ids.is_empty() {
                    self.objects.remove(&target);
                }
            }
        }
    }

    /// The objects that refer to any of these, each once, sorted.
    pub(crate) fn to(&self, targets: &[Target]) -> Vec<ObjectId> {
        let found: BTreeSet<ObjectId> = targets
            .iter()
            .filter_map(|target| self.objects.get(target))
            .flatten()
            .copied()
            .collect();
        found.into_iter().collect()
    }
}

/// Whether objects of a kind are in the index.
pub(crate) fn is_indexed(kind: &str) -> bool {
    matches!(kind, "RoleBinding" | "ClusterRoleBinding" | "Service" | "NetworkPolicy")
}

fn targets(object: Object<'_>) -> Vec<Target> {
    let namespace = object.namespace_or_default();
    let selector = match object.kind() {
        "RoleBinding" | "ClusterRoleBinding" => return binding_targets(object),
        "Service" => object.spec().mapping("selector"),
        "NetworkPolicy" => object.spec().mapping("podSelector").mapping("matchLabels"),
        _ => return Vec::new(),
    };
    // One label is enough for the index; callers check the others.
    let label = selector
        .and_then(|selector| selector.entries().next())
        .and_then(|label| Some((label.name(), label.value.as_str()?)));
    vec![match label {
        Some((key, value)) => {
            Target::Label(object.kind().into(), namespace.into(), key.into(), value.into())
        }
        None => Target::AnyPod(object.kind().into(), namespace.into()),
    }]
}

fn binding_targets(binding: Object<'_>) -> Vec<Target> {
    let own_namespace = binding.namespace_or_default();
    let subject = |subject: Node<'_>| {
        let name = subject.string("name")?;
        match subject.string("kind")? {
            "ServiceAccount" => {
                let namespace = subject.string("namespace").unwrap_or(own_namespace);
                Some(Target::Account(namespace.into(), name.into()))
            }
            "Group" => Some(Target::Group(name.into())),
            "User" => Some(Target::User(name.into())),
            _ => None,
        }
    };
    let mut found: Vec<Target> = binding.node().list("subjects").filter_map(subject).collect();
    let role = binding.node().mapping("roleRef");
    if let (Some(kind), Some(name)) = (role.string("kind"), role.string("name")) {
        let namespace = if kind == "Role" { own_namespace } else { "" };
        found.push(Target::Role(kind.into(), namespace.into(), name.into()));
    }
    found
}

/// What bindings name to give rights to an account: the account, its user name, its groups.
pub(crate) fn of_account(namespace: &str, name: &str) -> Vec<Target> {
    vec![
        Target::Account(namespace.into(), name.into()),
        Target::User(format!("system:serviceaccount:{namespace}:{name}").into()),
        Target::Group(format!("system:serviceaccounts:{namespace}").into()),
        Target::Group("system:serviceaccounts".into()),
        Target::Group("system:authenticated".into()),
        Target::Group("system:unauthenticated".into()),
    ]
}

/// What objects of a kind name to select pods with these labels.
pub(crate) fn of_pods(kind: &str, namespace: &str, labels: &[(&str, &str)]) -> Vec<Target> {
    let label = |(key, value): &(&str, &str)| {
        Target::Label(kind.into(), namespace.into(), (*key).into(), (*value).into())
    };
    let any = Target::AnyPod(kind.into(), namespace.into());
    labels.iter().map(label).chain([any]).collect()
}
