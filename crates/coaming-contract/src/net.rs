//! Networks: `net list`, `net exposure`, `net diff`, `net why`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Note;

/// Every possible connection.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Connections {
    /// The version of this format: 1.
    pub version: u32,
    /// The connections.
    pub connections: Vec<Connection>,
    /// What a reader must know besides.
    #[serde(flatten)]
    pub remarks: Remarks,
}

/// A possible connection.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Connection {
    /// The peer that connects.
    pub source: Peer,
    /// The peer that is connected to.
    pub target: Peer,
    /// The ports.
    #[serde(flatten)]
    pub ports: AllowedPorts,
    /// For traffic from outside: the objects that let it enter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<Vec<String>>,
}

/// A peer of a connection.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Peer {
    /// Outside addresses.
    Ip {
        /// The ranges: `10.0.0.0-10.255.255.255`.
        ranges: Vec<String>,
    },
    /// A workload.
    Workload(Workload),
    /// What enters through an Ingress, a route or an open Service.
    Ingress,
}

/// A workload.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Workload {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `Deployment`, `Pod` and so on.
    pub kind: String,
}

/// The ports on which a connection is possible.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct AllowedPorts {
    /// Whether it is possible on all ports of all protocols.
    pub all: bool,
    /// The ports, by protocol.
    pub allowed: Vec<ProtocolPorts>,
}

/// Ports of one protocol.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProtocolPorts {
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// Ranges, first and last.
    pub ports: Vec<(u16, u16)>,
}

/// What a reader must know besides an answer.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Remarks {
    /// What is not evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<Vec<Note>>,
    /// Objects that the API server refuses, and that do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problems: Option<Vec<Problem>>,
}

/// An object that does not count.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// The object.
    pub object: String,
    /// What is wrong, and what to do.
    pub message: String,
    /// Where it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// What each workload is open to.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Exposures {
    /// The version of this format: 1.
    pub version: u32,
    /// The workloads.
    pub workloads: Vec<Exposure>,
    /// What a reader must know besides.
    #[serde(flatten)]
    pub remarks: Remarks,
}

/// What a workload is open to.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// What can connect to it.
    pub ingress: Openness,
    /// What it can connect to.
    pub egress: Openness,
    /// The ports that Ingresses, routes and Services open to the outside.
    pub ingress_points: Vec<ProtocolPorts>,
}

/// What one direction is open to, existing or not.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Openness {
    /// Whether a policy guards it.
    pub guarded: bool,
    /// To any pod of the cluster.
    pub cluster: AllowedPorts,
    /// To any pod of its namespace.
    pub namespace: AllowedPorts,
    /// To outside addresses.
    pub internet: Vec<OpenRange>,
    /// To pods by their labels.
    pub pods: Vec<OpenPods>,
}

/// Outside addresses that a workload is open to.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct OpenRange {
    /// The ranges.
    pub ranges: Vec<String>,
    /// The ports.
    #[serde(flatten)]
    pub ports: AllowedPorts,
}

/// Pods that a workload is open to.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct OpenPods {
    /// The pods, in words.
    pub pods: String,
    /// Those among them that do not count.
    pub except: Vec<String>,
    /// Whether there is one.
    pub exists: bool,
    /// Only the port of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_name: Option<String>,
    /// Only ports that do not have these names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unless_named: Option<Vec<String>>,
    /// The ports.
    #[serde(flatten)]
    pub ports: AllowedPorts,
}

/// What changes between two states.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Difference {
    /// The version of this format: 1.
    pub version: u32,
    /// Workloads that only the new state has.
    pub workloads_added: Vec<Workload>,
    /// Workloads that only the old state has.
    pub workloads_removed: Vec<Workload>,
    /// The connections that differ.
    pub changes: Vec<Change>,
    /// What a reader must know besides.
    #[serde(flatten)]
    pub remarks: Remarks,
}

/// A connection that differs.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// How it differs.
    pub change: String,
    /// The peer that connects.
    pub source: Peer,
    /// The peer that is connected to.
    pub target: Peer,
    /// The ports in the old state.
    pub before: AllowedPorts,
    /// The ports in the new state.
    pub after: AllowedPorts,
}

