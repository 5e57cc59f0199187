//! A small verifier that walks ways over the raw objects, without the engine's code.

use coaming_breach::{Evidence, Foothold, Way, WayStep};
use coaming_kube::World;

use crate::common::{ask, corpus, query, world_of};

/// The text of the object that some evidence is in.
fn raw(world: &World, evidence: &Evidence) -> Option<(String, serde_json::Value)> {
    let (object, node) = evidence.find(world)?;
    let value = object.node().to_json();
    Some((node.path().to_string(), value))
}

/// Whether a step holds by what the objects of its evidence say themselves.
fn verify(world: &World, step: &WayStep) -> Result<(), String> {
    let places: Vec<(String, serde_json::Value)> =
        step.evidence.iter().filter_map(|evidence| raw(world, evidence)).collect();
    let says =
        |test: &dyn Fn(&str) -> bool| places.iter().any(|(_, object)| test(&object.to_string()));
    let holds = match step.step.id {
        "privileged-container" => says(&|text| text.contains("\"privileged\":true")),
        "runtime-socket" | "host-path-write" | "host-path-read" => {
            says(&|text| text.contains("\"hostPath\":{"))
        }
        "host-processes" => says(&|text| text.contains("\"hostPID\":true")),
        "mounted-secret" => match &step.to {
            Foothold::Secret { name, .. } => says(&|text| text.contains(&format!("\"{name}\""))),
            _ => false,
        },
        "account-token" => !says(&|text| text.contains("\"automountServiceAccountToken\":false")),
        _ if step.from == Foothold::ClusterAdmin => true,
        "read-secrets" => says(&|text| {
            text.contains("secrets")
                || text.contains("\"*\"")
                || text.contains("cluster-admin")
                || text.contains("\"admin\"")
                || text.contains("\"edit\"")
        }),
        "network-connection" | "data-access" | "exposed-service" => !places.is_empty(),
        _ => true,
    };
    if holds { Ok(()) } else { Err(format!("{}: {}", step.step.id, step.reason)) }
}

/// Whether each step starts from what the way holds already, and the last one ends at its target.
fn is_connected(start: &[Foothold], way: &Way) -> bool {
    let mut held: Vec<&Foothold> = start.iter().collect();
    for step in &way.steps {
        let needs = std::iter::once(&step.from).chain(&step.also);
        if !needs.into_iter().all(|foothold| held.contains(&foothold)) {
            return false;
        }
        held.push(&step.to);
    }
    way.steps.last().is_some_and(|step| step.to == way.to)
}

#[test]
fn every_way_of_real_applications_holds() {
    let Some(root) = corpus("kubernetes-goat") else { return };
    let mut count = 0;
    for directory in
        [root.clone(), root.join("../kube-prometheus"), root.join("../online-boutique")]
    {
        let world = world_of(&[directory]);
        let names: Vec<(String, String, String)> = world
            .workloads()
            .map(|workload| {
                let object = workload.object;
                (
                    object.namespace_or_default().to_owned(),
                    object.kind().to_ascii_lowercase(),
                    object.name().to_owned(),
                )
            })
            .collect();
        for (namespace, kind, name) in names {
            let question = query(&format!("{namespace}/{kind}/{name}"), "");
            let answer = ask(&world, &question);
            for entry in &answer.entries {
                for way in &entry.ways {
                    count += 1;
                    let start = [way.from.clone()];
                    assert!(is_connected(&start, way), "{name} to {}: {:#?}", way.to, way.steps);
                    for step in &way.steps {
                        verify(&world, step).unwrap();
                    }
                }
            }
        }
    }
    assert!(count > 50, "{count}");
}
