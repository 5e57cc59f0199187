//! Why a connection is possible or not: each policy and rule that applies, on both sides, what the
//! answer does not take into account, and what would change it.

mod doubt;
mod way;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::advice::{Advice, advice, connections};
use crate::find::{AskedPort, FoundPeer};
use crate::list::{IngressCheck, Peer};
use crate::model::{
    Action, ContainerPort, Direction, ExternalSource, IngressPoint, Limit, Model, Policy,
    PolicyKind, Rule, SourceRef, TUNNEL_PORT, Tier,
};
use crate::ports::{Connections, PortSet, Protocol};
use crate::reach::{Endpoint, Reach};
use crate::unevaluated::{UnevaluatedKind, unevaluated};
pub use doubt::plugin_dependent;
use doubt::uncertain;
pub use way::Way;
use way::{is_detour, ways};

/// How one rule applies to the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleVerdict {
    /// `ingress[0]`, or the rule's own name.
    pub name: String,
    /// Where it is written.
    pub location: Option<SourceRef>,
    /// What it does.
    pub action: Action,
    /// Whether it matches the peer.
    pub matches: bool,
    /// The ports that it is about, for this peer; none if it does not match.
    pub connections: Connections,
    /// Further limits of what it allows, of which any must hold.
    pub limits: Vec<Limit>,
}

/// How one policy applies to the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVerdict {
    /// The policy: `NetworkPolicy shop/db`.
    pub policy: String,
    /// Where it is written.
    pub location: Option<SourceRef>,
    /// Its kind.
    pub kind: PolicyKind,
    /// Its tier.
    pub tier: Tier,
    /// Its priority in that tier.
    pub priority: u32,
    /// Whether it isolates its pods for the direction.
    pub isolates: bool,
    /// Whether what its tier does not decide is refused.
    pub ends: bool,
    /// Its rules for the direction, in their order.
    pub rules: Vec<RuleVerdict>,
}

impl PolicyVerdict {
    fn new(policy: &Policy, model: &Model, direction: Direction, rules: Vec<RuleVerdict>) -> Self {
        let isolates = policy.isolates(direction);
        Self {
            policy: policy.to_string(),
            location: policy.location.clone(),
            kind: policy.kind,
            tier: policy.tier.clone(),
            priority: policy.priority,
            isolates,
            ends: isolates && !model.passes(&policy.tier),
            rules,
        }
    }
}

/// One side of the connection: the source, for leaving, or the target, for entering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Leaving is [`Direction::Egress`].
    pub direction: Direction,
    /// The peer that the policies select.
    pub subject: Peer,
    /// The policies that select it, in the order of evaluation.
    pub policies: Vec<PolicyVerdict>,
    /// What this side allows.
    pub allowed: Connections,
    /// Whether policies apply to it at all.
    pub governed: bool,
    /// Whether its pods share their node's network.
    pub host_network: bool,
}

/// An ingress point of the target, for a question about traffic from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntranceVerdict {
    /// The object that opens it: `Ingress shop/web`.
    pub via: String,
    /// The protocol.
    pub protocol: Protocol,
    /// The port of the pods.
    pub port: u16,
    /// Whether the policies let it through.
    pub open: bool,
}

/// Something because of which the answer may differ in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uncertainty {
    /// Objects that can touch the endpoints are not evaluated.
    NotEvaluated(UnevaluatedKind),
    /// A rule matches by domain names, and the target is an address.
    DomainNames {
        /// The policy.
        policy: String,
        /// The rule.
        rule: String,
    },
    /// A rule allows the API server, and whether the other endpoint is it is not known.
    ApiServer {
        /// The policy.
        policy: String,
        /// The rule.
        rule: String,
    },
    /// Policies of one priority decide differently: which of them counts is undefined.
    EqualPriorities([String; 2]),
    /// An open Service leads to the target, and its pods see the address of a node, not the one asked
    /// about: what comes that way is decided otherwise.
    Masqueraded {
        /// The Service.
        via: String,
        /// Whether the policies let it through that way.
        open: bool,
    },
    /// An `ipBlock` covers a pod: whether it means the pod depends on the network plugin.
    Plugin {
        /// What is allowed where an `ipBlock` means pods by their addresses.
        by_address: Connections,
    },
}

