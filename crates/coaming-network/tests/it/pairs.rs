//! The list and the graph, which work on groups of workloads, against one pair at a time.

use std::collections::{BTreeMap, BTreeSet};

use coaming_network::model::Role;
use coaming_network::{
    Connections, Endpoint, Graph, GraphNode, Peer, Reach, Workload, bundled, connections, graph,
    list,
};

use crate::random;

/// What each workload may connect to at each other, pair by pair.
fn pair_by_pair(reach: &Reach) -> BTreeMap<(Workload, Workload), Connections> {
    let model = reach.model();
    let mut pods: BTreeMap<&Workload, Vec<usize>> = BTreeMap::new();
    for (id, group) in model.pods.iter().filter(|(_, it)| it.role == Role::Real) {
        pods.entry(&model.workloads[group.workload]).or_default().push(id);
    }
    let mut found = BTreeMap::new();
    for (source, from) in &pods {
        for (target, to) in pods.iter().filter(|(target, _)| *target != source) {
            let pairs = from.iter().flat_map(|&from| to.iter().map(move |&to| (from, to)));
            let allowed = pairs.fold(Connections::none(), |all, (from, to)| {
                all.union(&reach.allowed(Endpoint::Pods(from), Endpoint::Pods(to)))
            });
            if !allowed.is_empty() {
                found.insert(((*source).clone(), (*target).clone()), allowed);
            }
        }
    }
    found
}

/// Every edge between workloads, with the joined ones taken apart.
fn apart(graph: &Graph, context: &str) -> BTreeMap<(Workload, Workload), Connections> {
    let all: BTreeSet<_> = graph.namespaces.values().flatten().collect();
    let of = |node: &GraphNode| -> Vec<&Workload> {
        all.iter()
            .filter(|it| match node {
                GraphNode::Workload(workload) => workload == **it,
                GraphNode::Namespace(namespace) => *namespace == it.namespace,
                GraphNode::EveryWorkload => true,
                GraphNode::Outside | GraphNode::Ingress => false,
            })
            .map(|it| &***it)
            .collect()
    };
    let mut edges = BTreeMap::new();
    for edge in &graph.edges {
        for source in of(&edge.source) {
            for target in of(&edge.target).into_iter().filter(|target| *target != source) {
                let pair = (source.clone(), target.clone());
                assert!(edges.insert(pair, edge.allowed.clone()).is_none(), "{context}: twice");
            }
        }
    }
    edges
}

fn check(reach: &Reach, context: &str) {
    let expected = pair_by_pair(reach);
    let listed = list(reach);
    assert!(listed.is_sorted(), "{context}");
    let between =
        listed.iter().filter_map(|connection| match (&connection.source, &connection.target) {
            (Peer::Workload(source), Peer::Workload(target)) => Some((
                (Workload::clone(source), Workload::clone(target)),
                connection.allowed.clone(),
            )),
            _ => None,
        });
    assert_eq!(between.collect::<BTreeMap<_, _>>(), expected, "{context}");

    let drawn = graph(reach);
    assert_eq!(apart(&drawn, context), expected, "{context}");
    let exact = bundled(drawn.clone(), usize::MAX);
    assert_eq!(apart(&exact, context), expected, "{context}: bundled");
    // What cannot be joined exactly is listed, each edge once.
    let fewest = bundled(drawn, 0);
    let listed_edges = fewest.edges.iter().map(|edge| edge.joins.len().max(1)).sum::<usize>();
    assert_eq!(listed_edges, exact.edges.len(), "{context}");
    assert!(fewest.edges.len() <= exact.edges.len(), "{context}");
    assert_eq!(connections(reach).count(), listed.len());
}

#[test]
fn of_random_clusters() {
    for seed in 0..1000 {
        let mut model = random::model(seed);
        // Some workloads have pods of several kinds.
        if seed % 3 == 0 {
            let count = model.workloads.len();
            for (id, pods) in model.pods.iter_mut() {
                pods.workload = id % count.div_ceil(2);
            }
        }
        check(&Reach::new(model), &format!("seed {seed}"));
    }
}

#[test]
fn of_many_pods_alike() {
    for seed in 0..200 {
        let mut model = random::model(seed);
        let (pods, workloads) = (model.pods.clone(), model.workloads.clone());
        for copy in 1..5 {
            for (_, group) in &pods {
                let mut workload = workloads[group.workload].clone();
                workload.name = format!("{}-{copy}", workload.name);
                let mut group = group.clone();
                group.workload = model.workloads.len();
                model.workloads.insert(workload);
                model.pods.insert(group);
            }
        }
        check(&Reach::new(model), &format!("seed {seed}"));
    }
}
