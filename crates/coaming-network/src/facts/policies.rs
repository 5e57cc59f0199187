//! Policies by their names: of several with one name only one can exist.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use coaming_kube::ObjectId;

use super::ingress::IngressFacts;
use super::{Name, ObjectFacts, Statement, Target};
use crate::model::{PeerKind, Policy, PolicyKind, PortMatch, Problem, ProblemKind, Rule, Service};

/// Kind, namespace and name.
pub(super) type PolicyName = (PolicyKind, String, String);

/// The policies of all objects.
#[derive(Debug, Default)]
pub(super) struct PolicyNames {
    /// The valid objects of each name, in their order.
    by_name: HashMap<PolicyName, BTreeSet<ObjectId>>,
    /// The ids of policies in the model.
    ids: HashMap<PolicyName, Vec<usize>>,
    /// In the order in which problems are reported.
    problems: BTreeMap<(PolicyKind, ObjectId), Vec<Problem>>,
    dirty: BTreeSet<PolicyName>,
    /// In which order names first appeared: the order of ids.
    dirty_order: Vec<PolicyName>,
    changed_problems: BTreeSet<(PolicyKind, ObjectId)>,
    /// Those with rules whose ports are the ones of a Service.
    by_service: BTreeSet<PolicyName>,
}

impl PolicyNames {
    pub(super) fn change(&mut self, name: PolicyName, id: ObjectId, valid: bool, add: bool) {
        self.changed_problems.insert((name.0, id));
        if add && valid {
            self.by_name.entry(name.clone()).or_default().insert(id);
        } else if let Some(ids) = self.by_name.get_mut(&name) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_name.remove(&name);
            }
        }
        if self.dirty.insert(name.clone()) {
            self.dirty_order.push(name);
        }
    }

    /// A Service changed: the policies that take their ports from one may change too.
    pub(super) fn services_changed(&mut self) {
        let meant = self.by_service.iter().filter(|name| !self.dirty.contains(*name));
        let meant: Vec<PolicyName> = meant.cloned().collect();
        self.dirty.extend(meant.iter().cloned());
        self.dirty_order.extend(meant);
    }

    /// Brings a model up to date; gives whether the problems changed.
    pub(super) fn settle(
        &mut self,
        sources: &BTreeMap<ObjectId, ObjectFacts>,
        ingress: &IngressFacts,
        target: &mut impl Target,
    ) -> bool {
        self.dirty.clear();
        if self.dirty_order.is_empty() {
            return false;
        }
        let before = self.problems.clone();
        for name in &self.dirty_order {
            let ids = self.by_name.get(name).into_iter().flatten();
            self.changed_problems.extend(ids.map(|&id| (name.0, id)));
        }
        for key in std::mem::take(&mut self.changed_problems) {
            match sources.get(&key.1).map(|facts| &facts.statement) {
                Some(Statement::Policy(_, facts)) if !facts.problems.is_empty() => {
                    self.problems.insert(key, facts.problems.clone());
                }
                _ => {
                    self.problems.remove(&key);
                }
            }
        }
        for name in std::mem::take(&mut self.dirty_order) {
            let ids = self.by_name.get(&name).into_iter().flatten().copied();
            let mut winner: Option<(&[Policy], &[Policy])> = None;
            for id in ids {
                let policies = policies(sources, id);
                match &mut winner {
                    None => winner = Some((policies, policies)),
                    // The same one twice, as from two overlays on one base, is no mistake.
                    Some((first, _)) if is_same(first, policies) => {}
                    Some((_, current)) => {
                        let own = self.problems.entry((name.0, id)).or_default();
                        own.extend(current.first().map(written_twice));
                        *current = policies;
                    }
                }
            }
            let policies = winner.map_or(&[][..], |(_, policies)| policies);
            let mut known = self.ids.remove(&name).unwrap_or_default();
            for gone in known.split_off(known.len().min(policies.len())) {
                target.remove_policy(gone);
            }
            self.by_service.remove(&name);
            if policies.iter().any(takes_ports) {
                self.by_service.insert(name.clone());
            }
            for (position, policy) in policies.iter().enumerate() {
                let policy = with_ports(policy, |name| ingress.service(sources, name));
                let id = known.get(position).copied();
                if id.and_then(|id| target.model().policies.get(id)) == Some(&*policy) {
                    continue;
                }
                let id = target.put_policy(id, policy.into_owned());
                if position == known.len() {
                    known.push(id);
                }
            }
            if !known.is_empty() {
                self.ids.insert(name, known);
            }
        }
        self.problems != before
    }

    /// What does not count, in the order in which it is reported.
    pub(super) fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.problems.values().flatten()
    }
}

/// The Service that a rule for egress takes its ports from, as Calico's rules do.
fn port_source(policy: &Policy, rule: &Rule) -> Option<Name> {
    let mut peers = rule.peers.iter().flatten().filter(|_| policy.kind.is_calico());
    peers.find_map(|peer| match &peer.kind {
        PeerKind::Services(service) => Some((service.namespace.clone()?, service.name.clone()?)),
        _ => None,
    })
}

fn takes_ports(policy: &Policy) -> bool {
    policy.egress.iter().flatten().any(|rule| port_source(policy, rule).is_some())
}

/// A policy with the ports of the Services that its rules take them from; without such a Service its
/// rules match no pod.
fn with_ports<'p, 's>(
    policy: &'p Policy,
    service: impl Fn(&Name) -> Option<&'s Service>,
) -> Cow<'p, Policy> {
    if !takes_ports(policy) {
        return Cow::Borrowed(policy);
    }
    let mut found = policy.clone();
    for rule in found.egress.iter_mut().flatten() {
        let Some(service) = port_source(policy, rule).and_then(|name| service(&name)) else {
            continue;
        };
        let ports = service.ports.iter().map(|port| PortMatch {
            protocol: Some(port.protocol),
            numbers: port.target.clone(),
            location: rule.location.clone(),
        });
        rule.ports = Some(ports.collect());
    }
    Cow::Owned(found)
}

fn policies(sources: &BTreeMap<ObjectId, ObjectFacts>, id: ObjectId) -> &[Policy] {
    match sources.get(&id).map(|facts| &facts.statement) {
        Some(Statement::Policy(_, facts)) => &facts.policies,
        _ => &[],
    }
}

fn written_twice(earlier: &Policy) -> Problem {
    let earlier = &Policy { part: None, ..earlier.clone() };
    Problem {
        kind: ProblemKind::Refused,
        object: earlier.to_string(),
        message: format!(
            "{earlier} is written twice, and only the later one counts: rename or remove one of \
             them"
        ),
        location: earlier.location.clone(),
    }
}

/// Whether two objects say the same, wherever they are written.
fn is_same(a: &[Policy], b: &[Policy]) -> bool {
    fn without_locations(policy: &Policy) -> Policy {
        fn strip(rules: &mut Option<Vec<Rule>>) {
            for rule in rules.iter_mut().flatten() {
                rule.location = None;
                let peers = rule.peers.iter_mut().flatten();
                peers.for_each(|peer| peer.location = None);
                let ports = rule.ports.iter_mut().flatten();
                ports.for_each(|port| port.location = None);
            }
        }
        let mut policy = policy.clone();
        policy.location = None;
        strip(&mut policy.ingress);
        strip(&mut policy.egress);
        policy
    }
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| without_locations(a) == without_locations(b))
}