/// A whole explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The source.
    pub source: Peer,
    /// The target.
    pub target: Peer,
    /// The port in question; `None` means all ports.
    pub port: Option<AskedPort>,
    /// The TCP port through which a service mesh carries the connection: the network policies see that
    /// one only.
    pub tunnel: Option<u16>,
    /// The ports that the target's containers declare.
    pub declared: Vec<ContainerPort>,
    /// Everything that is allowed.
    pub allowed: Connections,
    /// The source's side, then the target's.
    pub sides: Vec<Side>,
    /// The ways through waypoints of Istio's ambient mesh.
    pub ways: Vec<Way>,
    /// What is allowed without them, by the pods' own addresses.
    pub direct: Connections,
    /// For traffic from outside: the target's ingress points.
    pub entrances: Vec<EntranceVerdict>,
    /// For traffic from outside: why other routes do not lead to the target.
    pub refused: Vec<String>,
    /// What must hold besides, for each side that only rules with limits open: any of these.
    pub limits: Vec<Vec<Limit>>,
    /// Why the answer may differ in the cluster.
    pub uncertain: Vec<Uncertainty>,
    /// What would change the answer.
    pub advice: Vec<Advice>,
}

impl Explanation {
    /// Whether the port in question is allowed; without one, whether any is.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        match &self.port {
            Some(port) => self.allowed.contains(port.protocol, port.number),
            None => !self.allowed.is_empty(),
        }
    }

    /// As [`Self::is_allowed`], without waypoints.
    #[must_use]
    pub fn is_allowed_directly(&self) -> bool {
        match &self.port {
            Some(port) => self.direct.contains(port.protocol, port.number),
            None => !self.direct.is_empty(),
        }
    }

    /// The ports in question as the network policies see them.
    pub(crate) fn port_of_network(&self) -> Option<(Protocol, u16)> {
        let asked = self.port.as_ref().map(|port| (port.protocol, port.number));
        self.tunnel.map(|tunnel| (Protocol::Tcp, tunnel)).or(asked)
    }

    /// Whether the input proves the answer.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.uncertain.is_empty()
    }
}

/// Explains the connection between two peers of which each may have pods of several kinds: the pair
/// that can connect most. `None` if one of them has no pods.
#[must_use]
pub fn explain(
    reach: &Reach,
    source: &FoundPeer,
    target: &FoundPeer,
    port: Option<&AskedPort>,
) -> Option<Explanation> {
    let mut best: Option<Explanation> = None;
    let mut consider = |next: Explanation| {
        let better = best.as_ref().is_none_or(|best| next.is_allowed() && !best.is_allowed());
        if better {
            best = Some(next);
        }
    };
    if source.ingress {
        for &to in &target.endpoints {
            consider(from_outside(reach, to, port));
        }
    } else {
        for &from in &source.endpoints {
            for &to in &target.endpoints {
                consider(pair(reach, (from, source), (to, target), port));
            }
        }
    }
    best
}

