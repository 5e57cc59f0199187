//! NetworkPolicy semantics: reachability, explanation, difference, synthesis.
//!
//! The engine reasons about a [`Model`], which [`from_world`] makes from Kubernetes objects,
//! and answers through [`Reach`]. It is exact: what Kubernetes defines is computed as Kubernetes
//! defines it, and `tests/it` proves that against a slow and obvious evaluator and against real
//! packets. It is fast because it never looks at pods or addresses one by one, but at what
//! policies can tell apart: classes of labels, atoms of the address space, ranges of ports.
//!
//! Nothing here prints or phrases: results are data, and `coaming-report` renders them.

mod advice;
mod bundle;
mod cells;
mod check;
mod class;
mod compile;
mod diff;
mod enforcement;
mod evaluate;
mod explain;
mod exposure;
mod facts;
mod filter;
mod find;
mod findings;
mod graph;
mod groups;
mod identity;
mod index;
pub mod ip;
mod lint;
mod list;
mod matrix;
pub mod model;
mod outside;
mod partition;
mod pool;
pub mod ports;
mod reach;
mod refresh;
mod selection;
pub mod selector;
mod sets;
mod space;
pub mod suggest;
mod unevaluated;
mod update;
mod views;
mod waypoints;

pub use advice::{Advice, AdvisedPeer, AdvisedRule, NewPolicy};
pub use bundle::bundled;
pub use cells::{Cells, SourceCell, TargetCell, cells, entrances};
pub use check::{
    AssertedPeer, Assertion, AssertionError, AssertionResult, check_assertion, read_assertions,
};
pub use diff::{Change, Diff, diff};
pub use enforcement::{Enforcement, enforcement, k3s_server_arguments};
pub use evaluate::is_port_of_proxy;
pub use explain::{
    EntranceVerdict, Explanation, PolicyVerdict, RuleVerdict, Side, Uncertainty, Way, explain,
    plugin_dependent,
};
pub use exposure::{Beyond, Exposure, OpenTo, Openness, exposure};
pub use filter::Filter;
pub use find::{AskedPort, FindError, FoundPeer, find_endpoint, find_port, find_workload};
pub use findings::{
    Certainty, Check, PolicyProblem, broken_routes, policy_findings, reaches_metadata,
};
pub use graph::{Edge, Graph, GraphNode, graph};
pub use ip::IpSet;
pub use lint::{IdleRule, RulePlace, idle_rules};
pub use list::{Connection, Peer, connections, list};
pub use matrix::{Summary, summary};
pub use model::{Direction, Model, Pods, Policy, Workload};
pub use outside::reached_from_outside;
pub use ports::{Connections, PortSet, Protocol};
pub use reach::{Endpoint, Reach};
pub use selection::Selection;
pub use selector::{Labels, Selector};
pub use unevaluated::{UnevaluatedKind, unevaluated, unevaluated_kinds};
pub use views::{from_world, policies_selecting};
