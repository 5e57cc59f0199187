//! Why the answer may differ in the cluster.

use super::{Explanation, PolicyVerdict, Side, Uncertainty, entrances_of, rule_name};
use crate::advice::connections;
use crate::ip::IpSet;
use crate::list::{IngressCheck, Peer};
use crate::model::{
    Action, Direction, ExternalSource, Influence, Model, NetworkPlugin, PeerKind, Role, Tier,
};
use crate::ports::Connections;
use crate::reach::{Endpoint, Reach};
use crate::unevaluated::{ROOT_NAMESPACE, SOURCES, UnevaluatedKind, unevaluated};
use crate::views::node_addresses;

pub(super) fn uncertain(
    reach: &Reach,
    explanation: &Explanation,
    from: Endpoint,
    to: Endpoint,
) -> Vec<Uncertainty> {
    let found = unevaluated(reach.model(), Some(&[from, to]));
    // The proxy of the target decides.
    let at_target = unevaluated(reach.model(), Some(&[to]));
    // The proxy of the source decides about what leaves it, and the mesh lists its own pods.
    let at_source = unevaluated(reach.model(), Some(&[from]));
    let found = found.into_iter().filter_map(|kind| {
        let is_same = |other: &&UnevaluatedKind| {
            (&other.kind, &other.group, &other.field) == (&kind.kind, &kind.group, &kind.field)
        };
        if kind.is_egress_firewall() {
            let leaves = is_outside_pod_network(reach.model(), to);
            return at_source.iter().find(is_same).filter(|_| leaves).cloned();
        }
        if kind.influence == Influence::Outbound {
            let leaves = kind.kind == "Sidecar" || matches!(to, Endpoint::External(_));
            return at_source.iter().find(is_same).filter(|_| leaves).map(|_| kind);
        }
        let is_mesh = ["security.istio.io", "policy.linkerd.io"].contains(&kind.group.as_str())
            || kind.field.as_deref() == Some(ROOT_NAMESPACE);
        let counts = !is_mesh
            || kind.field.as_deref() == Some(SOURCES)
            || at_target.iter().find(is_same).is_some();
        counts.then_some(kind)
    });
    let mut found: Vec<_> = found.map(Uncertainty::NotEvaluated).collect();
    if let (Endpoint::Pods(own), Endpoint::External(_)) = (from, to) {
        found.extend(by_domain_name(reach, own));
    }
    let asked = connections(explanation.port.as_ref());
    for (own, other, direction) in [(from, to, Direction::Egress), (to, from, Direction::Ingress)] {
        found.extend(with_api_server(reach, own, other, direction, &asked));
    }
    for side in &explanation.sides {
        found.extend(equal_priorities(side, &asked).map(Uncertainty::EqualPriorities));
    }
    found.extend(by_plugin(reach, explanation, &asked, from, to));
    found.extend(masqueraded(reach, explanation, from, to));
    found
}

/// Whether an address is one that egress firewalls decide about: not of a pod on the pod network.
fn is_outside_pod_network(model: &Model, endpoint: Endpoint) -> bool {
    match endpoint {
        Endpoint::Pods(id) => model.pods.get(id).is_none_or(|pods| pods.host_network),
        Endpoint::External(_) => true,
    }
}

/// The ways through open Services that hide the address that the question is about, as far as what
/// comes through them is decided otherwise.
fn masqueraded(
    reach: &Reach,
    explanation: &Explanation,
    from: Endpoint,
    to: Endpoint,
) -> Vec<Uncertainty> {
    let (Endpoint::External(_), Peer::Ip(asked)) = (from, &explanation.source) else {
        return Vec::new();
    };
    let nodes = node_addresses();
    let mut check = IngressCheck::new(reach);
    let mut found = Vec::new();
    for point in entrances_of(reach.model(), to) {
        let ExternalSource::Address(seen) = &point.source else { continue };
        let is_asked = explanation
            .port
            .as_ref()
            .is_none_or(|port| (port.protocol, port.number) == (point.protocol, point.port));
        if !is_asked || *seen != nodes || asked.is_subset(seen) {
            continue;
        }
        let open = check.lets_in(point);
        if open != explanation.allowed.contains(point.protocol, point.port) {
            found.push(Uncertainty::Masqueraded { via: point.via.clone(), open });
        }
    }
    found
}

/// The rules for these pods that match by domain names: no address tells whether they do.
fn by_domain_name(reach: &Reach, pods: usize) -> Vec<Uncertainty> {
    let model = reach.model();
    let policies = reach.policies_of(pods, Direction::Egress).iter();
    let rules = policies.filter_map(|&id| model.policies.get(id)).flat_map(|policy| {
        let rules = policy.rules(Direction::Egress).unwrap_or_default().iter().enumerate();
        rules.map(move |(position, rule)| (policy, position, rule))
    });
    let unknown = rules.filter(|(_, _, rule)| {
        rule.peers.iter().flatten().any(|peer| peer.kind == PeerKind::Unknown)
    });
    let found = unknown.map(|(policy, position, rule)| Uncertainty::DomainNames {
        policy: policy.to_string(),
        rule: rule_name(rule, Direction::Egress, position),
    });
    found.collect()
}

