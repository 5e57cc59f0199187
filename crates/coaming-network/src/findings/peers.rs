//! Items of `from` and `to` that match nothing, too much, or something else than intended.

use std::collections::BTreeMap;

use super::{
    Certainty, Check, Inventory, PolicyProblem, in_namespaces, means, real_pods, rules_of,
    some_names,
};
use crate::ip::IpSet;
use crate::model::{
    Action, Direction, Model, NAMESPACE_NAME_LABEL, Namespaces, PeerKind, PodSelector, Policy,
    PolicyPeer, Rule,
};
use crate::ports::{Connections, PortSet, Protocol};
use crate::reach::{Endpoint, Reach};
use crate::selector::{Operator, Selector};

/// The address at which clouds hand out credentials.
const METADATA: &str = "169.254.169.254/32";

pub(super) fn find(
    reach: &Reach,
    inventory: &Inventory<'_>,
    id: usize,
    found: &mut Vec<PolicyProblem>,
) {
    let model = reach.model();
    let Some(policy) = model.policies.get(id) else { return };
    for (direction, position, rule) in rules_of(policy) {
        let peers = rule.peers.as_deref().unwrap_or_default();
        for (item, peer) in peers.iter().enumerate() {
            let before = item.checked_sub(1).and_then(|item| peers.get(item));
            let after = peers.get(item + 1);
            // Where one selector means both namespaces and pods, there is nothing to split.
            let neighbours = [before, after].into_iter().filter(|_| !policy.kind.is_of_plugin());
            if let Some(problem) = neighbours
                .flatten()
                .find_map(|neighbour| split(model, policy, neighbour, peer))
                .or_else(|| matches_nothing(inventory, policy, peer))
            {
                found.push(problem);
            }
        }
        if rule.action == Action::Allow && rule.limits.is_empty() {
            found.extend(internet(reach, id, policy, direction, position, rule));
            found.extend(metadata(reach, id, policy, direction, rule));
        }
    }
}

/// Two items, a namespaceSelector and a podSelector, of which the second matches no pod by itself.
fn split(
    model: &Model,
    policy: &Policy,
    neighbour: &PolicyPeer,
    peer: &PolicyPeer,
) -> Option<PolicyProblem> {
    let (PeerKind::Pods(own), PeerKind::Pods(other)) = (&peer.kind, &neighbour.kind) else {
        return None;
    };
    let (Namespaces::Named(_), Namespaces::Selected(namespaces)) =
        (&own.namespaces, &other.namespaces)
    else {
        return None;
    };
    if !other.pods.is_everything() || own.pods.is_everything() {
        return None;
    }
    let anybody =
        |selector: &PodSelector| real_pods(model).any(|(_, pods)| means(model, selector, pods));
    let together = PodSelector {
        namespaces: Namespaces::Selected(namespaces.clone()),
        pods: own.pods.clone(),
    };
    let (here, there) = (anybody(own), anybody(&together));
    let certainty = match (here, there) {
        (false, true) => Certainty::Proven,
        // Such pods are on both sides: which were meant is open.
        (false, false) | (true, true) => Certainty::Likely,
        (true, false) => return None,
    };
    // Kubernetes' own documentation means `or` by this: without pods in the policy's namespace, the
    // input does not tell what is meant.
    let shows_own =
        real_pods(model).any(|(_, pods)| in_namespaces(model, &own.namespaces, &pods.namespace));
    if certainty == Certainty::Likely && !shows_own {
        return None;
    }
    let hint = if here { "" } else { ", where there are none" };
    let related = neighbour.location.clone();
    Some(PolicyProblem {
        check: Check::SplitPeer,
        certainty,
        subject: policy.to_string(),
        message: format!(
            "the namespaceSelector and the podSelector are two items, so {policy} allows \
             every pod of the selected namespaces, and pods with {} of its own namespace{hint}",
            own.pods
        ),
        help: Some(format!(
            "To mean pods with {} in those namespaces, remove the `-` before the podSelector",
            own.pods
        )),
        location: peer.location.clone(),
        related: related
            .into_iter()
            .map(|location| (location, "the other item".to_owned()))
            .collect(),
    })
}

