//! Rules that change nothing.
//!
//! A rule is idle if the pods that its policy selects may connect to the same without it, on the same
//! ports. That is proven by evaluating them again without the rule, against every class of pods and
//! every piece of the address space that policies tell apart. Rules that were found idle stay out, so
//! that all of them together can be removed; of two that say the same, the later one is idle.
//!
//! A rule with limits, such as the requests that it allows, opens less than one without: it is idle if
//! rules without limits open the same, and never makes another idle.
//!
//! What a rule may mean for pods that are not in the input does not count: a rule that matches nothing
//! here is not judged.

use std::collections::HashSet;
use std::ptr;
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use crate::advice::AdvisedRule;
use crate::compile::{CompiledPolicy, CompiledRule};
use crate::evaluate::profile;
use crate::explain::rule_name;
use crate::model::{Action, Direction, Model, Policy, PolicyKind, SourceRef};
use crate::reach::Reach;

/// How many rules are named as the reason.
const MOST_REASONS: usize = 4;

/// A rule without which everything is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleRule {
    /// Its policy, by its id in the model.
    pub policy_id: usize,
    /// Its direction.
    pub direction: Direction,
    /// Its position among the rules of the direction.
    pub position: usize,
    /// Its policy: `NetworkPolicy shop/db`.
    pub policy: String,
    /// `ingress[0]`, or the rule's own name.
    pub rule: String,
    /// Where it is written.
    pub location: Option<SourceRef>,
    /// Rules about the same connections, of which some decide instead; the first few.
    pub because: Vec<AdvisedRule>,
}

/// The rules that change nothing, in the order of their policies.
#[must_use]
pub fn idle_rules(reach: &Reach) -> Vec<IdleRule> {
    let model = reach.model();
    // What the network plugin does not know decides nothing: one note says so for all of them.
    let enforced = model
        .policies
        .iter()
        .filter(|(_, policy)| model.plugin.enforces(policy.kind) && is_judged(model, policy));
    let mut order: Vec<(usize, &Policy)> = enforced.collect();
    order.sort_by_key(|(_, policy)| model.turn(policy));
    let mut left = reach.policies.clone();
    let limited = take_out_limited(&mut left, model);
    let mut found = Vec::new();
    for &(id, policy) in order.iter().rev() {
        for direction in Direction::BOTH {
            let rules = policy.rules(direction).unwrap_or_default();
            for (position, rule) in rules.iter().enumerate().rev() {
                // What refuses only some requests of a connection is not seen in its answer.
                if policy.kind.is_mesh() && rule.action == Action::Pass {
                    continue;
                }
                let place = Place { id, direction, position };
                let Some(because) = idle(reach, &mut left, place, limited) else {
                    continue;
                };
                found.push(IdleRule {
                    policy_id: id,
                    direction,
                    position,
                    policy: policy.to_string(),
                    rule: rule_name(rule, direction, position),
                    location: rule.location.clone(),
                    because,
                });
            }
        }
    }
    found.sort_by(|a, b| {
        (&a.policy, a.direction, a.position).cmp(&(&b.policy, b.direction, b.position))
    });
    found
}

/// Whether the rules of a policy are judged: those of network policies, and of AuthorizationPolicies
/// that mean the same for every proxy.
fn is_judged(model: &Model, policy: &Policy) -> bool {
    let is_other_part = |other: &Policy| {
        (other.kind, &other.namespace, &other.name)
            == (policy.kind, &policy.namespace, &policy.name)
            && other.part != policy.part
    };
    policy.kind.is_network_policy()
        || policy.kind == PolicyKind::AuthorizationPolicy
            && !model.policies.iter().any(|(_, other)| is_other_part(other))
}

/// Where a rule is.
#[derive(Clone, Copy)]
struct Place {
    id: usize,
    direction: Direction,
    position: usize,
}

impl Place {
    fn rule(self, policies: &[Option<CompiledPolicy>]) -> Option<&CompiledRule> {
        let policy = policies.get(self.id)?.as_ref()?;
        policy.rules(self.direction)?.get(self.position)
    }

    /// Lets the rule match these peers; the positions of the other rules stay.
    fn put(self, policies: &mut [Option<CompiledPolicy>], peers: Arc<FixedBitSet>) {
        let policy = policies.get_mut(self.id).and_then(Option::as_mut);
        let rules = policy.and_then(|policy| policy.rules_mut(self.direction));
        if let Some(rule) = rules.and_then(|rules| rules.get_mut(self.position)) {
            rule.peers = peers;
        }
    }

