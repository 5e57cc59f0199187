//! Pods that no policy guards, and policies that guard no pod.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::{Certainty, Check, Inventory, PolicyProblem, real_pods, some_names};
use crate::model::{
    Action, Direction, Influence, Policy, PortMatch, PortNumbers, Rule, Scope, SourceRef, Tier,
    Workload,
};
use crate::ports::{Connections, Protocol};
use crate::reach::Reach;

/// What one namespace lacks.
#[derive(Default)]
struct Unguarded<'m> {
    ingress: BTreeSet<Cow<'m, str>>,
    egress: BTreeSet<Cow<'m, str>>,
    location: Option<SourceRef>,
    related: Vec<(SourceRef, String)>,
    /// Whether policies that are not evaluated may guard some of them.
    uncertain: bool,
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
                .or_insert_with(|| !reach.guards(id, direction))
        };
        let (ingress, egress) = (is_open(Direction::Ingress), is_open(Direction::Egress));
        if !ingress && !egress {
            continue;
        }
        let Some(workload) = model.workloads.get(pods.workload) else { continue };
        let influences = model
            .unevaluated
            .iter()
            .filter(|it| it.influence == Influence::Policy && it.field.is_none());
        let mut touching = influences.filter(|it| it.touches(model, pods)).map(|it| &it.scope);
        let uncertain = match touching.next() {
            // A policy for these very pods most likely guards them.
            Some(Scope::Pods(_)) => continue,
            Some(Scope::Cluster) => true,
            Some(Scope::Hosts) | None => false,
        };
        let lacks = namespaces.entry(&pods.namespace).or_default();
        for (open, names) in [(ingress, &mut lacks.ingress), (egress, &mut lacks.egress)] {
            if open {
                names.insert(name_of(workload));
            }
        }
        lacks.uncertain |= uncertain;
        if let Some(location) = &pods.location
            && lacks.related.last().is_none_or(|(last, _)| last != location)
        {
            lacks.related.push((location.clone(), format!("{workload} is unguarded")));
        }
    }
    for (name, mut lacks) in namespaces {
        lacks.location =
            model.namespaces.get(name).and_then(|namespace| namespace.location.clone());
        found.push(problem(name, lacks));
    }
}

/// A workload's name in a sentence: an object that is never applied as it is may have none.
fn name_of(workload: &Workload) -> Cow<'_, str> {
    if workload.name.is_empty() {
        return Cow::Owned(format!("a {} without a name", workload.kind));
    }
    Cow::Borrowed(&workload.name)
}

/// Names in a sentence.
fn names(names: &BTreeSet<Cow<'_, str>>) -> String {
    some_names(names.iter().map(|name| &**name))
}

fn problem(namespace: &str, lacks: Unguarded<'_>) -> PolicyProblem {
    let (check, what) = match (lacks.ingress.is_empty(), lacks.egress.is_empty()) {
        (false, false) if lacks.ingress == lacks.egress => {
            (Check::NoIngressPolicy, format!("ingress or egress of {}", names(&lacks.ingress)))
        }
        (false, false) => (
            Check::NoIngressPolicy,
            format!(
                "ingress of {}, nor the egress of {}",
                names(&lacks.ingress),
                names(&lacks.egress)
            ),
        ),
        (false, true) => (Check::NoIngressPolicy, format!("ingress of {}", names(&lacks.ingress))),
        (true, _) => (Check::NoEgressPolicy, format!("egress of {}", names(&lacks.egress))),
    };
    let message = format!("no network policy guards the {what} in namespace {namespace}");
    let help = "Add a default-deny policy for the namespace and allow what is needed; `coaming net \
                suggest` writes them";
    let location =
        lacks.location.or_else(|| lacks.related.first().map(|(location, _)| location.clone()));
    PolicyProblem {
        check,
        certainty: if lacks.uncertain { Certainty::Likely } else { Certainty::Proven },
        subject: format!("namespace {namespace}"),
        message,
        help: Some(help.to_owned()),
        location,
        related: lacks.related,
    }
}

/// A policy whose selector matches no pod, in a namespace whose pods are known.
pub(super) fn selects_nothing(
    inventory: &Inventory<'_>,
    id: usize,
    found: &mut Vec<PolicyProblem>,
) {
    let Some(policy) = inventory.model.policies.get(id) else { return };
    let selector = &policy.subject;
    if hosts_only(inventory, policy) {
        found.push(guards_hosts(policy));
        return;
    }
    if selector.pods.is_everything() || inventory.may_hold_more(&selector.namespaces) {
        return;
    }
    let mut there = inventory.pods_in(&selector.namespaces);
    let Some(example) = there.next() else { return };
    let matches = |labels| selector.pods.matches(labels);
    if matches(&example.labels) || there.any(|pods| matches(&pods.labels)) {
        return;
    }
    found.push(PolicyProblem {
        check: Check::SelectsNothing,
        certainty: Certainty::Likely,
        subject: policy.to_string(),
        message: format!("{policy} selects no pod: none here has the labels {}", selector.pods),
        help: Some("Compare its selector with the labels of the pods' templates".to_owned()),
        location: policy.location.clone(),
        related: Vec::new(),
    });
}

