//! A slow and obvious evaluator: one pair, one protocol, one port at a time, straight from the
//! API's text. It shares no code with the engine but the model and the selector's `matches`.

use std::net::IpAddr;

use coaming_network::Protocol;
use coaming_network::model::{
    Action, Direction, Model, Namespaces, PeerKind, PodSelector, Pods, PortNumbers, Rule, Tier,
};

/// The other end of a connection.
#[derive(Clone, Copy)]
pub(crate) enum Side<'m> {
    Pod(&'m Pods),
    Address(IpAddr),
}

fn selects(model: &Model, selector: &PodSelector, pods: &Pods) -> bool {
    let namespace = &model.namespaces[&*pods.namespace];
    let in_namespace = match &selector.namespaces {
        Namespaces::Named(name) => **name == *pods.namespace,
        Namespaces::Selected(selector) => selector.matches(&namespace.labels),
    };
    !pods.host_network && in_namespace && selector.pods.matches(&pods.labels)
}

fn peer_matches(model: &Model, kind: &PeerKind, side: Side<'_>) -> bool {
    let by_address = |set: &coaming_network::IpSet, pods: &Pods| {
        if pods.addresses.is_empty() {
            let v4 = coaming_network::IpSet::cidr("0.0.0.0/0").unwrap();
            let v6 = coaming_network::IpSet::cidr("::/0").unwrap();
            v4.is_subset(set) || v6.is_subset(set)
        } else {
            pods.addresses.is_subset(set)
        }
    };
    match (kind, side) {
        (PeerKind::Pods(selector), Side::Pod(pods)) => selects(model, selector, pods),
        (PeerKind::Pods(_), Side::Address(_)) | (PeerKind::Unknown, _) => false,
        (PeerKind::Block(set) | PeerKind::Networks(set), Side::Address(address)) => {
            set.contains(address)
        }
        (PeerKind::Block(set), Side::Pod(pods)) => pods.host_network && by_address(set, pods),
        (PeerKind::Networks(set), Side::Pod(pods)) => by_address(set, pods),
        (PeerKind::Nodes(selector), side) => {
            let nodes = model.nodes.iter().map(|(_, node)| node);
            let nodes = nodes.filter(|node| selector.matches(&node.labels));
            let set =
                nodes.fold(coaming_network::IpSet::none(), |set, node| set.union(&node.addresses));
            match side {
                Side::Address(address) => set.contains(address),
                Side::Pod(pods) => pods.host_network && by_address(&set, pods),
            }
        }
    }
}

fn rule_matches(
    model: &Model,
    rule: &Rule,
    other: Side<'_>,
    receiver: Side<'_>,
    protocol: Protocol,
    port: u16,
) -> bool {
    let peer = rule
        .peers
        .as_ref()
        .is_none_or(|peers| peers.iter().any(|peer| peer_matches(model, &peer.kind, other)));
    let port = rule.ports.as_ref().is_none_or(|ports| {
        ports.iter().any(|wanted| {
            let number = match &wanted.numbers {
                PortNumbers::All => true,
                PortNumbers::Range(first, last) => (*first..=*last).contains(&port),
                PortNumbers::Named(name) => match receiver {
                    Side::Address(_) => false,
                    Side::Pod(pods) => pods.ports.iter().any(|known| {
                        known.name.as_ref() == Some(name)
                            && known.protocol == protocol
                            && known.number == port
                    }),
                },
            };
            number && wanted.protocol.is_none_or(|wanted| wanted == protocol)
        })
    });
    peer && port
}

/// Whether the policies of one pod let a connection through in one direction.
fn one_side(
    model: &Model,
    own: &Pods,
    direction: Direction,
    other: Side<'_>,
    protocol: Protocol,
    port: u16,
) -> bool {
    let receiver = if direction == Direction::Ingress { Side::Pod(own) } else { other };
    let mut policies: Vec<_> = model
        .policies
        .iter()
        .map(|(_, policy)| policy)
        .filter(|policy| selects(model, &policy.subject, own))
        .filter(|policy| policy.rules(direction).is_some())
        .collect();
    policies.sort_by_key(|policy| policy.priority);
    let tier = |tier: Tier| {
        policies
            .iter()
            .filter(move |policy| policy.tier == tier)
            .flat_map(move |policy| policy.rules(direction).unwrap_or_default())
    };
    let fits = |rule: &&Rule| rule_matches(model, rule, other, receiver, protocol, port);
    match tier(Tier::Admin).find(fits).map(|rule| rule.action) {
        Some(Action::Allow) => return true,
        Some(Action::Deny) => return false,
        Some(Action::Pass) | None => {}
    }
    if policies.iter().any(|policy| policy.tier == Tier::Network) {
        return tier(Tier::Network).any(|rule| fits(&rule));
    }
    !matches!(tier(Tier::Baseline).find(fits), Some(Rule { action: Action::Deny, .. }))
}

/// Whether a connection goes through.
pub(crate) fn allowed(
    model: &Model,
    source: Side<'_>,
    target: Side<'_>,
    protocol: Protocol,
    port: u16,
) -> bool {
    let leaves = match source {
        Side::Pod(pods) => one_side(model, pods, Direction::Egress, target, protocol, port),
        Side::Address(_) => true,
    };
    let enters = match target {
        Side::Pod(pods) => one_side(model, pods, Direction::Ingress, source, protocol, port),
        Side::Address(_) => true,
    };
    leaves && enters
}
