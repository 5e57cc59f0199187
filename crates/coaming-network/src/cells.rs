//! Reachability for callers that walk it: who may connect to what, through few cells.
//!
//! Workloads that connect alike share a [`SourceCell`], and workloads that let the same connections
//! in share a [`TargetCell`]. A walk from a workload goes to its source cell, from there to target
//! cells, and from those to workloads: it follows exactly the connections of [`crate::list`], and
//! never enumerates pairs of workloads.

use std::collections::HashMap;
use std::sync::Arc;

use crate::groups::Groups;
use crate::ip::IpSet;
use crate::model::Workload;
use crate::ports::Connections;
use crate::reach::Reach;

/// Workloads that may connect to the same targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceCell {
    /// The workloads, by their ids in the model.
    pub workloads: Vec<usize>,
    /// What they may connect to, by position in [`Cells::targets`].
    pub targets: Vec<usize>,
    /// The outside addresses that they may connect to.
    pub outside: Vec<(Connections, IpSet)>,
}

/// Workloads, and connections that some sources may make to all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetCell {
    /// The workloads, by their ids in the model.
    pub workloads: Arc<[usize]>,
    /// On which ports: never none.
    pub allowed: Connections,
}

/// All connections between workloads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    /// The sources: every workload is in exactly one.
    pub sources: Vec<SourceCell>,
    /// The targets.
    pub targets: Vec<TargetCell>,
}

/// The cells of a model.
#[must_use]
pub fn cells(reach: &Reach) -> Cells {
    let mut groups = Groups::new(reach);
    let workloads = groups.workloads().to_vec();
    let ids = |ranks: &[u32]| -> Vec<usize> {
        ranks.iter().filter_map(|&rank| workloads.get(rank as usize).copied()).collect()
    };
    let members: Vec<Arc<[usize]>> = (0..groups.target_count())
        .map(|group| {
            let group = u32::try_from(group).unwrap_or(u32::MAX);
            Arc::from(ids(groups.target_members(group)))
        })
        .collect();
    let mut known: HashMap<(u32, u32), usize> = HashMap::new();
    let mut cells = Cells::default();
    for source in 0..groups.source_count() {
        let mut targets = Vec::new();
        for (target, allowed) in groups.row(source) {
            let position = *known.entry((target, allowed)).or_insert_with(|| {
                cells.targets.push(TargetCell {
                    workloads: Arc::clone(&members[target as usize]),
                    allowed: groups.connections(allowed).clone(),
                });
                cells.targets.len() - 1
            });
            targets.push(position);
        }
        let outside = groups.outgoing(source).iter().cloned().collect();
        let workloads = ids(groups.source_members(source));
        cells.sources.push(SourceCell { workloads, targets, outside });
    }
    cells
}

/// What enters from outside through an Ingress, a route or an open Service, by workload: the ports,
/// and the objects that open them.
#[must_use]
pub fn entrances(reach: &Reach) -> Vec<(Arc<Workload>, Connections, Vec<String>)> {
    let entering = crate::list::entering(reach).into_iter();
    entering
        .filter_map(|connection| match connection.target {
            crate::list::Peer::Workload(workload) => {
                Some((workload, connection.allowed, connection.via))
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use coaming_kube::{Source, World};

    use super::*;
    use crate::list::{Peer, list};

    /// The pairs of a walk through the cells are those of the list.
    #[test]
    fn cells_hold_the_connections_of_the_list() {
        let text = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: a, labels: {app: web}}
spec: {containers: [{name: c, image: x, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: a, labels: {app: db}}
spec: {containers: [{name: c, image: x, ports: [{containerPort: 5432}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: other, namespace: b}
spec: {containers: [{name: c, image: x}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: a}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]
";
        let stream = coaming_yaml::parse(Arc::from(text));
        let source = Source::new("a.yaml", stream.source, stream.documents);
        let reach = Reach::from_world(&World::new(vec![source]));
        let model = reach.model();
        let listed: BTreeSet<_> = list(&reach)
            .into_iter()
            .filter_map(|connection| match (connection.source, connection.target) {
                (Peer::Workload(source), Peer::Workload(target)) => {
                    Some(((*source).clone(), (*target).clone(), connection.allowed))
                }
                _ => None,
            })
            .collect();
        let cells = cells(&reach);
        let mut walked = BTreeSet::new();
        for source in &cells.sources {
            for &from in &source.workloads {
                for cell in source.targets.iter().map(|&target| &cells.targets[target]) {
                    for &to in cell.workloads.iter().filter(|&&to| to != from) {
                        let pair = (model.workloads[from].clone(), model.workloads[to].clone());
                        walked.insert((pair.0, pair.1, cell.allowed.clone()));
                    }
                }
            }
        }
        assert_eq!(walked, listed);
        assert_eq!(listed.len(), 5);
    }
}