fn pair(
    reach: &Reach,
    (from, source): (Endpoint, &FoundPeer),
    (to, target): (Endpoint, &FoundPeer),
    port: Option<&AskedPort>,
) -> Explanation {
    let name = |endpoint: Endpoint, found: &FoundPeer| match (&found.addresses, endpoint) {
        (Some(block), Endpoint::External(atom)) => {
            let atom = reach.externals().get(atom).cloned().unwrap_or_default();
            Peer::Ip(block.intersection(&atom))
        }
        _ => peer_of(reach, endpoint),
    };
    let (source, target) = (name(from, source), name(to, target));
    let mut explanation = Explanation {
        sides: vec![
            side(reach, from, &source, to, Direction::Egress),
            side(reach, to, &target, from, Direction::Ingress),
        ],
        source,
        target,
        port: port.cloned(),
        tunnel: is_carried(reach, from, to, port).then_some(TUNNEL_PORT),
        declared: declared(reach, to),
        allowed: reach.allowed(from, to),
        ways: ways(reach, from, to, port),
        direct: Connections::none(),
        entrances: Vec::new(),
        refused: Vec::new(),
        limits: Vec::new(),
        uncertain: Vec::new(),
        advice: Vec::new(),
    };
    explanation.direct = direct(&explanation);
    explanation.limits = limits(&explanation);
    explanation.uncertain = uncertain(reach, &explanation, from, to);
    explanation.advice = advice(reach, &explanation, [Some(from), Some(to)]);
    explanation
}

/// What both sides allow without waypoints.
fn direct(explanation: &Explanation) -> Connections {
    if explanation.ways.is_empty() {
        return explanation.allowed.clone();
    }
    let sides = explanation.sides.iter();
    let open = sides.fold(Connections::all(), |open, side| open.intersection(&side.allowed));
    match is_detour(&explanation.ways) {
        true => open.difference(&Connections::of(Protocol::Tcp, PortSet::all())),
        false => open,
    }
}

/// Whether a service mesh carries the connections in question.
fn is_carried(reach: &Reach, from: Endpoint, to: Endpoint, port: Option<&AskedPort>) -> bool {
    let Endpoint::Pods(target) = to else { return false };
    let asked = port.is_none_or(|port| port.protocol == Protocol::Tcp);
    let mut policies = reach.policies_of(target, Direction::Ingress).iter();
    asked
        && policies.any(|&id| {
            let policy = reach.model().policies.get(id);
            let rules =
                policy.filter(|it| it.tier == Tier::Tunnel).and_then(|it| it.ingress.as_ref());
            (0..rules.map_or(0, Vec::len))
                .any(|rule| reach.rule_matches(id, Direction::Ingress, rule, from))
        })
}

/// Traffic from outside, as the list of connections shows it: through the target's ingress points,
/// as far as the policies let it.
fn from_outside(reach: &Reach, to: Endpoint, port: Option<&AskedPort>) -> Explanation {
    let model = reach.model();
    let mut check = IngressCheck::new(reach);
    let points = entrances_of(model, to);
    let mut allowed = Connections::none();
    let mut entrances = Vec::new();
    for point in &points {
        let open = check.lets_in(point);
        if open {
            let number = PortSet::range(point.port, point.port);
            allowed = allowed.union(&Connections::of(point.protocol, number));
        }
        entrances.push(EntranceVerdict {
            via: point.via.clone(),
            protocol: point.protocol,
            port: point.port,
            open,
        });
    }
    entrances.sort_by(|a, b| (a.protocol, a.port, &a.via).cmp(&(b.protocol, b.port, &b.via)));
    entrances.dedup();
    let target = peer_of(reach, to);
    let asked = |point: &&&IngressPoint| {
        port.is_none_or(|port| (port.protocol, port.number) == (point.protocol, point.port))
    };
    let point = points.iter().find(asked);
    let from = point.and_then(|point| check.source_of(point));
    let sides = from.map(|from| side(reach, to, &target, from, Direction::Ingress));
    let mut explanation = Explanation {
        source: Peer::Ingress,
        target,
        port: port.cloned().or_else(|| {
            point.filter(|_| allowed.is_empty()).map(|it| (it.protocol, it.port).into())
        }),
        tunnel: None,
        declared: declared(reach, to),
        direct: allowed.clone(),
        allowed,
        sides: sides.into_iter().collect(),
        ways: Vec::new(),
        entrances,
        refused: refused_of(model, to),
        limits: Vec::new(),
        uncertain: unevaluated(model, Some(&[to]))
            .into_iter()
            .map(Uncertainty::NotEvaluated)
            .collect(),
        advice: Vec::new(),
    };
    explanation.limits = limits(&explanation);
    if point.is_some() {
        let by_address = point.is_some_and(|it| matches!(it.source, ExternalSource::Address(_)));
        let source = from.filter(|_| by_address);
        explanation.advice = advice(reach, &explanation, [source, Some(to)]);
    }
    explanation
}

