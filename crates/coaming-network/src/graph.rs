//! Reachability as a picture's nodes and edges: few enough to be read.
//!
//! What every workload may do alike is drawn once, from a node that stands for them all: without
//! policies, fifty workloads are fifty edges and not 2450.

use std::collections::{BTreeMap, BTreeSet};

use crate::list::{Connection, Party};
use crate::model::{Model, Workload};
use crate::ports::Connections;

/// One end of an edge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dot {
    /// Addresses outside.
    Outside,
    /// Whatever comes in through an Ingress, a route, or an open Service.
    Ingress,
    /// Every workload.
    Everybody,
    /// One workload.
    Workload(Workload),
}

/// An arrow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// From where.
    pub source: Dot,
    /// To where.
    pub target: Dot,
    /// On which ports.
    pub allowed: Connections,
    /// The outside addresses, where one end is the outside.
    pub addresses: Option<String>,
}

/// A picture: the workloads by namespace, and the arrows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// The workloads of each namespace.
    pub namespaces: BTreeMap<String, BTreeSet<Workload>>,
    /// The arrows, sorted.
    pub edges: Vec<Edge>,
}

/// Makes the picture of what [`crate::list()`] found in a model.
#[must_use]
pub fn graph(model: &Model, connections: &[Connection]) -> Graph {
    let mut namespaces: BTreeMap<String, BTreeSet<Workload>> = BTreeMap::new();
    let mut count = 0;
    for place in crate::find::real_workloads(model) {
        if let Some(workload) = model.workloads.get(place) {
            count += 1;
            namespaces.entry(workload.namespace.clone()).or_default().insert(workload.clone());
        }
    }
    let mut edges: Vec<Edge> = Vec::new();
    let common = common(connections, count);
    for connection in connections {
        let allowed = connection.allowed.clone();
        let (source, target) = (dot(&connection.source), dot(&connection.target));
        if let (Dot::Workload(_), Dot::Workload(to)) = (&source, &target)
            && common.get(to) == Some(&&connection.allowed)
        {
            continue;
        }
        let addresses =
            [&connection.source, &connection.target].into_iter().find_map(|party| match party {
                Party::Ip(addresses) => Some(addresses.to_string()),
                _ => None,
            });
        edges.push(Edge { source, target, allowed, addresses });
    }
    edges.extend(common.into_iter().map(|(to, allowed)| Edge {
        source: Dot::Everybody,
        target: Dot::Workload(to.clone()),
        allowed: allowed.clone(),
        addresses: None,
    }));
    edges.sort_unstable();
    Graph { namespaces, edges }
}

/// The workloads that all others may connect to in the same way.
fn common(connections: &[Connection], count: usize) -> BTreeMap<&Workload, &Connections> {
    /// Fewer arrows than this are better drawn one by one.
    const WORTH_IT: usize = 4;
    let mut into: BTreeMap<&Workload, Vec<&Connections>> = BTreeMap::new();
    for connection in connections {
        if let (Party::Workload(_), Party::Workload(target)) =
            (&connection.source, &connection.target)
        {
            into.entry(target).or_default().push(&connection.allowed);
        }
    }
    into.into_iter()
        .filter(|(_, allowed)| allowed.len() + 1 == count && allowed.len() >= WORTH_IT)
        .filter_map(|(target, allowed)| {
            let first = *allowed.first()?;
            allowed.iter().all(|other| *other == first).then_some((target, first))
        })
        .collect()
}

fn dot(party: &Party) -> Dot {
    match party {
        Party::Ip(_) => Dot::Outside,
        Party::Ingress => Dot::Ingress,
        Party::Workload(workload) => Dot::Workload(workload.clone()),
    }
}
