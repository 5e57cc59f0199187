//! What would change an answer: the policies to add, and the rules to narrow.
//!
//! Followed literally, the advice to allow a connection opens exactly what was asked for: every new
//! policy selects one workload, allows one peer, and adds to policies that already isolate that
//! workload, so that it closes nothing either.

use crate::explain::{Explanation, PolicyVerdict, RuleVerdict, Side, Way};
use crate::find::AskedPort;
use crate::identity::Identities;
use crate::ip::IpSet;
use crate::list::Peer;
use crate::model::{Action, Direction, PolicyKind, SourceRef, Tier, Workload};
use crate::ports::{Connections, Protocol};
use crate::reach::{Endpoint, Reach};
use crate::selector::Labels;

/// A change that would turn the answer around.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// To forbid the connection: add a policy, as none guards this side.
    Guard {
        /// The direction to guard.
        direction: Direction,
        /// The workload to guard.
        subject: Workload,
    },
    /// To forbid the connection: remove or narrow these rules, which allow it.
    Narrow(Vec<AdvisedRule>),
    /// To allow the connection: this rule denies it before any later rule counts.
    OverrideDenial(AdvisedRule),
    /// To allow the connection: narrow this rule, as no other can allow what it denies.
    NarrowDenial(AdvisedRule),
    /// To allow the connection: add a rule to this policy, or to another of its tier, which comes before
    /// that of NetworkPolicies or after it, and refuses what its rules do not decide.
    AddToTier {
        /// The tier.
        tier: String,
        /// A policy in it that selects the pods.
        policy: String,
    },
    /// To allow the connection: put both on one network, as this rule refuses what crosses its border.
    JoinNetworks(AdvisedRule),
    /// To allow the connection: bring the source into the service mesh, or let this policy take
    /// connections that are not encrypted.
    JoinMesh(AdvisedRule),
    /// To allow the connection: authorize its source on this Server of Linkerd, or by another default
    /// policy for its pods' ports.
    AuthorizeClient(AdvisedRule, PolicyKind),
    /// To allow the connection: add a rule to this policy of the service mesh, or another such policy.
    Authorize(String),
    /// To allow the connection: add this policy.
    Add(NewPolicy),
    /// To allow the connection: give the pods of this workload a label of their own first, as no
    /// policy can select them alone.
    AddLabel(Workload),
}

/// A rule that advice is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvisedRule {
    /// `ingress[0]`, or the rule's own name.
    pub rule: String,
    /// Its policy: `NetworkPolicy shop/db`.
    pub policy: String,
    /// Where it is written.
    pub location: Option<SourceRef>,
}

/// A NetworkPolicy that would allow the connection on one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPolicy {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The direction that it is about.
    pub direction: Direction,
    /// The labels of the pods that it selects.
    pub subject: Labels,
    /// The peer that it allows.
    pub peer: AdvisedPeer,
    /// The port that it allows; `None` for all.
    pub port: Option<(Protocol, u16)>,
}

/// A peer that a new rule would have to allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdvisedPeer {
    /// Addresses.
    Addresses(IpSet),
    /// The addresses of the nodes, which the input does not show.
    Nodes,
    /// Pods.
    Pods {
        /// Their namespace.
        namespace: String,
        /// Their labels.
        labels: Labels,
    },
    /// The ingress controller, wherever it runs.
    Controller,
}

/// What decides about a port on one side.
enum Decision {
    /// No policy.
    Open,
    /// These rules allow it.
    Allowed(Vec<AdvisedRule>),
    /// This rule denies it; a rule before it may allow it.
    Denied(AdvisedRule),
    /// This rule denies it, whatever others say.
    Refused(AdvisedRule),
    /// Policies isolate the pods, and none of their rules allows it.
    NotAllowed,
    /// As `NotAllowed`, in another tier than that of NetworkPolicies: its name, and a policy in it.
    Ended(String, String),
    /// No policy of the service mesh allows it: one of them.
    NotAuthorized(String),
    /// This rule refuses peers without a proxy of the mesh.
    Plain(AdvisedRule),
    /// This rule of Linkerd refuses clients that are not authorized.
    Unauthorized(AdvisedRule, PolicyKind),
    /// This rule refuses what crosses the border of a network.
    Border(AdvisedRule),
}

