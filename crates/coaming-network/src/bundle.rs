//! A graph with fewer edges, which can be traced in a picture.
//!
//! What all workloads of a namespace have alike becomes one edge of the namespace. Where there are still
//! too many, the edges from a namespace to one workload elsewhere are joined, and then those between two
//! namespaces. Invariant: an edge from or to a namespace stands for one edge of each of its workloads
//! (except a workload with itself), or for exactly the edges that it lists.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::graph::{Edge, Graph, GraphNode};
use crate::model::Workload;
use crate::ports::Connections;

/// Fewer workloads than this are better drawn with an edge each.
const WORTH_JOINING: usize = 3;

/// The side of the edges that is joined.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Source,
    Target,
}

/// Joins the edges that all workloads of a namespace have alike, and more of them while there are more
/// than `most`.
#[must_use]
pub fn bundled(graph: Graph, most: usize) -> Graph {
    let Graph { namespaces, edges } = graph;
    let edges = joined(&namespaces, edges, End::Source);
    let mut edges = joined(&namespaces, edges, End::Target);
    if edges.len() > most {
        edges = crossing(edges, |target| GraphNode::Workload(Arc::clone(target)));
    }
    if edges.len() > most {
        edges = crossing(edges, |target| GraphNode::Namespace(target.namespace.clone()));
    }
    edges.sort_unstable();
    Graph { namespaces, edges }
}

/// Joins the edges between workloads of different namespaces, by the namespace that they come from and
/// what `target` makes of where they go.
fn crossing(edges: Vec<Edge>, target: impl Fn(&Arc<Workload>) -> GraphNode) -> Vec<Edge> {
    let mut groups: BTreeMap<(String, GraphNode), Vec<Edge>> = BTreeMap::new();
    let mut rest = Vec::new();
    for edge in edges {
        let from = match &edge.source {
            GraphNode::Workload(source) => Some(&source.namespace),
            // What was joined before may be joined again.
            GraphNode::Namespace(namespace) if !edge.joins.is_empty() => Some(namespace),
            _ => None,
        };
        match (from, &edge.target) {
            (Some(from), GraphNode::Workload(to)) if *from != to.namespace => {
                groups.entry((from.clone(), target(to))).or_default().push(edge);
            }
            _ => rest.push(edge),
        }
    }
    for ((namespace, target), members) in groups {
        if let [_] = members.as_slice() {
            rest.extend(members);
            continue;
        }
        let allowed =
            members.iter().fold(Connections::none(), |all, edge| all.union(&edge.allowed));
        let joins = members.into_iter().flat_map(|edge| match (&edge.source, &edge.target) {
            (GraphNode::Workload(from), GraphNode::Workload(to)) => {
                BTreeSet::from([format!("{} → {}: {}", from.name, to.name, edge.allowed)])
            }
            _ => edge.joins,
        });
        let joins = joins.collect();
        let source = GraphNode::Namespace(namespace);
        rest.push(Edge { source, target, allowed, addresses: None, joins });
    }
    rest
}

/// What edges must have in common to be joined: the other end, and what they allow.
type Key = (GraphNode, Connections, Option<String>, String);

fn joined(
    namespaces: &BTreeMap<String, BTreeSet<Arc<Workload>>>,
    edges: Vec<Edge>,
    end: End,
) -> Vec<Edge> {
    let mut groups: BTreeMap<Key, Vec<Edge>> = BTreeMap::new();
    let mut rest = Vec::new();
    for edge in edges {
        let (own, other) = match end {
            End::Source => (&edge.source, &edge.target),
            End::Target => (&edge.target, &edge.source),
        };
        let GraphNode::Workload(workload) = own else {
            rest.push(edge);
            continue;
        };
        let namespace = workload.namespace.clone();
        let key = (other.clone(), edge.allowed.clone(), edge.addresses.clone(), namespace);
        groups.entry(key).or_default().push(edge);
    }
    for ((other, allowed, addresses, namespace), members) in groups {
        let all = namespaces.get(&namespace).map_or(0, BTreeSet::len);
        // A workload does not connect to itself; the namespace that it is in stands for the others.
        let is_inside = matches!(&other, GraphNode::Workload(it) if it.namespace == namespace);
        let wanted = all - usize::from(is_inside && all > 0);
        if members.len() < wanted || members.len() < WORTH_JOINING {
            rest.extend(members);
            continue;
        }
        let own = GraphNode::Namespace(namespace);
        let (source, target) = match end {
            End::Source => (own, other),
            End::Target => (other, own),
        };
        rest.push(Edge { source, target, allowed, addresses, joins: BTreeSet::new() });
    }
    rest
}
