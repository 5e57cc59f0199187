//! Why a connection is possible or not: each policy and rule that has a say, on both sides, and
//! what would change the answer.

use crate::find::one_of_each_class;
use crate::ip::IpSet;
use crate::model::{Action, Direction, Place, Rule, Tier};
use crate::ports::{Connections, PortSet, Protocol};
use crate::reach::{End, Reach};

/// What one rule says about the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleVerdict {
    /// `ingress[0]`, or the rule's own name.
    pub name: String,
    /// Where it is written.
    pub place: Option<Place>,
    /// What it does.
    pub action: Action,
    /// Whether it matches the other end.
    pub matches: bool,
    /// The ports it speaks of, for this other end; none if it does not match.
    pub connections: Connections,
}

/// What one policy says about the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVerdict {
    /// The policy: `NetworkPolicy shop/db`.
    pub policy: String,
    /// Where it is written.
    pub place: Option<Place>,
    /// Its tier.
    pub tier: Tier,
    /// How many requirements its selector makes: none means every pod.
    pub selectivity: usize,
    /// Its rules for the direction, in their order.
    pub rules: Vec<RuleVerdict>,
}

/// What one side says: the source about leaving, or the target about entering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Leaving is [`Direction::Egress`].
    pub direction: Direction,
    /// Whose policies they are; the outside has none.
    pub subject: String,
    /// The policies that select it, in the order in which they are asked.
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
    /// What was asked about; `None` means all ports.
    pub port: Option<(Protocol, u16)>,
    /// What is possible altogether.
    pub allowed: Connections,
    /// The source's side, then the target's.
    pub sides: Vec<Side>,
    /// What would change the answer.
    pub advice: Vec<String>,
}

impl Explanation {
    /// Whether what was asked about is possible; without a port, whether anything is.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        match self.port {
            Some((protocol, port)) => self.allowed.contains(protocol, port),
            None => !self.allowed.is_empty(),
        }
    }
}