    /// Takes the rule out.
    fn take_out(self, policies: &mut [Option<CompiledPolicy>]) {
        let Some(rule) = self.rule(policies) else { return };
        let nobody = Arc::new(FixedBitSet::with_capacity(rule.peers.len()));
        self.put(policies, nobody);
    }
}

/// Takes the rules with limits out; gives whether there are any.
fn take_out_limited(left: &mut [Option<CompiledPolicy>], model: &Model) -> bool {
    let mut any = false;
    for (id, policy) in &model.policies {
        for direction in Direction::BOTH {
            let rules = policy.rules(direction).unwrap_or_default().iter().enumerate();
            for (position, _) in rules.filter(|(_, rule)| !rule.limits.is_empty()) {
                Place { id, direction, position }.take_out(left);
                any = true;
            }
        }
    }
    any
}

/// Takes a rule out if that changes nothing; gives the rules about the same connections. Where rules are
/// `limited`, those are out already.
fn idle(
    reach: &Reach,
    left: &mut [Option<CompiledPolicy>],
    place: Place,
    limited: bool,
) -> Option<Vec<AdvisedRule>> {
    let Place { id, direction, .. } = place;
    let subject = Arc::clone(&left.get(id)?.as_ref()?.subject);
    let rule = place.rule(&reach.policies)?.clone();
    if rule.peers.is_clear() || rule.fixed.is_empty() && rule.named.is_empty() {
        return None;
    }
    // Classes share a profile if their policies and ports are the same: one of them is evaluated.
    let mut seen = HashSet::new();
    let mut classes: Vec<usize> = subject.ones().collect();
    classes.retain(|&class| reach.representative(class).is_some());
    let first = *classes.first()?;
    classes.retain(|&class| seen.insert(reach.profile(class, direction).map(ptr::from_ref)));
    let evaluated = |left: &[Option<CompiledPolicy>], class: usize| {
        let own = reach.representative(class)?;
        let policies = reach.governing(class, direction);
        Some(profile(&reach.model, &reach.space, left, policies, direction, own))
    };
    let was_out = place.rule(left).is_some_and(|rule| rule.peers.is_clear());
    place.put(left, Arc::clone(&rule.peers));
    let mut before = Vec::new();
    if limited {
        before.extend(classes.iter().map(|&class| evaluated(left, class)));
    }
    place.take_out(left);
    let unchanged = classes.iter().enumerate().all(|(position, &class)| {
        let now = evaluated(left, class);
        match before.get(position) {
            Some(before) => *before == now,
            None => reach.profile(class, direction) == now.as_ref(),
        }
    });
    if unchanged {
        return Some(about_the_same(reach, left, first, direction, &rule));
    }
    if !was_out {
        place.put(left, rule.peers);
    }
    None
}

/// The rules for a class that are about connections of a rule, which is out already.
fn about_the_same(
    reach: &Reach,
    left: &[Option<CompiledPolicy>],
    class: usize,
    direction: Direction,
    rule: &CompiledRule,
) -> Vec<AdvisedRule> {
    let Some(own) = reach.representative(class) else { return Vec::new() };
    let wanted = rule.expand(&reach.space, direction, own);
    let mut found = Vec::new();
    for &id in reach.governing(class, direction) {
        let Some(policy) = reach.model.policies.get(id) else { continue };
        let written = policy.rules(direction).unwrap_or_default();
        let compiled = left.get(id).and_then(Option::as_ref).and_then(|it| it.rules(direction));
        for (position, other) in compiled.unwrap_or_default().iter().enumerate() {
            let overlaps =
                other.expand(&reach.space, direction, own).iter().any(|(peers, ports)| {
                    wanted.iter().any(|(own_peers, own_ports)| {
                        !peers.is_disjoint(own_peers) && !ports.intersection(own_ports).is_empty()
                    })
                });
            if let Some(written) = written.get(position).filter(|_| overlaps) {
                found.push(AdvisedRule {
                    rule: rule_name(written, direction, position),
                    policy: policy.to_string(),
                    location: written.location.clone(),
                });
            }
        }
    }
    found.truncate(MOST_REASONS);
    found
}
