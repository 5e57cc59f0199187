//! Attacks: `breach`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Note, Object, Severity, Workload};

/// What an attacker reaches.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Breach {
    /// The version of this format: 1.
    pub version: u32,
    /// Where attacks begin.
    pub entries: Vec<Entry>,
    /// What an attacker wants.
    pub prizes: Vec<Foothold>,
    /// Attack paths: how an attacker gets from an entry to a prize.
    pub ways: Vec<Way>,
    /// The changes that close most attack paths.
    pub cuts: Vec<Cut>,
    /// What is not known.
    pub unknown: Vec<Note>,
}

/// What an attacker has: its `type`, and the names of what it is.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Foothold {
    /// `outside`, `container`, `port`, `node`, `node-files`, `identity`, `secret`, `credential`, `data-store`,
    /// `cloud-identity`, `exfiltration`, `admin` or `link`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The namespace of a workload or a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The kind of a workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name of a workload, a Secret, a credential, a node or a cloud identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The user: `root` in a container, or the name of an identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The name of a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// A service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account: Option<ServiceAccount>,
    /// The protocol of a port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The number of a port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// A node by the workload that it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<Workload>,
    /// Any node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any: Option<bool>,
}

/// A service account.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceAccount {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Where an attack begins: a foothold, and what follows from it. The fields of the foothold stand
/// beside these.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Entry {
    /// What lets an attacker in.
    pub via: Vec<String>,
    /// How much an attacker gains, in points.
    pub risk: u64,
    /// The containers that an attacker gets.
    pub runs: Vec<Foothold>,
    /// The prizes that an attacker reads.
    pub reads: Vec<String>,
    /// The workloads that an attacker can connect to.
    pub reaches: Vec<Workload>,
    /// The fields of the foothold: `type`, `namespace`, `kind`, `name`, `container` and so on.
    #[serde(flatten)]
    pub from: serde_json::Map<String, Value>,
}

/// Attack paths: how an attacker gets from an entry to a prize.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// The entry.
    pub from: Foothold,
    /// The prize.
    pub to: Foothold,
    /// How certain it is.
    pub kind: String,
    /// How hard it is, in points.
    pub cost: u64,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// One step of an attack path.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name.
    pub step: String,
    /// The technique in MITRE ATT&CK.
    pub technique: String,
    /// How certain it is.
    pub kind: String,
    /// What the attacker has before.
    pub from: Foothold,
    /// What the attacker has after.
    pub to: Foothold,
    /// Why it is possible.
    pub reason: String,
    /// Where that is written.
    pub locations: Vec<Place>,
    /// What else the attacker needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<Vec<Foothold>>,
}

/// A field in the input.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The field in its object.
    pub path: String,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

/// Changes that close attack paths.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// The findings to fix.
    pub findings: Vec<CutFinding>,
    /// How much it closes.
    pub closes: Closed,
    /// How much work it is, in points.
    pub cost: u64,
    /// Whether no smaller cut closes as much.
    pub proven: bool,
    /// How much more it is at most than the smallest.
    pub at_most_more_than_smallest: u64,
}

/// A finding to fix.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CutFinding {
    /// The rule.
    pub rule: String,
    /// The severity.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Object>,
    /// The container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<crate::Fix>,
}

/// How many pairs of an entry and a prize are closed.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// Those that are closed.
    pub pairs: u64,
    /// All of them.
    pub of: u64,
}

/// What an attacker gains and loses between two states.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreachComparison {
    /// The version of this format: 1.
    pub version: u32,
    /// What only the new state has.
    pub gained: Vec<Pair>,
    /// What only the old state has.
    pub lost: Vec<Pair>,
    /// What is not known of the new state.
    pub unknown: Vec<Note>,
}

/// An entry with a prize that is reached from it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The entry.
    pub entry: String,
    /// The prize.
    pub prize: String,
}