/// The ingress points of all pods of the endpoint's workload.
fn entrances_of(model: &Model, endpoint: Endpoint) -> Vec<&IngressPoint> {
    let Endpoint::Pods(id) = endpoint else { return Vec::new() };
    let workload = model.pods.get(id).map(|pods| pods.workload);
    let points = model
        .ingress_points
        .iter()
        .filter(|(pods, _)| model.pods.get(**pods).map(|pods| pods.workload) == workload);
    points.flat_map(|(_, points)| points).collect()
}

/// Why routes do not lead to the endpoint's workload.
fn refused_of(model: &Model, endpoint: Endpoint) -> Vec<String> {
    let Endpoint::Pods(id) = endpoint else { return Vec::new() };
    let workload = |id: usize| model.pods.get(id).map(|pods| pods.workload);
    let reasons = model.refused_routes.iter().filter(|(pods, _)| workload(**pods) == workload(id));
    let reasons: BTreeSet<&String> = reasons.flat_map(|(_, reasons)| reasons).collect();
    reasons.into_iter().cloned().collect()
}

/// The peer that an endpoint is.
fn peer_of(reach: &Reach, endpoint: Endpoint) -> Peer {
    let model = reach.model();
    match endpoint {
        Endpoint::Pods(id) => {
            let workload = model.pods.get(id).and_then(|pods| model.workloads.get(pods.workload));
            Peer::Workload(Arc::new(workload.cloned().unwrap_or_default()))
        }
        Endpoint::External(atom) => {
            Peer::Ip(reach.externals().get(atom).cloned().unwrap_or_default())
        }
    }
}

fn declared(reach: &Reach, endpoint: Endpoint) -> Vec<ContainerPort> {
    match endpoint {
        Endpoint::Pods(id) => {
            reach.model().pods.get(id).map(|pods| pods.ports.clone()).unwrap_or_default()
        }
        Endpoint::External(_) => Vec::new(),
    }
}

fn side(
    reach: &Reach,
    own: Endpoint,
    subject: &Peer,
    other: Endpoint,
    direction: Direction,
) -> Side {
    let subject = subject.clone();
    let Endpoint::Pods(pods) = own else {
        return Side {
            direction,
            subject,
            policies: Vec::new(),
            allowed: Connections::all(),
            governed: false,
            host_network: false,
        };
    };
    let model = reach.model();
    let host_network = model.pods.get(pods).is_some_and(|pods| pods.host_network);
    let policies = reach.policies_of(pods, direction).iter().filter_map(|&id| {
        // What the mesh carries is said once, for both sides.
        let policy = model.policies.get(id).filter(|policy| policy.tier != Tier::Tunnel)?;
        let rules = policy.rules(direction)?.iter().enumerate();
        let rules = rules.map(|(position, rule)| RuleVerdict {
            name: rule_name(rule, direction, position),
            location: rule.location.clone(),
            action: rule.action,
            matches: reach.rule_matches(id, direction, position, other),
            connections: reach.rule_connections(id, direction, position, pods, other),
            limits: rule.limits.clone(),
        });
        Some(PolicyVerdict::new(policy, model, direction, rules.collect()))
    });
    let policies = policies.collect();
    let allowed = reach.allowed_by(pods, direction, other);
    Side { direction, subject, policies, allowed, governed: !host_network, host_network }
}

/// What to call a rule.
pub(crate) fn rule_name(rule: &Rule, direction: Direction, position: usize) -> String {
    if let Some(path) = &rule.path {
        return path.clone();
    }
    match &rule.name {
        Some(name) if !name.is_empty() => format!("{}[{position}] `{name}`", direction.name()),
        _ => format!("{}[{position}]", direction.name()),
    }
}