/// Works out the advice for an explanation; `ends` are the endpoints of its sides' subjects.
pub(crate) fn advice(
    reach: &Reach,
    explanation: &Explanation,
    ends: [Option<Endpoint>; 2],
) -> Vec<Advice> {
    let [source, target] = ends;
    let mut found = Vec::new();
    if explanation.is_allowed() {
        found.extend(how_to_forbid(explanation));
        return found;
    }
    if let Some(way) = explanation.ways.first() {
        return how_to_open(way);
    }
    let identities = Identities::new(reach.model());
    for side in &explanation.sides {
        let (own, other) = match side.direction {
            Direction::Egress => (source, target),
            Direction::Ingress => (target, source),
        };
        let asked = explanation.port.as_ref();
        let open = match asked {
            Some(port) => side.allowed.contains(port.protocol, port.number),
            None => side.allowed.is_all(),
        };
        if open || !side.governed {
            continue;
        }
        found.extend(how_to_allow(reach, &identities, explanation, side, own, other));
    }
    found
}

/// How to allow the connection through a waypoint, which is how it is meant to be.
fn how_to_open(way: &Way) -> Vec<Advice> {
    let port = way.onward.port.as_ref().map(|port| (port.protocol, port.number));
    let hops = [&way.first, &way.onward];
    let hops = hops.into_iter().filter(|hop| !hop.is_allowed());
    let authorization = match decision_of(&way.authorization.policies, port) {
        Decision::Refused(rule) => Some(Advice::NarrowDenial(rule)),
        Decision::NotAuthorized(policy) => Some(Advice::Authorize(policy)),
        _ => None,
    };
    hops.flat_map(|hop| hop.advice.iter().cloned()).chain(authorization).collect()
}

fn how_to_forbid(explanation: &Explanation) -> Option<Advice> {
    let port = match &explanation.port {
        Some(port) => (port.protocol, port.number),
        None => {
            let (protocol, ports) = explanation.allowed.iter().next()?;
            (protocol, ports.ranges().first()?.0)
        }
    };
    if !explanation.is_allowed_directly() {
        // It passes a waypoint: what allows it there.
        let open = explanation.ways.iter().find(|way| way.is_allowed())?;
        return match decision_of(&open.authorization.policies, Some(port)) {
            Decision::Allowed(rules) => Some(Advice::Narrow(rules)),
            _ => how_to_forbid(&open.onward),
        };
    }
    // The target's side first: to forbid there is to forbid it for this source alone.
    let sides = || explanation.sides.iter().rev().filter(|side| side.governed);
    let rules = sides().find_map(|side| {
        let mut allowing =
            decisions(explanation, side, Some(port)).into_iter().filter_map(|decision| {
                match decision {
                    Decision::Allowed(rules) => Some(rules),
                    _ => None,
                }
            });
        allowing.next()
    });
    if let Some(rules) = rules {
        return Some(Advice::Narrow(rules));
    }
    let side = sides().next()?;
    match &side.subject {
        Peer::Workload(subject) => {
            let subject = (**subject).clone();
            Some(Advice::Guard { direction: side.direction, subject })
        }
        Peer::Ip(_) | Peer::Ingress => None,
    }
}

fn concerns(rule: &RuleVerdict, port: Option<(Protocol, u16)>) -> bool {
    match port {
        Some((protocol, number)) => rule.connections.contains(protocol, number),
        None => !rule.connections.is_empty(),
    }
}

/// What decides about a port on one side; without a port, about any. What the network policies allow,
/// a service mesh may still refuse.
fn decisions(
    explanation: &Explanation,
    side: &Side,
    port: Option<(Protocol, u16)>,
) -> [Decision; 2] {
    stages(explanation, side, port).map(|(policies, port)| decision_of(policies, port))
}

/// Policies, and the port that they see.
type Stage<'e> = (&'e [PolicyVerdict], Option<(Protocol, u16)>);

/// The network policies of a side, and what of a service mesh follows them, each with the port that
/// they see.
fn stages<'e>(
    explanation: &Explanation,
    side: &'e Side,
    port: Option<(Protocol, u16)>,
) -> [Stage<'e>; 2] {
    let mesh = side.policies.partition_point(|policy| !policy.tier.is_mesh());
    let (network, mesh) = side.policies.split_at(mesh);
    let seen = explanation.tunnel.map(|tunnel| (Protocol::Tcp, tunnel)).or(port);
    [(network, seen), (mesh, port)]
}

