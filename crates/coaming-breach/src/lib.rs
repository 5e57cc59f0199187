//! What an attacker can run, read and reach once a container is compromised, and which changes
//! stop most of it.
//!
//! An attacker holds [`Foothold`]s: a container, a node, an identity, a Secret, a data store. A
//! *step* ([`steps`]) is a rule that leads from one or two footholds to another one. [`Scene`]
//! joins what the engines know (network, access, images, findings), [`AttackGraph`] holds every
//! step that is possible in it, and [`answer`] finds the cheapest way to each prize, and the
//! cheapest set of findings whose fixes close the ways. Invariants:
//!
//! * A way exists if and only if the engines allow each of its steps: reachability is that of
//!   `coaming-network`, rights are those of `coaming-access`.
//! * A step that depends on something unknown is of kind [`Kind::Unknown`] and says what is
//!   unknown; nothing unknown is silently safe.
//! * Every cut is verified: its fixes are made in memory, all engines run again on the result, and
//!   only then it is reported with what it closes.
//! * The graph holds no pairs of workloads: connections go through the cells of the network engine,
//!   rights through one vertex per right and namespace.
//! * The order of everything is total and depends on the input alone. No I/O.

mod admin_interface;
mod answer;
mod bindings;
mod cut;
mod data_store;
mod entrance;
mod entry;
mod evidence;
mod foothold;
mod graph;
mod hitting_set;
mod host_names;
mod map;
mod node_paths;
mod passage;
mod placement;
mod query;
mod remedy;
mod rights;
mod scene;
mod search;
pub mod steps;
mod unknown;
mod way;

pub use answer::{Answer, answer, target_name};
pub use cut::{Cut, CutOptions, Weights};
pub use entry::{End, EntryAnswer};
pub use evidence::Evidence;
pub use foothold::{
    ContainerName, Foothold, IdentityName, Link, NodeName, Prize, ProcessUsers, WorkloadName,
};
pub use graph::{AttackGraph, Kind};
pub use map::{Map, MapStart, MapStep, MapTarget, MapWorkload, map};
pub use passage::mark_ways;
pub use query::{From, Query, QueryError, To};
pub use remedy::{has_remedy, with_remedy};
pub use rights::Right;
pub use scene::Scene;
pub use way::{Way, WayStep};
