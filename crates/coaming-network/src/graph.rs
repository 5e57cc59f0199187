//! Reachability as the nodes and edges of a graph: few enough to be read.
//!
//! What every workload may do alike is one edge, from a node that means all of them: without
//! policies, fifty workloads are fifty edges and not 2450. Such edges are found by groups of
//! workloads, so that the pairs that they replace are never enumerated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::groups::{GroupId, Groups};
use crate::list::{Peer, entering};
use crate::model::Workload;
use crate::pool::ConnectionId;
use crate::ports::Connections;
use crate::reach::Reach;

/// A node of the graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GraphNode {
    /// Addresses outside.
    Outside,
    /// Traffic that enters through an Ingress, a route, or an open Service.
    Ingress,
    /// Every workload.
    EveryWorkload,
    /// The workloads of a namespace; which, an edge says.
    Namespace(String),
    /// One workload.
    Workload(Arc<Workload>),
}

/// An edge of the graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// From where.
    pub source: GraphNode,
    /// To where.
    pub target: GraphNode,
    /// On which ports.
    pub allowed: Connections,
    /// The outside addresses, where one node is the outside.
    pub addresses: Option<String>,
    /// The edges that it stands for, if these are not all that its nodes could have.
    pub joins: BTreeSet<String>,
}

/// The workloads by namespace, and the edges between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// The workloads of each namespace.
    pub namespaces: BTreeMap<String, BTreeSet<Arc<Workload>>>,
    /// The edges, sorted.
    pub edges: Vec<Edge>,
}

/// Fewer edges than this are better drawn one by one.
const WORTH_JOINING: usize = 4;

/// Makes the graph of all that is possible in a model.
#[must_use]
pub fn graph(reach: &Reach) -> Graph {
    let mut groups = Groups::new(reach);
    let workloads = groups.workloads().iter();
    let workloads = workloads.filter_map(|&workload| reach.model().workloads.get(workload));
    let workloads: Vec<Arc<Workload>> = workloads.cloned().map(Arc::new).collect();
    let mut namespaces: BTreeMap<String, BTreeSet<Arc<Workload>>> = BTreeMap::new();
    for workload in &workloads {
        let namespace = namespaces.entry(workload.namespace.clone()).or_default();
        namespace.insert(Arc::clone(workload));
    }
    let mut edges = external_edges(&mut groups, &workloads);
    edges.extend(entering(reach).into_iter().filter_map(|connection| {
        let Peer::Workload(target) = connection.target else { return None };
        let target = GraphNode::Workload(target);
        let allowed = connection.allowed;
        Some(Edge {
            source: GraphNode::Ingress,
            target,
            allowed,
            addresses: None,
            joins: BTreeSet::new(),
        })
    }));
    edges.extend(workload_edges(&mut groups, &workloads));
    edges.sort_unstable();
    Graph { namespaces, edges }
}

fn external_edges(groups: &mut Groups<'_>, workloads: &[Arc<Workload>]) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (rank, workload) in workloads.iter().enumerate() {
        let node = || GraphNode::Workload(Arc::clone(workload));
        let target = groups.target_of(rank);
        edges.extend(groups.incoming(target).iter().map(|(allowed, addresses)| Edge {
            source: GraphNode::Outside,
            target: node(),
            allowed: allowed.clone(),
            addresses: Some(addresses.to_string()),
            joins: BTreeSet::new(),
        }));
        let source = groups.source_of(rank);
        edges.extend(groups.outgoing(source).iter().map(|(allowed, addresses)| Edge {
            source: node(),
            target: GraphNode::Outside,
            allowed: allowed.clone(),
            addresses: Some(addresses.to_string()),
            joins: BTreeSet::new(),
        }));
    }
    edges
}

fn workload_edges(groups: &mut Groups<'_>, workloads: &[Arc<Workload>]) -> Vec<Edge> {
    let common = common(groups, workloads.len());
    let mut edges = Vec::new();
    for (target, allowed) in common.iter().enumerate() {
        edges.extend(allowed.map(|allowed| Edge {
            source: GraphNode::EveryWorkload,
            target: GraphNode::Workload(Arc::clone(&workloads[target])),
            allowed: groups.connections(allowed).clone(),
            addresses: None,
            joins: BTreeSet::new(),
        }));
    }
    for source in 0..groups.source_count() {
        for (target, allowed) in groups.row(source) {
            let targets: Vec<u32> = groups
                .target_members(target)
                .iter()
                .copied()
                .filter(|&target| common[target as usize] != Some(allowed))
                .collect();
            for &from in groups.source_members(source) {
                for &to in targets.iter().filter(|&&to| to != from) {
                    edges.push(Edge {
                        source: GraphNode::Workload(Arc::clone(&workloads[from as usize])),
                        target: GraphNode::Workload(Arc::clone(&workloads[to as usize])),
                        allowed: groups.connections(allowed).clone(),
                        addresses: None,
                        joins: BTreeSet::new(),
                    });
                }
            }
        }
    }
    edges
}

/// By rank: what all other workloads may connect to at a workload, where they all may connect to
/// the same.
fn common(groups: &mut Groups<'_>, count: usize) -> Vec<Option<ConnectionId>> {
    if count <= WORTH_JOINING {
        return vec![None; count];
    }
    // By target group: how many source groups may connect to what, and the sum of their numbers.
    let mut columns: Vec<Vec<(ConnectionId, GroupId, u64)>> =
        vec![Vec::new(); groups.target_count()];
    let sources = groups.source_count();
    for source in 0..sources {
        for (target, allowed) in groups.row(source) {
            let column = &mut columns[target as usize];
            match column.iter_mut().find(|(known, ..)| *known == allowed) {
                Some((_, count, sum)) => {
                    *count += 1;
                    *sum += u64::from(source);
                }
                None => column.push((allowed, 1, u64::from(source))),
            }
        }
    }
    let total: u64 = (0..u64::from(sources)).sum();
    let common = (0..count).map(|rank| {
        let own = groups.source_of(rank);
        // A workload alone in its source group does not count: it does not connect to itself.
        let alone = groups.source_members(own).len() == 1;
        let column = columns[groups.target_of(rank) as usize].iter();
        let mut all = column.filter(|&&(_, count, sum)| {
            count == sources || alone && count + 1 == sources && total - sum == u64::from(own)
        });
        all.next().map(|&(allowed, ..)| allowed)
    });
    common.collect()
}