/// An item that matches no pod, as far as the input shows the pods that it is about.
fn matches_nothing(
    inventory: &Inventory<'_>,
    policy: &Policy,
    peer: &PolicyPeer,
) -> Option<PolicyProblem> {
    let PeerKind::Pods(selector) = &peer.kind else { return None };
    let model = inventory.model;
    let is_known = match &selector.namespaces {
        Namespaces::Named(name) => model.namespaces.contains_key(name),
        namespaces => model.namespaces.keys().any(|name| in_namespaces(model, namespaces, name)),
    };
    let problem = |message: String, help: String, certainty| {
        Some(PolicyProblem {
            check: Check::PeerMatchesNothing,
            certainty,
            subject: policy.to_string(),
            message,
            help: Some(help),
            location: peer.location.clone(),
            related: Vec::new(),
        })
    };
    if !is_known {
        let Namespaces::Selected(namespaces) = &selector.namespaces else { return None };
        let declared = model.namespaces.values().any(|namespace| namespace.location.is_some());
        if !declared || asks_for_one_by_name(namespaces) {
            return None;
        }
        return problem(
            format!(
                "no namespace here has the labels {namespaces}, so this item of {policy} \
                 allows nothing"
            ),
            format!(
                "Compare it with the labels of the Namespace objects; every namespace has \
                 `{NAMESPACE_NAME_LABEL}`"
            ),
            Certainty::Likely,
        );
    }
    if inventory.may_hold_more(&selector.namespaces) {
        return None;
    }
    let mut there = inventory.pods_in(&selector.namespaces);
    let example = there.next()?;
    let fits = |labels| selector.pods.matches(labels);
    if fits(&example.labels) || there.any(|pods| fits(&pods.labels)) {
        return None;
    }
    problem(
        format!("{selector} matches no pod, so this item of {policy} allows nothing"),
        "Compare it with the labels of the pods' templates".to_owned(),
        Certainty::Likely,
    )
}

/// Whether namespaces are selected by name: they may well exist outside of the input.
fn asks_for_one_by_name(selector: &Selector) -> bool {
    selector.requirements().iter().any(|requirement| {
        requirement.key == NAMESPACE_NAME_LABEL && matches!(requirement.operator, Operator::In(_))
    })
}

/// Whether nearly all addresses of a family are in the set: all but what is carved out for
/// private use.
fn is_internet(set: &IpSet) -> bool {
    let probes = ["1.0.0.0/9", "8.8.8.0/24", "93.184.216.0/24", "200.0.0.0/9"];
    let probes_v6 = ["2001:4860::/32", "2a00::/12"];
    let all = |probes: &[&str]| {
        probes.iter().all(|probe| IpSet::cidr(probe).is_ok_and(|probe| probe.is_subset(set)))
    };
    all(&probes) || all(&probes_v6)
}

fn internet(
    reach: &Reach,
    id: usize,
    policy: &Policy,
    direction: Direction,
    position: usize,
    rule: &Rule,
) -> Option<PolicyProblem> {
    let peers = rule.peers.as_deref();
    let item = match peers {
        None => None,
        Some(peers) => Some(peers.iter().find(|peer| match &peer.kind {
            PeerKind::Block(set) | PeerKind::Networks(set) | PeerKind::Outside(set) => {
                is_internet(set)
            }
            _ => false,
        })?),
    };
    // Leaving to anywhere on chosen ports is what most pods need; on all ports it is a hole.
    // Egress to everything is reported once per namespace, by `open_egress`.
    if direction == Direction::Egress && (rule.ports.is_some() || peers.is_none()) {
        return None;
    }
    // Pods behind an ingress point are meant to be reached.
    let subject = reach.subject(id);
    // A name that no pod gives a port allows nothing.
    let opens = |&pods: &usize| !reach.rule_ports(id, direction, position, pods).is_empty();
    if direction == Direction::Ingress && !subject.is_empty() && !subject.iter().any(opens) {
        return None;
    }
    let model = reach.model();
    let meant = |pods: &usize| {
        let called = |pods| model.services.iter().any(|(_, s)| s.serves_api && s.selects(pods));
        model.ingress_points.contains_key(pods) || model.pods.get(*pods).is_some_and(called)
    };
    if direction == Direction::Ingress && !subject.is_empty() && subject.iter().all(meant) {
        return None;
    }
    let node = item.and_then(|peer| peer.location.clone()).or_else(|| rule.location.clone());
    let (who, todo) = match direction {
        Direction::Ingress => (
            match item {
                Some(_) => "lets the whole internet connect to the pods it selects",
                None => "lets the whole internet, and every pod, connect to the pods it selects",
            },
            "name the sources that need it in `from`",
        ),
        Direction::Egress => (
            "lets the pods it selects connect to the whole internet on every port",
            "name the targets that they need in `to`, or at least the ports",
        ),
    };
    let name = crate::explain::rule_name(rule, direction, position);
    Some(PolicyProblem {
        check: Check::AllowsInternet,
        certainty: Certainty::Proven,
        subject: policy.to_string(),
        message: format!("{name} of {policy} {who}"),
        help: Some(format!("To narrow it, {todo}")),
        location: node,
        related: Vec::new(),
    })
}