/// What decides, and what would decide next once each rule is gone that no other rule can overrule.
fn one_after_another(policies: &[PolicyVerdict], port: Option<(Protocol, u16)>) -> Vec<Decision> {
    let mut policies = policies.to_vec();
    let mut found = Vec::new();
    loop {
        let decision = decision_of(&policies, port);
        let gone = match &decision {
            Decision::Refused(rule) | Decision::Plain(rule) => rule.clone(),
            // Once these are gone, nothing is left to do.
            Decision::Open | Decision::Allowed(_) if !found.is_empty() => return found,
            _ => {
                found.push(decision);
                return found;
            }
        };
        found.push(decision);
        for policy in policies.iter_mut().filter(|policy| policy.policy == gone.policy) {
            policy.rules.retain(|rule| rule.name != gone.rule);
        }
    }
}

fn decision_of(policies: &[PolicyVerdict], port: Option<(Protocol, u16)>) -> Decision {
    // The rules that allow it, one after the other: each would decide without those before it.
    let mut allowing: Vec<AdvisedRule> = Vec::new();
    for tier in policies.chunk_by(|a, b| a.tier == b.tier) {
        let Some(first) = tier.first() else { continue };
        let rules = || {
            let rules =
                tier.iter().flat_map(|policy| policy.rules.iter().map(move |rule| (policy, rule)));
            rules.filter(|(_, rule)| concerns(rule, port))
        };
        let refuses =
            |(policy, rule): &(&PolicyVerdict, &RuleVerdict)| policy.kind.comes_first(rule.action);
        if let Some((policy, rule)) = rules().find(refuses).filter(|_| allowing.is_empty()) {
            return Decision::Refused(advised(policy, rule));
        }
        let in_order = first.tier.is_in_order(tier.iter().map(|policy| policy.kind));
        let ends = tier.iter().any(|policy| policy.ends);
        if !in_order && !ends {
            continue;
        }
        let mut passed = false;
        for (policy, rule) in rules() {
            match rule.action {
                Action::Allow => allowing.push(advised(policy, rule)),
                Action::Deny if allowing.is_empty() => {
                    let rule = advised(policy, rule);
                    return match policy.tier {
                        Tier::Networks => Decision::Border(rule),
                        Tier::MeshPeers => Decision::Plain(rule),
                        Tier::Servers => Decision::Unauthorized(rule, policy.kind),
                        _ => Decision::Denied(rule),
                    };
                }
                Action::Deny => return Decision::Allowed(allowing),
                Action::Pass if !in_order => {}
                Action::Pass => {
                    passed = true;
                    break;
                }
            }
        }
        if passed || !ends {
            continue;
        }
        return match &first.tier {
            _ if !allowing.is_empty() => Decision::Allowed(allowing),
            Tier::Named(name) => Decision::Ended(name.to_string(), first.policy.clone()),
            Tier::Mesh => {
                let mut ending = tier.iter().filter(|policy| policy.ends);
                Decision::NotAuthorized(ending.next().unwrap_or(first).policy.clone())
            }
            _ => Decision::NotAllowed,
        };
    }
    if allowing.is_empty() { Decision::Open } else { Decision::Allowed(allowing) }
}

fn advised(policy: &PolicyVerdict, rule: &RuleVerdict) -> AdvisedRule {
    AdvisedRule {
        rule: rule.name.clone(),
        policy: policy.policy.clone(),
        location: rule.location.clone(),
    }
}

fn how_to_allow(
    reach: &Reach,
    identities: &Identities<'_>,
    explanation: &Explanation,
    side: &Side,
    own: Option<Endpoint>,
    other: Option<Endpoint>,
) -> Vec<Advice> {
    let port = explanation.port.as_ref().map(|port| (port.protocol, port.number));
    let decided = decisions(explanation, side, port);
    // What only some of the ports are refused by is not found by asking about any.
    let unclear = decided.iter().all(|it| matches!(it, Decision::Open | Decision::Allowed(_)));
    let stages = stages(explanation, side, port).into_iter().enumerate();
    let decided = stages.flat_map(|(stage, (policies, port))| {
        let decided = one_after_another(policies, port).into_iter();
        decided.map(move |decision| (stage, decision))
    });
    let found = decided.filter_map(|(stage, decision)| match decision {
        Decision::Denied(rule) => Some(Advice::OverrideDenial(rule)),
        Decision::Refused(rule) => Some(Advice::NarrowDenial(rule)),
        Decision::Ended(tier, policy) => Some(Advice::AddToTier { tier, policy }),
        Decision::NotAuthorized(policy) => Some(Advice::Authorize(policy)),
        Decision::Plain(rule) => Some(Advice::JoinMesh(rule)),
        Decision::Unauthorized(rule, kind) => Some(Advice::AuthorizeClient(rule, kind)),
        Decision::Border(rule) => Some(Advice::JoinNetworks(rule)),
        Decision::Open | Decision::Allowed(_) if stage > 0 || !unclear => None,
        Decision::Open | Decision::Allowed(_) | Decision::NotAllowed => {
            new_policy(reach, identities, explanation, side, own, other)
        }
    });
    found.collect()
}

