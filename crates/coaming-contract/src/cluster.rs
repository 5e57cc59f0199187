//! Rights: `secrets who-can`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Place, Workload};

/// Who can read a Secret.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretReaders {
    /// The version of this format: 1.
    pub version: u32,
    /// The Secret.
    pub secret: SecretName,
    /// Those who can read it through the API.
    pub subjects: Vec<Reader>,
    /// Those who can get it in one more step.
    pub indirect: Vec<IndirectReader>,
    /// The containers that have it.
    pub containers: Vec<ContainerUse>,
    /// The nodes that have it.
    pub nodes: Vec<NodeUse>,
    /// Bindings to roles that are not in the input.
    pub unknown: Vec<UnknownRole>,
}

/// The Secret that was asked about.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Where it is written; null if it is not in the input.
    pub place: Option<Place>,
}

/// A subject of role-based access control.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// `User`, `Group` or `ServiceAccount`.
    pub kind: String,
    /// The namespace of a service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// A subject that can read the Secret.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// The subject.
    pub subject: Subject,
    /// The verbs that allow it.
    pub verbs: Vec<String>,
    /// What grants them.
    pub via: Grant,
    /// The pods that run as the subject.
    pub pods: Vec<String>,
}

/// A subject that can get the Secret in one more step.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IndirectReader {
    /// The subject.
    pub subject: Subject,
    /// What it may do.
    pub allowed: String,
    /// How that leads to the Secret.
    pub how: String,
    /// What grants it.
    pub via: Grant,
}

/// A binding with its role.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The binding.
    pub binding: String,
    /// Where it is written.
    pub binding_place: Option<Place>,
    /// The role.
    pub role: String,
    /// Where the rule is written.
    pub rule_place: Option<Place>,
}

/// A container that has the Secret.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainerUse {
    /// The workload.
    pub workload: Workload,
    /// The container.
    pub container: String,
    /// How it gets the Secret.
    pub how: UseKind,
    /// Where that is written.
    pub place: Place,
}

/// How a container gets a Secret.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum UseKind {
    /// One variable.
    Env {
        /// The variable.
        variable: String,
        /// The key of the Secret.
        key: Option<String>,
    },
    /// A variable for each key.
    EnvFrom {
        /// What the names of the variables begin with.
        prefix: Option<String>,
    },
    /// Files.
    Files {
        /// The directory or file.
        path: String,
        /// The keys.
        keys: Option<Vec<String>>,
    },
}

/// Nodes that have the Secret because of a workload.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeUse {
    /// The workload.
    pub workload: Workload,
    /// Whether only the node has it, and no container.
    pub node_only: bool,
    /// The nodes.
    pub placement: Placement,
}

/// The nodes that the pods of a workload can run on.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// Which nodes.
    pub nodes: Nodes,
    /// What a node must have.
    pub requirements: Vec<String>,
    /// The known nodes that fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fitting: Option<Vec<String>>,
}

/// Which nodes run pods.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Nodes {
    /// This node.
    Named(String),
    /// Every node that fits.
    Every,
    /// Any node that fits.
    Any,
}

/// A binding to a role that is not in the input.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnknownRole {
    /// The binding.
    pub binding: String,
    /// The role.
    pub role: String,
    /// Where the binding is written.
    pub place: Place,
}