/// Policies whose egress rules allow everything, one problem for each namespace: they restrict
/// nothing, and one default-deny policy with the egress that is needed replaces them all.
pub(super) fn open_egress(reach: &Reach, found: &mut Vec<PolicyProblem>) {
    let mut namespaces: BTreeMap<&str, Vec<(&Policy, &Rule)>> = BTreeMap::new();
    for (_, policy) in &reach.model().policies {
        let rules = policy.rules(Direction::Egress).unwrap_or_default();
        let open = rules.iter().find(|rule| {
            rule.action == Action::Allow
                && rule.peers.is_none()
                && rule.ports.is_none()
                && rule.limits.is_empty()
        });
        if let Some(rule) = open {
            namespaces.entry(&policy.namespace).or_default().push((policy, rule));
        }
    }
    for (namespace, open) in namespaces {
        let names: Vec<String> = open.iter().map(|(policy, _)| policy.name.clone()).collect();
        let mut locations = open.iter().filter_map(|(policy, rule)| {
            Some((rule.location.clone()?, format!("{policy} allows all egress")))
        });
        found.push(PolicyProblem {
            check: Check::AllowsInternet,
            certainty: Certainty::Proven,
            subject: match namespace {
                "" => "cluster-wide policies".to_owned(),
                _ => format!("namespace {namespace}"),
            },
            message: {
                let names = some_names(names.iter().map(String::as_str));
                match namespace {
                    "" => format!("the cluster-wide policies {names} allow all egress"),
                    _ => format!("the policies {names} of namespace {namespace} allow all egress"),
                }
            },
            help: Some("Replace the empty egress rule with the targets that each needs".to_owned()),
            location: locations.next().map(|(location, _)| location),
            related: locations.collect(),
        });
    }
}

fn metadata(
    reach: &Reach,
    id: usize,
    policy: &Policy,
    direction: Direction,
    rule: &Rule,
) -> Option<PolicyProblem> {
    if direction != Direction::Egress {
        return None;
    }
    let metadata = IpSet::cidr(METADATA).ok()?;
    let peer = rule.peers.as_deref()?.iter().find(|peer| match &peer.kind {
        PeerKind::Block(set) | PeerKind::Networks(set) | PeerKind::Outside(set) => {
            metadata.is_subset(set)
        }
        _ => false,
    })?;
    let ports = crate::compile::ports_without_names(rule.ports.as_deref());
    if !ports.contains(Protocol::Tcp, 80) {
        return None;
    }
    if policy.kind.is_of_plugin() {
        // A Deny rule, of this policy or another, may be before it.
        let subject = reach.subject(id);
        if !subject.is_empty() && !subject.iter().any(|&pods| reaches_metadata(reach, pods)) {
            return None;
        }
    }
    Some(PolicyProblem {
        check: Check::MetadataReachable,
        certainty: Certainty::Proven,
        subject: policy.to_string(),
        message: format!(
            "{policy} lets its pods connect to 169.254.169.254, where clouds hand out the node's \
             credentials"
        ),
        help: Some(
            if policy.kind.is_cilium() {
                "Add a rule to `egressDeny` with `toCIDR: [169.254.169.254/32]`"
            } else if policy.kind.is_calico() {
                "Add 169.254.169.254/32 to the `notNets` of the rule's destination"
            } else {
                "Add 169.254.169.254/32 to the block's `except`"
            }
            .to_owned(),
        ),
        location: peer.location.clone(),
        related: Vec::new(),
    })
}

/// Whether pods can reach the cloud's metadata service over HTTP.
#[must_use]
pub fn reaches_metadata(reach: &Reach, pods: usize) -> bool {
    let Ok(metadata) = IpSet::cidr(METADATA) else { return false };
    let wanted = Connections::of(Protocol::Tcp, PortSet::range(80, 80));
    reach.externals().iter().enumerate().any(|(atom, addresses)| {
        metadata.is_subset(addresses)
            && !reach
                .allowed(Endpoint::Pods(pods), Endpoint::External(atom))
                .intersection(&wanted)
                .is_empty()
    })
}
