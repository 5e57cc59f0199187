//! Rules for ports that no container declares.

use super::{Certainty, Check, PolicyProblem, means, real_pods, rules_of};
use crate::model::{
    Action, Direction, Model, PeerKind, Pods, Policy, PortMatch, PortNumbers, Role, Rule,
    TUNNEL_PORT, is_carried,
};
use crate::reach::Reach;

pub(super) fn find(reach: &Reach, id: usize, found: &mut Vec<PolicyProblem>) {
    let model = reach.model();
    let Some(policy) = model.policies.get(id) else { return };
    let subject = reach.subject(id);
    for (direction, _, rule) in rules_of(policy).filter(|(_, _, rule)| rule.action == Action::Allow)
    {
        found.extend(names_for_addresses(policy, direction, rule));
        let receivers = receivers(model, &subject, direction, rule);
        // A pod that names no port may listen on any.
        if receivers.is_empty() || receivers.iter().any(|pods| pods.ports.is_empty()) {
            continue;
        }
        for port in rule.ports.iter().flatten() {
            if !receivers.iter().any(|pods| serves(pods, port)) {
                found.extend(problem(model, policy, &receivers, port));
            }
        }
    }
}

/// The pods that the rule's connections go to; none if they are not all known.
fn receivers<'m>(
    model: &'m Model,
    subject: &[usize],
    direction: Direction,
    rule: &Rule,
) -> Vec<&'m Pods> {
    match (direction, rule.peers.as_deref()) {
        (Direction::Ingress, _) => {
            let pods = subject.iter().filter_map(|&pods| model.pods.get(pods));
            pods.filter(|pods| pods.role == Role::Real).collect()
        }
        (Direction::Egress, None) => Vec::new(),
        (Direction::Egress, Some(peers)) => {
            let mut found = Vec::new();
            for peer in peers {
                let PeerKind::Pods(selector) = &peer.kind else { return Vec::new() };
                let before = found.len();
                let meant = real_pods(model).filter(|(_, pods)| means(model, selector, pods));
                found.extend(meant.map(|(_, pods)| pods));
                if found.len() == before {
                    return Vec::new();
                }
            }
            found
        }
    }
}

fn serves(pods: &Pods, wanted: &PortMatch) -> bool {
    // The proxies of Istio listen on it, and no container needs to say so.
    if wanted.numbers == PortNumbers::Range(TUNNEL_PORT, TUNNEL_PORT) && is_carried(&pods.labels) {
        return true;
    }
    pods.ports.iter().any(|port| {
        wanted.protocol.is_none_or(|protocol| protocol == port.protocol)
            && match &wanted.numbers {
                PortNumbers::All => true,
                PortNumbers::Range(first, last) => (*first..=*last).contains(&port.number),
                PortNumbers::Named(name) => port.name.as_ref() == Some(name),
            }
    })
}

fn problem(
    model: &Model,
    policy: &Policy,
    receivers: &[&Pods],
    wanted: &PortMatch,
) -> Option<PolicyProblem> {
    let shown = match &wanted.numbers {
        PortNumbers::All => return None,
        PortNumbers::Range(first, last) if first == last => first.to_string(),
        PortNumbers::Range(first, last) => format!("{first}-{last}"),
        PortNumbers::Named(name) => format!("`{name}`"),
    };
    let protocol = wanted.protocol.map_or(String::new(), |protocol| format!("{protocol} "));
    let mut listens: Vec<String> = receivers
        .iter()
        .flat_map(|pods| &pods.ports)
        .map(|port| match &port.name {
            Some(name) => format!("{} {} (`{name}`)", port.protocol, port.number),
            None => format!("{} {}", port.protocol, port.number),
        })
        .collect();
    listens.sort_unstable();
    listens.dedup();
    let service = service_hint(model, receivers, wanted).unwrap_or_default();
    Some(PolicyProblem {
        check: Check::UnservedPort,
        certainty: Certainty::Likely,
        subject: policy.to_string(),
        message: format!(
            "{policy} allows port {protocol}{shown}, on which no container of the receiving pods \
             listens: they name {}",
            super::some_names(listens.iter().map(String::as_str))
        ),
        help: Some(format!("{service}Correct the port")),
        location: wanted.location.clone(),
        related: Vec::new(),
    })
}

/// The most common cause: the port of the Service instead of the pods'.
fn service_hint(model: &Model, receivers: &[&Pods], wanted: &PortMatch) -> Option<String> {
    let PortNumbers::Range(number, _) = wanted.numbers else { return None };
    let service = model.services.iter().find_map(|(_, service)| {
        let port = service.ports.iter().find(|port| port.port == number)?;
        let pods = receivers.iter().find(|pods| service.selects(pods))?;
        Some((service, port.targets(pods).first().copied()?))
    });
    let (service, target) = service?;
    Some(format!(
        "{number} is the port of Service {}, which leads to {target}: a policy sees the pods' \
         port. ",
        service.name
    ))
}

/// Ports by name for addresses: nothing says which number an address has under a name.
fn names_for_addresses(policy: &Policy, direction: Direction, rule: &Rule) -> Vec<PolicyProblem> {
    let is_address = |kind: &PeerKind| {
        matches!(kind, PeerKind::Block(_) | PeerKind::Networks(_) | PeerKind::Outside(_))
    };
    let peers = rule.peers.as_deref().unwrap_or_default();
    let only_addresses = !peers.is_empty() && peers.iter().all(|peer| is_address(&peer.kind));
    if direction != Direction::Egress || !only_addresses {
        return Vec::new();
    }
    let named = rule.ports.iter().flatten().filter_map(|port| match &port.numbers {
        PortNumbers::Named(name) => Some((port, name)),
        _ => None,
    });
    let found = named.map(|(port, name)| PolicyProblem {
        check: Check::UnservedPort,
        certainty: Certainty::Proven,
        subject: policy.to_string(),
        message: format!(
            "{policy} allows port `{name}` of addresses, which opens nothing: only pods give names \
             to ports"
        ),
        help: Some("Write the number of the port".to_owned()),
        location: port.location.clone(),
        related: Vec::new(),
    });
    found.collect()
}
