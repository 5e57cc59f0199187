//! Why a connection is possible or not: each policy and rule that applies, on both sides, and what
//! would change the answer.

use std::sync::Arc;

use crate::find::one_of_each_class;
use crate::ip::IpSet;
use crate::model::{Action, Direction, Rule, SourceRef, Tier};
use crate::ports::{Connections, PortSet, Protocol};
use crate::reach::{Endpoint, Reach};
use crate::selector::Labels;

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
}

/// How one policy applies to the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVerdict {
    /// The policy: `NetworkPolicy shop/db`.
    pub policy: String,
    /// Where it is written.
    pub location: Option<SourceRef>,
    /// Its tier.
    pub tier: Tier,
    /// How many requirements its selector makes: none means every pod.
    pub selectivity: usize,
    /// Its rules for the direction, in their order.
    pub rules: Vec<RuleVerdict>,
}

/// One side of the connection: the source, for leaving, or the target, for entering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Leaving is [`Direction::Egress`].
    pub direction: Direction,
    /// The endpoint that the policies select; the outside has none.
    pub subject: String,
    /// The policies that select it, in the order of evaluation.
    pub policies: Vec<PolicyVerdict>,
    /// What this side allows.
    pub allowed: Connections,
    /// Whether policies apply to it at all.
    pub governed: bool,
}

/// A whole explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The source's name.
    pub source: String,
    /// The target's name.
    pub target: String,
    /// The port in question; `None` means all ports.
    pub port: Option<(Protocol, u16)>,
    /// Everything that is allowed.
    pub allowed: Connections,
    /// The source's side, then the target's.
    pub sides: Vec<Side>,
    /// What would change the answer.
    pub advice: Vec<Advice>,
}

/// A change that would turn the answer around.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// To forbid the connection: add a policy, as none guards this side.
    AddPolicy {
        /// The direction to guard.
        direction: Direction,
        /// The workload to guard.
        subject: String,
    },
    /// To forbid the connection: remove or narrow this rule, which allows it.
    NarrowRule(AdvisedRule),
    /// To allow the connection: this rule denies it before any later rule counts.
    OverrideDenial(AdvisedRule),
    /// To allow the connection: add a rule.
    AddRule {
        /// The direction of the rule.
        direction: Direction,
        /// The policy to add it to, and where it is written; `None` if there is none to extend.
        policy: Option<(String, Option<SourceRef>)>,
        /// The peer to allow.
        peer: AdvisedPeer,
        /// The port to allow; `None` for all.
        port: Option<(Protocol, u16)>,
    },
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

/// A peer that a new rule would have to allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdvisedPeer {
    /// Outside addresses.
    Addresses(IpSet),
    /// Pods.
    Pods {
        /// Their namespace.
        namespace: String,
        /// Their labels.
        labels: Arc<Labels>,
    },
}

impl Explanation {
    /// Whether the port in question is allowed; without one, whether any is.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        match self.port {
            Some((protocol, port)) => self.allowed.contains(protocol, port),
            None => !self.allowed.is_empty(),
        }
    }
}

/// Explains the connection between two endpoints.
#[must_use]
pub fn explain(
    reach: &Reach,
    source: Endpoint,
    target: Endpoint,
    port: Option<(Protocol, u16)>,
) -> Explanation {
    let asked = match port {
        Some((protocol, port)) => Connections::of(protocol, PortSet::range(port, port)),
        None => Connections::all(),
    };
    let sides = vec![
        side(reach, source, target, Direction::Egress),
        side(reach, target, source, Direction::Ingress),
    ];
    let mut explanation = Explanation {
        source: endpoint_name(reach, source),
        target: endpoint_name(reach, target),
        port,
        allowed: reach.allowed(source, target),
        sides,
        advice: Vec::new(),
    };
    explanation.advice = advice(reach, &explanation, &asked, source, target);
    explanation
}

/// Explains the connection between two workloads of which each may have pods of several kinds:
/// the pair that can connect most.
#[must_use]
pub fn explain_any(
    reach: &Reach,
    sources: &[Endpoint],
    targets: &[Endpoint],
    port: Option<(Protocol, u16)>,
) -> Option<Explanation> {
    let pairs =
        sources.iter().flat_map(|source| targets.iter().map(move |target| (*source, *target)));
    let mut explanations = pairs.map(|(source, target)| explain(reach, source, target, port));
    let first = explanations.next()?;
    Some(explanations.fold(first, |best, next| {
        let better = next.is_allowed() && !best.is_allowed();
        if better { next } else { best }
    }))
}

/// The name of an endpoint.
pub(crate) fn endpoint_name(reach: &Reach, end: Endpoint) -> String {
    let model = reach.model();
    match end {
        Endpoint::Pods(id) => match model.pods.get(id) {
            Some(pods) => {
                model.workloads.get(pods.workload).map_or_else(String::new, ToString::to_string)
            }
            None => String::new(),
        },
        Endpoint::External(atom) => {
            reach.externals().get(atom).map_or_else(String::new, IpSet::to_string)
        }
    }
}

