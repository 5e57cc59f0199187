//! The answer to who can read a Secret, as data.

use coaming_kube::Object;

use crate::{Evidence, NodePlacement, Subject};

/// Everyone and everything that can read a Secret.
#[derive(Clone, Debug)]
pub struct SecretAccess<'a> {
    /// The namespace of the Secret.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Where it is written; `None` if it is not in the input.
    pub evidence: Option<Evidence>,
    /// The subjects that can read it through the API.
    pub direct: Vec<DirectAccess<'a>>,
    /// The subjects that can do something that gives the Secret in one or more further steps.
    pub indirect: Vec<IndirectAccess<'a>>,
    /// The containers that have it.
    pub containers: Vec<ContainerUse<'a>>,
    /// The workloads whose nodes have it.
    pub nodes: Vec<NodeUse<'a>>,
    /// The bindings that count here but refer to unknown roles: they may allow it.
    pub unresolved: Vec<UnresolvedBinding>,
}

/// A subject that can read the Secret.
#[derive(Clone, Debug)]
pub struct DirectAccess<'a> {
    /// The subject.
    pub subject: Subject<'a>,
    /// The verbs that are allowed and return the values.
    pub verbs: Vec<&'static str>,
    /// The binding and role that allow it.
    pub grant: Grant,
    /// The workloads whose pods have a token of this subject, each as `Kind namespace/name`.
    pub pods: Vec<String>,
}

/// A subject that can do something that gives the Secret in one or more further steps.
#[derive(Clone, Debug)]
pub struct IndirectAccess<'a> {
    /// The subject.
    pub subject: Subject<'a>,
    /// What it is allowed to do, as `verb resource`.
    pub allowed: String,
    /// How that gives the Secret.
    pub how: String,
    /// The binding and role that allow it.
    pub grant: Grant,
}

/// A binding and its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The binding, as `Kind namespace/name`.
    pub binding: String,
    /// Where the binding names the subject.
    pub binding_evidence: Evidence,
    /// The role, as `Kind namespace/name`.
    pub role: String,
    /// Where the rule is that allows it; `None` for a built-in role whose object is not known.
    pub rule_evidence: Option<Evidence>,
}

/// A binding that counts for the Secret, to an unknown role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnresolvedBinding {
    /// The binding, as `Kind namespace/name`.
    pub binding: String,
    /// The role, as `Kind name`.
    pub role: String,
    /// Where the binding is.
    pub evidence: Evidence,
}

/// How a container has a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UseKind {
    /// A variable has the value of a key.
    Variable {
        /// The variable.
        name: String,
        /// The key.
        key: String,
    },
    /// Each key is a variable, with this prefix.
    Environment {
        /// The prefix; usually empty.
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
    /// The name of the container.
    pub container: &'a str,
    /// How it has the Secret.
    pub kind: UseKind,
    /// Where that is written.
    pub evidence: Evidence,
}

/// A workload whose pods bring the Secret to their nodes.
#[derive(Clone, Debug)]
pub struct NodeUse<'a> {
    /// The workload.
    pub workload: Object<'a>,
    /// Whether only the node uses it, to pull images or for the driver of a volume.
    pub node_only: bool,
    /// The nodes.
    pub placement: NodePlacement,
}
