//! What Kubernetes itself can enforce: `export vap` and `export psa`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Rules as ValidatingAdmissionPolicies.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyExport {
    /// The version of this format: 1.
    pub version: u32,
    /// The rules that are policies, in the order of the documentation.
    pub policies: Vec<ExportedPolicy>,
    /// The selected rules that are none.
    pub not_expressed: Vec<NotExpressed>,
}

/// A rule as a policy.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportedPolicy {
    /// The rule.
    pub rule: String,
    /// The policy's name.
    pub name: String,
    /// The names of its bindings.
    pub bindings: Vec<String>,
    /// The objects to apply: the policy, then its bindings.
    pub objects: Vec<Value>,
}

/// A rule that is not a policy.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotExpressed {
    /// The rule.
    pub rule: String,
    /// Why not: `other-objects`, `images`, `text`, `files`, `control-plane`, `custom-resources` or
    /// `not-configured`.
    pub reason: String,
    /// The reason for people: what follows the rule's name in a sentence.
    pub message: String,
}

/// Pod Security labels that today's workloads pass.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodSecurityPlan {
    /// The version of this format: 1.
    pub version: u32,
    /// The version of the policy: `v1.30`.
    pub kubernetes_version: String,
    /// The namespaces, by name.
    pub namespaces: Vec<PodSecurityNamespace>,
    /// The namespaces of Kubernetes itself, which are not judged.
    pub skipped: Vec<String>,
}

/// What a namespace can enforce.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodSecurityNamespace {
    /// Its name.
    pub name: String,
    /// The highest level that all its pods pass: `privileged`, `baseline` or `restricted`.
    pub enforce: String,
    /// The level to warn of and to record: the next one, or the highest.
    pub warn: String,
    /// The level that it enforces now; null without the label.
    pub current: Option<String>,
    /// How many workloads were judged.
    pub workloads: u64,
    /// The labels to set.
    pub labels: BTreeMap<String, String>,
    /// What keeps it from the level of `warn`.
    pub blockers: Vec<PodSecurityBlocker>,
}

/// A violation of the next level.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodSecurityBlocker {
    /// The kind of the workload.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The container; null where the pod itself violates the control.
    pub container: Option<String>,
    /// The control, as Kubernetes names it.
    pub control: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}