fn side(reach: &Reach, own: Endpoint, other: Endpoint, direction: Direction) -> Side {
    let subject = endpoint_name(reach, own);
    let Endpoint::Pods(pods) = own else {
        let allowed = Connections::all();
        return Side { direction, subject, policies: Vec::new(), allowed, governed: false };
    };
    let model = reach.model();
    let governed = model.pods.get(pods).is_some_and(|pods| !pods.host_network);
    let policies = reach.policies_of(pods, direction).iter().filter_map(|&id| {
        let policy = model.policies.get(id)?;
        let rules = policy.rules(direction)?.iter().enumerate();
        let rules = rules.map(|(position, rule)| RuleVerdict {
            name: rule_name(rule, direction, position),
            location: rule.location.clone(),
            action: rule.action,
            matches: reach.rule_matches(id, direction, position, other),
            connections: reach.rule_connections(id, direction, position, pods, other),
        });
        Some(PolicyVerdict {
            policy: policy.to_string(),
            location: policy.location.clone(),
            tier: policy.tier,
            selectivity: policy.subject.pods.requirements().len(),
            rules: rules.collect(),
        })
    });
    let policies = policies.collect();
    let allowed = reach.allowed_by(pods, direction, other);
    Side { direction, subject, policies, allowed, governed }
}

/// What to call a rule.
pub(crate) fn rule_name(rule: &Rule, direction: Direction, position: usize) -> String {
    match &rule.name {
        Some(name) if !name.is_empty() => format!("{}[{position}] `{name}`", direction.name()),
        _ => format!("{}[{position}]", direction.name()),
    }
}

fn advice(
    reach: &Reach,
    explanation: &Explanation,
    wanted: &Connections,
    source: Endpoint,
    target: Endpoint,
) -> Vec<Advice> {
    let missing = wanted.difference(&explanation.allowed);
    let mut advice = Vec::new();
    if explanation.is_allowed() {
        advice.extend(how_to_forbid(explanation));
    }
    let may_allow = explanation.port.is_some() || !explanation.is_allowed();
    if !missing.is_empty() && may_allow {
        for (side, other) in explanation.sides.iter().zip([target, source]) {
            if !missing.difference(&side.allowed).is_empty() {
                advice.push(how_to_allow(reach, side, other, explanation.port));
            }
        }
    }
    advice
}

fn how_to_forbid(explanation: &Explanation) -> Option<Advice> {
    let open = explanation.sides.iter().rev().filter(|side| side.governed);
    let mut unguarded = open.filter(|side| side.policies.is_empty());
    if let Some(side) = unguarded.next() {
        let subject = side.subject.clone();
        return Some(Advice::AddPolicy { direction: side.direction, subject });
    }
    explanation.sides.iter().rev().find_map(|side| {
        rule_where(side, |rule| rule.action == Action::Allow && !rule.connections.is_empty())
            .map(Advice::NarrowRule)
    })
}

/// The first rule of a side for which something holds.
fn rule_where(side: &Side, holds: impl Fn(&RuleVerdict) -> bool) -> Option<AdvisedRule> {
    side.policies.iter().find_map(|policy| {
        let rule = policy.rules.iter().find(|rule| holds(rule))?;
        Some(AdvisedRule {
            rule: rule.name.clone(),
            policy: policy.policy.clone(),
            location: rule.location.clone(),
        })
    })
}

fn how_to_allow(
    reach: &Reach,
    side: &Side,
    other: Endpoint,
    port: Option<(Protocol, u16)>,
) -> Advice {
    let denying = rule_where(side, |rule| {
        rule.action == Action::Deny
            && match port {
                Some((protocol, port)) => rule.connections.contains(protocol, port),
                None => !rule.connections.is_empty(),
            }
    });
    if let Some(rule) = denying {
        return Advice::OverrideDenial(rule);
    }
    // Best in the policy that is about these pods, and not in one for the whole namespace.
    let network = side.policies.iter().filter(|policy| policy.tier == Tier::Network);
    let policy = network.max_by_key(|policy| (policy.selectivity, policy.rules.len()));
    let policy = policy.map(|policy| (policy.policy.clone(), policy.location.clone()));
    let peer = advised_peer(reach, other);
    Advice::AddRule { direction: side.direction, policy, peer, port }
}

fn advised_peer(reach: &Reach, endpoint: Endpoint) -> AdvisedPeer {
    match endpoint {
        Endpoint::External(atom) => {
            AdvisedPeer::Addresses(reach.externals().get(atom).cloned().unwrap_or_default())
        }
        Endpoint::Pods(id) => {
            let pods = reach.model().pods.get(id);
            AdvisedPeer::Pods {
                namespace: pods.map_or_else(String::new, |pods| pods.namespace.to_string()),
                labels: pods.map(|pods| Arc::clone(&pods.labels)).unwrap_or_default(),
            }
        }
    }
}

/// The endpoints that represent a workload: one group of pods of each class.
#[must_use]
pub fn endpoints_of(reach: &Reach, workload: usize) -> Vec<Endpoint> {
    one_of_each_class(reach, workload)
}