/// Explains the connection between two ends.
#[must_use]
pub fn explain(
    reach: &Reach,
    source: End,
    target: End,
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
        source: end_name(reach, source),
        target: end_name(reach, target),
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
    sources: &[End],
    targets: &[End],
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

/// The name of an end.
pub(crate) fn end_name(reach: &Reach, end: End) -> String {
    let model = reach.model();
    match end {
        End::Pods(place) => match model.pods.get(place) {
            Some(pods) => {
                model.workloads.get(pods.workload).map_or_else(String::new, ToString::to_string)
            }
            None => String::new(),
        },
        End::External(atom) => {
            reach.externals().get(atom).map_or_else(String::new, IpSet::to_string)
        }
    }
}

fn side(reach: &Reach, own: End, other: End, direction: Direction) -> Side {
    let subject = end_name(reach, own);
    let End::Pods(pods) = own else {
        let allowed = Connections::all();
        return Side { direction, subject, policies: Vec::new(), allowed, governed: false };
    };
    let model = reach.model();
    let governed = model.pods.get(pods).is_some_and(|pods| !pods.host_network);
    let policies = reach.policies_of(pods, direction).into_iter().filter_map(|place| {
        let policy = model.policies.get(place)?;
        let rules = policy.rules(direction)?.iter().enumerate();
        let rules = rules.map(|(position, rule)| RuleVerdict {
            name: rule_name(rule, direction, position),
            place: rule.place.clone(),
            action: rule.action,
            matches: reach.rule_matches(place, direction, position, other),
            connections: reach.rule_connections(place, direction, position, pods, other),
        });
        Some(PolicyVerdict {
            policy: policy.to_string(),
            place: policy.place.clone(),
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
    asked: &Connections,
    source: End,
    target: End,
) -> Vec<String> {
    let missing = asked.difference(&explanation.allowed);
    let mut advice = Vec::new();
    if explanation.is_allowed() {
        advice.extend(how_to_forbid(explanation));
    }
    let wanted = explanation.port.is_some() || !explanation.is_allowed();
    if !missing.is_empty() && wanted {
        for (side, other) in explanation.sides.iter().zip([target, source]) {
            if !missing.difference(&side.allowed).is_empty() {
                advice.push(how_to_allow(reach, side, other, explanation.port));
            }
        }
    }
    advice
}

fn how_to_forbid(explanation: &Explanation) -> Option<String> {
    let open = explanation.sides.iter().rev().filter(|side| side.governed);
    let mut unguarded = open.filter(|side| side.policies.is_empty());
    if let Some(side) = unguarded.next() {
        return Some(format!(
            "to forbid it: no policy guards the {} of {}, so add one that selects it and allows \
             only what it needs",
            side.direction.name(),
            side.subject
        ));
    }
    let allowing = explanation.sides.iter().rev().find_map(|side| {
        side.policies.iter().find_map(|policy| {
            let rule = policy
                .rules
                .iter()
                .find(|rule| rule.action == Action::Allow && !rule.connections.is_empty())?;
            Some((policy, rule))
        })
    });
    allowing.map(|(policy, rule)| {
        format!(
            "to forbid it: remove or narrow {} of {}{}",
            rule.name,
            policy.policy,
            at(rule.place.as_ref())
        )
    })
}

fn how_to_allow(reach: &Reach, side: &Side, other: End, port: Option<(Protocol, u16)>) -> String {
    let denying = side.policies.iter().find_map(|policy| {
        let rule = policy.rules.iter().find(|rule| {
            rule.action == Action::Deny
                && match port {
                    Some((protocol, port)) => rule.connections.contains(protocol, port),
                    None => !rule.connections.is_empty(),
                }
        })?;
        Some((policy, rule))
    });
    if let Some((policy, rule)) = denying {
        return format!(
            "to allow it: {} of {}{} denies it before any later rule is asked; put an allowing \
             rule above it, or narrow it",
            rule.name,
            policy.policy,
            at(rule.place.as_ref())
        );
    }
    // Best in the policy that is about these pods, and not in one for the whole namespace.
    let network = side.policies.iter().filter(|policy| policy.tier == Tier::Network);
    let policy = network.max_by_key(|policy| (policy.selectivity, policy.rules.len()));
    let (policy, place) = match policy {
        Some(policy) => (policy.policy.as_str(), policy.place.as_ref()),
        None => ("a policy", None),
    };
    let preposition = if side.direction == Direction::Ingress { "from" } else { "to" };
    format!(
        "to allow it: add to the {} rules of {policy}{}: {preposition} {}{}",
        side.direction.name(),
        at(place),
        peer_as_yaml(reach, other),
        port.map_or_else(String::new, |(protocol, port)| {
            format!(", ports [{{protocol: {protocol}, port: {port}}}]")
        })
    )
}

fn at(place: Option<&Place>) -> String {
    place.map_or_else(String::new, |place| format!(" ({place})"))
}

/// The other end, as an item of `from` or `to`.
fn peer_as_yaml(reach: &Reach, end: End) -> String {
    let model = reach.model();
    match end {
        End::External(atom) => {
            let addresses = reach.externals().get(atom).map_or_else(String::new, IpSet::to_string);
            format!("an ipBlock within {addresses}")
        }
        End::Pods(place) => {
            let Some(pods) = model.pods.get(place) else { return String::new() };
            let labels: Vec<String> =
                pods.labels.iter().map(|(key, value)| format!("{key}: {value:?}")).collect();
            format!(
                "[{{namespaceSelector: {{matchLabels: {{{}: {}}}}}, podSelector: {{matchLabels: \
                 {{{}}}}}}}]",
                crate::model::NAMESPACE_NAME_LABEL,
                pods.namespace,
                labels.join(", ")
            )
        }
    }
}

/// The ends that stand for a workload.
#[must_use]
pub fn ends_of(reach: &Reach, workload: usize) -> Vec<End> {
    one_of_each_class(reach, workload)
}