/// What must hold besides, for each side on which the port in question, or any, is open only by rules
/// with limits.
fn limits(explanation: &Explanation) -> Vec<Vec<Limit>> {
    if !explanation.is_allowed() {
        return Vec::new();
    }
    if !explanation.is_allowed_directly() {
        let open: Vec<&Way> = explanation.ways.iter().filter(|way| way.is_allowed()).collect();
        return match open.as_slice() {
            // Any way will do: what only some of them ask for need not hold.
            [way] => way.limits.clone(),
            several if several.iter().any(|way| way.limits.is_empty()) => Vec::new(),
            several => several.first().map(|way| way.limits.clone()).unwrap_or_default(),
        };
    }
    let asked = match &explanation.port {
        Some(_) => connections(explanation.port.as_ref()),
        None if explanation.ways.is_empty() => explanation.allowed.clone(),
        None => explanation.direct.clone(),
    };
    let carried = explanation.tunnel.map(|port| AskedPort::from((Protocol::Tcp, port)));
    let seen = if carried.is_some() { connections(carried.as_ref()) } else { asked.clone() };
    let stages = explanation.sides.iter().flat_map(|side| {
        let mesh = side.policies.partition_point(|policy| !policy.tier.is_mesh());
        let (network, mesh) = side.policies.split_at(mesh);
        [(network, &seen), (mesh, &asked)]
    });
    stages.flat_map(|(policies, asked)| of_policies(policies, asked)).collect()
}

/// What these policies say must hold besides.
fn of_policies(policies: &[PolicyVerdict], asked: &Connections) -> Vec<Vec<Limit>> {
    let found = [opened_only_by(policies, asked), refused(policies, asked)];
    found.into_iter().flatten().chain(approved(policies, asked)).collect()
}

/// Whom rules ask about the ports in question: each must approve.
fn approved(policies: &[PolicyVerdict], asked: &Connections) -> Vec<Vec<Limit>> {
    let rules = policies.iter().flat_map(|policy| &policy.rules);
    let rules = rules.filter(|rule| !rule.connections.intersection(asked).is_empty());
    let limits = rules.flat_map(|rule| &rule.limits);
    let mut found: Vec<Vec<Limit>> = limits
        .filter(|limit| matches!(limit, Limit::Approved { .. }))
        .map(|limit| vec![limit.clone()])
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The limits of the rules that open the ports in question, if only such with limits do.
fn opened_only_by(policies: &[PolicyVerdict], asked: &Connections) -> Option<Vec<Limit>> {
    let rules = policies.iter().flat_map(|policy| &policy.rules).filter(|rule| {
        rule.action == Action::Allow && !rule.connections.intersection(asked).is_empty()
    });
    let mut found = Vec::new();
    let mut opened = Connections::none();
    for rule in rules {
        if rule.limits.is_empty() {
            return None;
        }
        opened = opened.union(&rule.connections);
        found.extend(rule.limits.iter().cloned());
    }
    // A Server refuses by a rule what it does not allow.
    let isolated =
        policies.iter().any(|policy| policy.isolates || policy.kind == PolicyKind::Server);
    if !isolated || found.is_empty() || !asked.difference(&opened).is_empty() {
        return None;
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// The requests that rules refuse on the ports in question: none of them may be made.
fn refused(policies: &[PolicyVerdict], asked: &Connections) -> Option<Vec<Limit>> {
    let rules = policies.iter().flat_map(|policy| &policy.rules);
    let rules = rules.filter(|rule| !rule.connections.intersection(asked).is_empty());
    let limits = rules.flat_map(|rule| &rule.limits).filter_map(|limit| match limit {
        Limit::Except(requests) => Some(requests.as_str()),
        _ => None,
    });
    let mut found: Vec<&str> = limits.collect();
    found.sort_unstable();
    found.dedup();
    (!found.is_empty()).then(|| vec![Limit::Except(found.join(" and "))])
}
