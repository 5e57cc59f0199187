//! Pods that no policy guards, and policies that guard no pod.

use std::collections::{BTreeMap, BTreeSet};

use super::{Certainty, Check, PolicyProblem, in_namespaces, may_hold_more, real_pods, some_names};
use crate::model::{Direction, SourceRef};
use crate::reach::Reach;

/// What one namespace lacks.
#[derive(Default)]
struct Unguarded<'m> {
    ingress: BTreeSet<&'m str>,
    egress: BTreeSet<&'m str>,
    location: Option<SourceRef>,
    related: Vec<(SourceRef, String)>,
}

/// One problem per namespace: one policy there fixes it.
pub(super) fn find(reach: &Reach, found: &mut Vec<PolicyProblem>) {
    let model = reach.model();
    let mut namespaces: BTreeMap<&str, Unguarded<'_>> = BTreeMap::new();
    let mut known: BTreeMap<(Option<usize>, Direction), bool> = BTreeMap::new();
    for (id, pods) in real_pods(model).filter(|(_, pods)| !pods.host_network) {
        let mut is_open = |direction: Direction| {
            *known
                .entry((reach.class_of(id), direction))
                .or_insert_with(|| reach.policies_of(id, direction).is_empty())
        };
        let (ingress, egress) = (is_open(Direction::Ingress), is_open(Direction::Egress));
        if !ingress && !egress {
            continue;
        }
        let Some(workload) = model.workloads.get(pods.workload) else { continue };
        let lacks = namespaces.entry(&pods.namespace).or_default();
        for (open, names) in [(ingress, &mut lacks.ingress), (egress, &mut lacks.egress)] {
            if open {
                names.insert(&workload.name);
            }
        }
        if let Some(location) = &pods.location {
            lacks.related.push((location.clone(), format!("{workload} is unguarded")));
        }
    }
    for (name, mut lacks) in namespaces {
        lacks.location =
            model.namespaces.get(name).and_then(|namespace| namespace.location.clone());
        found.push(problem(name, lacks));
    }
}

fn problem(namespace: &str, lacks: Unguarded<'_>) -> PolicyProblem {
    let (check, what) = match (lacks.ingress.is_empty(), lacks.egress.is_empty()) {
        (false, false) if lacks.ingress == lacks.egress => {
            (Check::NoIngressPolicy, format!("ingress or egress of {}", some_names(lacks.ingress)))
        }
        (false, false) => (
            Check::NoIngressPolicy,
            format!(
                "ingress of {}, nor the egress of {}",
                some_names(lacks.ingress),
                some_names(lacks.egress)
            ),
        ),
        (false, true) => {
            (Check::NoIngressPolicy, format!("ingress of {}", some_names(lacks.ingress)))
        }
        (true, _) => (Check::NoEgressPolicy, format!("egress of {}", some_names(lacks.egress))),
    };
    let why = match check {
        Check::NoIngressPolicy => {
            "an attacker in any pod of the cluster can connect to them on every port"
        }
        _ => "an attacker in one of them can connect to anything, and carry data out",
    };
    let message = format!(
        "no network policy guards the {what} in namespace {namespace}: {why}. Add a default-deny \
         policy for the namespace and allow what is needed; `coaming net suggest` writes them"
    );
    let location =
        lacks.location.or_else(|| lacks.related.first().map(|(location, _)| location.clone()));
    PolicyProblem {
        check,
        certainty: Certainty::Proven,
        subject: format!("namespace {namespace}"),
        message,
        location,
        related: lacks.related,
    }
}

/// A policy whose selector matches no pod, in a namespace whose pods are known.
pub(super) fn selects_nothing(reach: &Reach, id: usize, found: &mut Vec<PolicyProblem>) {
    let model = reach.model();
    let Some(policy) = model.policies.get(id) else { return };
    let selector = &policy.subject;
    if selector.pods.is_everything() || may_hold_more(model, &selector.namespaces) {
        return;
    }
    let mut there = real_pods(model)
        .filter(|(_, pods)| in_namespaces(model, &selector.namespaces, &pods.namespace));
    let Some((_, example)) = there.next() else { return };
    let matches = |labels| selector.pods.matches(labels);
    if matches(&example.labels) || there.any(|(_, pods)| matches(&pods.labels)) {
        return;
    }
    found.push(PolicyProblem {
        check: Check::SelectsNothing,
        certainty: Certainty::Likely,
        subject: policy.to_string(),
        message: format!(
            "{policy} selects no pod: none here has the labels {}. What it should protect is \
             open. Compare its selector with the labels of the pods' templates",
            selector.pods
        ),
        location: policy.location.clone(),
        related: Vec::new(),
    });
}