/// Whether all pods that a policy's selector matches share their node's network.
fn hosts_only(inventory: &Inventory<'_>, policy: &Policy) -> bool {
    let selector = &policy.subject;
    let mut meant =
        inventory.pods_in(&selector.namespaces).filter(|pods| selector.pods.matches(&pods.labels));
    let is_narrow = !selector.pods.is_everything();
    is_narrow
        && meant.next().is_some_and(|pods| pods.host_network && meant.all(|it| it.host_network))
}

fn guards_hosts(policy: &Policy) -> PolicyProblem {
    PolicyProblem {
        check: Check::SelectsNothing,
        certainty: Certainty::Proven,
        subject: policy.to_string(),
        message: format!(
            "{policy} guards nothing: the pods that it selects share their node's network \
             (hostNetwork), to which no network policy applies"
        ),
        help: Some(
            "Run the pods without hostNetwork, or guard the nodes with a firewall".to_owned(),
        ),
        location: policy.location.clone(),
        related: Vec::new(),
    }
}

/// Rules for a direction that the policy does not govern.
pub(super) fn dead_rules(reach: &Reach, id: usize, found: &mut Vec<PolicyProblem>) {
    let Some(policy) = reach.model().policies.get(id) else { return };
    for (direction, location) in &policy.dead_rules {
        let name = direction.name();
        let kind = if *direction == Direction::Ingress { "Ingress" } else { "Egress" };
        found.push(PolicyProblem {
            check: Check::DeadRules,
            certainty: Certainty::Proven,
            subject: policy.to_string(),
            message: format!(
                "the {name} rules of {policy} have no effect, as its `policyTypes` does not name \
                 {kind}"
            ),
            help: Some(format!("Add `{kind}` to `policyTypes`, or remove the {name} rules")),
            location: location.clone(),
            related: Vec::new(),
        });
    }
}

/// Whether a policy lets connections leave for the port of name servers, whatever pods these are.
fn names_dns(policy: &Policy) -> bool {
    let is_dns = |port: &PortMatch| match port.numbers {
        PortNumbers::Range(first, last) => {
            let range = first..=last;
            range.contains(&53) || range.contains(&5353)
        }
        PortNumbers::All | PortNumbers::Named(_) => false,
    };
    let names_it =
        |rule: &Rule| rule.action == Action::Allow && rule.ports.iter().flatten().any(is_dns);
    policy.egress.iter().flatten().any(names_it)
}

/// Pods that policies let leave for some targets and not for any name server, one problem for each
/// namespace: one policy there fixes it.
pub(super) fn without_dns(reach: &Reach, found: &mut Vec<PolicyProblem>) {
    let model = reach.model();
    let mut namespaces: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<usize>)> = BTreeMap::new();
    for (id, pods) in real_pods(model).filter(|(_, pods)| !pods.host_network) {
        let policies = reach.policies_of(id, Direction::Egress);
        let is_isolated = policies
            .iter()
            .filter_map(|&id| model.policies.get(id))
            .any(|policy| policy.tier == Tier::Network && policy.isolates(Direction::Egress));
        let Some(class) = reach.class_of(id).filter(|_| is_isolated) else { continue };
        let Some(profile) = reach.profile(class, Direction::Egress) else { continue };
        let resolves = |allowed: &Connections| {
            [Protocol::Udp, Protocol::Tcp].into_iter().any(|protocol| {
                // OpenShift's name servers listen on 5353.
                allowed.contains(protocol, 53) || allowed.contains(protocol, 5353)
            })
        };
        let mut cells = profile.cells.iter().map(|(allowed, _)| allowed).peekable();
        if cells.peek().is_none() || cells.any(resolves) {
            continue;
        }
        // The name servers that a rule means are rarely in the input.
        let mut of_pods = policies.iter().filter_map(|&id| model.policies.get(id));
        if of_pods.any(names_dns) {
            continue;
        }
        let Some(workload) = model.workloads.get(pods.workload) else { continue };
        let (names, ids) = namespaces.entry(&pods.namespace).or_default();
        names.insert(&workload.name);
        ids.extend(policies);
    }
    for (namespace, (names, policies)) in namespaces {
        let policies = policies.into_iter().filter_map(|id| model.policies.get(id));
        let mut locations = policies.filter_map(|policy| {
            Some((policy.location.clone()?, format!("{policy} does not allow port 53")))
        });
        found.push(PolicyProblem {
            check: Check::NoDns,
            certainty: Certainty::Likely,
            subject: format!("namespace {namespace}"),
            message: format!(
                "{} in namespace {namespace} cannot resolve names: no egress rule allows port 53",
                some_names(names)
            ),
            help: Some(
                "Allow UDP and TCP port 53 to the cluster's name servers, usually the pods with \
                 k8s-app=kube-dns in namespace kube-system"
                    .to_owned(),
            ),
            location: locations.next().map(|(location, _)| location),
            related: locations.collect(),
        });
    }
}
