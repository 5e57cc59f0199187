//! NetworkPolicy semantics: reachability, explanation, difference, synthesis.
//!
//! The engine reasons about a [`Model`], which [`from_inventory`] makes from Kubernetes objects,
//! and answers through [`Reach`]. It is exact: what Kubernetes defines is computed as Kubernetes
//! defines it, and `tests/it` proves that against a slow and obvious evaluator and against real
//! packets. It is fast because it never looks at pods or addresses one by one, but at what
//! policies can tell apart: classes of labels, atoms of the address space, ranges of ports.
//!
//! Nothing here prints; [`render`] makes text.

mod class;
mod compile;
mod diff;
mod explain;
mod exposure;
mod find;
mod findings;
mod graph;
pub mod ip;
mod list;
mod matrix;
pub mod model;
mod outside;
pub mod ports;
mod reach;
pub mod render;
pub mod selector;
pub mod suggest;
mod views;

pub use diff::{Change, Diff, diff};
pub use explain::{Explanation, PolicyVerdict, RuleVerdict, Side, ends_of, explain, explain_any};
pub use exposure::{Exposure, Openness, exposure};
pub use find::{FindError, find_end, find_port};
pub use findings::{Certainty, Check, PolicyProblem, policy_findings, reaches_metadata};
pub use graph::{Dot, Edge, Graph, graph};
pub use ip::IpSet;
pub use list::{Connection, Party, lets_in, list};
pub use matrix::{Summary, summary};
pub use model::{Direction, Model, Pods, Policy, Workload};
pub use outside::reached_from_outside;
pub use ports::{Connections, PortSet, Protocol};
pub use reach::{End, Reach};
pub use selector::{Labels, Selector};
pub use views::{from_inventory, policies_selecting};
