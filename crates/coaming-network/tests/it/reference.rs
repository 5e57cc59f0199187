//! A slow and obvious evaluator: one pair, one protocol, one port at a time, straight from the
//! API's text. It shares no code with the engine but the model and the selector's `matches`.

use std::net::IpAddr;

use coaming_network::Protocol;
use coaming_network::model::{
    Action, Direction, Model, Namespaces, Order, PeerKind, PodSelector, Pods, Policy, PolicyKind,
    PortNumbers, Role, Rule, Tier,
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
        (PeerKind::Pods(_) | PeerKind::Services(_) | PeerKind::Controllers, Side::Address(_))
        | (PeerKind::Unknown | PeerKind::ApiServer, _)
        | (PeerKind::Outside(_) | PeerKind::CidrGroups(_), Side::Pod(_)) => false,
        (PeerKind::Outside(set), Side::Address(address)) => set.contains(address),
        (PeerKind::CidrGroups(peer), Side::Address(address)) => {
            !peer.except.contains(address)
                && model.network_sets.iter().any(|set| {
                    let named = |name: &String| peer.name.as_ref().is_none_or(|it| it == name);
                    set.cidr_group.as_ref().is_some_and(named)
                        && peer.labels.matches(&set.labels)
                        && set.addresses.contains(address)
                })
        }
        (PeerKind::NetworkSets(peer), side) => {
            let sets = model.network_sets.iter().filter(|set| set.cidr_group.is_none());
            let meant = sets.filter(|set| {
                let here = match (&set.namespace, &peer.namespaces) {
                    (None, _) => peer.global,
                    (Some(_), None) => false,
                    (Some(own), Some(Namespaces::Named(name))) => own == name,
                    (Some(own), Some(Namespaces::Selected(selector))) => {
                        selector.matches(&model.namespaces[own].labels)
                    }
                };
                here && peer.labels.matches(&set.labels)
            });
            let set =
                meant.fold(coaming_network::IpSet::none(), |all, it| all.union(&it.addresses));
            match side {
                Side::Address(address) => set.contains(address),
                Side::Pod(pods) => by_address(&set, pods),
            }
        }
        (PeerKind::Hosts, Side::Pod(pods)) => pods.host_network,
        (PeerKind::Hosts, Side::Address(address)) => {
            model.nodes.iter().any(|(_, node)| node.addresses.contains(address))
        }
        (PeerKind::Controllers, Side::Pod(pods)) => pods.role == Role::Controller,
        (PeerKind::Services(peer), Side::Pod(pods)) => model.services.iter().any(|(_, service)| {
            let meant = peer.namespace.as_ref().is_none_or(|it| *it == service.namespace)
                && peer.name.as_ref().is_none_or(|it| *it == service.name)
                && peer.labels.matches(&service.labels);
            let leads = *pods.namespace == *service.namespace
                && service.selector.as_ref().is_some_and(|it| it.matches(&pods.labels));
            meant && leads && !pods.host_network
        }),
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
    let rank = |tier: &Tier| match tier {
        Tier::Networks => (0, Order::of(0.0)),
        Tier::Admin => (1, Order::of(0.0)),
        Tier::Network => (2, Order::of(1_000_000.0)),
        Tier::Named(name) => (2, model.tiers[name].order),
        Tier::Baseline => (3, Order::of(0.0)),
        Tier::Tunnel => (4, Order::of(0.0)),
        Tier::MeshPeers => (5, Order::of(0.0)),
        Tier::Servers => (6, Order::of(0.0)),
        Tier::Mesh => (7, Order::of(0.0)),
    };
    policies
        .sort_by_key(|policy| (rank(&policy.tier), policy.priority, policy.order, &policy.name));
    let fits = |rule: &&Rule| rule_matches(model, rule, other, receiver, protocol, port);
    let by_mesh = |policy: &&Policy| policy.tier > Tier::Baseline;
    let (mesh, network): (Vec<_>, Vec<_>) = policies.into_iter().partition(by_mesh);
    let in_mesh = protocol == Protocol::Tcp && ![15020, 15021, 15090].contains(&port);
    stage(model, &network, direction, &fits) && (!in_mesh || stage(model, &mesh, direction, &fits))
}

/// Whether these policies, in their order, let something through.
fn stage(
    model: &Model,
    policies: &[&Policy],
    direction: Direction,
    fits: &impl Fn(&&Rule) -> bool,
) -> bool {
    let mut tiers: Vec<Tier> = policies.iter().map(|policy| policy.tier.clone()).collect();
    tiers.dedup();
    for tier in tiers {
        let of_tier: Vec<&Policy> =
            policies.iter().copied().filter(|policy| policy.tier == tier).collect();
        let rules = || {
            of_tier.iter().flat_map(|policy| {
                let rules = policy.rules(direction).unwrap_or_default();
                rules.iter().map(|rule| (policy.kind, rule))
            })
        };
        let refuses = |(kind, rule): (PolicyKind, &Rule)| {
            (kind.is_cilium() || kind == PolicyKind::AuthorizationPolicy)
                && rule.action == Action::Deny
                && fits(&rule)
        };
        if rules().any(refuses) {
            return false;
        }
        let settings = match &tier {
            Tier::Named(name) => model.tiers[name].passes,
            Tier::Network | Tier::Mesh => false,
            _ => true,
        };
        let ends = !settings && of_tier.iter().any(|it| it.isolates[direction as usize]);
        let calico = of_tier.iter().any(|policy| policy.kind.is_calico());
        if tier == Tier::Network && !calico || tier == Tier::Mesh {
            if ends {
                return rules().any(|(_, rule)| rule.action == Action::Allow && fits(&rule));
            }
            continue;
        }
        match rules().find(|(_, rule)| fits(rule)).map(|(_, rule)| rule.action) {
            Some(Action::Allow) => return true,
            Some(Action::Deny) => return false,
            Some(Action::Pass) => {}
            None if ends => return false,
            None => {}
        }
    }
    true
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