/// The policy that would allow it on one side.
fn new_policy(
    reach: &Reach,
    identities: &Identities<'_>,
    explanation: &Explanation,
    side: &Side,
    own: Option<Endpoint>,
    other: Option<Endpoint>,
) -> Option<Advice> {
    let model = reach.model();
    let port = explanation.port_of_network();
    let Some(Endpoint::Pods(own)) = own else { return None };
    let id = model.pods.get(own)?.workload;
    let workload = model.workloads.get(id)?;
    let Some(subject) = identities.of(id) else {
        return Some(Advice::AddLabel(workload.clone()));
    };
    let asked = match side.direction {
        Direction::Egress => &explanation.target,
        Direction::Ingress => &explanation.source,
    };
    let peer = match peer(reach, identities, asked, other)? {
        Ok(peer) => peer,
        Err(workload) => return Some(Advice::AddLabel(workload)),
    };
    Some(Advice::Add(NewPolicy {
        namespace: workload.namespace.clone(),
        name: free_name(reach, workload, side.direction, asked),
        direction: side.direction,
        subject,
        peer,
        port,
    }))
}

/// A name that says what the policy is for, and that no policy has.
fn free_name(reach: &Reach, workload: &Workload, direction: Direction, peer: &Peer) -> String {
    let wanted = name(workload, direction, peer);
    let policies = &reach.model().policies;
    let is_taken = |name: &str| {
        policies.iter().any(|(_, it)| it.name == name && it.namespace == workload.namespace)
    };
    if !is_taken(&wanted) {
        return wanted;
    }
    let numbered = (2..).map(|number| format!("{wanted}-{number}"));
    numbered.into_iter().find(|name| !is_taken(name)).unwrap_or(wanted)
}

/// A name that says what the policy is for.
fn name(workload: &Workload, direction: Direction, peer: &Peer) -> String {
    let peer = match peer {
        Peer::Workload(peer) => peer.name.as_str(),
        Peer::Ip(_) => "address",
        Peer::Ingress => "ingress-controller",
    };
    match direction {
        Direction::Ingress => format!("{}-from-{peer}", workload.name),
        Direction::Egress => format!("{}-to-{peer}", workload.name),
    }
}

/// The peer of a new rule, or the workload that labels do not distinguish.
fn peer(
    reach: &Reach,
    identities: &Identities<'_>,
    asked: &Peer,
    endpoint: Option<Endpoint>,
) -> Option<Result<AdvisedPeer, Workload>> {
    match (asked, endpoint) {
        (Peer::Ingress, Some(Endpoint::Pods(_)) | None) => Some(Ok(AdvisedPeer::Controller)),
        (Peer::Ip(addresses), _) => Some(Ok(AdvisedPeer::Addresses(addresses.clone()))),
        (_, Some(Endpoint::External(atom))) => {
            let addresses = reach.externals().get(atom)?.clone();
            Some(Ok(AdvisedPeer::Addresses(addresses)))
        }
        (_, Some(Endpoint::Pods(id))) => {
            let pods = reach.model().pods.get(id)?;
            if pods.host_network {
                return Some(Ok(match pods.addresses.is_empty() {
                    true => AdvisedPeer::Nodes,
                    false => AdvisedPeer::Addresses(pods.addresses.clone()),
                }));
            }
            let namespace = pods.namespace.to_string();
            Some(match identities.of(pods.workload) {
                Some(labels) => Ok(AdvisedPeer::Pods { namespace, labels }),
                None => Err(reach.model().workloads.get(pods.workload)?.clone()),
            })
        }
        (_, None) => None,
    }
}

/// The connections that a port means; all without one.
pub(crate) fn connections(port: Option<&AskedPort>) -> Connections {
    port.map_or_else(Connections::all, |port| {
        let ports = crate::ports::PortSet::range(port.number, port.number);
        Connections::of(port.protocol, ports)
    })
}
