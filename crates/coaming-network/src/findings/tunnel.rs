//! Policies that name the application's port where the ambient mesh carries connections through another.

use std::collections::{BTreeMap, BTreeSet};

use super::{Certainty, Check, PolicyProblem, real_pods, some_names};
use crate::model::{Action, Direction, Policy, Rule, SourceRef, TUNNEL_PORT, Tier};
use crate::ports::{Connections, Protocol};
use crate::reach::Reach;

/// What one policy closes: the workloads that it selects, the ports that it meant to open, and where.
#[derive(Default)]
struct Closed<'m> {
    workloads: BTreeSet<&'m str>,
    ports: Connections,
    location: Option<SourceRef>,
}

/// Policies with rules that let pods of the mesh in or out on some TCP port, and not on the one that
/// carries their connections, where nothing else does.
pub(super) fn find(reach: &Reach, found: &mut Vec<PolicyProblem>) {
    let model = reach.model();
    let mut closed: BTreeMap<(usize, Direction), Closed<'_>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (id, pods) in real_pods(model) {
        let Some(class) = reach.class_of(id).filter(|class| seen.insert((*class, pods.workload)))
        else {
            continue;
        };
        for direction in Direction::BOTH {
            let governing = reach.policies_of(id, direction);
            let is_tunnel = |id: &&usize| {
                model.policies.get(**id).is_some_and(|policy| policy.tier == Tier::Tunnel)
            };
            let Some(&tunnel) = governing.iter().find(is_tunnel) else { continue };
            for &policy in governing {
                for (position, ports) in misses_tunnel(reach, policy, direction) {
                    if !is_closed(reach, (class, direction), tunnel, (policy, position)) {
                        continue;
                    }
                    let known = closed.entry((policy, direction)).or_default();
                    known.ports = known.ports.union(&ports);
                    let name = model.workloads.get(pods.workload).map(|it| it.name.as_str());
                    known.workloads.extend(name);
                    let rule = rule(model.policies.get(policy), direction, position);
                    known.location =
                        known.location.take().or(rule.and_then(|it| it.location.clone()));
                }
            }
        }
    }
    for ((id, direction), closed) in closed {
        found.extend(model.policies.get(id).map(|policy| problem(policy, direction, closed)));
    }
}

fn rule(policy: Option<&Policy>, direction: Direction, position: usize) -> Option<&Rule> {
    policy?.rules(direction)?.get(position)
}

/// The rules of a network policy that allow some TCP ports and not that of the tunnel, by their
/// positions, with those ports.
fn misses_tunnel(reach: &Reach, policy: usize, direction: Direction) -> Vec<(usize, Connections)> {
    let model = reach.model();
    let Some(policy) = model.policies.get(policy).filter(|it| it.kind.is_network_policy()) else {
        return Vec::new();
    };
    let rules = policy.rules(direction).unwrap_or_default().iter().enumerate();
    let rules = rules.filter(|(_, rule)| rule.action == Action::Allow && rule.ports.is_some());
    let ports = rules.map(|(position, rule)| {
        (position, crate::compile::ports_without_names(rule.ports.as_deref()))
    });
    let tcp = Connections::of(Protocol::Tcp, crate::ports::PortSet::all());
    let ports = ports.map(|(position, ports)| (position, ports.intersection(&tcp)));
    ports
        .filter(|(_, ports)| !ports.is_empty() && !ports.contains(Protocol::Tcp, TUNNEL_PORT))
        .collect()
}

/// Whether a rule means pods that the tunnel would carry connections with, and may not.
fn is_closed(
    reach: &Reach,
    (class, direction): (usize, Direction),
    tunnel: usize,
    (policy, position): (usize, usize),
) -> bool {
    let rules = |id: usize| reach.policies.get(id)?.as_ref()?.rules(direction);
    let Some(meant) = rules(policy).and_then(|rules| rules.get(position)) else { return false };
    let Some(profile) = reach.profile(class, direction) else { return false };
    let mut carried = rules(tunnel).unwrap_or_default().iter().flat_map(|it| it.peers.ones());
    carried.any(|peer| {
        let allowed = profile.at(peer);
        let open = allowed.is_some_and(|it| !it.ports(Protocol::Tcp).is_empty());
        peer != class && meant.peers.contains(peer) && !open && has_pods(reach, peer)
    })
}

fn has_pods(reach: &Reach, class: usize) -> bool {
    reach.representative(class).is_some_and(|pods| pods.role == crate::model::Role::Real)
}

fn problem(policy: &Policy, direction: Direction, closed: Closed<'_>) -> PolicyProblem {
    let (side, verb) = match direction {
        Direction::Ingress => ("from", "let in"),
        Direction::Egress => ("to", "let out"),
    };
    let names = some_names(closed.workloads);
    PolicyProblem {
        check: Check::ClosedTunnel,
        certainty: Certainty::Proven,
        subject: policy.to_string(),
        message: format!(
            "{policy} allows {} {side} pods of the ambient mesh for {names}, but not TCP \
             {TUNNEL_PORT}, through which the mesh carries these connections: none is {verb}",
            closed.ports
        ),
        help: Some(format!("Add TCP port {TUNNEL_PORT} to the ports of the rule")),
        location: closed.location.or_else(|| policy.location.clone()),
        related: Vec::new(),
    }
}
