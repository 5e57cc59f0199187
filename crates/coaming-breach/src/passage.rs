//! Which findings are on a way from an entry to something of value.
//!
//! Most inputs have no entry from outside, and cost nothing beyond a look at their Services.

use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_finding::{AttackStep, AttackWay, Finding, Location};
use coaming_kube::{Fields as _, World};
use coaming_rules::{Images, Knowledge};

use crate::answer::{self, Targets};
use crate::cut;
use crate::evidence::Evidence;
use crate::foothold::{Foothold, Prize};
use crate::graph::{AttackGraph, Kind};
use crate::query::{self, Start};
use crate::scene::Scene;
use crate::search::{Limits, Search};
use crate::way::{self, WayStep};

/// How good a way is as an example: what it leads to, what it costs, its steps; less is better.
type Worth = (usize, u64, u64);

/// Tells each finding that is on a way from an entry to something of value which one that is.
/// `known` is about this world, and `is_here` says which findings are.
pub fn mark_ways(
    world: &World,
    images: &Images,
    minor: u32,
    known: &Knowledge,
    findings: &mut [Finding],
    is_here: impl Fn(&Finding) -> bool,
) {
    if findings.is_empty() || !may_be_entered(world) {
        return;
    }
    let scene = Scene::new(world, images, minor, known);
    let mut graph = AttackGraph::new(&scene);
    let starts = query::entered_starts(&scene, &mut graph);
    let undoing = cut::undoing(world, &graph, findings);
    let mut best: BTreeMap<usize, (Worth, Arc<AttackWay>)> = BTreeMap::new();
    let targets = Targets::new(&graph, None);
    let mut search = Search::new(&graph);
    for start in &starts {
        search.run(&graph, &start.vertices, Limits::default(), |_| false);
        for vertex in targets.reached(&search, start) {
            let Some(prize) = graph.foothold(vertex).prize() else { continue };
            let Some(rank) = rank(&prize) else { continue };
            let edges = search.way(&graph, vertex);
            let is_sure = || edges.iter().all(|&edge| graph.edge(edge).kind != Kind::Unknown);
            // Almost every pod has what depends on something unknown.
            if prize == Prize::CloudIdentity && !is_sure() {
                continue;
            }
            let (weight, hops) = search.cost(vertex);
            let worth = (rank, weight, hops);
            let mut shown: Option<Arc<AttackWay>> = None;
            for &finding in edges.iter().flat_map(|&edge| &undoing[edge as usize]) {
                let is_better = best.get(&finding).is_none_or(|(known, _)| worth < *known);
                if is_better && is_here(&findings[finding]) {
                    let way = shown.get_or_insert_with(|| {
                        let way = way::steps(&graph, &edges, &start.vertices);
                        Arc::new(in_words(world, start, graph.foothold(vertex), &way.steps))
                    });
                    best.insert(finding, (worth, Arc::clone(way)));
                }
            }
        }
    }
    for (finding, (_, way)) in best {
        findings[finding].way.get_or_insert(way);
    }
}

/// Whether anything in a world lets connections from outside in.
fn may_be_entered(world: &World) -> bool {
    const ROUTES: &[&str] = &[
        "Ingress",
        "Gateway",
        "HTTPRoute",
        "GRPCRoute",
        "TCPRoute",
        "TLSRoute",
        "UDPRoute",
        "Route",
    ];
    let is_open = |service: coaming_kube::Object<'_>| {
        let spec = service.node().mapping("spec");
        matches!(spec.string("type"), Some("NodePort" | "LoadBalancer"))
            || spec.list("externalIPs").next().is_some()
    };
    ROUTES.iter().any(|kind| world.of_kind(kind).next().is_some())
        || world.of_kind("Service").any(is_open)
        || world.workloads().any(|workload| {
            let pod = workload.pod();
            pod.host_network()
                || pod.containers().any(|container| {
                    container.ports().any(|port| port.host_port().is_some_and(|port| port > 0))
                })
        })
}

/// How much what a way leads to counts, the worst first. A connection to the internet is none by
/// itself.
fn rank(prize: &Prize) -> Option<usize> {
    match prize {
        Prize::Admin => Some(0),
        Prize::Node => Some(1),
        Prize::CloudIdentity => Some(2),
        Prize::DataStore(_) => Some(3),
        Prize::Secret { .. } | Prize::Credential(_) => Some(4),
        Prize::Exfiltration => None,
    }
}

fn in_words(world: &World, start: &Start, to: &Foothold, steps: &[WayStep]) -> AttackWay {
    let step = |step: &WayStep| AttackStep {
        step: step.step.id,
        reason: step.reason.clone(),
        location: step.evidence.first().and_then(|evidence| location(world, *evidence)),
    };
    AttackWay {
        from: start.foothold.to_string(),
        to: answer::target_name(to),
        steps: steps.iter().map(step).collect(),
    }
}

fn location(world: &World, evidence: Evidence) -> Option<Location> {
    let (object, node) = evidence.find(world)?;
    let source = world.source(object.source())?;
    Some(Location {
        source: Some(object.source()),
        path: node.path(),
        span: node.span().filter(|_| source.origin.has_own_lines()),
        label: String::new(),
    })
}
