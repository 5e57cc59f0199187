//! Which part of an answer is asked for: a namespace, workloads, ports.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::diff::Diff;
use crate::exposure::Exposure;
use crate::graph::{Graph, GraphNode};
use crate::list::{Connection, Peer};
use crate::model::Workload;
use crate::ports::Connections;

/// What an answer is limited to; the default limits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Connections to or from workloads of this namespace.
    pub namespace: Option<String>,
    /// Connections to or from these workloads; empty for all.
    pub focus: BTreeSet<Workload>,
    /// Connections on these ports; `None` for all.
    pub ports: Option<Connections>,
}

impl Filter {
    /// Whether it asks for this workload.
    #[must_use]
    pub fn keeps(&self, workload: &Workload) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| *namespace == workload.namespace)
            && (self.focus.is_empty() || self.focus.contains(workload))
    }

    fn keeps_either(&self, a: &Peer, b: &Peer) -> bool {
        let keeps = |peer: &Peer| match peer {
            Peer::Workload(workload) => self.keeps(workload),
            Peer::Ip(_) | Peer::Ingress => false,
        };
        keeps(a) || keeps(b)
    }

    fn ports_of(&self, allowed: Connections) -> Connections {
        match &self.ports {
            Some(ports) => allowed.intersection(ports),
            None => allowed,
        }
    }

    /// The part of a connection that is asked for.
    #[must_use]
    pub fn connection(&self, connection: Connection) -> Option<Connection> {
        if !self.keeps_either(&connection.source, &connection.target) {
            return None;
        }
        let allowed = self.ports_of(connection.allowed);
        (!allowed.is_empty()).then_some(Connection { allowed, ..connection })
    }

    /// The part of a difference that is asked for.
    #[must_use]
    pub fn diff(&self, mut diff: Diff) -> Diff {
        diff.workloads_added.retain(|workload| self.keeps(workload));
        diff.workloads_removed.retain(|workload| self.keeps(workload));
        diff.changes.retain_mut(|change| {
            change.before = self.ports_of(std::mem::take(&mut change.before));
            change.after = self.ports_of(std::mem::take(&mut change.after));
            change.before != change.after && self.keeps_either(&change.source, &change.target)
        });
        diff
    }

    /// The exposures that are asked for.
    #[must_use]
    pub fn exposures(&self, mut exposures: Vec<Exposure>) -> Vec<Exposure> {
        exposures.retain(|exposure| self.keeps(&exposure.workload));
        if let Some(ports) = &self.ports {
            for exposure in &mut exposures {
                for openness in [&mut exposure.ingress, &mut exposure.egress] {
                    let limited = openness.on_ports(ports);
                    *openness = Arc::new(limited);
                }
                exposure.ingress_points = exposure.ingress_points.intersection(ports);
            }
        }
        exposures
    }

    /// The part of a graph that is asked for: the edges to or from what is asked for, and their
    /// nodes.
    #[must_use]
    pub fn graph(&self, mut graph: Graph) -> Graph {
        if *self == Self::default() {
            return graph;
        }
        let keeps = |node: &GraphNode| match node {
            GraphNode::Workload(workload) => self.keeps(workload),
            GraphNode::EveryWorkload => true,
            GraphNode::Outside | GraphNode::Ingress | GraphNode::Namespace(_) => false,
        };
        graph.edges.retain_mut(|edge| {
            edge.allowed = self.ports_of(std::mem::take(&mut edge.allowed));
            !edge.allowed.is_empty() && (keeps(&edge.source) || keeps(&edge.target))
        });
        let ends = graph.edges.iter().flat_map(|edge| [&edge.source, &edge.target]);
        let shown: BTreeSet<Arc<Workload>> = ends
            .filter_map(|node| match node {
                GraphNode::Workload(workload) => Some(Arc::clone(workload)),
                _ => None,
            })
            .collect();
        for workloads in graph.namespaces.values_mut() {
            workloads.retain(|workload| shown.contains(workload) || self.keeps(workload));
        }
        graph.namespaces.retain(|_, workloads| !workloads.is_empty());
        graph
    }
}