/// The rules for one side that would change the answer if the other side were the API server, which
/// it may be, unless it is a pod on the pod network.
fn with_api_server(
    reach: &Reach,
    own: Endpoint,
    other: Endpoint,
    direction: Direction,
    asked: &Connections,
) -> Vec<Uncertainty> {
    let model = reach.model();
    let Endpoint::Pods(own) = own else { return Vec::new() };
    let may_be_it = match other {
        Endpoint::External(_) => true,
        Endpoint::Pods(id) => model.pods.get(id).is_some_and(|pods| pods.host_network),
    };
    if !may_be_it {
        return Vec::new();
    }
    let open = reach.allowed_by(own, direction, other);
    let mut found = Vec::new();
    for policy in reach.policies_of(own, direction).iter().filter_map(|&id| model.policies.get(id))
    {
        for (position, rule) in policy.rules(direction).unwrap_or_default().iter().enumerate() {
            let means_it = rule.peers.iter().flatten().any(|peer| peer.kind == PeerKind::ApiServer);
            let ports = crate::compile::ports_without_names(rule.ports.as_deref());
            let concerned = ports.intersection(asked);
            let would_change = match rule.action {
                Action::Deny => concerned.intersection(&open),
                Action::Allow | Action::Pass => concerned.difference(&open),
            };
            if means_it && !would_change.is_empty() {
                found.push(Uncertainty::ApiServer {
                    policy: policy.to_string(),
                    rule: rule_name(rule, direction, position),
                });
            }
        }
    }
    found
}

/// Two policies of one kind, tier and priority of which the first rules that match decide
/// differently.
fn equal_priorities(side: &Side, asked: &Connections) -> Option<[String; 2]> {
    let first = |policy: &PolicyVerdict| {
        let mut rules = policy.rules.iter();
        rules.find(|rule| !rule.connections.intersection(asked).is_empty()).map(|rule| rule.action)
    };
    let ordered =
        side.policies.iter().filter(|policy| matches!(policy.tier, Tier::Admin | Tier::Baseline));
    let ordered: Vec<_> = ordered.filter_map(|policy| Some((policy, first(policy)?))).collect();
    ordered.iter().enumerate().find_map(|(position, (policy, action))| {
        let others = ordered.iter().skip(position + 1);
        let mut equal = others.filter(|(other, _)| {
            (other.kind, &other.tier, other.priority)
                == (policy.kind, &policy.tier, policy.priority)
        });
        let (other, _) = equal.find(|(_, other)| other != action)?;
        Some([policy.policy.clone(), other.policy.clone()])
    })
}

/// Whether the answer depends on what an `ipBlock` means.
fn by_plugin(
    reach: &Reach,
    explanation: &Explanation,
    asked: &Connections,
    from: Endpoint,
    to: Endpoint,
) -> Option<Uncertainty> {
    let (Endpoint::Pods(source), Endpoint::Pods(target)) = (from, to) else { return None };
    let model = reach.model();
    if model.plugin != NetworkPlugin::Unknown {
        return None;
    }
    let covers = |own: usize, direction: Direction, other: usize| {
        let Some(pods) = model.pods.get(other).filter(|pods| !pods.host_network) else {
            return false;
        };
        let policies = reach.policies_of(own, direction).iter();
        let policies = policies.filter_map(|&id| model.policies.get(id));
        let mut rules = policies.flat_map(|policy| policy.rules(direction).unwrap_or_default());
        rules
            .any(|rule| rule.peers.iter().flatten().any(|peer| covers(&peer.kind, &pods.addresses)))
    };
    if !covers(source, Direction::Egress, target) && !covers(target, Direction::Ingress, source) {
        return None;
    }
    let other = Reach::new(Model { plugin: NetworkPlugin::Kubernetes, ..model.clone() });
    let by_address = other.allowed(from, to);
    let differs = by_address.intersection(asked) != explanation.allowed.intersection(asked);
    differs.then_some(Uncertainty::Plugin { by_address })
}

/// Whether an `ipBlock` covers these addresses; where none is known, whether it covers all.
fn covers(kind: &PeerKind, addresses: &IpSet) -> bool {
    let PeerKind::Block(set) = kind else { return false };
    if addresses.is_empty() { set.covers_a_family() } else { addresses.is_subset(set) }
}

/// Whether any answer depends on the network plugin, which is not known: an `ipBlock` covers the
/// known address of a pod.
#[must_use]
pub fn plugin_dependent(model: &Model) -> bool {
    let blocks = || {
        model
            .policies
            .iter()
            .flat_map(|(_, policy)| policy.peers())
            .filter(|peer| matches!(peer.kind, PeerKind::Block(_)))
    };
    let mut pods =
        model.pods.iter().map(|(_, pods)| pods).filter(|pods| {
            pods.role == Role::Real && !pods.host_network && !pods.addresses.is_empty()
        });
    model.plugin == NetworkPlugin::Unknown
        && blocks().next().is_some()
        && pods.any(|pods| blocks().any(|peer| covers(&peer.kind, &pods.addresses)))
}