/// How the assertions of a file turned out.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    /// The version of this format: 1.
    pub version: u32,
    /// The assertions, in the order of the file.
    pub assertions: Vec<Check>,
}

/// How an assertion turned out.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its line in the file.
    pub line: u32,
    /// Whether the connections must be possible, or must not be.
    pub must_reach: bool,
    /// Where they come from, in words.
    pub from: String,
    /// Where they go to, in words.
    pub to: String,
    /// On which ports; empty for any.
    pub ports: Vec<String>,
    /// How it turned out.
    pub result: CheckResult,
    /// What was not found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// For `fails` and `unknown`: the reason, for the first connection of which it is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Explanation>,
}

/// How an assertion turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckResult {
    /// It holds.
    Holds,
    /// It does not hold.
    Fails,
    /// Whether it holds depends on what is not evaluated.
    Unknown,
    /// A name in it means nothing.
    NotFound,
    /// It means no pods.
    NoPods,
}

/// Why a connection is possible or not.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// The version of this format: 1.
    pub version: u32,
    /// The peer that connects.
    pub source: String,
    /// The peer that is connected to.
    pub target: String,
    /// The protocol and the port that was asked about; null for all.
    pub port: Option<(String, u16)>,
    /// The Service and its port that lead to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<(String, u16)>,
    /// The TCP port through which a service mesh carries it: network policies see that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<u16>,
    /// Whether the connection is possible.
    pub is_allowed: bool,
    /// Whether that is certain.
    pub is_certain: bool,
    /// Whether it is possible on all ports.
    pub all: bool,
    /// The ports on which it is possible.
    pub allowed: Vec<ProtocolPorts>,
    /// Where only rules with limits open it: of each list, any must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restricted_to: Option<Vec<Vec<String>>>,
    /// For traffic from outside: what lets it enter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrances: Option<Vec<Entrance>>,
    /// The ways through waypoints of Istio's ambient mesh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ways: Option<Vec<WaypointWay>>,
    /// The decisions of the two sides.
    pub sides: Vec<Side>,
    /// What is not certain.
    pub notes: Vec<String>,
    /// What to change.
    pub advice: Vec<String>,
    /// Policies to add, as YAML.
    pub policies: Vec<String>,
}

/// What lets traffic from outside enter.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entrance {
    /// The object.
    pub via: String,
    /// The protocol.
    pub protocol: String,
    /// The port of the pods.
    pub port: u16,
    /// Whether policies let it through.
    pub is_open: bool,
}

/// A way through a waypoint.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaypointWay {
    /// The waypoint.
    pub waypoint: String,
    /// The Service that leads through it; without one, the pods' own addresses do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Whether the connection is possible this way.
    pub is_allowed: bool,
    /// The ports on which it is possible.
    pub allowed: Vec<ProtocolPorts>,
    /// Where only rules with limits open it: of each list, any must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restricted_to: Option<Vec<Vec<String>>>,
    /// The decisions on the way, in their order.
    pub sides: Vec<Side>,
}

/// The decision of one side.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// `ingress` or `egress`.
    pub direction: String,
    /// Whose decision it is.
    pub subject: String,
    /// The ports that it lets through.
    pub allowed: Vec<ProtocolPorts>,
    /// The policies that decide.
    pub policies: Vec<PolicyVerdict>,
}

/// What a policy says.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyVerdict {
    /// The policy.
    pub policy: String,
    /// Where it is written.
    pub file: Option<String>,
    /// The line.
    pub line: Option<u32>,
    /// Its rules.
    pub rules: Vec<RuleVerdict>,
}

/// What a rule of a policy says.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleVerdict {
    /// The rule, by its path.
    pub rule: String,
    /// The line.
    pub line: Option<u32>,
    /// `allow`, `deny` or `pass`.
    pub action: String,
    /// Whether it is about the other peer.
    pub matches: bool,
    /// The ports that it is about.
    pub connections: Vec<ProtocolPorts>,
    /// Further limits of what it allows: any must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restricted_to: Option<Vec<String>>,
}
